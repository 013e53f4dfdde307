"""What a worker process does with a chunk that it is sent."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import Run
from ecosystem.runner.attempt import Check, OnHang, OnRound, Simulate, TooLongError, failed
from ecosystem.runner.work import Clock, Receipt, put, work
from ecosystem.store.manifest import FILE
from ecosystem.store.store import Store
from ecosystem.store.versions import here, versions

if TYPE_CHECKING:
    from distributed import Worker

MUST_AGREE = ("program", "revision", "torch", "numpy", "mesa", "networkx")
"""Whose versions must be the same everywhere for results to be the same bits."""

_ENDED = "_ecosystem_ended"
"""The attribute of a worker that says which topics it is to end."""

_BETWEEN_EVENTS = 0.5
"""Seconds between two tellings of the rounds of a chunk."""


def task(
    chunk: Chunk,
    store: Store,
    known: Mapping[str, str | None],
    topic: str,
    timeout: float | None,
    simulate: Simulate | None,
) -> Receipt | None:
    """Execute a chunk in this worker and write it to the store.

    Parameters
    ----------
    chunk : Chunk
        What to execute; where it is in the store already, nothing is done.
    store : Store
        On a file system that this worker shares.
    known : mapping
        Versions where the work is given out.
    topic : str
        Under which the rounds are told to the scheduler.
    timeout, simulate
        As for `Attempt`.

    Returns
    -------
    Receipt or None
        None where the worker was told to end this before it was done; see `end`.

    Raises
    ------
    StoreError
        It cannot be written.
    EcosystemError
        This worker does not fit.
    """
    import torch

    unfit = misfit(store, known)
    if unfit:
        raise EcosystemError(unfit)
    torch.set_num_threads(1)
    before = store.find(chunk)
    if before is not None and all(run.status == "done" for run in before):
        return Receipt(len(before), 0)
    try:
        return work(chunk, store, simulate, _told(chunk, topic), timeout, _leave(chunk, store, timeout), _check(topic))
    except KeyboardInterrupt:  # it would end the worker
        return None


def end(topic: str, dask_worker: Worker) -> None:
    """Tell a worker to end the chunks of some topic after the round that they are in."""
    setattr(dask_worker, _ENDED, {*getattr(dask_worker, _ENDED, ()), topic})


def _check(topic: str) -> Check:
    """Return what has work end once the worker is told so."""
    from distributed import get_worker

    worker = get_worker()

    def check() -> None:
        if topic in getattr(worker, _ENDED, ()):
            raise KeyboardInterrupt

    check()
    return check


def misfit(store: Store, known: Mapping[str, str | None]) -> str | None:
    """Say why a worker cannot take part, None where it can."""
    host, _ = here()
    if not (store.path / FILE).is_file():
        return (
            f"the worker on {host} does not see {store.path}; workers write results themselves, so --out must be"
            " on a file system that all share"
        )
    for name in MUST_AGREE:
        found = versions()[name]
        if found != known[name]:
            return f"the worker on {host} has {name} {found}, here it is {known[name]}; results would not be the same"
    return None


def _told(chunk: Chunk, topic: str) -> OnRound:
    """Return what tells of rounds, now and then."""
    from distributed import get_worker

    worker = get_worker()
    last = time.monotonic()

    def on_round(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last > _BETWEEN_EVENTS:
            last = time.monotonic()
            worker.log_event(topic, {"chunk": chunk.id, "part": done / max(of, 1)})

    return on_round


def _leave(chunk: Chunk, store: Store, timeout: float | None) -> OnHang:
    """Return what ends this process where runs hang: no thread can be ended otherwise."""
    began = Clock()

    def on_hang(runs: Sequence[Run]) -> None:
        try:
            if len(chunk.runs) == 1 and timeout is not None:
                put(chunk, store, began, [failed(chunk.runs[0], str(TooLongError(timeout)))])
        finally:
            os._exit(1)

    return on_hang
