"""What would have been: the same ecosystem, on the same seeds, with a part of it switched off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosystem.errors import EcosystemError, did_you_mean, shorten

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.store.results import Results

Off = frozenset[str]
"""The parts that are switched off."""


def _curation(scenario: Scenario) -> dict[str, Any]:
    # Of one candidate there is nothing to choose; diets, distances and draws stay as they are.
    changes: dict[str, Any] = {
        f"models.{entry.name}.curation.candidates": 1 for entry in scenario.models if entry.curation is not None
    }
    if scenario.curated is not None and scenario.curated.curation is not None:
        changes["curated.curation.candidates"] = 1
    return changes


PARTS: dict[str, Callable[[Scenario], Mapping[str, Any]]] = {
    "sharing": lambda scenario: {"learning.sharing": 0},
    "feedback": lambda scenario: {"users.feedback": {"method": "static"}} if scenario.users else {},
    "choice": lambda scenario: {"users.choice": {"method": "fixed"}} if scenario.users else {},
    "curation": _curation,
    "remedy": lambda scenario: {"remedy": None},
}
"""What can be switched off, and which settings do it."""


def without(scenario: Scenario, *parts: str) -> Scenario:
    """Return a scenario in which parts of the ecosystem are switched off, and nothing else is changed.

    A part stays off: what a sweep or an event says of it is left out. Expectations are, too.

    Parameters
    ----------
    scenario : Scenario
        The scenario, with its sweep.
    *parts : {"sharing", "feedback", "choice", "curation", "remedy"}
        `sharing`: τ = 0; `feedback`: static; `choice`: fixed; `curation`: one candidate, so that nothing is
        chosen; `remedy`: none.

    Raises
    ------
    EcosystemError
        There is no such part, or the sweep sets a block of which it is only a part.

    Examples
    --------
    >>> import ecosystem
    >>> without(ecosystem.load_scenario("performative_loop"), "sharing").learning.sharing
    0.0
    """
    from ecosystem.scenario.scenario import Scenario as Made
    from ecosystem.scenario.scenario import changed

    changes: dict[str, Any] = {}
    for part in parts:
        if part not in PARTS:
            raise EcosystemError(f"no part is called {shorten(part)}{did_you_mean(part, PARTS)}")
        changes |= PARTS[part](scenario)
    data = {key: value for key, value in scenario.document.data.items() if key != "expect"}
    if scenario.sweep is not None:
        data["sweep"] = sweep_without(scenario, list(changes))
    events = [_event_without(event, list(changes)) for event in data.get("events") or ()]
    data["events"] = [event for event in events if event is not None]
    return Made.from_document(changed(scenario.document.with_data(data), changes))


def counterfactual(results: Results, *parts: str, out: str | PathLike[str] | None = None) -> Results:
    """Run the scenario of a run again, on its seeds, with parts of it switched off.

    Parameters
    ----------
    results : Results
        What it will be compared with.
    *parts : str
        As for `without`.
    out : path, optional
        Directory for the results; by default they go away with the returned object.
    """
    from ecosystem.runner.run import run

    seeds = [int(seed) for seed in results.runs["seed"].drop_duplicates()]
    return run(without(results.scenario, *parts), out, seeds=seeds)


def counterfactuals(
    results: Results, parts: Sequence[str], out: str | PathLike[str] | None = None
) -> dict[Off, Results]:
    """Run what `decomposition` needs: the scenario with each set of parts switched off.

    Parameters
    ----------
    results : Results
        The run with every part on.
    parts : sequence of str
        As for `without`; 2^parts − 1 scenarios are run.
    out : path, optional
        Directory in which each gets one of its own; by default they go away with the returned objects.

    Returns
    -------
    dict
        From the parts that are off to results; nothing off is `results` itself.
    """
    found = {frozenset[str](): results}
    for size in range(1, len(parts) + 1):
        for off in itertools.combinations(parts, size):
            there = None if out is None else Path(out) / ("without_" + "_".join(off))
            found[frozenset(off)] = counterfactual(results, *off, out=there)
    return found


def sweep_without(scenario: Scenario, paths: Sequence[str]) -> Any:
    """Return the sweep of a scenario that has one, without what is set at one of the paths or below it.

    Raises
    ------
    EcosystemError
        The sweep sets a block of which a path is only a part.
    """
    from ecosystem.plan.identity import canonical
    from ecosystem.scenario.sweeps import points

    found = points(scenario)
    kept = list(_settings_without(found[0], paths, "the sweep"))
    if len(kept) == len(found[0]):
        return scenario.document.data["sweep"]
    # Point by point, for the points of a design in fewer dimensions would be others.
    rows = [{key: point[key] for key in kept} for point in found]
    return {"table": list({canonical(row): row for row in rows}.values())} if kept else None


def _event_without(event: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any] | None:
    kept = dict(event)
    if "set" in kept:
        kept["set"] = _settings_without(kept["set"], paths, "an event")
        if not kept["set"]:
            del kept["set"]
    return kept if kept.keys() - {"round"} else None


def _settings_without(settings: Mapping[str, Any], paths: Sequence[str], who: str) -> dict[str, Any]:
    """Leave out what is set at one of the paths or below it."""
    for key in settings:
        for path in paths:
            if path.startswith(f"{key}."):
                raise EcosystemError(f"{who} sets {key} as a whole, so {path} cannot be held; let it set what is in it")
    return {
        key: value
        for key, value in settings.items()
        if not any(key == path or str(key).startswith(f"{path}.") for path in paths)
    }
