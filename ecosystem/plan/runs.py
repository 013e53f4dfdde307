"""The plan: every run that a scenario asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ecosystem.devices import kind
from ecosystem.errors import EcosystemError, InputError, Problem, fail
from ecosystem.plan.identity import WITHOUT_EFFECT, Identity, identity
from ecosystem.scenario.fields.models import FromRun
from ecosystem.scenario.fields.network import FileNetwork
from ecosystem.scenario.scenario import Scenario
from ecosystem.scenario.sweeps import place, points, variant

MAX_RUNS = 1_000_000
"""The most runs of one plan."""


@dataclass(frozen=True)
class Run:
    """One simulation: one point of the sweep with one seed.

    Attributes
    ----------
    id : str
        Hash of what affects the result; runs of equal id have equal results.
    point : int
        Number of the sweep's point, from 0.
    seed : int
        The seed of everything that is drawn.
    values : mapping
        What the sweep sets at this point.
    scenario : Scenario
        The scenario at this point, without its sweep.
    """

    id: str
    point: int
    seed: int
    values: Mapping[str, Any]
    scenario: Scenario


@dataclass(frozen=True)
class Plan:
    """All runs of a scenario, point by point and within a point seed by seed."""

    scenario: Scenario
    runs: tuple[Run, ...]

    @cached_property
    def unique(self) -> tuple[Run, ...]:
        """The runs to execute: the first of those that have an id in common."""
        first: dict[str, Run] = {}
        for run in self.runs:
            first.setdefault(run.id, run)
        return tuple(first.values())


def plan(scenario: Scenario, seeds: int | Sequence[int] | None = None) -> Plan:
    """Return the runs of a scenario.

    Parameters
    ----------
    scenario : Scenario
        With or without a sweep.
    seeds : int or sequence of int, optional
        A count (seeds 0, 1, …) or a list that replaces the scenario's own.

    Raises
    ------
    InputError
        A point of the sweep that is no valid scenario, seeds that are none, or more runs than can be planned.
    """
    scenario = _here(scenario)
    asked = scenario.seeds if seeds is None else seeds
    amount = asked if isinstance(asked, int) else len(asked)
    size = amount * (scenario.sweep.size if scenario.sweep else 1)
    if size > MAX_RUNS:
        message = f"these are {size:,} runs, and at most {MAX_RUNS:,} are planned at once; ask for fewer"
        problem = Problem(("seeds",), f"{message}, or split them into several scenarios (got {amount:,} seeds)")
        raise InputError([scenario.document.located(problem) if seeds is None else problem])
    numbers = seed_list(asked)
    swept = points(scenario)
    runs: list[Run] = []
    # A mapping keeps the order, and finds quickly what is wrong with every point alike.
    problems = {
        Problem(("sweep",), f"{key} changes no result, so it cannot be swept", place(scenario, 0)): None
        for key in swept[0]
        if key not in scenario.parameters and key.split(".")[0] in WITHOUT_EFFECT - {"parameters"}
    }
    checked: set[tuple[object, ...]] = set()
    for number, point in enumerate(swept):
        try:
            here = _here(variant(scenario, point))
            known = identity(here)
            _check_network(here, known, checked)
            _check_earlier(here, numbers)
        except InputError as error:
            there = place(scenario, number)
            problems.update((replace(problem, place=problem.place or there), None) for problem in error.problems)
            continue
        runs.extend(Run(known.run_id(seed), number, seed, point, here) for seed in numbers)
    if problems:
        raise InputError(problems)
    return Plan(scenario, tuple(runs))


def _here(scenario: Scenario) -> Scenario:
    """Return the scenario with the kind of device that `auto` means on this machine, so that ids say it."""
    swept = () if scenario.sweep is None else (*scenario.sweep.grid, *scenario.sweep.zip)
    if scenario.device != "auto" or "device" in swept:
        return scenario
    return scenario.with_({"device": kind(scenario.device)})


def _check_network(scenario: Scenario, known: Identity, checked: set[tuple[object, ...]]) -> None:
    """Raise if a network's file does not fit the models: rather now than in every run."""
    for each, edits in ((scenario, ()), *((phase.scenario, phase.edits) for phase in scenario.phases)):
        key = (each.model_names, each.network, edits, *known.files.values())
        if not isinstance(each.network, FileNetwork) or key in checked:
            continue
        from ecosystem.world.network import build, edited  # networkx takes its time

        try:
            edited(build(each.network, each.model_names, 0, each.base), edits)
        except InputError:
            raise
        except EcosystemError as error:
            raise fail(str(error)) from error
        checked.add(key)


def _check_earlier(scenario: Scenario, seeds: Sequence[int]) -> None:
    """Raise if an earlier run does not give what models shall be at first."""
    for index, block in enumerate(scenario.models):
        if not isinstance(block.initial, FromRun):
            continue
        from ecosystem.store.earlier import earlier  # the store knows plans

        try:
            found = earlier(scenario.base / block.initial.source)
            for name in block.names:
                for seed in seeds:
                    found.distribution(name, scenario.outputs, seed, block.initial.run)
        except EcosystemError as error:
            raise fail(str(error), ("models", index, "initial")) from error


def seed_list(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that a count or a list stands for.

    >>> seed_list(3)
    (0, 1, 2)
    """
    if isinstance(seeds, int):
        if seeds < 1:
            raise fail(f"a count of at least 1, or a list of seeds, is needed (got {seeds})", ("seeds",))
        return tuple(range(seeds))
    numbers = tuple(seeds)
    if not numbers or any(number < 0 for number in numbers) or len(set(numbers)) < len(numbers):
        raise fail(f"seeds are different whole numbers from 0 on (got {list(numbers)})", ("seeds",))
    return numbers
