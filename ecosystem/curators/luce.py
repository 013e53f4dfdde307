"""Luce (Bradley-Terry, Plackett) choice: candidate k wins with probability exp(r_k/T) / Σ_l exp(r_l/T).

For K candidates drawn i.i.d. from p, the distribution of the winner is (DESIGN, "Curate")

    P(y) = p(y) · K ∫₀^∞ e^ρ(y) e^(−u e^ρ(y)) L(u)^(K−1) du,   L(u) = Σ_x p(x) e^(−u e^ρ(x)),   ρ = r/T,

because 1/Σ_l e^ρ_l = ∫ e^(−u Σ_l e^ρ_l) du, and the candidates are independent given u. With
u = e^s, s = t − e^(−t) − log K, the integrand is smooth in t and dies off doubly exponentially on both
sides (Takahasi & Mori 1974), so that the trapezoid rule converges geometrically: a step of 0.25
reaches 1e-12, with a third of the nodes that s itself would need.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

from ecosystem.linalg import bmm, pad_last, padded

STEP = 0.25
_LEFT = math.log(36.0)
_RIGHT = math.log(40.0)
"""Ends of t beyond which the integrand is below 1e-16 of its largest: e^(−36), and e^(−40)."""
_TINY = 1e-300
_FAR = 80.0
"""An exponent whose exponential is still a number, of 32 bits too."""
_MANY = 64
"""So many other candidates that the rounding of L, times their number, would be felt."""


def nodes_needed(candidates: float, spread: float) -> int:
    """Return the number of quadrature nodes for K candidates and a spread of ρ, in whole lines.

    >>> nodes_needed(2, 1.0)
    40
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
        high = _RIGHT + log_k - rho.amin(-1, keepdim=True)
        step = (high + _LEFT) / (nodes - 1)
        t = step * torch.arange(nodes, dtype=rho.dtype, device=rho.device) - _LEFT  # [worlds, curves, nodes]
        left = (-t).exp()
        s = t - left - log_k
        exponent = s[..., None, :] + rho[..., :, None]  # [worlds, curves, outputs, nodes]
        z = exponent.exp()
        self._outputs = rho.shape[-1]
        self._others = candidates[..., None, None] - 1
        self._s, self._rho = s, rho
        self._whole = pad_last(torch.exp(-z), 2)
        kernel = (log_k[..., None] + exponent - z).exp() * (step * (1 + left))[..., None, :]
        self._kernel = pad_last(kernel.transpose(-1, -2).contiguous(), 2)
        self._few = (self._others < _MANY) & (self._others == self._others.round())
        self._some_few, self._all_few = bool(self._few.any()), bool(self._few.all())
        exponent = torch.where(self._few, self._others, 1.0).long()
        bits = [(exponent >> bit) & 1 == 1 for bit in range(int(exponent.max()).bit_length())]
        self._bits = [(takes, bool(takes.any()), bool(takes.all())) for takes in bits]

    def keep(self, p: Tensor) -> Tensor:
        """Return the distribution of what is kept, ``[worlds, curves, rows, outputs]`` as `p`."""
        won = bmm(self._beaten(p), self._kernel)[..., : self._outputs]
        kept = p * won
        return kept / kept.sum(-1, keepdim=True)

    def _beaten(self, p: Tensor) -> Tensor:
        """Return L^(K−1) at every node, ``[worlds, curves, rows, nodes]``; each curve by the way that suits its K."""
        if not self._some_few:
            return (self._others * self._log_transform(p)).exp()
        found = self._multiplied(bmm(p, self._whole))
        if self._all_few:
            return found
        return torch.where(self._few, found, (self._others * self._log_transform(p)).exp())

    def _multiplied(self, base: Tensor) -> Tensor:
        """Return base^(K−1) by repeated squaring, for few candidates."""
        found: Tensor | None = None
        for bit, (takes, some, every) in enumerate(self._bits):
            base = base if bit == 0 else base * base
            if every:
                found = base if found is None else found * base
            elif some:
                found = torch.where(takes, base if found is None else found * base, 1.0 if found is None else found)
        assert found is not None  # K is at least 2
        return found

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
        steep = self._below_one[..., :size, :nodes].transpose(-1, -2)[..., None, :, :]
        kernel = self._kernel[..., :nodes, :size].transpose(-1, -2)[..., None, :, :]
        crossed = p[..., None] * torch.matmul(kernel * slope[..., None, :], steep)
        kept = p * won
        total = kept.sum(-1, keepdim=True)
        slopes = crossed + torch.diag_embed(won)
        return (slopes - (kept / total)[..., None] * slopes.sum(-2, keepdim=True)) / total[..., None]

    @cached_property
    def _below_one(self) -> Tensor:
        """e^(−z) − 1, ``[worlds, curves, outputs, nodes]``, padded; its mean is L − 1, exact where L is near 1."""
        exponent = self._s[..., None, :] + self._rho[..., :, None]
        return pad_last(torch.expm1(-exponent.exp()), 2)

    def _log_transform(self, p: Tensor) -> Tensor:
        """Return log L at every node, ``[worlds, curves, rows, nodes]``: by L where it is small, by L − 1 else."""
        below_one, whole = bmm(p, self._below_one), bmm(p, self._whole)
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
        kept = p * self._weight(p)
        return kept / kept.sum(-1, keepdim=True)

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x], ``[worlds, curves, rows, outputs (y), outputs (x)]``."""
        weight = self._weight(p)
        total = (p * weight).sum(-1, keepdim=True)
        kept = p * weight / total
        return (torch.diag_embed(weight) - kept[..., None] * weight[..., None, :]) / total[..., None]

    def _weight(self, p: Tensor) -> Tensor:
        """Return e^ρ over that of the best output in the support, so that rewards however far apart do not underflow.

        What is better still is not written: it weighs nothing, as long as its weight is a number.
        """
        largest = torch.where(p > 0, self._rho, -math.inf).amax(-1, keepdim=True).detach()
        return (self._rho - largest).clamp_max(_FAR).exp()
