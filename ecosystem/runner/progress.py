"""How far the work is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecosystem.plan.chunks import Chunk
from ecosystem.runner.attempt import OnRound
from ecosystem.runner.work import Receipt


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes
    ----------
    total : int
        Runs to execute, without those that were there before.
    finished : float
        Runs that are over; those under way count by the part of their rounds that is done.
    failed : int
        Runs over that failed.
    over : int
        Runs that are over, and in the store.
    """

    total: int
    finished: float
    failed: int
    over: int = 0


OnProgress = Callable[[Progress], None]


class Tally:
    """What is over and what is under way; tells of every change, and never goes back.

    Parameters
    ----------
    total : int
        Runs to execute.
    progress : callable, optional
        Who is told.
    """

    def __init__(self, total: int, progress: OnProgress | None) -> None:
        self.total, self.finished, self.failed = total, 0, 0
        self._tell = progress or (lambda _: None)
        self._under_way: dict[str, float] = {}
        self._furthest = 0.0
        self.tell()

    def over(self, receipt: Receipt, chunk: Chunk) -> None:
        """Count a chunk that is in the store."""
        self._under_way.pop(chunk.id, None)
        self.finished += receipt.runs
        self.failed += receipt.failed
        self.tell()

    def given_up(self, chunk: Chunk) -> None:
        """Count a chunk as not under way any more."""
        self._under_way.pop(chunk.id, None)

    def rounds(self, chunk: Chunk) -> OnRound:
        """Return what hears of a chunk's rounds; it may run them in several goes."""

        def on_round(done: int, of: int) -> None:
            self.part(chunk, done / max(of, 1))

        return on_round

    def part(self, chunk: Chunk, done: float) -> None:
        """Take note that a part of a chunk's rounds, from 0 to 1, is done."""
        before = self._under_way.get(chunk.id, 0.0)
        self._under_way[chunk.id] = max(before, len(chunk.runs) * min(done, 1.0))
        self.tell()

    def tell(self) -> None:
        """Tell how far it is."""
        self._furthest = max(self._furthest, min(self.finished + sum(self._under_way.values()), self.total))
        self._tell(Progress(self.total, self._furthest, self.failed, self.finished))
