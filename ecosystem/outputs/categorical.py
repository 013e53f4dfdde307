"""A finite set of outputs: a row is the probability of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecosystem.curators.buckets import kind_of
from ecosystem.curators.luce import nodes_needed
from ecosystem.scenario.fields.common import DirichletDraw, NormalDraw, UniformDraw
from ecosystem.scenario.fields.network import Channel
from ecosystem.world.streams import stream

Array = NDArray[np.float64]


class CategoricalSpace:
    """Outputs 0 … size − 1.

    Parameters
    ----------
    size : int
        How many outputs there are.
    contexts : int
        How many contexts.
    """

    def __init__(self, size: int, contexts: int) -> None:
        self.numbers, self.contexts = size, contexts

    def default(self) -> Array:
        """Return the uniform distribution."""
        return np.full((self.contexts, self.numbers), 1.0 / self.numbers)

    def distribution(self, written: Sequence[float] | Sequence[Sequence[float]]) -> Array:
        """Return written probabilities, normalised, ``[contexts, outputs]``."""
        array = np.asarray(written, dtype=np.float64)
        rows = np.broadcast_to(array, (self.contexts, self.numbers))
        return np.ascontiguousarray(rows / rows.sum(-1, keepdims=True))

    def drawn(self, draw: DirichletDraw, seed: int, purpose: str, count: int) -> Array:
        """Return draws of a symmetric Dirichlet law, by normalised gamma variables.

        Where the concentration is so small that all of them underflow, a single output, the law's limit.
        """
        generator = stream(seed, purpose)
        gammas = generator.standard_gamma(draw.concentration, size=(count, self.contexts, self.numbers))
        vertex = generator.integers(self.numbers, size=(count, self.contexts))
        lost = gammas.sum(-1) <= np.finfo(float).tiny
        gammas[lost] = np.eye(self.numbers)[vertex[lost]]
        return np.asarray(gammas / gammas.sum(-1, keepdims=True))

    def reward(self, written: Sequence[float] | Sequence[Sequence[float]]) -> Array:
        """Return the reward of each output."""
        return np.atleast_2d(np.asarray(written, dtype=np.float64))

    def top(self, reward: Array) -> float:
        """Return the largest entry."""
        return float(reward.max())

    def drawn_rewards(self, draw: NormalDraw | UniformDraw, seed: int, purpose: str, count: int) -> Array:
        """Return rewards whose outputs are drawn one by one."""
        generator = stream(seed, purpose)
        if isinstance(draw, NormalDraw):
            return generator.normal(draw.mean, draw.scale, size=(count, self.numbers))
        return generator.uniform(draw.low, draw.high, size=(count, self.numbers))

    def channel(self, channel: Channel) -> Array:
        """Return T, its rows normalised."""
        matrix = np.array(channel.matrix)
        return np.asarray(matrix / matrix.sum(-1, keepdims=True))

    def kind_of(self, method: str, candidates: float, temperature: float) -> str | None:
        """Return which kind of choice serves a curator."""
        return kind_of(method, candidates, temperature)

    def nodes(self, kind: str, reward: Array, candidates: float, temperature: float) -> int:
        """Return the nodes of the Luce integral."""
        if kind != "luce":
            return 0
        return nodes_needed(candidates, float((reward.max(-1) - reward.min(-1)).max()) / temperature)
