"""Quantities of Gaussian models: means over contexts, ``[worlds, models]``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import alignment, alignment_served, own_rewards, without_reward


def mean_and_covariance(p: Tensor) -> tuple[Tensor, Tensor]:
    """Take moments apart: ``[..., d]`` and ``[..., d, d]``."""
    d = (math.isqrt(4 * p.shape[-1] - 3) - 1) // 2
    mean = p[..., 1 : 1 + d]
    return mean, p[..., 1 + d :].unflatten(-1, (d, d)) - mean[..., :, None] * mean[..., None, :]


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
    _, covariance = mean_and_covariance(p)
    d = covariance.shape[-1]
    return (_log_det(covariance) / 2 + d / 2 * math.log(2 * math.pi * math.e)).mean(-1)


def _log_det(covariance: Tensor) -> Tensor:
    """Return log det, −∞ for a singular matrix."""
    return torch.linalg.eigvalsh(covariance).clamp_min(0.0).log().sum(-1)


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p‖q) of two normal laws; infinite where their supports differ.

    Computed in the directions in which q varies. In the others both must be the same single point.
    """
    (m, s), (n, r) = mean_and_covariance(p), mean_and_covariance(q)
    values, vectors = torch.linalg.eigh(r)
    largest = torch.maximum(values.amax(-1), s.diagonal(dim1=-2, dim2=-1).amax(-1)).clamp_min(1e-300)
    varies = values > _FLAT * largest[..., None]
    turned = vectors.transpose(-1, -2) @ s @ vectors
    spread = turned.diagonal(dim1=-2, dim2=-1)
    gap = (vectors.transpose(-1, -2) @ (n - m)[..., None])[..., 0].square()
    safe = torch.where(varies, values, 1.0)
    terms = torch.where(varies, (spread + gap) / safe - 1.0 + safe.log(), 0.0).sum(-1)
    both = varies[..., :, None] & varies[..., None, :]
    one = torch.eye(m.shape[-1], dtype=p.dtype, device=p.device)
    apart = (torch.where(varies, 0.0, spread + gap) > _FLAT * largest[..., None]).any(-1)
    value = (terms - _log_det(torch.where(both, turned, one))) / 2
    return torch.where(apart, torch.inf, value.clamp_min(0.0))


_FLAT = 1e-12
"""A direction whose variance is this small beside the largest has none."""


def _wasserstein(p: Tensor, q: Tensor) -> Tensor:
    """Wasserstein-2 distance: √(‖m − n‖² + tr(S + R − 2 (S^½ R S^½)^½))."""
    (m, s), (n, r) = mean_and_covariance(p), mean_and_covariance(q)
    root = symmetric_root(s)
    cross = torch.linalg.eigvalsh(root @ r @ root).clamp_min(0.0).sqrt().sum(-1)
    trace = (s + r).diagonal(dim1=-2, dim2=-1).sum(-1)
    return ((m - n).square().sum(-1) + trace - 2 * cross).clamp_min(0.0).sqrt()


def symmetric_root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of positive semidefinite matrices."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp_min(0.0).sqrt()[..., None, :]) @ vectors.transpose(-1, -2)


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
        alignment_served,
        reward_variance,
        entropy,
        divergence_real,
        divergence_initial,
        distance_real,
        displacement,
    )
}
"""Columns of the table `models` that are read off the state."""
