"""Outputs that are really drawn: a kind that exists, judges for rewards, and none of what only rows of numbers have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.learners.crafts import kinds
from ecosystem.plugins import registry
from ecosystem.plugins.files import HOW, NOT_ALLOWED
from ecosystem.scenario.checks.facts import ROWS, Facts, entries, mapping, number
from ecosystem.scenario.checks.rewards import mentions

_JUDGE = "a judge, such as {judge: …}"


def check_kind(facts: Facts) -> Iterator[Problem]:
    """Check that there is such a kind of outputs."""
    if facts.drawn and isinstance(facts.kind, str):
        registry.note("crafts", facts.kind)
    if facts.drawn and facts.kind not in kinds():
        known = sorted(kinds() | set(ROWS))
        message = f"there is no kind of outputs {shorten(facts.kind)}{did_you_mean(facts.kind, known)}"
        yield Problem(("outputs", "kind"), message)


def check_judges(facts: Facts) -> Iterator[Problem]:
    """Check that what outputs are worth is written as their kind wants it."""
    scores = mapping(mapping(facts.data.get("outputs")).get("scores"))
    places: list[tuple[Path, Any]] = [(("rewards", name), value) for name, value in facts.rewards.items()]
    places += [(("outputs", "scores", name), value) for name, value in scores.items()]
    for path, value in places:
        judged = isinstance(value, Mapping) and "judge" in value
        if facts.drawn and not judged and value is not None:
            yield Problem(path, f"must be {_JUDGE}, for outputs of kind {facts.kind} are really drawn")
        elif judged and value["judge"] == "python" and not facts.trusted:
            yield Problem((*path, "function"), f"{shorten(value.get('function'))} {NOT_ALLOWED}{HOW}")
        elif not facts.drawn and judged:
            yield Problem(path, "is a judge, which is for outputs that are really drawn; write a number per output")
    for path, reward in mentions(facts) if facts.drawn else ():
        if isinstance(reward, Mapping):
            yield Problem(path, f"must name an entry of `rewards`, {_JUDGE} (got {shorten(dict(reward))})")


def check_settings(facts: Facts) -> Iterator[Problem]:
    """Refuse what only rows of numbers have: distributions, exact rounds, channels, a rate of mixing."""
    if not facts.drawn:
        return
    if facts.data.get("mode", "exact") != "sampled":
        message = f"outputs of kind {facts.kind} are really drawn, which has no exact limit; write mode: sampled"
        yield Problem(("mode",), message)
    rate = number(facts.learning.get("rate", 1))
    if rate is not None and rate != 1:
        message = f"does not apply to models that are really trained; set their steps and learning rate (got {rate:g})"
        yield Problem(("learning", "rate"), message)
    for key in ("smoothing", "covariance"):
        if facts.learning.get(key):
            yield Problem(("learning", key), "does not apply to models that are really trained; leave it out")
    if facts.learning.get("order") == "sequential":
        message = "models that are really trained learn all at once; write order: synchronous"
        yield Problem(("learning", "order"), message)
    if mapping(facts.data.get("record")).get("states") is True:
        yield Problem(
            ("record", "states"), "drawn outputs have no probabilities; write samples: n to keep some of them"
        )
    yield from _choices(facts)
    for path, value in _written(facts):
        if value is not None:
            yield Problem(path, f"does not apply to outputs of kind {facts.kind}, whose real data are in `outputs`")


def _choices(facts: Facts) -> Iterator[Problem]:
    blocks: list[tuple[Path, Any]] = [
        (("models", index, "curation"), entry.get("curation")) for index, entry in facts.models
    ]
    for path, curation in [*blocks, (("curated", "curation"), facts.curated.get("curation"))]:
        candidates = number(mapping(curation).get("candidates"))
        if candidates is not None and math.isinf(candidates):
            yield Problem((*path, "candidates"), "candidates are really drawn, so there must be a count of them")


def _written(facts: Facts) -> Iterator[tuple[Path, Any]]:
    """Yield what is written of distributions and of what acts on them."""
    yield ("real",), facts.data.get("real")
    for index, entry in facts.models:
        for key in ("real", "initial"):
            yield ("models", index, key), entry.get(key)
    for index, group in entries(mapping(facts.data.get("users")).get("groups")):
        yield ("users", "groups", index, "data"), group.get("data")
        reward = mapping(group.get("traits")).get("reward")
        yield ("users", "groups", index, "traits", "reward"), reward or None
    yield ("network", "channel"), facts.network.get("channel")
    for index, edge in entries(facts.network.get("edges")):
        yield ("network", "edges", index, "channel"), edge.get("channel")
