"""Chunks: runs that are executed, and written, together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ecosystem.plan.identity import digest
from ecosystem.plan.runs import Plan, Run
from ecosystem.scenario.fields.learning import Until
from ecosystem.scenario.scenario import Scenario

MOST_WORLDS = 256
MOST_BYTES = 1_000_000_000

_WORK_ARRAYS = 24
"""How many arrays of the size of the state a round holds at once, at the most."""

_ROW_BYTES = 13 * 8 + 2 * 40
"""A row of the table `models`: its numbers, the run's id and the model's name."""

_STATE_ROW_BYTES = 4 * 8 + 2 * 40


@dataclass(frozen=True)
class Chunk:
    """Runs of like shape, small enough to be held at once.

    Attributes
    ----------
    id : str
        Hash of the ids of its runs.
    runs : tuple of Run
        In the order of the plan.
    """

    id: str
    runs: tuple[Run, ...]


def chunks(plan: Plan, missing: Collection[str]) -> tuple[Chunk, ...]:
    """Pack the runs that are missing.

    The packing follows from the plan and from what is missing, never from who executes it.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    missing : collection of str
        Ids of the runs to execute.
    """
    wanted = frozenset(missing)
    shapes: dict[int, str] = {}
    alike: dict[str, list[Run]] = {}
    for run in plan.unique:
        if run.id in wanted:
            shape = shapes.get(run.point)
            if shape is None:
                shape = shapes[run.point] = _shape(run.scenario)
            alike.setdefault(shape, []).append(run)
    packed = [part for group in alike.values() for part in _parts(group)]
    order = {run.id: number for number, run in enumerate(plan.unique)}
    packed.sort(key=lambda part: order[part[0].id])
    return tuple(Chunk(digest([run.id for run in part]), part) for part in packed)


def bytes_per_world(scenario: Scenario) -> int:
    """Estimate what one run holds in memory: the arrays of a round, and the rows it records."""
    models, outputs = sum(block.count or 1 for block in scenario.models), scenario.outputs.numbers
    written = _written_models(scenario, models)
    cells = models * scenario.outputs.contexts * outputs
    longest = scenario.rounds.max if isinstance(scenario.rounds, Until) else scenario.rounds
    recorded = longest // scenario.record.every + 2
    rows = (written + 1) * recorded * _ROW_BYTES
    if scenario.record.alignments:
        rows += written * len(scenario.rewards) * recorded * _ROW_BYTES
    if scenario.record.states:
        rows += cells // models * written * recorded * _STATE_ROW_BYTES
    return cells * 8 * _WORK_ARRAYS + rows


def _written_models(scenario: Scenario, models: int) -> int:
    """Return of how many of the models rows are written."""
    chosen = scenario.record.models
    if isinstance(chosen, str):
        return models if chosen == "all" else 0
    return chosen if isinstance(chosen, int) else len(chosen)


def _shape(scenario: Scenario) -> str:
    """Return what runs of like shape share: their settings but for the values of real numbers."""
    return digest(_without_numbers(scenario.settings()))


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_numbers(entry) for entry in value]
    return 0.0 if isinstance(value, float) else value


def _parts(runs: list[Run]) -> Iterator[tuple[Run, ...]]:
    size = max(1, min(MOST_WORLDS, MOST_BYTES // bytes_per_world(runs[0].scenario)))
    for start in range(0, len(runs), size):
        yield tuple(runs[start : start + size])
