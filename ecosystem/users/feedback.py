"""How groups answer to what they were served; one function a rule of activity."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def static(activity: Tensor, satisfaction: Tensor, best: Tensor, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """Nobody comes or goes."""
    del satisfaction, best, group, numbers
    return activity


def linear(activity: Tensor, satisfaction: Tensor, best: Tensor, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """One group's share becomes min(share + step, cap), never less; the total and the others' proportions are kept."""
    del satisfaction, best
    total = activity.sum(-1)
    share = activity[:, group] / total
    grown = torch.maximum(share, torch.minimum(share + numbers["step"], numbers["cap"]))
    left = torch.where(share < 1, (1 - grown) / torch.where(share < 1, 1 - share, 1.0), 0.0)
    others = activity * left[:, None]
    return others.index_copy(1, torch.tensor([group]), (grown * total)[:, None])


def retention(
    activity: Tensor, satisfaction: Tensor, best: Tensor, group: int, numbers: Mapping[str, Tensor]
) -> Tensor:
    """Users leave by their risk, others come: a · exp(−risk/scale) + arrivals (Hashimoto et al. 2018, 1806.08010)."""
    del group
    risk = (best - satisfaction).clamp_min(0.0)
    kept = activity * (-risk / numbers["scale"][:, None]).exp() + numbers["arrivals"][:, None]
    return torch.minimum(kept, numbers["cap"][:, None]) if "cap" in numbers else kept


def replicator(
    activity: Tensor, satisfaction: Tensor, best: Tensor, group: int, numbers: Mapping[str, Tensor]
) -> Tensor:
    """Shares ∝ share · exp(rate · u); the total is kept."""
    del best, group
    growth = numbers["rate"][:, None] * satisfaction
    weight = activity * (growth - growth.amax(-1, keepdim=True)).exp()
    return weight / weight.sum(-1, keepdim=True) * activity.sum(-1, keepdim=True)


RULES: Mapping[str, Callable[[Tensor, Tensor, Tensor, int, Mapping[str, Tensor]], Tensor]] = {
    function.__name__: function for function in (static, linear, retention, replicator)
}
"""New activity, ``[worlds, groups]``, from activity, satisfaction and best (shaped alike), group and settings."""
