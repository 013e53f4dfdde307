"""How long a plan will take and how much room its results need, measured on the first rounds of a few of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from ecosystem.plan.chunks import Chunk
from ecosystem.plan.size import most_rounds, seconds_per_world
from ecosystem.scenario.fields.drawn import DrawnOutputs
from ecosystem.scenario.fields.learning import Until

_TRIALS = 3
"""How many chunks are tried out, those that seem to take longest."""

_TRIAL_SECONDS = 1.0
"""How long each is tried."""

_MOST_TRIED = 8
"""How many runs of a chunk are tried together."""

_PART_BYTES = 20_000
"""What a part takes however little it holds."""


@dataclass(frozen=True)
class Estimate:
    """What executing chunks will take.

    Attributes
    ----------
    seconds : float
        On one core.
    longest : float
        Seconds of the longest chunk, which no number of workers shortens.
    bytes : int
        Room for the results.
    at_most : bool
        Whether runs may come to rest, and so end, earlier.
    measured : bool
        Whether anything was tried out; else it is guessed from the settings alone.
    """

    seconds: float
    longest: float
    bytes: int
    at_most: bool
    measured: bool

    def with_workers(self, workers: int) -> float:
        """Return the seconds that it takes some workers."""
        return max(self.seconds / max(workers, 1), self.longest)


@dataclass(frozen=True)
class _Measured:
    """Seconds and bytes of a chunk, and how many times the guess its seconds are."""

    seconds: float
    bytes: float
    factor: float


def estimate(packed: Sequence[Chunk]) -> Estimate:
    """Try a few chunks out, and reckon what all of them take.

    Parameters
    ----------
    packed : sequence of Chunk
        At least one.
    """
    guesses = [len(chunk.runs) * seconds_per_world(chunk.runs[0].scenario) for chunk in packed]
    order = sorted(range(len(packed)), key=lambda number: -guesses[number])
    tried: dict[int, _Measured] = {}
    for number in order[:: max(1, len(order) // _TRIALS)][:_TRIALS]:
        measured = _try(packed[number], guesses[number])
        if measured is not None:
            tried[number] = measured
    usual = sum(each.factor for each in tried.values()) / len(tried) if tried else 1.0
    per_run = max((each.bytes / len(packed[number].runs) for number, each in tried.items()), default=0.0)
    seconds = [tried[number].seconds if number in tried else usual * guess for number, guess in enumerate(guesses)]
    runs = sum(len(chunk.runs) for chunk in packed)
    return Estimate(
        seconds=sum(seconds),
        longest=max(seconds),
        bytes=int(per_run * runs) + _PART_BYTES * len(packed),
        measured=bool(tried),
        at_most=any(isinstance(chunk.runs[0].scenario.rounds, Until) for chunk in packed),
    )


def _try(chunk: Chunk, guess: float) -> _Measured | None:
    """Run the first rounds of some of a chunk's runs; None where they cannot be built, or train networks first."""
    from ecosystem.world.trial import try_out

    runs = chunk.runs[:_MOST_TRIED]
    if isinstance(runs[0].scenario.outputs, DrawnOutputs):
        return None
    try:
        trial = try_out(runs, _TRIAL_SECONDS)
    except Exception:  # what a run fails by is told when it is run; the others can be reckoned all the same
        return None
    scenario = runs[0].scenario
    rounds = most_rounds(scenario)
    share = len(chunk.runs) / len(runs)
    seconds = share * (trial.built + trial.seconds * rounds / max(trial.rounds, 1))
    recorded = (rounds // scenario.record.every + 1) / (trial.rounds // scenario.record.every + 1)
    written = sum(map(_written, trial.tables.values()))
    return _Measured(seconds, share * written * recorded, seconds / guess)


def _written(table: pa.Table) -> int:
    """Return how many bytes a table takes on the disk."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return int(sink.getvalue().size)
