"""Chunks given out to workers, and what comes back."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk
from ecosystem.runner.attempt import Simulate, failed
from ecosystem.runner.interrupts import Interrupts
from ecosystem.runner.progress import Tally
from ecosystem.runner.task import end, misfit, task
from ecosystem.runner.work import Clock, Receipt, put
from ecosystem.store.store import Store
from ecosystem.store.versions import versions

if TYPE_CHECKING:
    from distributed import Client, Future

_MOST_DEATHS = 2
"""How often a run may take the process with it that executes it alone: once may be chance."""

_AHEAD = 8
"""How many chunks more than it has threads wait at a cluster, which may grow."""


class Dispatcher:
    """Gives out chunks, as many at a time as there are workers, and takes note of what becomes of them.

    Workers write to the store themselves. A chunk whose worker died is executed run by run; a run that took its
    worker with it, alone, `_MOST_DEATHS` times, fails.

    Parameters
    ----------
    client : distributed.Client
        Of the scheduler.
    store : Store
        Where results go.
    tally : Tally
        What counts them.
    timeout, simulate
        As for `Attempt`.
    own : bool
        Whether the workers are this program's own, and as many as they will be.
    """

    def __init__(
        self,
        client: Client,
        store: Store,
        tally: Tally,
        timeout: float | None,
        simulate: Simulate | None,
        own: bool,
    ) -> None:
        self._client, self._store, self._tally = client, store, tally
        self._timeout, self._simulate = timeout, simulate
        self._ahead = 0 if own else _AHEAD
        self._topic = f"ecosystem-{secrets.token_hex(8)}"
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[Chunk] = deque()
        self._flying: dict[str, tuple[Chunk, Future[Receipt | None]]] = {}
        self._deaths: dict[str, int] = {}

    def __call__(self, chunks: Sequence[Chunk], interrupts: Interrupts) -> None:
        """Execute chunks, until work is asked to end; then those that are under way are kept.

        Raises
        ------
        StoreError
            Results cannot be written.
        EcosystemError
            A worker does not fit, or the scheduler is gone.
        KeyboardInterrupt
            Work was asked to end before all was done.
        """
        for unfit in self._client.run(misfit, self._store, versions()).values():
            if unfit:
                raise EcosystemError(unfit)
        self._waiting.extend(chunks)
        self._client.subscribe_topic(self._topic, lambda event: self._events.put(lambda: self._rounds(event)))
        try:
            with interrupts.told(lambda: self._events.put(self._end)):
                while self._flying or (self._waiting and not interrupts.asked):
                    while self._waiting and not interrupts.asked and len(self._flying) < self._width():
                        self._send(self._waiting.popleft())
                    self._events.get()()
            if self._waiting:
                raise KeyboardInterrupt
        finally:
            self._client.unsubscribe_topic(self._topic)
            self._client.cancel([future for _, future in self._flying.values()], force=True)

    def _width(self) -> int:
        return max(1, sum(self._client.nthreads().values())) + self._ahead

    def _send(self, chunk: Chunk) -> None:
        key = f"{self._topic}-{chunk.id}-{sum(self._deaths.get(run.id, 0) for run in chunk.runs)}"
        arguments = (chunk, self._store, versions(), self._topic, self._timeout, self._simulate)
        future = self._client.submit(task, *arguments, key=key, pure=False)
        self._flying[chunk.id] = (chunk, future)
        future.add_done_callback(lambda ended: self._events.put(lambda: self._ended(chunk, ended)))

    def _end(self) -> None:
        """Have chunks that are under way kept and ended, and let none begin that a cluster has not begun."""
        begun = {str(key) for keys in self._client.processing().values() for key in keys}
        for chunk, future in list(self._flying.values()):
            if future.key not in begun and not future.done():
                self._waiting.append(self._flying.pop(chunk.id)[0])
                future.cancel()
        self._client.run(end, self._topic, on_error="ignore")

    def _rounds(self, event: tuple[float, Any]) -> None:
        told = event[1]
        if isinstance(told, dict) and told.get("chunk") in self._flying:
            chunk, _ = self._flying[told["chunk"]]
            self._tally.part(chunk, float(told["part"]))

    def _ended(self, chunk: Chunk, future: Future[Receipt | None]) -> None:
        """Take note of a chunk that came to its end, in whatever way."""
        from distributed import KilledWorker

        if self._flying.pop(chunk.id, None) is None:
            return  # it was to begin, and has been called off
        if future.status == "finished":
            receipt = future.result()
            if receipt is None:
                self._waiting.append(chunk)
            else:
                self._tally.over(receipt, chunk)
        elif future.status == "error" and not isinstance(error := future.exception(), KilledWorker):
            raise error
        elif self._client.status != "running":
            raise EcosystemError("the Dask scheduler is gone; the same command goes on with what is missing")
        else:
            self._died(chunk)

    def _died(self, chunk: Chunk) -> None:
        """Find out by which of a chunk's runs its worker died."""
        before = self._store.find(chunk)
        if before is not None:
            self._tally.over(Receipt(len(before), sum(run.status == "failed" for run in before)), chunk)
            return
        self._tally.given_up(chunk)
        if len(chunk.runs) > 1:
            self._waiting.extendleft(Chunk.of([run]) for run in reversed(chunk.runs))
            return
        run = chunk.runs[0]
        self._deaths[run.id] = self._deaths.get(run.id, 0) + 1
        if self._deaths[run.id] < _MOST_DEATHS:
            self._waiting.appendleft(chunk)
            return
        reason = failed(run, f"the process that executed it died, {_MOST_DEATHS} times (killed, or out of memory)")
        self._tally.over(put(chunk, self._store, Clock(), [reason]), chunk)
