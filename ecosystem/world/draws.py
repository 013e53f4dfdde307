"""From what a scenario says of a distribution or a reward to its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ecosystem.scenario.fields.common import DirichletDraw, NormalDraw, UniformDraw
from ecosystem.world.streams import stream

Array = NDArray[np.float64]
Written = Sequence[float] | Sequence[Sequence[float]]


def rows_of(written: Written, contexts: int) -> Array:
    """Return one row per context of what was written as one row, or as one per context."""
    array = np.asarray(written, dtype=np.float64)
    return np.broadcast_to(array, (contexts, array.shape[-1])).copy() if array.ndim == 1 else array


def distribution(written: Written | None, contexts: int, outputs: int) -> Array:
    """Return a written distribution, ``[contexts, outputs]``, normalised; uniform when there is none."""
    if written is None:
        return np.full((contexts, outputs), 1.0 / outputs)
    rows = rows_of(written, contexts)
    return rows / rows.sum(-1, keepdims=True)


def dirichlet(draw: DirichletDraw, seed: int, purpose: str, count: int, contexts: int, outputs: int) -> Array:
    """Return drawn distributions, ``[count, contexts, outputs]``.

    A symmetric Dirichlet law by normalised gamma variables. Where the concentration is so small
    that all of them underflow, the law's limit is a single output.
    """
    generator = stream(seed, purpose)
    drawn = generator.standard_gamma(draw.concentration, size=(count, contexts, outputs))
    vertex = generator.integers(outputs, size=(count, contexts))
    lost = drawn.sum(-1) <= np.finfo(float).tiny
    drawn[lost] = np.eye(outputs)[vertex[lost]]
    return np.asarray(drawn / drawn.sum(-1, keepdims=True))


def reward(draw: NormalDraw | UniformDraw, seed: int, purpose: str, count: int, outputs: int) -> Array:
    """Return drawn rewards, one vector a model, ``[count, outputs]``."""
    generator = stream(seed, purpose)
    if isinstance(draw, NormalDraw):
        return generator.normal(draw.mean, draw.scale, size=(count, outputs))
    return generator.uniform(draw.low, draw.high, size=(count, outputs))


class Rewards:
    """The rewards of a run: the named ones first, then those drawn, one row of the table each.

    Parameters
    ----------
    named : mapping
        The scenario's `rewards`.
    contexts, outputs : int
        Sizes.
    """

    def __init__(self, named: Mapping[str, Written], contexts: int, outputs: int) -> None:
        self.contexts, self.outputs = contexts, outputs
        self._rows: list[Array] = [np.atleast_2d(np.asarray(value, dtype=np.float64)) for value in named.values()]
        self.names = tuple(named)

    def number(self, name: str) -> int:
        """Return the row of a named reward."""
        return self.names.index(name)

    def add(self, drawn: Array) -> int:
        """Append a drawn reward, ``[outputs]``, and return its row."""
        self._rows.append(drawn[None, :])
        return len(self._rows) - 1

    def by_context(self, number: int) -> bool:
        """Tell whether a reward differs between contexts."""
        return len(self._rows[number]) > 1

    def table(self) -> Array:
        """Return all rewards, ``[rewards, contexts or 1, outputs]``."""
        wide = self.contexts if any(len(row) > 1 for row in self._rows) else 1
        if not self._rows:
            return np.zeros((0, 1, self.outputs))
        return np.stack([np.broadcast_to(row, (wide, self.outputs)) for row in self._rows])
