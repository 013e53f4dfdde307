"""Settings that belong to one mode: drawn examples, or running until nothing moves."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.errors import Problem
from ecosystem.scenario.checks.facts import Facts, mapping

_SAMPLED_ONLY = ("examples", "smoothing", "pool")


def check_mode(facts: Facts) -> Iterator[Problem]:
    """Check that what only one mode has is written in that mode, and what it needs is there."""
    mode = facts.data.get("mode", "exact")
    if mode == "exact":
        for key in _SAMPLED_ONLY:
            if facts.learning.get(key):  # a smoothing of 0 is none
                message = "applies to drawn examples; leave it out, set it to null, or write mode: sampled"
                yield Problem(("learning", key), message)
    if mode == "sampled":
        if facts.learning.get("examples") is None:
            message = "is missing; mode: sampled needs to know how many examples a model reads in a round"
            yield Problem(("learning", "examples"), message)
        if mapping(facts.data.get("rounds")).get("until") == "stable":
            message = "a sampled run never stands still; give a number of rounds, or write mode: exact"
            yield Problem(("rounds", "until"), message)
