"""Quantities of categorical models: means over contexts, ``[worlds, models]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import alignment, own_rewards, without_reward


def reward_variance(p: Tensor, batch: Batch) -> Tensor:
    """Variance of the model's reward over its outputs; NaN where it has none."""
    own = own_rewards(batch)
    mean = (p * own).sum(-1, keepdim=True)
    return (p * (own - mean).square()).sum(-1).mean(-1).masked_fill(without_reward(batch)[..., 0], torch.nan)


def entropy(p: Tensor, batch: Batch) -> Tensor:
    """−Σ p log p, in nats."""
    del batch
    return entropy_of(torch.xlogy(p, p))


def entropy_of(plogp: Tensor) -> Tensor:
    """−Σ p log p, given p log p."""
    return -plogp.sum(-1).mean(-1)


def divergence_of(p: Tensor, plogp: Tensor, log: Log) -> Tensor:
    """KL(p‖q), mean over contexts, given p log p and log q."""
    plogq = p * log.values
    if log.zeros:  # 0 log 0 is 0
        plogq = torch.where(p > 0, plogq, 0.0)
    return (plogp - plogq).sum(-1).clamp_min(0.0).mean(-1)


@dataclass(frozen=True)
class Log:
    """Logarithms of a distribution, and whether it has zeros."""

    values: Tensor
    zeros: bool


def log_of(q: Tensor) -> Log:
    """Return log q, ``[worlds, models, contexts, outputs]``; what all models share is held once."""
    shared = q.shape[1] > 1 and q.stride(1) == 0
    once = q[:, :1] if shared else q
    return Log(once.log().expand_as(q), bool((once == 0).any()))


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p‖q), infinite where p has what q has not."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1).clamp_min(0.0)


def _total_variation(p: Tensor, q: Tensor) -> Tensor:
    return (p - q).abs().sum(-1) / 2


def divergence_real(p: Tensor, batch: Batch) -> Tensor:
    """KL(p‖real)."""
    return _divergence(p, batch.real).mean(-1)


def divergence_initial(p: Tensor, batch: Batch) -> Tensor:
    """KL(p‖p_0)."""
    return _divergence(p, batch.initial).mean(-1)


def distance_real(p: Tensor, batch: Batch) -> Tensor:
    """Total variation between p and the real data."""
    return _total_variation(p, batch.real).mean(-1)


def displacement(p: Tensor, batch: Batch) -> Tensor:
    """Squared total variation between p and p_0."""
    return _total_variation(p, batch.initial).square().mean(-1)


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
