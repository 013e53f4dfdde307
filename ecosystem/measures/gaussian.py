"""Quantities of Gaussian models: means over contexts, ``[worlds, models]``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import alignment, own_rewards, without_reward
from ecosystem.moments import mean_and_covariance


def reward_variance(p: Tensor, batch: Batch) -> Tensor:
    """Var of b·x − (k/2)‖x‖²: (b − km)ᵀS(b − km) + (k²/2) tr S²; NaN where a model has no reward."""
    own = own_rewards(batch)
    mean, covariance = mean_and_covariance(p)
    d = mean.shape[-1]
    curvature = -2.0 * own[..., 1 + d, None]
    slope = own[..., 1 : 1 + d] - curvature * mean
    linear = (slope[..., None, :] @ covariance @ slope[..., :, None])[..., 0, 0]
    quadratic = curvature[..., 0].square() / 2 * covariance.square().sum((-1, -2))
    return (linear + quadratic).clamp_min(0.0).mean(-1).masked_fill(without_reward(batch)[..., 0], torch.nan)


def entropy(p: Tensor, batch: Batch) -> Tensor:
    """½ log det(2πe S), in nats; −∞ without variance."""
    del batch
    mean, covariance = mean_and_covariance(p)
    d = covariance.shape[-1]
    log_det = _log_det(covariance, _rounding(mean, covariance))
    return (log_det / 2 + d / 2 * math.log(2 * math.pi * math.e)).mean(-1)


_FLAT = 1e-14
"""A variance that is this small beside E‖x‖² cannot be told from none: it is a difference of moments."""

_SAME = 1e-22
"""Two means whose squared distance is this small beside E‖x‖² cannot be told apart."""


def _size(mean: Tensor, covariance: Tensor) -> Tensor:
    """Return E‖x‖², ``[...]``."""
    return mean.square().sum(-1) + covariance.diagonal(dim1=-2, dim2=-1).sum(-1)


def _rounding(mean: Tensor, covariance: Tensor) -> Tensor:
    """Return how large a variance must be to be told from none, ``[...]``."""
    return _FLAT * _size(mean, covariance)


def _log_det(covariance: Tensor, rounding: Tensor) -> Tensor:
    """Return log det, −∞ for a singular matrix, NaN for what is no number."""
    finite = _finite(covariance)
    values = torch.linalg.eigvalsh(torch.where(finite, covariance, 0.0))
    log_det = torch.where(values <= rounding[..., None], 0.0, values).log().sum(-1)
    return torch.where(finite[..., 0, 0], log_det, torch.nan)


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p‖q) of two normal laws; infinite where their supports differ, NaN where p is no number.

    Computed in the directions in which q varies. In the others both must be the same single point.
    """
    (m, s), (n, r) = mean_and_covariance(p), mean_and_covariance(q)
    size = torch.maximum(_size(m, s), _size(n, r))[..., None]
    values, vectors = torch.linalg.eigh(r)
    varies = values > _FLAT * size
    turned = vectors.transpose(-1, -2) @ s @ vectors
    spread = turned.diagonal(dim1=-2, dim2=-1)
    gap = (vectors.transpose(-1, -2) @ (n - m)[..., None])[..., 0].square()
    apart = (~varies & ((spread > _FLAT * size) | (gap > _SAME * size))).any(-1)
    safe = torch.where(varies, values, 1.0)
    terms = torch.where(varies, (spread + gap) / safe - 1.0 + safe.log(), 0.0).sum(-1)
    # Directions in which q does not vary are given the variance `size`, and its logarithm is taken off again.
    both = varies[..., :, None] & varies[..., None, :]
    filled = torch.where(both, turned, torch.diag_embed(size.expand_as(values)))
    fill = torch.where(varies, 0.0, torch.where(size > 0, size, 1.0).log()).sum(-1)
    value = (terms - (_log_det(filled, _FLAT * size[..., 0]) - fill)) / 2
    value = torch.where(varies.any(-1), value, 0.0)
    value = torch.where(apart, torch.inf, value.clamp_min(0.0))
    return torch.where(torch.isfinite(p).all(-1), value, torch.nan)


def _wasserstein(p: Tensor, q: Tensor) -> Tensor:
    """Wasserstein-2 distance: √(‖m − n‖² + min_U ‖S^½ − R^½ U‖²) over orthogonal U.

    It is √(‖m − n‖² + tr(S + R − 2 (S^½ R S^½)^½)), but loses nothing to cancellation where the laws are close.
    """
    (m, s), (n, r) = mean_and_covariance(p), mean_and_covariance(q)
    one, other = symmetric_root(s), symmetric_root(r)
    product = other @ one
    left, _, right = torch.linalg.svd(torch.where(_finite(product), product, 0.0))
    return ((m - n).square().sum(-1) + (one - other @ left @ right).square().sum((-1, -2))).sqrt()


def _finite(matrix: Tensor) -> Tensor:
    """Return which matrices are all numbers, ``[..., 1, 1]``: no solver takes others."""
    return torch.isfinite(matrix).flatten(-2).all(-1)[..., None, None]


def symmetric_root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of positive semidefinite matrices; NaN for what is no number."""
    finite = _finite(covariance)
    values, vectors = torch.linalg.eigh(torch.where(finite, covariance, 0.0))
    root = (vectors * values.clamp_min(0.0).sqrt()[..., None, :]) @ vectors.transpose(-1, -2)
    return torch.where(finite, root, torch.nan)


def divergence_real(p: Tensor, batch: Batch) -> Tensor:
    """KL(p‖real)."""
    return _divergence(p, batch.real).mean(-1)


def divergence_initial(p: Tensor, batch: Batch) -> Tensor:
    """KL(p‖p_0)."""
    return _divergence(p, batch.initial).mean(-1)


def distance_real(p: Tensor, batch: Batch) -> Tensor:
    """Wasserstein-2 distance between p and the real data."""
    return _wasserstein(p, batch.real).mean(-1)


def displacement(p: Tensor, batch: Batch) -> Tensor:
    """‖θ_t − θ_0‖² of the means θ."""
    moved = mean_and_covariance(p)[0] - mean_and_covariance(batch.initial)[0]
    return moved.square().sum(-1).mean(-1)


MEASURES: Mapping[str, Callable[[Tensor, Batch], Tensor]] = {
    function.__name__: function
    for function in (
        alignment,
        reward_variance,
        entropy,
        divergence_real,
        divergence_initial,
        distance_real,
        displacement,
    )
}
"""Columns of the table `models` that are read off the state."""
