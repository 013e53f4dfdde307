"""AdamW on minibatches, in an order that belongs to the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.language.losses import dpo_loss, log_likelihoods, sft_loss
from ecosystem.learners.language.network import Network
from ecosystem.learners.language.tokens import Codec, Table
from ecosystem.scenario.fields.language import Language, Training

_LARGEST_GRADIENT = 1.0
"""The norm to which larger gradients are cut (Pascanu et al. 2013)."""


def trained(network: Network, training: Training, batches: Iterator[Tensor], loss: Callable[[Tensor], Tensor]) -> None:
    """Train a network in place.

    Parameters
    ----------
    network : Network
        What is trained.
    training : Training
        How long, and how fast.
    batches : iterator of Tensor
        Numbers of the examples of each step.
    loss : callable
        What is made small, given these.
    """
    parameters = network.parameters
    optimiser = torch.optim.AdamW(parameters, lr=training.rate, weight_decay=0.01, fused=True)
    for step in range(training.steps):
        rate = training.rate
        if training.schedule == "cosine":
            rate *= (1 + math.cos(math.pi * step / training.steps)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        loss(next(batches)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def in_order(count: int, batch: int, generator: np.random.Generator, device: str | torch.device) -> Iterator[Tensor]:
    """Yield numbers below `count`, so many at a time: all of them in a new order, again and again."""
    left = np.empty(0, dtype=np.int64)
    while True:
        while len(left) < batch:
            left = np.concatenate([left, generator.permutation(count)])
        yield torch.from_numpy(left[:batch].copy()).to(device)
        left = left[batch:]


def taught(
    network: Network,
    language: Language,
    table: Table,
    codec: Codec,
    lessons: tuple[Tensor, Tensor],
    generator: np.random.Generator,
) -> None:
    """Train a network in place on a round's lessons.

    Parameters
    ----------
    network : Network
        What is trained; with `dpo` what it knows now is p_0.
    language : Language
        How.
    table : Table
        The prompts.
    codec : Codec
        Knows where an answer ends.
    lessons : tuple of Tensor
        Items to learn, and items that were rejected for them, ``[examples, 1 + length]`` each.
    generator : numpy.random.Generator
        Decides in which order they are read.
    """
    items, rejected = lessons
    training = language.training
    if language.objective == "sft":

        def sft(chosen: Tensor) -> Tensor:
            rows = items[chosen]
            return sft_loss(*log_likelihoods(network.module, table, codec, rows[:, 0], rows[:, 1:]))

        trained(network, training, in_order(len(items), training.batch, generator, items.device), sft)
        return
    # Where nobody chose there is no pair, and nothing to prefer.
    pairs = (items != rejected).any(-1).nonzero()[:, 0]
    if len(pairs) == 0:
        return
    items, rejected = items[pairs], rejected[pairs]
    before = [_whole(network, table, codec, part) for part in (items, rejected)]

    def dpo(chosen: Tensor) -> Tensor:
        rows, other = items[chosen], rejected[chosen]
        scores, said = log_likelihoods(network.module, table, codec, rows[:, 0], rows[:, 1:])
        worse, _ = log_likelihoods(network.module, table, codec, other[:, 0], other[:, 1:])
        found = dpo_loss(scores.sum(-1), worse.sum(-1), before[0][chosen], before[1][chosen], language.beta)
        return found if language.anchor == 0 else found + language.anchor * sft_loss(scores, said)

    trained(network, training, in_order(len(items), training.batch, generator, items.device), dpo)


def _whole(network: Network, table: Table, codec: Codec, items: Tensor, rows: int = 128) -> Tensor:
    """Return the log-likelihood of whole answers, ``[n]``, as the network is now."""
    with torch.no_grad():
        parts = [
            log_likelihoods(network.module, table, codec, some[:, 0], some[:, 1:])[0].sum(-1)
            for some in items.split(rows)
        ]
    return torch.cat(parts)
