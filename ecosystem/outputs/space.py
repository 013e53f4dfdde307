"""What every kind of output can do: be written down as rows of numbers that mix."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Space(Protocol):
    """A kind of output.

    Attributes
    ----------
    contexts : int
        Number of contexts.
    numbers : int
        Length of a row.
    """

    contexts: int
    numbers: int

    def default(self) -> Array:
        """Return the default real data, ``[contexts, numbers]``."""
        ...

    def distribution(self, written: Any) -> Array:
        """Return what was written as one distribution or one per context, ``[contexts, numbers]``."""
        ...

    def drawn(self, draw: Any, seed: int, purpose: str, count: int) -> Array:
        """Return drawn distributions, ``[count, contexts, numbers]``."""
        ...

    def reward(self, written: Any) -> Array:
        """Return the coefficients of a reward, ``[1 or contexts, numbers]``."""
        ...

    def top(self, reward: Array) -> float:
        """Return the largest value of a reward, ``[contexts, numbers]``; NaN where it has none."""
        ...

    def drawn_rewards(self, draw: Any, seed: int, purpose: str, count: int) -> Array:
        """Return drawn rewards, one a model, ``[count, numbers]``."""
        ...

    def channel(self, channel: Any) -> Array:
        """Return the matrix by which rows that pass an edge are multiplied, ``[numbers, numbers]``."""
        ...

    def kind_of(self, method: str, candidates: float, temperature: float) -> str | None:
        """Return which kind of choice serves a curator; None where nothing is chosen."""
        ...

    def nodes(self, kind: str, reward: Array, candidates: float, temperature: float) -> int:
        """Return how many nodes of quadrature a choice needs."""
        ...
