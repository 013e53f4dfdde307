"""The prompts of a round: how many each cohort sends to each model in each context."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ecosystem.linalg import bmm


@dataclass(frozen=True)
class Prompts:
    """Numbers of prompts, V[g,i,c]: drawn ones as they are, expected ones as the product that they are.

    So that a thousand cohorts, a thousand models and many contexts need not be multiplied out.

    Attributes
    ----------
    users : Tensor
        a·α, expected users of each model, or 1 where prompts are drawn, ``[worlds, cohorts, models]``.
    contexts : Tensor
        φ, ``[worlds, cohorts, contexts]``.
    drawn : Tensor, optional
        Drawn prompts, ``[worlds, cohorts, models, contexts]``.
    """

    users: Tensor
    contexts: Tensor
    drawn: Tensor | None = None

    def scaled(self, factor: Tensor) -> Prompts:
        """Return the prompts with each cohort's multiplied by a factor, ``[worlds, cohorts]``."""
        if self.drawn is not None:
            return replace(self, drawn=self.drawn * factor[..., None, None])
        return replace(self, users=self.users * factor[..., None])

    @property
    def each(self) -> Tensor:
        """V, ``[worlds, cohorts, models, contexts]``."""
        return self.drawn if self.drawn is not None else self.users[..., None] * self.contexts[:, :, None]

    @property
    def volume(self) -> Tensor:
        """Σ_g V[g,i,c], ``[worlds, models, contexts]``."""
        return self.summed(torch.ones_like(self.contexts)[..., None])[..., 0]

    def summed(self, weight: Tensor) -> Tensor:
        """Return Σ_g V[g,i,c] weight[g,c,x], ``[worlds, models, contexts, x]``.

        The weights are ``[worlds, cohorts, contexts, x]``.
        """
        worlds, cohorts, contexts, size = weight.shape
        if self.drawn is not None:
            by_context = bmm(self.drawn.permute(0, 3, 2, 1), weight.transpose(1, 2))
            return by_context.transpose(1, 2)
        weighed = (self.contexts[..., None] * weight).reshape(worlds, cohorts, contexts * size)
        return bmm(self.users.transpose(1, 2), weighed).reshape(worlds, -1, contexts, size)
