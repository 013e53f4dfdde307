"""Quantities of each model: means over its contexts, ``[worlds, models]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch


def expected_rewards(p: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each model's own reward, ``[worlds, models, contexts]``.

    NaN where a model has no reward.
    """
    if batch.rewards.shape[1] == 0:
        nothing = p.new_full(p.shape[:-1], torch.nan)
        return nothing, nothing
    own = batch.rewards[:, batch.evaluation.clamp_min(0)]  # [worlds, models, contexts or 1, outputs]
    mean = (p * own).sum(-1)
    variance = (p * (own - mean[..., None]).square()).sum(-1)
    missing = (batch.evaluation < 0)[:, None]
    return mean.masked_fill(missing, torch.nan), variance.masked_fill(missing, torch.nan)


def alignment(p: Tensor, batch: Batch) -> Tensor:
    """J_i, the mean over contexts of E_p r_i."""
    return expected_rewards(p, batch)[0].mean(-1)


def alignment_served(p: Tensor, batch: Batch) -> Tensor:
    """The same mean, weighted by the model's volume in each context (even without users)."""
    return (expected_rewards(p, batch)[0] * batch.context_weights).sum(-1)


def reward_variance(p: Tensor, batch: Batch) -> Tensor:
    """Variance of the model's reward over its outputs."""
    return expected_rewards(p, batch)[1].mean(-1)


def entropy(p: Tensor, batch: Batch) -> Tensor:
    """−Σ p log p, in nats."""
    del batch
    return -torch.xlogy(p, p).sum(-1).mean(-1)


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


def named_alignments(p: Tensor, batch: Batch) -> Tensor:
    """Return every model's alignment with every named reward, ``[worlds, models, rewards]``."""
    named = batch.rewards[:, : len(batch.worlds[0].reward_names)]
    values = [(p * named[:, None, number]).sum(-1).mean(-1) for number in range(named.shape[1])]
    return torch.stack(values, -1) if values else p.new_zeros((*p.shape[:2], 0))
