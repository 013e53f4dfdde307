"""Best of K: the candidate with the largest reward is kept, ties shared evenly.

P(y) = [F(≤ r_y)^K − F(< r_y)^K] · p(y) / p(tie class of y), the limit of Luce choice as T → 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_TINY = 1e-300


class BestOf:
    """Best of K candidates, K a count or infinite.

    Parameters
    ----------
    rho : Tensor
        Reward (its scale does not matter), ``[worlds, curves, outputs]``.
    candidates : Tensor
        K, ``[worlds, curves]``.
    nodes : int
        Not used.
    """

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None:
        del nodes
        order = torch.argsort(rho, dim=-1, stable=True)
        ranked = rho.gather(-1, order)
        starts = torch.ones_like(ranked, dtype=torch.bool)
        starts[..., 1:] = ranked[..., 1:] > ranked[..., :-1]
        tie_of_ranked = starts.long().cumsum(-1) - 1
        self._tie = torch.zeros_like(order).scatter_(-1, order, tie_of_ranked)[..., None, :]
        self._candidates = candidates[..., None, None]

    def keep(self, p: Tensor) -> Tensor:
        """Return the distribution of what is kept, ``[worlds, curves, rows, outputs]`` as `p`."""
        tie = self._tie.expand(p.shape)
        masses = torch.zeros_like(p).scatter_add(-1, tie, p)  # of each tie class, worst first
        up_to = masses.cumsum(-1)
        held = masses > 0
        infinite = torch.isinf(self._candidates)
        k = torch.where(infinite, 1.0, self._candidates)
        per_mass = (self._polynomial if p.requires_grad else self._exactly)(masses, up_to, k)
        classes = torch.arange(p.shape[-1], device=p.device)
        top = classes == torch.where(held, classes, -1).amax(-1, keepdim=True)
        of_top = top.to(p.dtype) / torch.where(held, masses, 1.0)
        kept = p * torch.where(infinite, of_top, per_mass).gather(-1, tie)
        return kept / kept.sum(-1, keepdim=True)

    def _exactly(self, masses: Tensor, up_to: Tensor, k: Tensor) -> Tensor:
        """Return [F(≤)^K − F(<)^K] / mass of each tie class, as F(≤)^K · (1 − (1 − mass/F(≤))^K) / mass.

        So that nothing is lost to cancellation.
        """
        held = masses > 0
        below = torch.where(held, up_to, 1.0)
        part = torch.where(held, masses / below, 0.0).clamp_max(1.0)
        won = (k * below.log()).exp() * -torch.expm1(k * torch.log1p(-part))
        return torch.where(held, won / torch.where(held, masses, 1.0), 0.0)

    def _polynomial(self, masses: Tensor, up_to: Tensor, k: Tensor) -> Tensor:
        """Return what `_exactly` does, as the polynomial that it is: with derivatives wherever a mass is 0, too."""
        before = torch.nn.functional.pad(up_to, (1, 0))[..., :-1]
        held = masses > 0
        # An absent class would be kept K F^(K−1) times as often as it is written.
        return torch.where(held, (up_to**k - before**k) / torch.where(held, masses, 1.0), k * up_to ** (k - 1))

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x] for changes of p that sum to 0, where no rewards tie.

        Without ties P(y) = F(≤)^K − F(<)^K, a polynomial of p; for infinite K it does not change.

        Returns
        -------
        Tensor
            ``[worlds, curves, rows, outputs (y), outputs (x)]``
        """
        tie = self._tie.expand(p.shape)
        up_to = torch.zeros_like(p).scatter_add(-1, tie, p).cumsum(-1)
        # For K → ∞ what is left of K·F^(K−1) multiplies the change of the whole, which is 0.
        k = torch.where(torch.isinf(self._candidates), 0.0, self._candidates)
        steep = k * torch.where(up_to > 0, (k - 1) * up_to.clamp_min(_TINY).log(), -math.inf).exp()
        below = torch.nn.functional.pad(steep, (1, 0))[..., :-1]
        worse = tie[..., None, :] < tie[..., :, None]
        slopes = torch.where(worse, (steep - below).gather(-1, tie)[..., None], 0.0)
        return slopes + torch.diag_embed(steep.gather(-1, tie))
