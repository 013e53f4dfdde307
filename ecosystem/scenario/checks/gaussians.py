"""Gaussian outputs: laws, rewards and channels of the right dimension, and choices that are exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem
from ecosystem.scenario.checks.facts import Facts, entries, mapping, names_of, number, row
from ecosystem.scenario.fields.models import is_from_run

_LAWS = "a Gaussian is written as {mean: [0, 1], covariance: 1.0}"
_REWARDS = "a reward of Gaussian outputs is written as {linear: [1, 0], curvature: 0, centre: [0, 0]}"


def check_forms(facts: Facts) -> Iterator[Problem]:
    """Check that distributions, rewards and channels are written as the kind of output wants them."""
    if facts.drawn:
        return
    gaussian = facts.kind == "gaussian"
    for path, value in _distributions(facts):
        if gaussian and isinstance(value, (list, tuple)) and not _mappings(value):
            yield Problem(path, f"is a list of probabilities, but the outputs are gaussian; {_LAWS}")
        elif gaussian and mapping(value).get("draw") == "dirichlet":
            yield Problem(path, "a Gaussian cannot be drawn as dirichlet; {draw: normal, scale: 1.0} draws its mean")
        elif not gaussian and (_mappings(value) or (isinstance(value, Mapping) and value.get("draw") != "dirichlet")):
            yield Problem(path, "is a normal law, but the outputs are categorical; write a number per output")
    for name, value in facts.rewards.items():
        written = (isinstance(value, Mapping) and "judge" not in value) or _mappings(value)
        if gaussian and not written and isinstance(value, (list, tuple)):
            yield Problem(("rewards", name), f"is a number per output, but the outputs are gaussian; {_REWARDS}")
        elif not gaussian and "draw" in mapping(value):
            yield Problem(("rewards", name), "is drawn: write `reward: {draw: …}` at a model")
        elif written and not gaussian:
            yield Problem(
                ("rewards", name), "has a linear part, but the outputs are categorical; write a number per output"
            )
    for path, channel in channels(facts):
        if channel.get("offset") is not None and not gaussian:
            yield Problem((*path, "offset"), "applies to Gaussian outputs only; leave it out")
    if facts.learning.get("covariance") is not None and not gaussian:
        yield Problem(("learning", "covariance"), "applies to Gaussian outputs only; leave it out")


def check_gaussians(facts: Facts) -> Iterator[Problem]:
    """Check dimensions, covariances and settings of a scenario with Gaussian outputs."""
    if facts.kind != "gaussian" or facts.dimension is None:
        return
    d = facts.dimension
    for path, value in _distributions(facts):
        yield from _counted(value, path, facts)
        for where, law in _each(value, path):
            yield from _sized(law, where, ("mean",), d)
            yield from _covariance(law.get("covariance"), (*where, "covariance"), d)
    for name, value in facts.rewards.items():
        yield from _counted(value, ("rewards", name), facts)
        for where, reward in _each(value, ("rewards", name)):
            yield from _sized(reward, where, ("linear", "centre"), d)
    for path, channel in channels(facts):
        matrix = channel.get("matrix")
        if isinstance(matrix, (list, tuple)) and any(len(each) != d for each in (matrix, *filter(_listed, matrix))):
            yield Problem((*path, "matrix"), f"must have {d} rows of {d} numbers, outputs.dimension = {d}")
        yield from _sized(channel, path, ("offset",), d)
    for key in ("smoothing", "pool"):
        if facts.learning.get(key):
            yield Problem(("learning", key), "applies to categorical outputs only; leave it out")


def check_choices(facts: Facts) -> Iterator[Problem]:
    """Check that a curator of Gaussian outputs makes a choice that can be computed in the scenario's mode."""
    if facts.kind != "gaussian":
        return
    for path, curation, rewards in _curations(facts):
        candidates = number(curation.get("candidates"))
        best = curation.get("method") == "best_of" or number(curation.get("temperature")) == 0
        if candidates is None or candidates == 1:
            continue
        if best and math.isinf(candidates):
            yield Problem((*path, "candidates"), "the best of infinitely many normal draws is infinite; give a count")
            continue
        curved = any(_curved(facts.reward(reward)) for reward in rewards)
        if curved and not math.isinf(candidates) and facts.data.get("mode", "exact") == "exact":
            remedy = "mode: sampled" if best else "candidates: inf, or mode: sampled"
            message = (
                "the choice among finitely many candidates is exact for linear rewards only, and this curator's reward "
                f"is curved; use {remedy}"
            )
            yield Problem((*path, "candidates"), message)


