"""One chunk, executed: whatever happens, every run of it is accounted for."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk
from ecosystem.plan.identity import canonical
from ecosystem.plan.runs import Run
from ecosystem.store.errors import StoreError

OnRound = Callable[[int, int], None]
"""Called with the number of rounds done, and of all rounds."""

OnRows = Callable[[Mapping[str, pa.Table]], None]
"""Called with rows of tables that are finished."""

OnHang = Callable[[Sequence[Run]], None]

Check = Callable[[], None]
"""Called after every round; raises `KeyboardInterrupt` where work is to end."""

GRACE = 5.0
"""How many seconds beyond its timeout a run has at the most to come to the end of a round; no more than it had."""


class Simulated(Protocol):
    """What the engine returns."""

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """What was recorded of the runs that did not fail, as far as it was not handed over."""

    @property
    def networks(self) -> Mapping[str, str]:
        """The network of each run, by id."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """How long each run took, by id."""

    @property
    def errors(self) -> Mapping[str, str]:
        """Why runs failed, by id."""


class Simulate(Protocol):
    """The engine, as seen from here."""

    def __call__(
        self, runs: Sequence[Run], on_round: OnRound | None = None, on_rows: OnRows | None = None
    ) -> Simulated:
        """Return what runs give, but for the rows that are handed over meanwhile, and tell of every round."""


class TooLongError(EcosystemError):
    """A run that took longer than it may."""

    def __init__(self, timeout: float) -> None:
        super().__init__(f"took longer than {timeout:g} s (timeout)")


class Rows(Protocol):
    """Where rows go as they come."""

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Take rows of some tables."""

    def leave_out(self, runs: Iterable[str]) -> None:
        """Forget the rows of some runs, whether there are any or not; they may come again."""


class Attempt:
    """Executes chunks.

    Where the runs of a chunk cannot be executed together, because one of them raises or takes too long, they are
    executed one by one, so that only the guilty one fails.

    Parameters
    ----------
    simulate : callable
        The engine.
    on_round : callable, optional
        Told of every round.
    timeout : float, optional
        How many seconds a run, or the runs of a chunk together, may take; looked at after each round.
    on_hang : callable, optional
        Called in another thread, with the runs that hang, where no round comes to its end long after that.
    check : callable, optional
        Has work end after a round, whether the round is told of or not.
    """

    def __init__(
        self,
        simulate: Simulate,
        on_round: OnRound | None = None,
        timeout: float | None = None,
        on_hang: OnHang | None = None,
        check: Check | None = None,
    ) -> None:
        self._simulate, self._on_round, self._check = simulate, on_round, check
        self._timeout, self._on_hang = timeout, on_hang

    def __call__(self, chunk: Chunk, rows: Rows) -> list[dict[str, Any]]:
        """Execute a chunk.

        Returns
        -------
        list of dict
            A row of `PART_RUNS` for each run, done or failed, as far as it is known here. `rows` has the rows of
            those that are done.
        """
        seen: set[str] = set()
        if len(chunk.runs) > 1:
            try:
                return self._together(chunk.runs, rows, seen)
            except StoreError:
                raise
            except Exception:
                rows.leave_out([run.id for run in chunk.runs])
                self._on_round = None
        return [row for run in chunk.runs for row in self._alone(run, rows, seen)]

    def _alone(self, run: Run, rows: Rows, seen: set[str]) -> list[dict[str, Any]]:
        try:
            return self._together([run], rows, seen)
        except StoreError:
            raise
        except Exception as error:
            rows.leave_out([run.id])
            return [failure(run, error)]

    def _together(self, runs: Sequence[Run], rows: Rows, seen: set[str]) -> list[dict[str, Any]]:
        """Execute some runs together; `seen` are the networks that are written already."""
        with _watch(runs, self._timeout, self._on_hang):
            outcome = self._simulate(runs, _ending(self._on_round, self._timeout, self._check), rows.add)
        rows.add({name: table for name, table in outcome.tables.items() if name != "network"})
        if "network" in outcome.tables:
            rows.add({"network": _unseen(outcome.tables["network"], seen)})
        rows.leave_out(outcome.errors)
        return [self._row(run, outcome) for run in runs]

    @staticmethod
    def _row(run: Run, outcome: Simulated) -> dict[str, Any]:
        known = {"network": outcome.networks.get(run.id), "seconds": outcome.seconds.get(run.id)}
        if run.id in outcome.errors:
            return failed(run, outcome.errors[run.id]) | known
        return {"run": run.id, "status": "done", **known}


def failure(run: Run, error: Exception) -> dict[str, Any]:
    """Return the row of a run that failed by an exception; of a user's mistake the message says all."""
    ours = not isinstance(error, EcosystemError)
    message = f"{type(error).__name__}: {error}" if ours else str(error)
    return failed(run, message) | {
        "exception": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)) if ours else None,
    }


def failed(run: Run, message: str) -> dict[str, Any]:
    """Return the row of a run that failed for a reason that is told in a line."""
    return {"run": run.id, "status": "failed", "error": message, "settings": canonical(run.scenario.settings())}


def _unseen(networks: pa.Table, seen: set[str]) -> pa.Table:
    """Return the networks that have not been seen, and see them."""
    key = networks["network"]
    new = set(key.unique().to_pylist()) - seen
    seen |= new
    return networks.filter(pc.is_in(key.cast(pa.string()), pa.array(sorted(new), pa.string())))


def _ending(on_round: OnRound | None, timeout: float | None, check: Check | None) -> OnRound | None:
    """Return a listener that ends what takes too long, and what is to end."""
    if timeout is None and check is None:
        return on_round
    ends = None if timeout is None else time.monotonic() + timeout

    def listen(done: int, of: int) -> None:
        if check is not None:
            check()
        if timeout is not None and ends is not None and time.monotonic() > ends and done < of:
            raise TooLongError(timeout)
        if on_round is not None:
            on_round(done, of)

    return listen


@contextmanager
def _watch(runs: Sequence[Run], timeout: float | None, on_hang: OnHang | None) -> Iterator[None]:
    """Have it told where runs go on long after they should have ended."""
    if timeout is None or on_hang is None:
        yield
        return
    timer = threading.Timer(timeout + min(timeout, GRACE), on_hang, [runs])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
