"""How users choose among models, given what they experienced there; one function a method.

A method gives the weight w of each model and s, by which a user weighs every model but the present one less
(1 without a switching cost). A user of model j goes over to model i with probability

    P(j → i) = s^[i ≠ j] w_i / Z_j,   Z_j = s Σ_l w_l + (1 − s) w_j,

which is: stay with probability (1 − s) w_j / Z_j, else choose among all models by their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ecosystem.plugins.plugin import is_plugin, revived


@dataclass(frozen=True)
class Moves:
    """How users of a cohort move between models in a round.

    Attributes
    ----------
    leave : Tensor
        Part of each model's users who choose anew, ``[worlds, cohorts, models]``.
    goes : Tensor
        What part of those chooses each model, shaped alike.
    """

    leave: Tensor
    goes: Tensor

    def expected(self, choice: Tensor) -> Tensor:
        """Return α⁺ from α."""
        leaving = (choice * self.leave).sum(-1, keepdim=True)
        moved = choice * (1 - self.leave) + leaving * self.goes
        return moved / moved.sum(-1, keepdim=True)


def softmax(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Moves:
    """W = exp(experience / temperature)."""
    del choice, best
    temperature = numbers["temperature"][:, None, None]
    return _moves(torch.softmax(experience / temperature, dim=-1), numbers["switching_cost"] / numbers["temperature"])


def multiplicative(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Moves:
    """W = α exp(−γ risk) (Dean et al. 2022, arXiv 2206.02667)."""
    risk = (best[..., None] - experience).clamp_min(0.0)
    # Only differences of risk count: the least keeps its weight, so that a group is never lost to underflow.
    least = torch.where(choice > 0, risk, torch.inf).amin(-1, keepdim=True)
    weight = choice * (-numbers["rate"][:, None, None] * (risk - least).clamp_min(0.0)).exp()
    return _moves(weight / weight.sum(-1, keepdim=True), numbers["rate"] * numbers["switching_cost"])


def _moves(weight: Tensor, cost: Tensor) -> Moves:
    """Return moves by weights that sum to 1, at a cost ``[worlds]`` in units of their logarithm."""
    s = (-cost).exp()[:, None, None]
    z = s + (1 - s) * weight
    return Moves(torch.where(z > 0, s / torch.where(z > 0, z, 1.0), 0.0), weight)


def moves_of(method: str) -> Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], Moves] | None:
    """Return what says how users move, one of `CHOICES` or a plug-in by its identity; None where they stay."""
    if not is_plugin(method):
        return CHOICES.get(method)
    plugin = revived(method)

    def moves(choice: Tensor, experience: Tensor, best: Tensor, numbers: Mapping[str, Tensor]) -> Moves:
        del numbers
        weight = plugin.choose(choice, experience, best)
        return Moves(torch.ones_like(weight), weight / weight.sum(-1, keepdim=True))

    return moves


CHOICES: Mapping[str, Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], Moves]] = {
    function.__name__: function for function in (softmax, multiplicative)
}
"""Moves from α, ``[worlds, cohorts, models]``, experience (shaped alike), best ``[worlds, cohorts]`` and settings.

With `fixed` nobody moves.
"""
