"""Likelihoods of answers, and what is made small in training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ecosystem.learners.language.network import said
from ecosystem.learners.language.tokens import Codec, Table


def log_likelihoods(module: Any, table: Table, codec: Codec, prompts: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
    """Return log p of each token of answers to prompts, and which tokens count.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        Whose likelihood.
    table : Table
        The prompts.
    codec : Codec
        Knows where an answer ends.
    prompts : Tensor
        Numbers of prompts, ``[n]``.
    answers : Tensor
        ``[n, length]``

    Returns
    -------
    tuple of Tensor
        ``[n, length]`` each; what does not count is 0.
    """
    counts = codec.said(answers)
    ids = torch.cat([table.prompt[prompts], answers], dim=1)
    there = torch.cat([table.there[prompts], counts], dim=1).long()
    place = (there.cumsum(-1) - 1).clamp_min(0)
    logits = said(module, ids, there, place, answers.shape[1] + 1)[:, :-1]
    scores = functional.log_softmax(logits.float(), dim=-1)
    found = scores.gather(-1, answers[..., None])[..., 0]
    return torch.where(counts, found, 0.0), counts


def sft_loss(scores: Tensor, said: Tensor) -> Tensor:
    """Return − log p a token: supervised fine-tuning on chosen answers."""
    return -scores.sum() / said.sum()


def dpo_loss(chosen: Tensor, rejected: Tensor, first_chosen: Tensor, first_rejected: Tensor, beta: float) -> Tensor:
    """Return the mean of − log σ(β (log p(y_w)/p_0(y_w) − log p(y_l)/p_0(y_l))).

    Rafailov et al. 2023, arXiv:2305.18290, eq. 7; p_0 is the model that training starts from.

    Parameters
    ----------
    chosen, rejected : Tensor
        Log-likelihoods of whole answers y_w and y_l, ``[n]``.
    first_chosen, first_rejected : Tensor
        The same by p_0.
    beta : float
        β.
    """
    return -functional.logsigmoid(beta * ((chosen - first_chosen) - (rejected - first_rejected))).mean()


def held_out_loss(module: Any, table: Table, codec: Codec, rows: int = 64) -> float:
    """Return − log p a token of a table's real answers, in nats; its exponential is the perplexity."""
    total, count = 0.0, 0
    with torch.no_grad():
        for numbers in torch.arange(len(table.pairs), device=table.answer.device).split(rows):
            scores, said = log_likelihoods(module, table, codec, numbers, table.answer[numbers])
            total -= float(scores.sum())
            count += int(said.sum())
    return total / count
