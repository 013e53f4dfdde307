"""Luce (Bradley-Terry, Plackett) choice: candidate k wins with probability exp(r_k/T) / Σ_l exp(r_l/T).

For K candidates drawn i.i.d. from p, the distribution of the winner is (DESIGN, "Curate")

    P(y) = p(y) · K ∫₀^∞ e^ρ(y) e^(−u e^ρ(y)) L(u)^(K−1) du,   L(u) = Σ_x p(x) e^(−u e^ρ(x)),   ρ = r/T,

because 1/Σ_l e^ρ_l = ∫ e^(−u Σ_l e^ρ_l) du, and the candidates are independent given u. With u = e^s
the integrand is smooth and dies off on both sides, so that the trapezoid rule converges
geometrically: a step of 0.3 reaches 1e-12.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ecosystem.linalg import bmm, pad_last, padded

STEP = 0.3
_LEFT = 30.0
_RIGHT = math.log(40.0)
_TINY = 1e-300


def nodes_needed(candidates: float, spread: float) -> int:
    """Return the number of quadrature nodes for K candidates and a spread of ρ, in whole lines.

    >>> nodes_needed(2, 1.0)
    120
    """
    return padded(math.ceil((math.log(candidates) + _LEFT + _RIGHT + spread) / STEP) + 1)


class Luce:
    """Luce choice among a finite number K ≥ 2 of candidates.

    Parameters
    ----------
    rho : Tensor
        Reward over temperature, ``[worlds, curves, outputs]``; a curve is one curator's view.
    candidates : Tensor
        K, ``[worlds, curves]``.
    nodes : int
        Number of quadrature nodes, at least `nodes_needed` of every curve.
    """

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None:
        rho = rho - rho.amax(-1, keepdim=True)
        log_k = candidates.log()[..., None]
        low = -log_k - _LEFT
        high = _RIGHT - rho.amin(-1, keepdim=True)
        step = (high - low) / (nodes - 1)
        s = low + step * torch.arange(nodes, dtype=rho.dtype, device=rho.device)  # [worlds, curves, nodes]
        exponent = s[..., None, :] + rho[..., :, None]  # [worlds, curves, outputs, nodes]
        z = exponent.exp()
        self._outputs = rho.shape[-1]
        self._others = candidates[..., None, None] - 1
        # Two forms of L: L − 1 is exact where L is near 1, L itself where it is small.
        self._transforms = pad_last(torch.cat([torch.expm1(-z), torch.exp(-z)], dim=-1), 2)
        kernel = (log_k[..., None] + exponent - z).exp() * step[..., None]
        self._kernel = pad_last(kernel.transpose(-1, -2).contiguous(), 2)

    def keep(self, p: Tensor) -> Tensor:
        """Return the distribution of what is kept, ``[worlds, curves, rows, outputs]`` as `p`."""
        won = bmm((self._others * self._log_transform(p)).exp(), self._kernel)[..., : self._outputs]
        kept = p * won
        return kept / kept.sum(-1, keepdim=True)

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x] for changes of p that sum to 0.

        Returns
        -------
        Tensor
            ``[worlds, curves, rows, outputs (y), outputs (x)]``
        """
        size = self._outputs
        log_l = self._log_transform(p)
        nodes = log_l.shape[-1]
        won = bmm((self._others * log_l).exp(), self._kernel)[..., :size]
        # ∂L/∂p(x) = e^(−z_x), of which 1 may be taken away: what it multiplies sums to 0.
        slope = self._others * ((self._others - 1) * log_l).exp()
        steep = self._transforms[..., :size, :nodes].transpose(-1, -2)[..., None, :, :]
        kernel = self._kernel[..., :nodes, :size].transpose(-1, -2)[..., None, :, :]
        crossed = p[..., None] * torch.matmul(kernel * slope[..., None, :], steep)
        kept = p * won
        total = kept.sum(-1, keepdim=True)
        slopes = crossed + torch.diag_embed(won)
        return (slopes - (kept / total)[..., None] * slopes.sum(-2, keepdim=True)) / total[..., None]

    def _log_transform(self, p: Tensor) -> Tensor:
        """Return log L at every node, ``[worlds, curves, rows, nodes]``."""
        both = bmm(p, self._transforms)
        nodes = both.shape[-1] // 2
        below_one, whole = both[..., :nodes], both[..., nodes:]
        near = below_one > -0.5
        return torch.where(
            near, torch.log1p(torch.where(near, below_one, 0.0)), torch.where(near, 1.0, whole).clamp_min(_TINY).log()
        )


class LuceLimit:
    """Luce choice among infinitely many candidates: p·e^ρ / E_p e^ρ."""

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None:
        del candidates, nodes
        self._rho = rho[..., None, :]

    def keep(self, p: Tensor) -> Tensor:
        """Return the distribution of what is kept, ``[worlds, curves, rows, outputs]`` as `p`."""
        # The largest ρ in the support, so that rewards however far apart do not underflow.
        largest = torch.where(p > 0, self._rho, -math.inf).amax(-1, keepdim=True).detach()
        kept = p * (self._rho - largest).clamp_max(0.0).exp()
        return kept / kept.sum(-1, keepdim=True)

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x], ``[worlds, curves, rows, outputs (y), outputs (x)]``."""
        largest = torch.where(p > 0, self._rho, -math.inf).amax(-1, keepdim=True)
        weight = (self._rho - largest).exp()
        total = (p * weight).sum(-1, keepdim=True)
        kept = p * weight / total
        return (torch.diag_embed(weight) - kept[..., None] * weight[..., None, :]) / total[..., None]
