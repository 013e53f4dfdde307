"""Outputs that are really drawn: a row is the mean over what was drawn of what judges say of it.

A row is (1, judges, squares of judges, measures): the expectation of a judge's value is a product with a row of
coefficients, as it is for all outputs. The judges are the scenario's named rewards, then its scores; measures are
of the drawn outputs as a whole, the same in every context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.scenario.fields.judges import JudgeBlock

Array = NDArray[np.float64]


class DrawnSpace:
    """Rows of what is said of drawn outputs.

    Parameters
    ----------
    judges : sequence of JudgeBlock
        The named rewards, then the scores.
    measures : sequence of str
        What is measured of the outputs as a whole.
    contexts : int
        How many contexts.

    Examples
    --------
    >>> from ecosystem.scenario.fields.judges import OtherJudge
    >>> space = DrawnSpace([OtherJudge(judge="hue"), OtherJudge(judge="size")], ["loss"], 1)
    >>> space.numbers, space.reward(OtherJudge(judge="size")).tolist()
    (6, [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    """

    def __init__(self, judges: Sequence[JudgeBlock], measures: Sequence[str], contexts: int) -> None:
        self.judges, self.measures, self.contexts = tuple(judges), tuple(measures), contexts
        self.numbers = 1 + 2 * len(self.judges) + len(self.measures)

    def default(self) -> Array:
        """Return rows of which nothing is known yet."""
        return np.tile(np.eye(1, self.numbers), (self.contexts, 1))

    def distribution(self, written: Any) -> Array:
        """Refuse: real data come with the kind of outputs."""
        raise TypeError(f"drawn outputs have no distribution that is written down (got {written!r})")

    def drawn(self, draw: Any, seed: int, purpose: str, count: int) -> Array:
        """Refuse: nothing is known of a law."""
        raise TypeError(f"drawn outputs have no law that is drawn (got {draw!r}, {seed}, {purpose}, {count})")

    def reward(self, written: JudgeBlock) -> Array:
        """Return the coefficients by which a row gives the expectation of a judge."""
        row = np.zeros((1, self.numbers))
        row[0, 1 + self.judges.index(written)] = 1.0
        return row

    def top(self, reward: Array) -> float:
        """Return the largest value of a judge; NaN where it has none."""
        named = np.flatnonzero(reward[0, 1 : 1 + len(self.judges)])
        return self.judges[int(named[0])].largest if len(named) else math.nan

    def drawn_rewards(self, draw: Any, seed: int, purpose: str, count: int) -> Array:
        """Refuse: rewards are judges."""
        raise TypeError(f"drawn outputs have no rewards that are drawn (got {draw!r}, {seed}, {purpose}, {count})")

    def channel(self, channel: Any) -> Array:
        """Refuse: nothing acts on an output as it passes an edge."""
        raise TypeError(f"drawn outputs pass edges as they are (got {channel!r})")

    def kind_of(self, method: str, candidates: float, temperature: float) -> str | None:
        """Return which kind of choice serves a curator."""
        if candidates == 1:
            return None
        return "drawn_best_of" if method == "best_of" or temperature == 0 else "drawn_luce"

    def nodes(self, kind: str, reward: Array, candidates: float, temperature: float) -> int:
        """Return 0: choices are made, not integrated."""
        del kind, reward, candidates, temperature
        return 0
