"""Executing the runs of a plan that a store lacks: in this process, in others, or on a cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk, chunks
from ecosystem.plan.runs import Plan
from ecosystem.plan.size import bytes_per_world, seconds_per_world
from ecosystem.runner.attempt import Simulate
from ecosystem.runner.interrupts import Interrupts, heard
from ecosystem.runner.progress import OnProgress, Tally
from ecosystem.runner.work import Engine, engine, work
from ecosystem.store.checkpoints import remove, remove_folder
from ecosystem.store.store import Store

if TYPE_CHECKING:
    from ecosystem.store.parts import StoredRun

_WORKER_BYTES = 500_000_000
"""What a worker process holds before it does anything."""

_WORTH_SECONDS = 15.0
"""Guessed seconds of work from which on other processes are started."""

_SURELY_THERE = 1_000_000_000
"""Bytes that any machine has: for less nobody asks."""


@dataclass(frozen=True)
class Execution:
    """Where and how runs are executed; nothing of it changes a result.

    Attributes
    ----------
    workers : int or None
        How many processes of this machine; 0 for this process itself, None for one a core where the work is worth it.
    scheduler : str or object, optional
        Address of a Dask scheduler, a Dask cluster or client, in place of processes of this machine.
    timeout : float, optional
        Seconds that a run may take. In this process it is looked at after each round; a worker process whose run
        hangs within a round is ended.
    retry_failed : bool
        Whether runs that failed before are run again.
    max_memory : int, optional
        Bytes that all processes of this machine may hold together; by default what the machine has.
    checkpoint : float
        Seconds of work after which a run under way is kept, so that it goes on from there if it is killed; 0 for
        after every round, infinity for never.
    """

    workers: int | None = 0
    scheduler: Any = None
    timeout: float | None = None
    retry_failed: bool = False
    max_memory: int | None = None
    checkpoint: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.workers is not None and self.workers < 0:
            raise EcosystemError(f"workers: a number of processes, 0 for none but this one (got {self.workers})")
        if self.timeout is not None and not self.timeout > 0:
            raise EcosystemError(f"timeout: seconds above 0 (got {self.timeout:g})")
        if self.max_memory is not None and self.max_memory <= 0:
            raise EcosystemError(f"max_memory: bytes above 0 (got {self.max_memory})")
        if not self.checkpoint >= 0:
            raise EcosystemError(f"checkpoint: seconds, 0 for after every round (got {self.checkpoint:g})")


def missing(plan: Plan, stored: dict[str, StoredRun], retry_failed: bool) -> list[str]:
    """Return the ids of the runs to execute."""
    enough = {"done"} if retry_failed else {"done", "failed"}
    there = {id_ for id_, run in stored.items() if run.status in enough}
    return [run.id for run in plan.unique if run.id not in there]


def fitted(execution: Execution, packed: Sequence[Chunk]) -> Execution:
    """Return how chunks are executed here: with how many workers, in how much memory.

    Raises
    ------
    EcosystemError
        Not even one run would fit.
    """
    if execution.scheduler is not None:
        return execution
    workers = _worth(packed, execution.timeout) if execution.workers is None else execution.workers
    largest = max(packed, key=_bytes)
    needed = _bytes(largest)
    if workers == 0 and needed + _WORKER_BYTES <= _SURELY_THERE and execution.max_memory is None:
        return replace(execution, workers=0)
    memory = execution.max_memory or _memory_there()
    if needed > memory:
        raise EcosystemError(
            f"a run (of point {largest.runs[0].point}) would need about {needed / 1e9:.2g} GB, and"
            f" {memory / 1e9:.2g} GB may be held (--max-memory); make the ecosystem smaller, or record less"
        )
    fitting = max(1, memory // (needed + _WORKER_BYTES))
    return replace(execution, workers=min(workers, fitting, len(packed)), max_memory=memory)


def _worth(packed: Sequence[Chunk], timeout: float | None) -> int:
    """Return how many processes some work is worth: starting them takes seconds, and a timeout needs one."""
    guess = sum(len(chunk.runs) * seconds_per_world(chunk.runs[0].scenario) for chunk in packed)
    if timeout is None and (guess < _WORTH_SECONDS or len(packed) == 1):
        return 0
    from dask.system import CPU_COUNT

    return min(int(CPU_COUNT), len(packed))


def execute(
    plan: Plan,
    store: Store,
    progress: OnProgress | None = None,
    simulate: Simulate | None = None,
    execution: Execution | None = None,
) -> int:
    """Execute what is missing, chunk by chunk, and write each chunk as soon as it is done.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    store : Store
        Where results go; runs that are there, failed ones too, are not run again.
    progress : callable, optional
        Called in this thread, after rounds and chunks.
    simulate : callable, optional
        What executes runs, the engine by default.
    execution : Execution, optional
        Where and how; in this process by default.

    Returns
    -------
    int
        How many runs were executed.

    Raises
    ------
    StoreError
        Results cannot be written.
    EcosystemError
        The plan does not fit into the memory, or the cluster does not answer.
    KeyboardInterrupt
        The user's Ctrl-C. What was under way is kept after the round that it was in, where `execution` keeps at all
        and this is the main thread; a second one does not wait for that.
    """
    execution = execution or Execution()
    stored = store.stored(plan)
    remove(store.path, stored)  # who is killed after a part is written leaves them
    packed = chunks(plan, missing(plan, stored, execution.retry_failed), execution.max_memory)
    if not packed:
        return 0
    execution = fitted(execution, packed)
    here = execution.scheduler is None and execution.workers == 0
    if here and simulate is None:
        engine()  # where it cannot be loaded, nothing has begun
    simulate = simulate or Engine(store.checkpoints(execution.checkpoint))
    tally = Tally(sum(len(chunk.runs) for chunk in packed), progress)
    with heard(execution.checkpoint < math.inf) as interrupts:
        (_here if here else _elsewhere)(packed, store, tally, simulate, execution, interrupts)
    remove_folder(store.path)
    interrupts.check()  # all is done, but nothing else is to begin
    return tally.total


def _here(
    packed: Sequence[Chunk],
    store: Store,
    tally: Tally,
    simulate: Simulate,
    execution: Execution,
    interrupts: Interrupts,
) -> None:
    with store.session():
        for chunk in packed:
            interrupts.check()
            receipt = work(chunk, store, simulate, tally.rounds(chunk), execution.timeout, check=interrupts.check)
            tally.over(receipt, chunk)


def _elsewhere(
    packed: Sequence[Chunk],
    store: Store,
    tally: Tally,
    simulate: Simulate,
    execution: Execution,
    interrupts: Interrupts,
) -> None:
    from ecosystem.runner.cluster import existing, local
    from ecosystem.runner.dispatch import Dispatcher

    shared = replace(store, path=store.path.resolve())
    own = execution.scheduler is None
    if own:
        place = local(execution.workers or 1, execution.max_memory or _memory_there())
    else:
        place = existing(execution.scheduler)
    with store.session(), place as client:
        Dispatcher(client, shared, tally, execution.timeout, simulate, own)(packed, interrupts)


def _bytes(chunk: Chunk) -> int:
    return bytes_per_world(chunk.runs[0].scenario) * len(chunk.runs)


def _memory_there() -> int:
    from ecosystem.runner.cluster import memory_there

    return memory_there()
