"""Rows of moments (1, E x, E x xᵀ) of normal laws, taken apart and put together."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mean_and_covariance(p: Tensor) -> tuple[Tensor, Tensor]:
    """Take moments ``[..., 1 + d + d²]`` apart: ``[..., d]`` and ``[..., d, d]``."""
    d = (math.isqrt(4 * p.shape[-1] - 3) - 1) // 2
    mean = p[..., 1 : 1 + d]
    return mean, p[..., 1 + d :].unflatten(-1, (d, d)) - mean[..., :, None] * mean[..., None, :]


def moments_of(mean: Tensor, covariance: Tensor) -> Tensor:
    """Put mean and covariance together, the inverse of `mean_and_covariance`."""
    second = covariance + mean[..., :, None] * mean[..., None, :]
    return torch.cat([torch.ones_like(mean[..., :1]), mean, second.flatten(-2)], dim=-1)
