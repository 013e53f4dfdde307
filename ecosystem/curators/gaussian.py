"""Choice among draws of a normal law, by its moments.

With reward b·x − (k/2)‖x‖² + const and infinitely many candidates, Luce choice tilts N(m, S) to the normal
law of precision S⁻¹ + (k/T) I:

    S' = (I + S k/T)⁻¹ S,   m' = (I + S k/T)⁻¹ (m + S b/T);   for k = 0 the mean shifts by S b/T.

With a linear reward and K candidates only the direction of b matters: r = b·m + s z with z standard normal
and s² = bᵀSb. If the kept z has mean μ and variance v,

    m' = m + (S b/s) μ,   S' = S + (S b bᵀ S/s²)(v − 1).

For Luce choice μ and v depend on β = s/T alone; they are integrals over z of the finite-K formula, and are
tabulated once for each K: over β up to 20, and over 1/β from there to best-of-K, where they are those of the
largest of K standard normal draws.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import log_ndtr
from torch import Tensor

from ecosystem.curators.differentiate import by_autograd
from ecosystem.moments import mean_and_covariance, moments_of

Array = NDArray[np.float64]

MOST_BETA = 20.0
"""The largest s/T of the first table; beyond, the choice is close to best-of-K, and 1/β is what counts."""

_DEGREE = 96
_SHARP_DEGREE = 24
_REACH = 10.5
_ROUNDING = 1e-14


class _Choice:
    """What the kinds share: the reward's coefficients, and moments taken apart and put together."""

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None:
        del nodes
        numbers = rho.shape[-1]
        self._d = (math.isqrt(4 * numbers - 3) - 1) // 2
        self._linear = rho[..., 1 : 1 + self._d][:, :, None, :]  # [worlds, curves, 1, d]
        self._curvature = (-2.0 * rho[..., 1 + self._d])[:, :, None, None, None]
        self._candidates = candidates

    def keep(self, p: Tensor) -> Tensor:
        """Return the moments of what is kept, ``[worlds, curves, rows, numbers]`` as `p`."""
        raise NotImplementedError

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x], ``[worlds, curves, rows, numbers (y), numbers (x)]``."""
        return by_autograd(self.keep, p)

    def _along(self, covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Return S b and bᵀSb."""
        direction = (covariance * self._linear[..., None, :]).sum(-1)
        return direction, (direction * self._linear).sum(-1).clamp_min(0.0)


class GaussianLimit(_Choice):
    """Luce choice among infinitely many candidates; linear and quadratic rewards."""

    def keep(self, p: Tensor) -> Tensor:
        """Return the moments of what is kept, ``[worlds, curves, rows, numbers]`` as `p`.

        NaN where E e^ρ is infinite: a reward that grows with the square of the distance (k < 0) outweighs
        the normal law in a direction of variance T/|k| or more.
        """
        mean, covariance = mean_and_covariance(p)
        shifted = mean + self._along(covariance)[0]
        if not bool((self._curvature != 0).any()):
            return moments_of(shifted, covariance)
        one = torch.eye(self._d, dtype=p.dtype, device=p.device)
        tilt = one + covariance * self._curvature
        if bool((self._curvature < 0).any()):
            with torch.no_grad():
                held = torch.isfinite(covariance).all(-1).all(-1)[..., None, None]
                least = torch.linalg.eigvalsh(torch.where(held, tilt, one)).amin(-1)[..., None, None]
            tilt = torch.where(least > 0, tilt, one * torch.nan)
        return moments_of(torch.linalg.solve(tilt, shifted[..., None])[..., 0], torch.linalg.solve(tilt, covariance))


