"""Answers, drawn token by token with numbers that belong to the run."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor

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
    cache = {_name(module): needed("learning.language", "transformers").DynamicCache()}
    place = (mask.cumsum(-1) - 1).clamp_min(0)
    with torch.no_grad():
        for step in range(length):
            out = module(input_ids=ids, attention_mask=mask, position_ids=place, use_cache=True, **cache)
            token = drawn(out.logits[:, -1].float(), luck[:, step], writing)
            found[:, step] = torch.where(going, token, pad)
            going = going & (token != end)
            if not bool(going.any()):
                break
            ids = token[:, None]
            mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
            place = place[:, -1:] + 1
    return found


def _name(module: Any) -> str:
    """Return the argument by which a model takes what it has computed of earlier tokens; its name has changed."""
    plain = module.get_base_model() if hasattr(module, "get_base_model") else module
    return "cache" if "cache" in signature(type(plain).forward).parameters else "past_key_values"


def drawn(logits: Tensor, luck: Tensor, writing: Writing) -> Tensor:
    """Return the token that each uniform number falls on, ``[n]``; logits ``[n, vocabulary]``.

    With `top_p` the likeliest tokens are drawn that together have that probability, the likeliest one always.
    """
    if writing.temperature == 0:
        return logits.argmax(-1)
    share = torch.softmax(logits / writing.temperature, dim=-1)
    if writing.top_p < 1:
        ordered, order = share.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        share = torch.zeros_like(share).scatter(-1, order, torch.where(before < writing.top_p, ordered, 0.0))
    steps = share.double().cumsum(-1)
    wanted = luck.double()[:, None] * steps[:, -1:]
    return torch.searchsorted(steps, wanted, right=True)[:, 0].clamp_max(logits.shape[-1] - 1)
