"""A curator that another package brings."""

from __future__ import annotations

from torch import Tensor

from ecosystem.curators.differentiate import by_autograd
from ecosystem.plugins.kinds import Curator


class Plugged:
    """A plug-in, as the engine knows curators.

    Parameters
    ----------
    plugin : Curator
        What chooses.
    rho : Tensor
        Reward over temperature, ``[worlds, curves, outputs]``.
    candidates : Tensor
        K, ``[worlds, curves]``.
    """

    def __init__(self, plugin: Curator, rho: Tensor, candidates: Tensor) -> None:
        self._plugin, self._rho, self._candidates = plugin, rho[..., None, :], candidates[..., None, None]

    def keep(self, p: Tensor) -> Tensor:
        """Return what is kept of `p`, ``[worlds, curves, rows, outputs]``; rounding is divided out."""
        kept = self._plugin.keep(p, self._rho, self._candidates)
        return kept / kept.sum(-1, keepdim=True)

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x], ``[worlds, curves, rows, outputs (y), outputs (x)]``."""
        return by_autograd(self.keep, p)
