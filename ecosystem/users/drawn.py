"""Drawn numbers of users: what becomes of each one, counted cohort by cohort and model by model.

A user who is counted asks one prompt a round, stays or leaves, stays with a model or chooses anew, each on its own
and by the probabilities of the expected rules. Counts of such users are binomial and multinomial; drawing
them costs the same for a billion users as for a thousand. What a rule presets (the share of `linear`, a cap)
is not drawn: the fraction of a user that is left over is settled by one uniform number (systematic sampling).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecosystem.world.streams import multinomial, stream

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Draws:
    """The draws of one run in one round.

    Attributes
    ----------
    seed, round
        Which run, which round.
    group : ndarray
        Which group each cohort belongs to, ascending, ``[cohorts]``. Every group has a stream of its own.
    """

    seed: int
    round: int
    group: Counts

    def _groups(self, purpose: str) -> Iterator[tuple[slice, np.random.Generator]]:
        """Yield the cohorts of each group, with the group's generator."""
        groups, starts = np.unique(self.group, return_index=True)
        ends = [*starts[1:], len(self.group)]
        for group, start, end in zip(groups, starts, ends, strict=True):
            yield slice(int(start), int(end)), stream(self.seed, f"users.{purpose}", self.round, int(group))

    def spread(self, users: Counts, over: Array, purpose: str) -> Counts:
        """Return users, ``[cohorts, ...]``, each spread over the last dimension of `over`, ``[cohorts, ..., n]``."""
        out = np.zeros(np.broadcast_shapes((*users.shape, 1), over.shape), dtype=np.int64)
        for cohorts, generator in self._groups(purpose):
            out[cohorts] = multinomial(generator, users[cohorts], over[cohorts])
        return out

    def thinned(self, held: Counts, part: Array, purpose: str) -> Counts:
        """Return how many of the held ones, each with its probability, shaped alike."""
        out = np.zeros_like(held)
        for cohorts, generator in self._groups(purpose):
            out[cohorts] = generator.binomial(held[cohorts], np.clip(part[cohorts], 0.0, 1.0))
        return out

    def arrivals(self, rate: float, part: Array, purpose: str) -> Counts:
        """Return new users of each group, Poisson with a rate, spread over its cohorts × models by `part`."""
        out = np.zeros(part.shape, dtype=np.int64)
        for cohorts, generator in self._groups(purpose):
            number = np.array(generator.poisson(rate))
            out[cohorts] = multinomial(generator, number, part[cohorts].ravel()).reshape(part[cohorts].shape)
        return out

    def moved(self, held: Counts, leave: Array, goes: Array, purpose: str) -> Counts:
        """Return users by model after those who leave their model chose anew, ``[cohorts, models]``."""
        leaving = self.thinned(held, leave, f"{purpose}.leave")
        return held - leaving + self.spread(leaving.sum(-1), goes, f"{purpose}.goes")

    def anew(self, total: int, expected: Array, purpose: str) -> Counts:
        """Return `total` users drawn one by one in proportion to what is expected, ``[cohorts, models]``."""
        generator = stream(self.seed, f"users.{purpose}", self.round)
        return multinomial(generator, np.array(total), expected.ravel()).reshape(expected.shape)

    def preset(self, expected: Array, purpose: str) -> Counts:
        """Return whole numbers within 1 of the expected, ``[cohorts, models]``, their sum that of all to within 1.

        Cells are counted along group by group, in a group model by model, so that a group gets what it would get
        as one cohort.
        """
        cohort, model = (index.ravel() for index in np.indices(expected.shape))
        order = np.lexsort((cohort, model, self.group[cohort]))
        steps = np.cumsum(expected.ravel()[order])
        whole = np.rint(steps[-1])
        if abs(steps[-1] - whole) <= 1e-9 * max(whole, 1.0):
            steps = np.minimum(steps * (whole / steps[-1] if steps[-1] > 0 else 1.0), whole)
            steps[-1] = whole
        below = np.floor(steps + stream(self.seed, f"users.{purpose}", self.round).random())
        out = np.zeros(expected.size, dtype=np.int64)
        out[order] = np.diff(below, prepend=0.0).astype(np.int64)
        return out.reshape(expected.shape)
