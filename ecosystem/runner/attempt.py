"""One chunk, executed: whatever happens, every run of it is accounted for."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ecosystem.errors import EcosystemError
from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import Run
from ecosystem.store.parts import StoredRun

OnRound = Callable[[int, int], None]
"""Called with the number of rounds done, and of all rounds."""


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


@dataclass(frozen=True)
class Attempt:
    """What became of a chunk.

    Attributes
    ----------
    tables : mapping of str to pyarrow.Table
        Rows of the runs that are done.
    runs : tuple of StoredRun
        All runs of the chunk, done or failed.
    """

    tables: Mapping[str, pa.Table]
    runs: tuple[StoredRun, ...]

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(run.status == "failed" for run in self.runs)


def attempt(chunk: Chunk, simulate: Simulate, on_round: OnRound | None = None) -> Attempt:
    """Execute a chunk; an exception becomes the failure of its runs."""
    try:
        outcome = simulate(chunk.runs, on_round)
    except EcosystemError as error:
        return _failure(chunk, str(error))
    except Exception:
        return _failure(chunk, traceback.format_exc())
    runs = tuple(
        StoredRun(
            id=run.id,
            network=outcome.networks.get(run.id),
            status="failed" if run.id in outcome.errors else "done",
            seconds=outcome.seconds.get(run.id),
            error=outcome.errors.get(run.id),
        )
        for run in chunk.runs
    )
    return Attempt(outcome.tables, runs)


def _failure(chunk: Chunk, error: str) -> Attempt:
    return Attempt({}, tuple(StoredRun(run.id, None, "failed", None, error) for run in chunk.runs))