class GaussianLuce(_Choice):
    """Luce choice among K candidates; linear rewards."""

    @cached_property
    def _tables(self) -> Tensor:
        """Chebyshev coefficients, ``[worlds, curves, 2, degree + 1]``; where examples are drawn nobody asks."""
        tables = np.stack([_luce_table(float(k)) for k in self._candidates.flatten().tolist()])
        return torch.from_numpy(tables).to(self._linear).reshape(*self._candidates.shape, 2, _DEGREE + 1)

    @cached_property
    def _sharp_tables(self) -> Tensor:
        """The same of what is kept where s/T is beyond the first table, ``[worlds, curves, 2, degree + 1]``."""
        tables = np.stack([_sharp_table(float(k)) for k in self._candidates.flatten().tolist()])
        return torch.from_numpy(tables).to(self._linear).reshape(*self._candidates.shape, 2, _SHARP_DEGREE + 1)

    def keep(self, p: Tensor) -> Tensor:
        """Return the moments of what is kept, ``[worlds, curves, rows, numbers]`` as `p`."""
        mean, covariance = mean_and_covariance(p)
        direction, square = self._along(covariance)  # of rho, so that s is β
        beta = torch.where(square > 0, square, 1.0).sqrt() * (square > 0)
        position = _position(beta.clamp_max(MOST_BETA))
        ratio, variance = (_clenshaw(self._tables[:, :, which], position) for which in range(2))
        sharp = beta > MOST_BETA
        if bool(sharp.any()):
            large = beta.clamp_min(MOST_BETA)
            position = 2 * MOST_BETA / large - 1
            score, spread = (_clenshaw(self._sharp_tables[:, :, which], position) for which in range(2))
            ratio, variance = torch.where(sharp, score / large, ratio), torch.where(sharp, spread, variance)
        shrink = torch.where(square > 0, (variance - 1) / torch.where(square > 0, square, 1.0), 0.0)
        outer = direction[..., :, None] * direction[..., None, :]
        return moments_of(mean + direction * ratio[..., None], covariance + outer * shrink[..., None, None])


class GaussianBestOf(_Choice):
    """The best of K candidates; linear rewards."""

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None:
        super().__init__(rho, candidates, nodes)
        values = np.array([largest_of(float(k)) for k in candidates.flatten().tolist()])
        table = torch.from_numpy(values).to(rho).reshape(*candidates.shape, 2)
        self._mean, self._excess = table[..., 0, None], table[..., 1, None] - 1.0

    def keep(self, p: Tensor) -> Tensor:
        """Return the moments of what is kept, ``[worlds, curves, rows, numbers]`` as `p`."""
        mean, covariance = mean_and_covariance(p)
        direction, square = self._along(covariance)
        # A variance is a difference of moments: one that is lost in their rounding is none. Divided by its
        # root, as here, it would be felt.
        size = p[..., 1 + self._d :: self._d + 1].sum(-1) * self._linear.square().sum(-1)
        held = square > _ROUNDING * size
        safe = torch.where(held, square, 1.0)
        outer = direction[..., :, None] * direction[..., None, :]
        shift = torch.where(held, self._mean / safe.sqrt(), 0.0)[..., None]
        shrink = torch.where(held, self._excess / safe, 0.0)[..., None, None]
        return moments_of(mean + direction * shift, covariance + outer * shrink)


def largest_of(candidates: float) -> tuple[float, float]:
    """Return mean and variance of the largest of K standard normal draws.

    >>> round(largest_of(2)[0], 10)  # 1/√π
    0.5641895835
    """
    z = np.arange(-_REACH, _REACH + 1e-9, 0.01)
    log_density = -z * z / 2 - math.log(math.sqrt(2 * math.pi)) + math.log(candidates)
    density = np.exp(log_density + (candidates - 1) * log_ndtr(z)) * 0.01
    mean = float(density @ z / density.sum())
    return mean, float(density @ (z - mean) ** 2 / density.sum())


def luce_moments(beta: float, candidates: float) -> tuple[float, float]:
    """Return mean and variance of the z that Luce choice with exponent βz keeps of K standard normal draws.

    The finite-K formula of `ecosystem.curators.luce` with the density of z in place of p.
    """
    step_z = min(0.1, 0.5 / max(beta, 1e-9))
    z = np.linspace(-_REACH, _REACH, 2 * math.ceil(_REACH / step_z) + 1)
    p = np.exp(-z * z / 2)
    p /= p.sum()
    rho = beta * (z - z[-1])
    low, high = -math.log(candidates) - 30.0, math.log(40.0) - rho[0]
    s = np.linspace(low, high, math.ceil((high - low) / 0.3) + 1)
    exponent = s[:, None] + rho
    with np.errstate(over="ignore"):
        decay = np.exp(exponent)
    below = np.expm1(-decay) @ p
    whole = np.exp(-decay) @ p
    log_l = np.where(below > -0.5, np.log1p(np.maximum(below, -0.5)), np.log(np.maximum(whole, 1e-300)))
    weight = np.exp((candidates - 1) * log_l)
    kept = p * (weight @ np.exp(exponent - decay))
    kept /= kept.sum()
    mean = float(kept @ z)
    return mean, float(kept @ (z - mean) ** 2)


