"""One chunk, executed: whatever happens, every run of it is accounted for."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk
from ecosystem.plan.identity import canonical
from ecosystem.plan.runs import Run

OnRound = Callable[[int, int], None]
"""Called with the number of rounds done, and of all rounds."""

OnHang = Callable[[Sequence[Run]], None]

GRACE = 5.0
"""How many seconds beyond its timeout a run has at the most to come to the end of a round; no more than it had."""


class Simulated(Protocol):
    """What the engine returns."""

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """What was recorded of the runs that did not fail."""

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

    def __call__(self, runs: Sequence[Run], on_round: OnRound | None = None) -> Simulated:
        """Return what runs give, and tell of every round."""


class TooLongError(EcosystemError):
    """A run that took longer than it may."""

    def __init__(self, timeout: float) -> None:
        super().__init__(f"took longer than {timeout:g} s (timeout)")


@dataclass
class Attempt:
    """What became of runs.

    Attributes
    ----------
    tables : dict of str to list of pyarrow.Table
        Rows of the runs that are done.
    runs : list of dict
        A row of `PART_RUNS` for each run, done or failed, as far as it is known here.
    """

    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def whole(self) -> dict[str, pa.Table]:
        """Return each table in one piece."""
        return {name: pa.concat_tables(parts).unify_dictionaries() for name, parts in self.tables.items()}


def attempt(
    chunk: Chunk,
    simulate: Simulate,
    on_round: OnRound | None = None,
    timeout: float | None = None,
    on_hang: OnHang | None = None,
) -> Attempt:
    """Execute a chunk.

    Where the runs of a chunk cannot be executed together, because one of them raises or takes too long, they are
    executed one by one, so that only the guilty one fails.

    Parameters
    ----------
    chunk : Chunk
        What to execute.
    simulate : callable
        The engine.
    on_round : callable, optional
        Told of every round.
    timeout : float, optional
        How many seconds a run, or the runs of a chunk together, may take; looked at after each round.
    on_hang : callable, optional
        Called in another thread, with the runs that hang, where no round comes to its end long after that.
    """
    result = Attempt()
    try:
        _add(result, chunk.runs, simulate, on_round, timeout, on_hang)
    except Exception as error:
        if len(chunk.runs) == 1:
            return Attempt(runs=[failure(chunk.runs[0], error)])
        result = Attempt()
        for run in chunk.runs:
            try:
                _add(result, [run], simulate, None, timeout, on_hang)
            except Exception as own:
                result.runs.append(failure(run, own))
    return result


def failure(run: Run, error: Exception) -> dict[str, Any]:
    """Return the row of a run that failed by an exception; of a user's mistake the message says all."""
    ours = not isinstance(error, EcosystemError)
    message = f"{type(error).__name__}: {error}" if ours else str(error)
    return failed(run, message) | {
        "exception": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)) if ours else None,
    }


def _add(
    result: Attempt,
    runs: Sequence[Run],
    simulate: Simulate,
    on_round: OnRound | None,
    timeout: float | None,
    on_hang: OnHang | None,
) -> None:
    """Execute some runs together and add what became of them."""
    with _watch(runs, timeout, on_hang):
        outcome = simulate(runs, _ending(on_round, timeout))
    for run in runs:
        known = {"network": outcome.networks.get(run.id), "seconds": outcome.seconds.get(run.id)}
        if run.id in outcome.errors:
            result.runs.append(failed(run, outcome.errors[run.id]) | known)
        else:
            result.runs.append({"run": run.id, "status": "done", **known})
    for name, table in outcome.tables.items():
        result.tables.setdefault(name, []).append(table)


def failed(run: Run, message: str) -> dict[str, Any]:
    """Return the row of a run that failed for a reason that is told in a line."""
    return {"run": run.id, "status": "failed", "error": message, "settings": canonical(run.scenario.settings())}


def _ending(on_round: OnRound | None, timeout: float | None) -> OnRound | None:
    """Return a listener that ends what takes too long."""
    if timeout is None:
        return on_round
    limit, ends = timeout, time.monotonic() + timeout

    def listen(done: int, of: int) -> None:
        if time.monotonic() > ends and done < of:
            raise TooLongError(limit)
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
