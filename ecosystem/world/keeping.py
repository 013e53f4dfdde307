"""Keeping how far the runs of a chunk are, now and then, so that one that is killed goes on from there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from ecosystem.store.stretches import stretches
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.recording import OnRows, Recorder

if TYPE_CHECKING:
    from ecosystem.store.checkpoints import Checkpoint, Checkpoints, RunKeeper

_SHARE = 20
"""What keeping takes is at the most one part in so many of the time, where not every round is to be kept."""


class Keeper:
    """Keeps how far the runs of a chunk are, batch after batch, after rounds by which enough time has passed.

    The time counts over all batches: what has come to its end in one is kept with the next.

    Parameters
    ----------
    checkpoints : Checkpoints
        Where, and how often.
    after : mapping of str to Checkpoint
        What runs went on from.
    on_rows : callable
        Who takes the rows themselves.
    """

    def __init__(self, checkpoints: Checkpoints, after: Mapping[str, Checkpoint], on_rows: OnRows) -> None:
        self._checkpoints, self._after, self._on_rows = checkpoints, after, on_rows
        self._due = time.monotonic() + checkpoints.seconds
        self._keepers: dict[str, RunKeeper] = {}
        self._rows: list[Mapping[str, pa.Table]] = []
        self._past: dict[str, tuple[int, float]] = {}

    def begin(self, model: Ecosystem, runs: Sequence[str]) -> None:
        """Keep another batch from now on.

        Parameters
        ----------
        model : Ecosystem
            The worlds.
        runs : sequence of str
            The id of each world's run.
        """
        self._model, self._runs = model, tuple(runs)
        self._keepers |= {run: self._checkpoints.of(run, self._after.get(run)) for run in runs}
        self._began = time.monotonic()
        self._going: Sequence[int] = range(len(runs))
        self._over: dict[int, int] = {}

    def take(self, tables: Mapping[str, pa.Table]) -> None:
        """Put rows aside, run by run, and hand them on."""
        self._put_aside(tables)
        self._on_rows(tables)

    def after_round(self, recorder: Recorder, going: Sequence[int], ended: Sequence[int]) -> None:
        """Keep worlds that go on, and those that have ended since the last time, if it is due."""
        self._going = tuple(going)
        self._over |= dict.fromkeys(ended, self._model.round)
        if time.monotonic() < self._due:
            return
        began = time.monotonic()
        self.keep(recorder)
        ended_at = time.monotonic()
        every = self._checkpoints.seconds
        self._due = ended_at + (max(every, _SHARE * (ended_at - began)) if every > 0 else 0)

    def keep(self, recorder: Recorder) -> None:
        """Keep all worlds as they are after the round that was last told of."""
        seconds = self._seconds()
        recorder.flush()  # what is kept of a run are all its rows
        while self._rows:
            self._put_aside(self._rows[0])
            del self._rows[0]
        for run, (round_, taken) in self._past.items():
            self._keepers[run].keep(round_, True, taken, {})
        for world in self._going:
            run = self._runs[world]
            self._keepers[run].keep(self._model.round, False, self._taken(run, seconds), self._model.checkpoint(world))
        for world, round_ in self._over.items():
            run = self._runs[world]
            self._keepers[run].keep(round_, True, self._taken(run, seconds), {})
        self._past, self._over = {}, {}

    def end(self, rows: Mapping[str, pa.Table]) -> None:
        """Take note that the batch is over, and hold its last rows until it is kept."""
        seconds = self._seconds()
        if rows:
            self._rows.append(rows)
        for world, round_ in self._over.items():
            run = self._runs[world]
            self._past[run] = (round_, self._taken(run, seconds))
        self._over = {}

    def _put_aside(self, tables: Mapping[str, pa.Table]) -> None:
        for run, own in _by_run(tables).items():
            self._keepers[run].add(own)

    def _seconds(self) -> float:
        """Return how long each world of the batch has taken."""
        return (time.monotonic() - self._began) / len(self._runs)

    def _taken(self, run: str, seconds: float) -> float:
        return seconds + (self._after[run].seconds if run in self._after else 0.0)


def _by_run(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, pa.Table]]:
    """Return the rows of each run, which stand together."""
    found: dict[str, dict[str, pa.Table]] = {}
    for name, rows in tables.items():
        for run, start, stop in stretches(rows["run"]):
            found.setdefault(run, {})[name] = rows.slice(start, stop - start)
    return found
