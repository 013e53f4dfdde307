"""Simple ways to divide a budget of curation, and the nearest allocation that is allowed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PIECES = 20


def uniform(size: int, budget: float, cap: float) -> Array:
    """Give every model the same share.

    >>> uniform(4, 2.0, 0.9).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    return np.full(size, min(budget / size, cap))


def by_degree(degree: Array, budget: float, cap: float) -> Array:
    """Give shares in proportion to how many models read a model (evenly, if nobody reads)."""
    weight = degree if degree.sum() > 0 else np.ones_like(degree)
    return fill(budget * weight / weight.sum(), cap)


def fill(shares: Array, cap: float) -> Array:
    """Cut shares at a cap and divide what is cut among the others in proportion.

    >>> fill(np.array([1.2, 0.4, 0.4]), 0.8).tolist()
    [0.8, 0.6, 0.6]
    """
    shares = shares.copy()
    for _ in range(len(shares)):
        over = float((shares - cap).clip(min=0).sum())
        shares = np.minimum(shares, cap)
        open_ = (shares < cap) & (shares > 0)
        if over <= 0 or not open_.any():
            break
        shares[open_] += over * shares[open_] / shares[open_].sum()
    return shares


def pick(score: Array, count: int, share: float) -> Array:
    """Give one share to the models with the highest scores; ties fall by model order."""
    chosen = np.argsort(-score, kind="stable")[:count]
    shares = np.zeros(len(score))
    shares[chosen] = share
    return shares


def greedy_shares(gradient: Callable[[Array], Array], size: int, budget: float, cap: float) -> Array:
    """Give the budget in pieces, each to the model whose gradient is largest then; stop where none gains."""
    shares = np.zeros(size)
    left = min(budget, size * cap)
    piece = left / _PIECES
    while left > 1e-12:
        gains = np.where(shares < cap - 1e-12, gradient(shares), -np.inf)
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        more = min(piece, left, cap - shares[best])
        shares[best] += more
        left -= more
    return shares


def project(shares: Array, budget: float, cap: float) -> Array:
    """Return the nearest shares from 0 to the cap whose sum is at most the budget.

    >>> project(np.array([1.0, 0.6, -0.2]), 1.0, 0.9).tolist()
    [0.7, 0.3, 0.0]
    """
    inside = shares.clip(0.0, cap)
    if inside.sum() <= budget:
        return inside
    low, high = 0.0, float(shares.max())
    for _ in range(200):
        middle = (low + high) / 2
        if (shares - middle).clip(0.0, cap).sum() > budget:
            low = middle
        else:
            high = middle
    return (shares - high).clip(0.0, cap)
