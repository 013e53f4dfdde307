"""The largest eigenvalue of a linearised round, which says whether a stable point attracts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs

from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.society import Transposed

DENSE = 400
"""Up to how many numbers of the state all eigenvalues are computed."""

_POWER = 300


def leading(linear: Linearisation) -> complex:
    """Return the eigenvalue of ∂F/∂x with the largest modulus, on changes that keep sums.

    Up to `DENSE` numbers of the state from the matrix itself, above by Arnoldi's method.
    """
    shape = linear.before.shape
    size = linear.before.numel()

    def apply(vector: np.ndarray) -> np.ndarray:
        v = linear.round.frame.tangent(torch.from_numpy(np.ascontiguousarray(vector)).reshape(*shape, -1))
        moved: np.ndarray = linear.round.frame.tangent(linear.advance(v)[0]).reshape(size, -1).numpy()
        return moved

    return _largest(apply, size)


def leading_back(transposed: Transposed) -> complex:
    """Return what `leading` does, of a society's round, from the transposed derivative."""
    size = len(transposed.x)

    def apply(vectors: np.ndarray) -> np.ndarray:
        columns = torch.from_numpy(np.ascontiguousarray(vectors)).reshape(size, -1)
        return torch.stack([transposed.back(column) for column in columns.T], dim=1).numpy()

    return _largest(apply, size)


def _largest(apply: Callable[[np.ndarray], np.ndarray], size: int) -> complex:
    if size <= DENSE:
        values = np.linalg.eigvals(apply(np.eye(size)))
    else:
        start = np.random.default_rng(0).normal(size=size)
        operator = LinearOperator((size, size), matvec=lambda v: apply(v)[:, 0], dtype=np.float64)
        try:
            values = eigs(operator, k=4, which="LM", v0=start, tol=1e-9, return_eigenvectors=False)
        except ArpackNoConvergence as stopped:
            values = stopped.eigenvalues if len(stopped.eigenvalues) else np.array([_power(apply, start)])
        except ArpackError:
            values = np.array([_power(apply, start)])
    return complex(values[np.argmax(np.abs(values))])


def _power(apply, start: np.ndarray) -> float:  # type: ignore[no-untyped-def]
    """Return the growth of a vector over many rounds: what is left where Arnoldi's method finds nothing."""
    vector, growth = start / np.linalg.norm(start), []
    for _ in range(_POWER):
        vector = apply(vector)[:, 0]
        length = float(np.linalg.norm(vector))
        if length < 1e-300:
            return 0.0
        growth.append(np.log(length))
        vector = vector / length
    return float(np.exp(np.mean(growth[_POWER // 2 :])))
