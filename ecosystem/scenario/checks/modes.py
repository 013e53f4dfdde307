"""Settings that belong to one mode: drawn examples, or running until nothing moves."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.errors import Problem
from ecosystem.scenario.checks.facts import Facts, mapping


def check_mode(facts: Facts) -> Iterator[Problem]:
    """Check that a sampled scenario says how many examples, and does not wait for rest.

    What only sampled mode uses may stand in an exact scenario, so that `mode` itself can be swept.
    """
    if facts.data.get("mode", "exact") == "sampled":
        if facts.learning.get("examples") is None:
            message = "is missing; mode: sampled needs to know how many examples a model reads in a round"
            yield Problem(("learning", "examples"), message)
        if mapping(facts.data.get("rounds")).get("until") == "stable":
            message = "a sampled run never stands still; give a number of rounds, or write mode: exact"
            yield Problem(("rounds", "until"), message)
