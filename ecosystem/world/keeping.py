"""Keeping how far the worlds of a batch are, now and then, so that a run that is killed goes on from there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.recording import OnRows, Recorder

if TYPE_CHECKING:
    from ecosystem.store.checkpoints import Checkpoint, Checkpoints

_SHARE = 20
"""What keeping takes is at the most one part in so many of the time, where not every round is to be kept."""


class Keeper:
    """Keeps how far the worlds of a batch are, after rounds by which enough time has passed.

    Parameters
    ----------
    model : Ecosystem
        The worlds.
    runs : sequence of str
        The id of each world's run.
    checkpoints : Checkpoints
        Where, and how often.
    after : mapping of str to Checkpoint
        What runs went on from.
    on_rows : callable
        Who takes the rows themselves.
    """

    def __init__(
        self,
        model: Ecosystem,
        runs: Sequence[str],
        checkpoints: Checkpoints,
        after: Mapping[str, Checkpoint],
        on_rows: OnRows,
    ) -> None:
        self._model, self._runs, self._on_rows = model, tuple(runs), on_rows
        self._checkpoints, self._after = checkpoints, after
        self._keepers = {run: checkpoints.of(run, after.get(run)) for run in runs}
        self._began = time.monotonic()
        self._due = self._began + checkpoints.seconds
        self._over: dict[int, int] = {}

    def take(self, tables: Mapping[str, pa.Table]) -> None:
        """Put rows aside, run by run, and hand them on."""
        for run, own in _by_run(tables).items():
            self._keepers[run].add(own)
        self._on_rows(tables)

    def after_round(self, recorder: Recorder, going: Sequence[int], ended: Sequence[int]) -> None:
        """Keep worlds that go on, and those that have ended since the last time, if it is due."""
        self._over |= dict.fromkeys(ended, self._model.round)
        if time.monotonic() < self._due:
            return
        began = time.monotonic()
        recorder.flush()  # what is kept of a run are all its rows
        seconds = (began - self._began) / len(self._runs)
        for world in going:
            self._keep(world, self._model.round, seconds, over=False)
        for world, round_ in self._over.items():
            self._keep(world, round_, seconds, over=True)
        self._over = {}
        ended_at = time.monotonic()
        every = self._checkpoints.seconds
        self._due = ended_at + (max(every, _SHARE * (ended_at - began)) if every > 0 else 0)

    def _keep(self, world: int, round_: int, seconds: float, *, over: bool) -> None:
        run = self._runs[world]
        before = self._after[run].seconds if run in self._after else 0.0
        self._keepers[run].keep(round_, over, before + seconds, {} if over else self._model.checkpoint(world))


def _by_run(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, pa.Table]]:
    """Return the rows of each run, which stand together."""
    found: dict[str, dict[str, pa.Table]] = {}
    for name, rows in tables.items():
        column = rows["run"]
        key = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        numbers, ids = key.indices.to_numpy(), key.dictionary.to_pylist()
        starts = np.flatnonzero(np.diff(numbers, prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True):
            found.setdefault(ids[numbers[start]], {})[name] = rows.slice(start, stop - start)
    return found
