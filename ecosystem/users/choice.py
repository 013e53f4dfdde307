"""How groups choose among models, given what they experienced there; one function a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def fixed(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    """Users stay with the models they have."""
    del experience, best, numbers
    return choice


def softmax(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    """α[g,i] ∝ exp(experience[g,i] / temperature)."""
    del choice, best
    return torch.softmax(experience / numbers["temperature"][:, None, None], dim=-1)


def multiplicative(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    """α⁺[g,i] ∝ α[g,i] exp(−γ risk[g,i]) (Dean et al. 2022, arXiv 2206.02667)."""
    risk = (best[..., None] - experience).clamp_min(0.0)
    # Only differences of risk count: the least keeps its weight, so that a group is never lost to underflow.
    least = torch.where(choice > 0, risk, torch.inf).amin(-1, keepdim=True)
    weight = choice * (-numbers["rate"][:, None, None] * (risk - least).clamp_min(0.0)).exp()
    return weight / weight.sum(-1, keepdim=True)


CHOICES: Mapping[str, Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], Tensor]] = {
    function.__name__: function for function in (fixed, softmax, multiplicative)
}
"""New α, ``[worlds, groups, models]``, from α, experience (shaped alike), best ``[worlds, groups]`` and settings."""
