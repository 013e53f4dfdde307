"""A curator that another package brings: by the distribution of what it keeps, or candidate by candidate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecosystem.curators.differentiate import by_autograd
from ecosystem.plugins.kinds import Curator
from ecosystem.plugins.plugin import is_plugin, revived
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


def chances(plugin: Curator, rho: Tensor) -> Tensor:
    """Return how likely a plug-in keeps each candidate, ``[choices, K]`` as `rho`.

    Raises
    ------
    PluginError
        It gives no array like `rho`.
    """
    found = plugin.chances(rho)
    if found.shape != rho.shape or found.dtype != rho.dtype:
        raise PluginError(f"curator {plugin.plugin_name}: chances must be {told(rho)} (got {told(found)})")
    return found


def fallen_on(likely: Tensor, uniform: Tensor) -> Tensor:
    """Return the candidate that a number in [0, 1) falls on, ``[choices]``, given chances ``[choices, K]``."""
    steps = likely.cumsum(-1)
    found = torch.searchsorted(steps / steps[:, -1:], uniform.to(steps)[:, None], right=True)
    return found[:, 0].clamp_max(likely.shape[-1] - 1)


def plugged_choices(kinds: Sequence[str | None], choice: Tensor) -> Tensor:
    """Tell where it is a plug-in that chooses, given whose choice it is (−1: nobody's), shaped as `choice`."""
    numbers = [number for number, kind in enumerate(kinds) if kind is not None and is_plugin(kind)]
    return torch.isin(choice, torch.tensor(numbers, dtype=choice.dtype, device=choice.device))


def choose(
    kinds: Sequence[str | None], choice: Tensor, seen: Tensor, rho: Tensor, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    """Return which candidate is kept where a plug-in chooses, and which it was least likely to keep.

    Parameters
    ----------
    kinds : sequence of str or None
        The kind of each choice of a run; the identity of a plug-in is a kind.
    choice : Tensor
        Whose choice it is, −1 where it is nobody's, ``[worlds, n]``.
    seen : Tensor
        K, ``[worlds, n]``.
    rho : Tensor
        Reward over temperature of each candidate, ``[worlds, n, candidates]``; those beyond K are not looked at.
    uniform : Tensor
        A number in [0, 1) for each, ``[worlds, n]``.

    Returns
    -------
    kept, rejected : Tensor
        ``[worlds, n]`` each; 0 where no plug-in chooses. Of several that were as unlikely, the one of the least reward
        is rejected.
    """
    kept, rejected = torch.zeros_like(choice), torch.zeros_like(choice)
    for kind in dict.fromkeys(kinds):
        if kind is None or not is_plugin(kind):
            continue
        numbers = [number for number, each in enumerate(kinds) if each == kind]
        mine = torch.isin(choice, torch.tensor(numbers, device=choice.device))
        for k in seen[mine].unique().tolist():
            here = mine & (seen == k)
            rewards = rho[here][:, : int(k)].contiguous()
            likely = chances(revived(kind), rewards)
            best = fallen_on(likely, uniform[here])[:, None]
            others = likely.scatter(-1, best, torch.inf)
            least = others == others.amin(-1, keepdim=True)
            kept[here] = best[:, 0]
            rejected[here] = rewards.masked_fill(~least, torch.inf).argmin(-1)
    return kept, rejected
