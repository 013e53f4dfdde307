"""Vectors with a normal law: a row is (1, E x, E x xᵀ), its moments.

Moments mix: those of a mixture are the mixture of moments, so that a convex combination of Gaussians
gives the Gaussian of equal mean and covariance. A reward linear·x − (curvature/2)‖x − centre‖² is
linear in the moments, and so is what an affine channel x → Ax + b does to them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.scenario.fields.common import Gaussian, GaussianDraw, NormalDraw, UniformDraw
from ecosystem.scenario.fields.network import Channel
from ecosystem.scenario.fields.rewards import QuadraticReward
from ecosystem.world.streams import stream

Array = NDArray[np.float64]


class GaussianSpace:
    """Vectors of a dimension d; a row has 1 + d + d² numbers.

    Parameters
    ----------
    dimension : int
        d.
    contexts : int
        How many contexts.
    """

    def __init__(self, dimension: int, contexts: int) -> None:
        self.dimension, self.contexts = dimension, contexts
        self.numbers = 1 + dimension + dimension**2

    def default(self) -> Array:
        """Return the standard normal law."""
        return self.distribution(Gaussian(mean=(0.0,) * self.dimension, covariance=1.0))

    def distribution(self, written: Gaussian | tuple[Gaussian, ...]) -> Array:
        """Return the moments of what was written, ``[contexts, numbers]``."""
        each = written if isinstance(written, tuple) else (written,) * self.contexts
        return np.stack([moments(np.array(law.mean), self.covariance(law.covariance)) for law in each])

    def covariance(self, written: Any) -> Array:
        """Return a covariance written as a scalar, a diagonal or a matrix, ``[d, d]``."""
        array = np.asarray(written, dtype=np.float64)
        return array if array.ndim == 2 else np.diag(np.broadcast_to(array, (self.dimension,)))

    def drawn(self, draw: GaussianDraw, seed: int, purpose: str, count: int) -> Array:
        """Return laws whose means are drawn coordinate by coordinate."""
        means = stream(seed, purpose).normal(draw.mean, draw.scale, size=(count, self.contexts, self.dimension))
        covariance = self.covariance(draw.covariance)
        return np.array([[moments(mean, covariance) for mean in row] for row in means])

    def reward(self, written: QuadraticReward | tuple[QuadraticReward, ...]) -> Array:
        """Return the coefficients of (1, x, x xᵀ), ``[1 or contexts, numbers]``."""
        return np.stack([self._coefficients(one) for one in (written if isinstance(written, tuple) else (written,))])

    def _coefficients(self, reward: QuadraticReward) -> Array:
        centre = np.array(reward.centre) if reward.centre is not None else np.zeros(self.dimension)
        linear = np.array(reward.linear) if reward.linear is not None else np.zeros(self.dimension)
        k = reward.curvature
        constant = -k / 2 * centre @ centre
        return np.concatenate([[constant], linear + k * centre, (-k / 2 * np.eye(self.dimension)).ravel()])

    def top(self, reward: Array) -> float:
        """Return w·centre + ‖w‖²/2k, the largest value of a reward of curvature k > 0; NaN without curvature."""
        constant, linear = reward[:, 0], reward[:, 1 : 1 + self.dimension]
        curvature = -2 * reward[:, 1 + self.dimension]
        if (curvature <= 0).any():
            return math.nan
        return float((constant + (linear**2).sum(-1) / (2 * curvature)).max())

    def drawn_rewards(self, draw: NormalDraw | UniformDraw, seed: int, purpose: str, count: int) -> Array:
        """Return linear rewards whose coordinates are drawn one by one."""
        generator = stream(seed, purpose)
        size = (count, self.dimension)
        linear = (
            generator.normal(draw.mean, draw.scale, size=size)
            if isinstance(draw, NormalDraw)
            else generator.uniform(draw.low, draw.high, size=size)
        )
        rows = np.zeros((count, self.numbers))
        rows[:, 1 : 1 + self.dimension] = linear
        return rows

    def channel(self, channel: Channel) -> Array:
        """Return what x → Ax + b does to a row of moments (rows are multiplied from the left)."""
        d = self.dimension
        a = np.array(channel.matrix)
        b = np.zeros(d) if channel.offset is None else np.array(channel.offset)
        matrix = np.zeros((self.numbers, self.numbers))
        matrix[0, 0] = 1.0
        matrix[0, 1 : 1 + d] = b
        matrix[0, 1 + d :] = np.outer(b, b).ravel()
        matrix[1 : 1 + d, 1 : 1 + d] = a.T
        # E (Ax+b)(Ax+b)ᵀ = A E[xxᵀ] Aᵀ + A E[x] bᵀ + b E[x]ᵀ Aᵀ + bbᵀ
        matrix[1 : 1 + d, 1 + d :] = (np.einsum("ik,j->kij", a, b) + np.einsum("i,jk->kij", b, a)).reshape(d, d * d)
        matrix[1 + d :, 1 + d :] = np.einsum("ik,jl->klij", a, a).reshape(d * d, d * d)
        return matrix

    def kind_of(self, method: str, candidates: float, temperature: float) -> str | None:
        """Return which kind of choice serves a curator."""
        if candidates == 1:
            return None
        if method == "best_of" or temperature == 0:
            return "gaussian_best_of"
        return "gaussian_limit" if math.isinf(candidates) else "gaussian_luce"

    def nodes(self, kind: str, reward: Array, candidates: float, temperature: float) -> int:
        """Return 0: what integrals there are, are tabulated once."""
        del kind, reward, candidates, temperature
        return 0


def moments(mean: Array, covariance: Array) -> Array:
    """Return (1, E x, E x xᵀ) as one row.

    >>> moments(np.array([2.0]), np.array([[1.0]])).tolist()
    [1.0, 2.0, 5.0]
    """
    return np.concatenate([[1.0], mean, (covariance + np.outer(mean, mean)).ravel()])