def sharp_moments(beta: float, candidates: float) -> tuple[float, float]:
    """Return what `luce_moments` does, for large β.

    On a grid of z that is as fine as the choice is sharp, with nodes s = −β z on the same grid, the sums of the
    formula are convolutions, whose kernels leave 0 and 1 for a few steps only.
    """
    step = 0.3 / beta
    edge = math.ceil(_REACH / step)
    beyond = math.ceil(40.0 / 0.3)
    z = np.arange(-edge, edge + 1) * step
    p = np.pad(np.exp(-z * z / 2), beyond)
    p /= p.sum()
    x = np.arange(-beyond, 15) * 0.3  # β (z_i − z_j); exp(−e^x) is 1 before, 0 behind
    decay = np.exp(x)
    passed = np.concatenate([[0.0], np.cumsum(p)])

    def sums(kernel: Array) -> Array:
        return np.convolve(np.pad(p, (beyond, 14)), kernel[::-1], mode="valid")

    place = np.arange(len(p))
    behind = passed[-1] - passed[np.minimum(place + 15, len(p))]
    before = passed[np.maximum(place - beyond, 0)]
    below = sums(np.expm1(-decay)) - behind
    whole = sums(np.exp(-decay)) + before
    log_l = np.where(below > -0.5, np.log1p(np.maximum(below, -0.5)), np.log(np.maximum(whole, 1e-300)))
    weight = np.exp((candidates - 1) * log_l)
    kept = p * np.convolve(np.pad(weight, (14, beyond)), np.exp(x - decay), mode="valid")
    kept /= kept.sum()
    at = np.pad(z, beyond)
    mean = float(kept @ at)
    return mean, float(kept @ (at - mean) ** 2)


@lru_cache(maxsize=256)
def _sharp_table(candidates: float) -> Array:
    """Return Chebyshev coefficients of μ and v over 2·20/β − 1, from best-of-K to β = 20, ``[2, degree + 1]``."""
    points = chebyshev.chebpts2(_SHARP_DEGREE + 1)
    values = np.empty((2, _SHARP_DEGREE + 1))
    for index, point in enumerate(points):
        near = (point + 1) / 2
        values[:, index] = largest_of(candidates) if index == 0 else sharp_moments(MOST_BETA / near, candidates)
    return np.stack([chebyshev.chebfit(points, row, _SHARP_DEGREE) for row in values])


@lru_cache(maxsize=256)
def _luce_table(candidates: float) -> Array:
    """Return Chebyshev coefficients of μ/β and v over `_position` of β, ``[2, degree + 1]``."""
    points = chebyshev.chebpts1(_DEGREE + 1)
    values = np.empty((2, _DEGREE + 1))
    for index, point in enumerate(points):
        beta = _beta_at(point)
        mean, variance = luce_moments(beta, candidates)
        values[:, index] = mean / beta, variance
    return np.stack([chebyshev.chebfit(points, row, _DEGREE) for row in values])


_BEND = 2.0
_SPAN = MOST_BETA / (MOST_BETA + _BEND)


def _beta_at(point: float) -> float:
    t = (point + 1) / 2 * _SPAN
    return _BEND * t / (1 - t)


def _position(beta: Tensor) -> Tensor:
    return 2 * (beta / (beta + _BEND)) / _SPAN - 1


def _clenshaw(coefficients: Tensor, x: Tensor) -> Tensor:
    """Evaluate Chebyshev series, ``[worlds, curves, degree + 1]``, at ``[worlds, curves, rows]``."""
    later = latest = torch.zeros_like(x)
    for number in range(coefficients.shape[-1] - 1, 0, -1):
        latest, later = 2 * x * latest - later + coefficients[..., number, None], latest
    return x * latest - later + coefficients[..., 0, None]
