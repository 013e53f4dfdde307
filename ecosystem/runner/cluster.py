"""Worker processes: on this machine, or on a cluster that is there already. Both are Dask's."""

from __future__ import annotations

import logging
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from ecosystem.errors import EcosystemError, shorten

if TYPE_CHECKING:
    from distributed import Client

LOOPBACK = "127.0.0.1"

_LOCAL = {
    # A worker that dies takes one chunk with it, and who is to blame is found by executing its runs alone.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    # What a worker holds stays in memory: nothing is pickled to the disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}

_PATIENCE = 10
"""Seconds to wait for a scheduler to answer."""


@contextmanager
def local(workers: int, memory: int) -> Iterator[Client]:
    """Give worker processes on this machine, each with one thread, which listen to this machine alone.

    Parameters
    ----------
    workers : int
        How many.
    memory : int
        Bytes that all together may hold; a worker that takes more than its part is ended.
    """
    import dask
    from distributed import Client, LocalCluster

    with tempfile.TemporaryDirectory(prefix="ecosystem-", ignore_cleanup_errors=True) as scratch:
        with dask.config.set({**_LOCAL, "temporary-directory": scratch}), _deaf_to_interrupts():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",  # a fixed port may be taken, by a second sweep for one
                memory_limit=memory // workers,
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
        try:
            with cluster, Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what ends late has nothing to say


@contextmanager
def existing(scheduler: Any) -> Iterator[Client]:
    """Give a client of a scheduler that is there: its address, a cluster object, or a client.

    Raises
    ------
    EcosystemError
        Nothing answers there.
    """
    from distributed import Client

    if isinstance(scheduler, Client):
        yield scheduler
        return
    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        told = shorten(scheduler) if isinstance(scheduler, str) else type(scheduler).__name__
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EcosystemError(
            f"no Dask scheduler answers at {told} ({reason}); an address such as tcp://HOST:8786 is needed"
        ) from error
    with client:
        yield client


def memory_there() -> int:
    """Return the bytes of memory that this process may have: the machine's, or what its container allows."""
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_LIMIT)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let processes that are started meanwhile, and their children, not hear of Ctrl-C: this one tells them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it, as the first process would, lets the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
