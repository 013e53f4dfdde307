"""Settings that belong to one mode or precision: drawn examples, running until nothing moves, counted users."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.errors import Problem
from ecosystem.scenario.checks.facts import Facts, mapping, number


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


_FLOAT32_RESTS = 1e-6
"""How still numbers of seven digits stand at the best."""


def check_precision(facts: Facts) -> Iterator[Problem]:
    """Check that numbers of seven digits are not asked for more than they can hold."""
    if facts.data.get("precision") != "float32":
        return
    rounds, users = mapping(facts.data.get("rounds")), mapping(facts.data.get("users"))
    tolerance = number(rounds.get("tolerance", 1e-12))
    if rounds.get("until") == "stable" and tolerance is not None and tolerance < _FLOAT32_RESTS:
        message = f"numbers of precision: float32 do not stand stiller than {_FLOAT32_RESTS:g} (got {tolerance:g})"
        yield Problem(("rounds", "tolerance"), message)
    if users.get("mode") == "sampled":
        message = "precision: float32 counts to 16 million only; write precision: float64, or leave mode out"
        yield Problem(("users", "mode"), message)
