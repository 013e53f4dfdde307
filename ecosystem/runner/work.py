"""What is done with a chunk wherever it is executed: execute it, write it, say what became of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import Run
from ecosystem.runner.attempt import Attempt, Check, OnHang, OnRound, OnRows, Simulate
from ecosystem.runner.memory import forget_peak, peak
from ecosystem.store.checkpoints import Checkpoints
from ecosystem.store.parts import Effort
from ecosystem.store.store import Store
from ecosystem.store.versions import here, versions

if TYPE_CHECKING:
    from ecosystem.world import Outcome


@dataclass(frozen=True)
class Receipt:
    """What became of a chunk that is in the store.

    Attributes
    ----------
    runs : int
        How many runs it has.
    failed : int
        How many of them failed.
    """

    runs: int
    failed: int

    @classmethod
    def of(cls, runs: Sequence[Mapping[str, Any]]) -> Receipt:
        """Return the receipt for some rows of `PART_RUNS`."""
        return cls(len(runs), sum(run["status"] == "failed" for run in runs))


def engine() -> Simulate:
    """Return the engine; torch and mesa are imported here, when they are first needed."""
    from ecosystem.world import simulate

    return simulate


@dataclass(frozen=True)
class Engine:
    """The engine as it is sent to workers; it goes on with runs that were under way.

    Attributes
    ----------
    checkpoints : Checkpoints
        Where runs keep how far they are.
    """

    checkpoints: Checkpoints

    def __call__(self, runs: Sequence[Run], on_round: OnRound | None = None, on_rows: OnRows | None = None) -> Outcome:
        """Return what runs give; see `ecosystem.world.simulate`."""
        from ecosystem.world import simulate

        return simulate(runs, on_round, on_rows, self.checkpoints)


def work(
    chunk: Chunk,
    store: Store,
    simulate: Simulate | None = None,
    on_round: OnRound | None = None,
    timeout: float | None = None,
    on_hang: OnHang | None = None,
    check: Check | None = None,
) -> Receipt:
    """Execute a chunk and write it; the arguments are those of `Attempt`.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    executes = Attempt(simulate or engine(), on_round, timeout, on_hang, check)
    began = Clock()
    with store.write(chunk) as written:
        runs = executes(chunk, written.part)
        written.finish(runs, began.effort())
    return Receipt.of(runs)


def put(chunk: Chunk, store: Store, began: Clock, runs: Sequence[Mapping[str, Any]]) -> Receipt:
    """Write what became of a chunk of which nothing was recorded."""
    with store.write(chunk) as written:
        written.finish(runs, began.effort())
    return Receipt.of(runs)


class Clock:
    """When some work began, and what it has taken since."""

    def __init__(self) -> None:
        self._started, self._began = datetime.now(UTC), time.perf_counter()
        forget_peak()

    def effort(self) -> Effort:
        """Return what it has taken."""
        host, process = here()
        return Effort(
            started=self._started.isoformat(timespec="milliseconds"),
            seconds=round(time.perf_counter() - self._began, 6),
            memory=peak(),
            host=host,
            process=process,
            versions=versions(),
        )
