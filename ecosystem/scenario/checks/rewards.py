"""Rewards: named ones exist, and each has a number for every output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.scenario.checks.facts import Facts, mapping


def mentions(facts: Facts) -> Iterator[tuple[Path, Any]]:
    """Yield every place where a reward is named or drawn."""
    for index, entry in facts.models:
        yield ("models", index, "reward"), entry.get("reward")
        yield from _mentioned(entry.get("curation"), ("models", index, "curation"))
    yield ("curated", "reward"), facts.curated.get("reward")
    yield from _mentioned(facts.curated.get("curation"), ("curated", "curation"))


def _mentioned(curation: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for key in ("reward", "attack_reward"):
        yield (*path, key), mapping(curation).get(key)
    for name in mapping(mapping(curation).get("rewards")):
        yield (*path, "rewards", name), name


def check_names(facts: Facts) -> Iterator[Problem]:
    """Check that every reward that is named is an entry of `rewards`."""
    for path, name in mentions(facts):
        if isinstance(name, str) and name not in facts.rewards:
            hint = did_you_mean(name, facts.rewards) if facts.rewards else "; the scenario names no `rewards`"
            yield Problem(path, f"there is no reward {shorten(name)}{hint}")


def check_dimensions(facts: Facts) -> Iterator[Problem]:
    """Check that a reward is a number per output, or such a row per context."""
    for name, value in facts.rewards.items():
        yield from misfits(facts, value, ("rewards", name), "a reward")
    for name, value in mapping(mapping(facts.data.get("outputs")).get("scores")).items():
        yield from misfits(facts, value, ("outputs", "scores", name), "a score")


def misfits(facts: Facts, value: Any, path: Path, what: str) -> Iterator[Problem]:
    """Compare a vector, or a matrix with a row per context, with the outputs."""
    if not isinstance(value, (list, tuple)) or not value:
        return
    matrix = isinstance(value[0], (list, tuple))
    if matrix and facts.contexts is not None and len(value) != facts.contexts:
        wanted = f"must have a row per context, outputs.contexts = {facts.contexts} (got {_number(value, 'row')})"
        yield Problem(path, f"{what} {wanted}")
    if facts.size is None:
        return
    for index, each in enumerate(value) if matrix else [(None, value)]:
        if isinstance(each, (list, tuple)) and each and len(each) != facts.size:
            where = path if index is None else (*path, index)
            wanted = f"must have a number per output, outputs.size = {facts.size} (got {_number(each, 'number')})"
            yield Problem(where, f"{what} {wanted}")


def _number(values: Any, word: str) -> str:
    return f"{len(values)} {word}{'' if len(values) == 1 else 's'}"
