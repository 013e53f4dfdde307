"""Chunks: runs that are executed, and written, together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ecosystem.plan.identity import digest
from ecosystem.plan.runs import Plan, Run
from ecosystem.plan.size import bytes_per_world, seconds_per_world, worlds_together
from ecosystem.scenario.scenario import Scenario

MOST_WORLDS = 256
MOST_BYTES = 1_000_000_000

MOST_SECONDS = 30.0
"""How long a chunk may take, as guessed beforehand: no more is lost when it is killed, and many workers share it."""


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

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Chunk:
        """Return the chunk of some runs."""
        held = tuple(runs)
        return cls(digest([run.id for run in held]), held)


def chunks(plan: Plan, missing: Collection[str], most_bytes: int | None = None) -> tuple[Chunk, ...]:
    """Pack the runs that are missing.

    The packing follows from the plan and from what is missing, never from who executes it.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    missing : collection of str
        Ids of the runs to execute.
    most_bytes : int, optional
        What a chunk may need, `MOST_BYTES` at the most; a run that needs more is a chunk of its own.
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
    packed = [part for group in alike.values() for part in _parts(group, min(most_bytes or MOST_BYTES, MOST_BYTES))]
    order = {run.id: number for number, run in enumerate(plan.unique)}
    packed.sort(key=lambda part: order[part[0].id])
    return tuple(map(Chunk.of, packed))


def _shape(scenario: Scenario) -> str:
    """Return what runs of like shape share: their settings but for the values of real numbers."""
    return digest(_without_numbers(scenario.settings()))


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_numbers(entry) for entry in value]
    return 0.0 if isinstance(value, float) else value


def _parts(runs: list[Run], most_bytes: int) -> Iterator[tuple[Run, ...]]:
    first = runs[0].scenario
    together = worlds_together(first)
    if together is None:
        together = min(MOST_WORLDS, int(MOST_SECONDS / seconds_per_world(first)))
    else:
        runs = sorted(runs, key=lambda run: run.seed)  # what is learned before the first round is by seed
    size = min(together, most_bytes // bytes_per_world(first))
    for start in range(0, len(runs), max(1, size)):
        yield tuple(runs[start : start + max(1, size)])
