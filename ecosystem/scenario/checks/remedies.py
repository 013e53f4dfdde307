"""Remedies: groups that exist, users to help, and a score to go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, mapping, number
from ecosystem.scenario.checks.users import groups_written
from ecosystem.scenario.fields.remedy import REMEDIES

_FILTERS = ("rejection_sampling", "best_of_k")
_OF_GROUPS = {
    "rejection_sampling": "filters what is written for groups of users",
    "reweighting": "weighs groups of users",
}


def check_remedy(facts: Facts) -> Iterator[Problem]:
    """Check that a remedy has what it goes by."""
    remedy = facts.data.get("remedy")
    if not isinstance(remedy, Mapping):
        return
    method = remedy.get("method")
    method = method if isinstance(method, str) else ""
    if method in _FILTERS and facts.kind == "gaussian":
        yield Problem(("remedy",), f"{method} does not filter Gaussian outputs; leave it out")
    plugin = registry.find("remedies", method) if method and method not in REMEDIES else None
    if plugin is not None and facts.kind == "gaussian":
        yield Problem(
            ("remedy",), f"{shorten(method)} is a plug-in, which does not filter Gaussian outputs; leave it out"
        )
    elif plugin is not None and not plugin.has("chances" if facts.drawn else "filter"):
        has, filters = ("chances", "categorical outputs") if facts.drawn else ("filter", "outputs that are drawn")
        yield Problem(("remedy",), f"{shorten(method)} is a plug-in without `{has}`, so that it filters {filters} only")
    if method in _OF_GROUPS and not mapping(facts.data.get("users")):
        yield Problem(("remedy",), f"{_OF_GROUPS[method]}; add a `users` block")
    yield from _groups(facts, remedy)
    scores = mapping(mapping(facts.data.get("outputs")).get("scores"))
    if method in _FILTERS and number(remedy.get("quality", 1)) and "quality" not in scores:
        yield Problem(("remedy",), "goes by the score `quality`; add it to outputs.scores, or write quality: 0")
    weights = remedy.get("weights")
    if isinstance(weights, Mapping) and weights and not any(number(weight) for weight in weights.values()):
        yield Problem(("remedy", "weights"), "the weights are all 0; at least one must be above 0")
    corpus = facts.learning.get("corpus", "replace")
    if method == "accumulation" and corpus not in ("replace", "accumulate"):
        yield Problem(("remedy",), f"accumulation would undo learning.corpus: {shorten(corpus)}; leave one of them out")
    if method == "rejection_sampling" and _found(remedy) and not _measured(facts):
        message = "is found by the score `quality`, else by satisfaction; add the score, or a reward to each group"
        yield Problem(("remedy", "disadvantaged"), message)


def _groups(facts: Facts, remedy: Mapping[Any, Any]) -> Iterator[Problem]:
    names = [name for _, group in groups_written(facts) if isinstance(name := group.get("name"), str)]
    named: list[tuple[Path, Any]] = [
        (("remedy", key, name), name) for key in ("candidates", "weights") for name in mapping(remedy.get(key))
    ]
    named.append((("remedy", "disadvantaged", "group"), mapping(remedy.get("disadvantaged")).get("group")))
    for path, name in named:
        if isinstance(name, str) and name not in names:
            yield Problem(path, f"there is no group {shorten(name)}{did_you_mean(name, names)}")


def _found(remedy: Mapping[Any, Any]) -> bool:
    worst = remedy.get("disadvantaged")
    return isinstance(worst, Mapping) and worst.get("group") is None


def _measured(facts: Facts) -> bool:
    scores = mapping(mapping(facts.data.get("outputs")).get("scores"))
    return "quality" in scores or any(group.get("reward") is not None for _, group in groups_written(facts))