def channels(facts: Facts) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """Yield every channel."""
    places: list[tuple[Path, Any]] = [(("network", "channel"), facts.network.get("channel"))]
    for index, edge in entries(facts.network.get("edges")):
        places.append((("network", "edges", index, "channel"), edge.get("channel")))
    for path, channel in places:
        if isinstance(channel, Mapping):
            yield path, channel


def _distributions(facts: Facts) -> Iterator[tuple[Path, Any]]:
    yield ("real",), facts.data.get("real")
    for index, entry in facts.models:
        yield ("models", index, "real"), entry.get("real")
        if not is_from_run(entry.get("initial")):
            yield ("models", index, "initial"), entry.get("initial")
    for index, group in entries(mapping(facts.data.get("users")).get("groups")):
        yield ("users", "groups", index, "data"), group.get("data")


def _curations(facts: Facts) -> Iterator[tuple[Path, Mapping[Any, Any], list[Any]]]:
    """Yield every curator, with the rewards it may choose by."""
    blocks: list[tuple[Path, Any, list[Any]]] = [
        (("models", index, "curation"), entry.get("curation"), [entry.get("reward")]) for index, entry in facts.models
    ]
    listed = facts.curated.get("models")
    inherited = [
        entry.get("reward")
        for _, entry in facts.models
        if not isinstance(listed, (list, tuple)) or any(name in listed for name in names_of(entry))
    ]
    own = facts.curated.get("reward")
    users = mapping(facts.data.get("users"))
    groups = [group.get("reward") for _, group in entries(users.get("groups"))] if users.get("curate") is True else []
    blocks.append((("curated", "curation"), facts.curated.get("curation"), inherited if own is None else [own]))
    for path, curation, rewards in blocks:
        if not isinstance(curation, Mapping):
            continue
        if curation.get("method") == "pluralistic":
            rewards = []
        elif curation.get("reward") is not None:
            rewards = [curation["reward"]]
        named = [curation.get("attack_reward"), *mapping(curation.get("rewards"))]
        yield path, curation, [*rewards, *groups, *named]


def _curved(reward: Any) -> bool:
    each = reward if isinstance(reward, (list, tuple)) else (reward,)
    return any(number(mapping(one).get("curvature")) not in (None, 0) for one in each)


def _each(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """Yield what is written as one mapping, or as one per context."""
    if isinstance(value, Mapping):
        yield path, value
    elif isinstance(value, (list, tuple)):
        yield from (((*path, index), one) for index, one in enumerate(value) if isinstance(one, Mapping))


def _counted(value: Any, path: Path, facts: Facts) -> Iterator[Problem]:
    if _mappings(value) and facts.contexts is not None and len(value) != facts.contexts:
        yield Problem(path, f"must have one entry per context, outputs.contexts = {facts.contexts} (got {len(value)})")


def _sized(block: Mapping[Any, Any], path: Path, keys: tuple[str, ...], d: int) -> Iterator[Problem]:
    for key in keys:
        value = block.get(key)
        if isinstance(value, (list, tuple)) and value and len(value) != d:
            yield Problem((*path, key), f"must have {d} numbers, outputs.dimension = {d} (got {len(value)})")


def _covariance(value: Any, path: Path, d: int) -> Iterator[Problem]:
    if not isinstance(value, (list, tuple)) or not value:
        return
    if not _listed(value[0]):
        found = row(value)
        if len(value) != d:
            yield Problem(path, f"must have {d} variances, outputs.dimension = {d} (got {len(value)})")
        elif found is not None and min(found) < 0:
            yield Problem(path, f"a variance must not be negative (got {min(found):g})")
        return
    rows = [row(each) for each in value]
    if len(value) != d or any(each is not None and len(each) != d for each in rows):
        yield Problem(path, f"must have {d} rows of {d} numbers, outputs.dimension = {d}")
    elif all(each is not None for each in rows):
        yield from _semidefinite([each for each in rows if each is not None], path)


def _semidefinite(rows: list[list[float]], path: Path) -> Iterator[Problem]:
    import numpy as np

    matrix = np.array(rows)
    scale = max(float(np.abs(matrix).max()), 1e-300)
    if float(np.abs(matrix - matrix.T).max()) > 1e-9 * scale:
        yield Problem(path, "a covariance must be symmetric")
    elif float(np.linalg.eigvalsh(matrix).min()) < -1e-9 * scale:
        least = float(np.linalg.eigvalsh(matrix).min())
        yield Problem(path, f"a covariance must be positive semidefinite (got the eigenvalue {least:g})")


def _listed(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _mappings(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], Mapping)
