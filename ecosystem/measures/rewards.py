"""What models are worth to whom: expectations of rewards, whatever the models write.

An expected reward is linear in what a model writes, so that a reward is one row of numbers per context:
the reward of each output (categorical), or the coefficients of the moments (Gaussian).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch


def own_rewards(batch: Batch) -> Tensor:
    """Return each model's own reward, ``[worlds, models, contexts or 1, numbers]``; zeros where it has none."""
    if batch.rewards.shape[1] == 0:
        return batch.initial.new_zeros((batch.size, batch.models, 1, batch.numbers))
    return batch.rewards[:, batch.evaluation.clamp_min(0)]


def without_reward(batch: Batch) -> Tensor:
    """Return which models have no reward, ``[models, 1]``."""
    return (batch.evaluation < 0)[:, None]


def expected_rewards(p: Tensor, batch: Batch) -> Tensor:
    """Return E r of each model's own reward, ``[worlds, models, contexts]``; NaN where it has none."""
    return (p * own_rewards(batch)).sum(-1).masked_fill(without_reward(batch), torch.nan)


def alignment(p: Tensor, batch: Batch) -> Tensor:
    """J_i, the mean over contexts of E_p r_i."""
    return expected_rewards(p, batch).mean(-1)


def alignment_served(p: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """Mean of E_p r_i over contexts, weighted by v, the model's share of volume in each."""
    return (expected_rewards(p, batch) * weights).sum(-1)


def named_alignments(p: Tensor, batch: Batch) -> Tensor:
    """Return every model's alignment with every named reward, ``[worlds, models, rewards]``."""
    named = batch.rewards[:, : len(batch.worlds[0].reward_names)]
    values = [(p * named[:, None, number]).sum(-1).mean(-1) for number in range(named.shape[1])]
    return torch.stack(values, -1) if values else p.new_zeros((*p.shape[:2], 0))
