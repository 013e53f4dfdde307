"""Curators: a model with curated data has one, it has a reward, and its choice can be computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, count, mapping, names_of, number, rows
from ecosystem.scenario.fields.models import CURATORS

MAX_NODES = 24_000
_STEP = 0.25
_INTEGRATED = CURATORS - {"best_of"}
_REACH = 7.3


def check_diets(facts: Facts) -> Iterator[Problem]:
    """Check that a model that learns from its curated outputs has a curator."""
    for index, entry in facts.models:
        share = number(mapping(entry.get("diet")).get("curated"))
        if share is None or share <= 0 or entry.get("curation") is not None or _all_curated(facts, entry):
            continue
        message = "a model without a curator has no curated outputs; give it a `curation`"
        if facts.curated:
            message += ", or put this diet under `curated`, as not every model here is sure to be curated"
        yield Problem(("models", index, "diet", "curated"), f"{message} (got {share:g})")


def check_rewards(facts: Facts) -> Iterator[Problem]:
    """Check that a curator has a reward, its own or the model's."""
    for index, entry in facts.models:
        if _needs_reward(entry.get("curation")) and entry.get("reward") is None:
            message = "the curator has no reward; give one here or to the model"
            yield Problem(("models", index, "curation"), message)
    if not _needs_reward(facts.curated.get("curation")) or facts.curated.get("reward") is not None:
        return
    for index, entry in facts.models:
        if entry.get("reward") is None and _may_be_curated(facts, entry):
            message = f"the curator has no reward, and neither has models[{index}]; give one here"
            yield Problem(("curated", "curation"), message)
            return


def _needs_reward(curation: Any) -> bool:
    """Tell whether a curator goes by the model's reward, for want of one of its own."""
    if not isinstance(curation, Mapping) or curation.get("method") == "pluralistic":
        return False
    return curation.get("reward") is None


def check_plugins(facts: Facts) -> Iterator[Problem]:
    """Refuse a curator of another package that does not choose among such outputs."""
    blocks: list[tuple[Path, Any]] = [(("models", index), entry) for index, entry in facts.models]
    for path, block in [*blocks, (("curated",), facts.curated)]:
        curation = mapping(block.get("curation"))
        method = curation.get("method", "luce")
        plugin = registry.find("curators", method) if isinstance(method, str) and method not in CURATORS else None
        if plugin is None:
            continue
        who, drawn = f"{shorten(method)} is a plug-in", facts.drawn or facts.data.get("mode", "exact") == "sampled"
        if facts.kind == "gaussian" and not drawn:
            message = f"{who}, which chooses among Gaussian outputs where they are drawn only; write mode: sampled"
            yield Problem((*path, "curation", "method"), message)
        elif facts.kind == "categorical" and not plugin.has("keep"):
            message = f"{who} without `keep`, so that it does not choose among categorical outputs"
            yield Problem((*path, "curation", "method"), message)
        elif facts.kind != "categorical" and not plugin.has("chances"):
            message = f"{who} without `chances`, so that it chooses among categorical outputs only"
            yield Problem((*path, "curation", "method"), message)
        elif facts.kind == "gaussian" and number(curation.get("candidates")) == math.inf:
            message = "a plug-in chooses among candidates that are really drawn, so there must be a count of them"
            yield Problem((*path, "curation", "candidates"), message)


def check_temperatures(facts: Facts) -> Iterator[Problem]:
    """Check that the choice among finitely many candidates is an integral of a bearable number of nodes."""
    for index, entry in facts.models:
        path = ("models", index, "curation")
        yield from _too_cold(facts, mapping(entry.get("curation")), path, [entry.get("reward")])
    rewards = [facts.curated.get("reward") or entry.get("reward") for _, entry in facts.models]
    yield from _too_cold(facts, mapping(facts.curated.get("curation")), ("curated", "curation"), rewards)


def _too_cold(facts: Facts, curation: Mapping[Any, Any], path: Path, inherited: list[Any]) -> Iterator[Problem]:
    candidates = number(curation.get("candidates"))
    temperature = number(1 if curation.get("temperature") is None else curation["temperature"])
    if str(curation.get("method", "luce")) not in _INTEGRATED or not temperature or temperature < 0:
        return
    if candidates is None or not 1 < candidates < math.inf:
        return
    own = [curation[key] for key in ("reward", "attack_reward") if curation.get(key) is not None]
    own += mapping(curation.get("rewards"))
    inherited = inherited if _needs_reward(curation) else []
    spread = max((_spread(facts, reward) for reward in [*own, *inherited]), default=0.0)
    reach = math.log(candidates) + _REACH
    if (reach + spread / temperature) / _STEP + 2 <= MAX_NODES:
        return
    least = spread / ((MAX_NODES - 2) * _STEP - reach)
    message = (
        f"is too low to compute the choice among {candidates:g} candidates whose rewards differ by up to "
        f"{spread:g} (got {temperature:g}); use method: best_of, its limit, or a temperature "
        f"of at least {least:.2g}"
    )
    yield Problem((*path, "temperature"), message)


def _spread(facts: Facts, reward: Any) -> float:
    """Return how far a reward's values lie apart, 0 where it is not known beforehand."""
    if isinstance(reward, Mapping):
        low, high = number(reward.get("low", 0.0)), number(reward.get("high", 1.0))
        known = reward.get("draw") == "uniform" and low is not None and high is not None
        return abs(high - low) if known and high is not None and low is not None else 0.0
    return max((max(found) - min(found) for _, found in rows(facts.reward(reward), ())), default=0.0)


def _all_curated(facts: Facts, entry: Mapping[Any, Any]) -> bool:
    """Tell whether the block `curated` is sure to cover every model of an entry."""
    listed = facts.curated.get("models")
    if isinstance(listed, (list, tuple)):
        chosen = {name for name in listed if isinstance(name, str)}
        return all(name in chosen for name in names_of(entry))
    if facts.model_count is None:
        return bool(facts.curated)
    return _picked(facts) >= facts.model_count


def _may_be_curated(facts: Facts, entry: Mapping[Any, Any]) -> bool:
    listed = facts.curated.get("models")
    if isinstance(listed, (list, tuple)):
        chosen = {name for name in listed if isinstance(name, str)}
        return any(name in chosen for name in names_of(entry))
    return _picked(facts) > 0


def _picked(facts: Facts) -> int:
    """Return how many models `fraction` or `count` picks."""
    fraction = number(facts.curated.get("fraction"))
    if fraction is not None and facts.model_count is not None and 0 <= fraction <= 1:
        return round(fraction * facts.model_count)
    return count(facts.curated.get("count")) or 0
