"""A curator that another package brings."""

from __future__ import annotations

from torch import Tensor

from ecosystem.curators.differentiate import by_autograd
from ecosystem.plugins.kinds import Curator
from ecosystem.plugins.registry import PluginError, told


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
        kept = self.raw(p)
        return kept / kept.sum(-1, keepdim=True)

    def raw(self, p: Tensor) -> Tensor:
        """Return what the plug-in says is kept, as `p`.

        Raises
        ------
        PluginError
            It is no array like `p`.
        """
        kept = self._plugin.keep(p, self._rho, self._candidates)
        if kept.shape != p.shape or kept.dtype != p.dtype:
            name = self._plugin.plugin_name
            raise PluginError(f"curator {name}: must return {told(p)} (got {told(kept)})")
        return kept

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x], ``[worlds, curves, rows, outputs (y), outputs (x)]``."""
        return by_autograd(self.keep, p)
