"""Answers, drawn token by token with numbers that belong to the run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ecosystem.learners.language.network import plain, said
from ecosystem.outputs.text.extra import needed
from ecosystem.scenario.fields.language import Writing


def answers(module: Any, prompt: Tensor, there: Tensor, luck: Tensor, writing: Writing, end: int, pad: int) -> Tensor:
    """Return answers to prompts.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        Who answers.
    prompt, there : Tensor
        Tokens, padded on the left, and which are no padding, ``[n, longest prompt]``.
    luck : Tensor
        Uniform numbers, one for each token that is drawn, ``[n, length]``.
    writing : Writing
        Temperature and what else decides how a token is drawn.
    end, pad : int
        The tokens that end an answer, and fill it up.

    Returns
    -------
    Tensor
        ``[n, length]``
    """
    rows, length = luck.shape
    found = torch.full((rows, length), pad, device=prompt.device)
    going = torch.ones(rows, dtype=torch.bool, device=prompt.device)
    mask, ids = there.long(), prompt
    cache = needed("learning.language", "transformers").DynamicCache(config=plain(module).config)
    place = (mask.cumsum(-1) - 1).clamp_min(0)
    with torch.no_grad():
        for step in range(length):
            logits = said(module, ids, mask, place, 1, cache)
            token = drawn(logits[:, 0].float(), luck[:, step], writing)
            found[:, step] = torch.where(going, token, pad)
            going = going & (token != end)
            if not bool(going.any()):
                break
            ids = token[:, None]
            mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
            place = place[:, -1:] + 1
    return found


def drawn(logits: Tensor, luck: Tensor, writing: Writing) -> Tensor:
    """Return the token that each uniform number falls on, ``[n]``; logits ``[n, vocabulary]``.

    With `top_p` the likeliest tokens are drawn that together have that probability, the likeliest one always.
    """
    if writing.temperature == 0:
        return logits.argmax(-1)
    share = torch.softmax(logits if writing.temperature == 1 else logits / writing.temperature, dim=-1)
    if writing.top_p < 1:
        ordered, order = share.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        share = torch.zeros_like(share).scatter(-1, order, torch.where(before < writing.top_p, ordered, 0.0))
    return _fallen_on(share, luck.double()[:, None]).clamp_max(logits.shape[-1] - 1)


_TOKENS = 64
"""How many tokens are looked at together before they are looked at one by one: sums of all of them are slow."""


def _fallen_on(share: Tensor, luck: Tensor) -> Tensor:
    """Return where each uniform number falls, ``[n]``: first among blocks of tokens, then in its block."""
    blocks = functional.pad(share, (0, -share.shape[-1] % _TOKENS)).unflatten(-1, (-1, _TOKENS))
    steps = blocks.sum(-1, dtype=torch.float64).cumsum(-1)
    wanted = luck * steps[:, -1:]
    block = torch.searchsorted(steps, wanted, right=True).clamp_max(steps.shape[-1] - 1)
    before = torch.where(block > 0, steps.gather(-1, (block - 1).clamp_min(0)), 0.0)
    inside = blocks.gather(1, block[..., None].expand(-1, -1, _TOKENS))[:, 0].double().cumsum(-1)
    place = torch.searchsorted(inside, wanted - before, right=True).clamp_max(_TOKENS - 1)
    return (block * _TOKENS + place)[:, 0]
