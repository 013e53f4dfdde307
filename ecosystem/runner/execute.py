"""Executing, in this process, the runs of a plan that a store lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecosystem.plan.chunks import chunks
from ecosystem.plan.runs import Plan
from ecosystem.runner.attempt import OnRound, Simulate, attempt
from ecosystem.store.store import Store


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes
    ----------
    total : int
        Runs to execute, without those that were there before.
    finished : float
        Runs that are over; those under way count by the part of their rounds that is done.
    failed : int
        Runs over that failed.
    """

    total: int
    finished: float
    failed: int


OnProgress = Callable[[Progress], None]


def engine() -> Simulate:
    """Return the engine; torch and mesa are imported here, when they are first needed."""
    from ecosystem.world import simulate

    return simulate


def execute(plan: Plan, store: Store, progress: OnProgress | None = None, simulate: Simulate | None = None) -> int:
    """Execute what is missing, chunk by chunk, and write each chunk as soon as it is done.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    store : Store
        Where results go; runs that are there, failed ones too, are not run again.
    progress : callable, optional
        Called after every round and every chunk.
    simulate : callable, optional
        What executes runs, the engine by default.

    Returns
    -------
    int
        How many runs were executed.

    Raises
    ------
    StoreError
        Results cannot be written.
    """
    stored = store.stored(plan)
    packed = chunks(plan, [run.id for run in plan.unique if run.id not in stored])
    if not packed:
        return 0
    simulate = simulate or engine()
    total, finished, failed = sum(len(chunk.runs) for chunk in packed), 0, 0
    tell = progress or (lambda _: None)
    tell(Progress(total, 0, 0))
    with store.session():
        for chunk in packed:
            result = attempt(chunk, simulate, _rounds(tell, total, finished, failed, len(chunk.runs)))
            store.write(chunk, result.tables, result.runs)
            finished += len(chunk.runs)
            failed += result.failed
            tell(Progress(total, finished, failed))
    return total


def _rounds(tell: OnProgress, total: int, finished: int, failed: int, runs: int) -> OnRound:
    """Return what tells of a chunk's rounds; a chunk may run its rounds in several goes."""
    furthest = 0.0

    def on_round(done: int, of: int) -> None:
        nonlocal furthest
        furthest = max(furthest, min(done / max(of, 1), 1.0))
        tell(Progress(total, finished + runs * furthest, failed))

    return on_round
