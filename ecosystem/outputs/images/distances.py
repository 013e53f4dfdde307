"""How far generated images are from real ones, in a space of features."""

from __future__ import annotations

import torch
from torch import Tensor


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of features ``[..., images, features]``: ``[..., features]``, ``[..., f, f]``."""
    mean = features.mean(-2)
    centred = features - mean[..., None, :]
    return mean, centred.mT @ centred / max(features.shape[-2] - 1, 1)


def frechet(mean: Tensor, covariance: Tensor, real_mean: Tensor, real_covariance: Tensor) -> Tensor:
    """Return ‖m − m_r‖² + tr(C + C_r − 2 (C_r^½ C C_r^½)^½), the squared Wasserstein-2 distance of two Gaussians.

    On the features of a network it is the Fréchet inception distance's law (Heusel et al. 2017, arXiv 1706.08500).

    Parameters
    ----------
    mean, covariance : Tensor
        ``[..., features]`` and ``[..., features, features]``.
    real_mean, real_covariance : Tensor
        The same of real images.

    Returns
    -------
    Tensor
        ``[...]``, at least 0.

    Examples
    --------
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> float(frechet(2 * one, 4 * one[None], 0 * one, one[None]))  # (2 − 0)² + (2 − 1)²
    5.0
    """
    value, vector = torch.linalg.eigh(real_covariance)
    root = vector * value.clamp_min(0).sqrt()[..., None, :] @ vector.mT
    between = torch.linalg.eigvalsh(root @ covariance @ root).clamp_min(0).sqrt().sum(-1)
    traces = covariance.diagonal(dim1=-2, dim2=-1).sum(-1) + real_covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
    return (((mean - real_mean) ** 2).sum(-1) + traces - 2 * between).clamp_min(0)


def kernel_distance(features: Tensor, real: Tensor) -> Tensor:
    """Return the unbiased squared maximum mean discrepancy under the kernel (x·y/d + 1)³.

    On the features of a network it is the kernel inception distance's law (Bińkowski et al. 2018, arXiv 1801.01401).

    Parameters
    ----------
    features, real : Tensor
        ``[..., images, features]``, at least two images each; how many may differ.

    Returns
    -------
    Tensor
        ``[...]``; it may be a little below 0.
    """
    n, m = features.shape[-2], real.shape[-2]
    own, theirs = _kernel(features, features), _kernel(real, real)
    across = _kernel(features, real).mean((-2, -1))
    return _off_diagonal(own) / max(n * (n - 1), 1) + _off_diagonal(theirs) / max(m * (m - 1), 1) - 2 * across


def _kernel(left: Tensor, right: Tensor) -> Tensor:
    product = left @ right.mT / left.shape[-1] + 1
    return product * product * product


def _off_diagonal(matrix: Tensor) -> Tensor:
    return matrix.sum((-2, -1)) - matrix.diagonal(dim1=-2, dim2=-1).sum(-1)
