"""How varied answers are, and how often they have each token."""

from __future__ import annotations

import torch
from torch import Tensor


def frequencies(answers: Tensor, said: Tensor, vocabulary: int) -> Tensor:
    """Return how often each token is in answers ``[..., n, length]``, as shares ``[..., vocabulary]``."""
    flat = answers.flatten(-2).reshape(-1, answers.shape[-2] * answers.shape[-1])
    counted = said.reshape(flat.shape).double()
    counts = torch.zeros(len(flat), vocabulary, dtype=torch.float64, device=flat.device)
    counts.scatter_add_(1, flat, counted)
    return (counts / counts.sum(-1, keepdim=True)).reshape(*answers.shape[:-2], vocabulary)


def distinct(answers: Tensor, said: Tensor) -> Tensor:
    """Return how many different pairs of neighbouring tokens there are among all pairs, ``[...]``.

    Parameters
    ----------
    answers, said : Tensor
        Tokens, and which of them count, ``[..., n, length]``. Where there are no pairs it is 0.

    Examples
    --------
    >>> answers = torch.tensor([[1, 2, 3], [1, 2, 4]])
    >>> float(distinct(answers, torch.ones_like(answers, dtype=torch.bool)))
    0.75
    """
    pairs = torch.stack([answers[..., :-1], answers[..., 1:]], -1)
    there = said[..., :-1] & said[..., 1:]
    shape = answers.shape[:-2]
    rows = zip(
        pairs.reshape(-1, pairs.shape[-3] * pairs.shape[-2], 2),
        there.reshape(-1, there.shape[-2] * there.shape[-1]),
        strict=True,
    )
    found = [(len(row[mask].unique(dim=0)) / max(1, int(mask.sum()))) for row, mask in rows]
    return torch.tensor(found, dtype=torch.float64, device=answers.device).reshape(shape)
