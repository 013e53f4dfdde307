"""How users answer to what they were served; one function a rule of activity, each for expected numbers.

What is drawn in their place is told in `ecosystem.users.drawn`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ecosystem.plugins.plugin import is_plugin, revived
from ecosystem.users.membership import Membership

_FAR = 80.0
"""An exponent whose exponential is still a number, of 32 bits too."""


@dataclass(frozen=True)
class Served:
    """What a rule goes by, ``[worlds, cohorts]`` each.

    Attributes
    ----------
    satisfaction, best, patience : Tensor
        u, what leaves nothing to wish, and the factor of the scale of retention.
    members : Membership
        Which cohorts are which group.
    """

    satisfaction: Tensor
    best: Tensor
    patience: Tensor
    members: Membership


def static(activity: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """Nobody comes or goes."""
    del served, group, numbers
    return activity


def linear(activity: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """One group's share becomes min(share + step, cap), never less; the total and the others' proportions are kept."""
    by_group = served.members.total(activity)
    total = by_group.sum(-1)
    share = by_group[:, group] / torch.where(total > 0, total, 1.0)
    grown = torch.maximum(share, torch.minimum(share + numbers["step"], numbers["cap"]))
    left = torch.where(share < 1, (1 - grown) / torch.where(share < 1, 1 - share, 1.0), 0.0)
    mine = served.members.is_of(group)
    within = served.members.within(activity)
    after = torch.where(mine, (grown * total)[:, None] * within, activity * left[:, None])
    # A share that does not grow is left as it is, to the last bit.
    return torch.where(((total > 0) & (grown > share))[:, None], after, activity)


def kept(served: Served, numbers: Mapping[str, Tensor]) -> Tensor:
    """Return the part of each cohort that stays, exp(−risk/scale)."""
    risk = (served.best - served.satisfaction).clamp_min(0.0)
    return (-risk / (numbers["scale"][:, None] * served.patience)).exp()


def retention(activity: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """Users leave by their risk, others come: a · exp(−risk/scale) + arrivals (Hashimoto et al. 2018, 1806.08010)."""
    del group
    after = activity * kept(served, numbers) + numbers["arrivals"][:, None] * served.members.at_start
    if "cap" not in numbers:
        return after
    whole = served.members.total(after)
    down = torch.minimum(whole, numbers["cap"][:, None]) / torch.where(whole > 0, whole, 1.0)
    return after * served.members.spread(down)


def replicator(activity: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """Shares ∝ share · exp(rate · u); the total is kept."""
    del group
    growth = numbers["rate"][:, None] * served.satisfaction
    most = torch.where(activity > 0, growth, -torch.inf).amax(-1, keepdim=True)
    # Who is not there may be served better than all who are: nobody comes of it, as long as it is a number.
    weight = activity * (growth - most).clamp_max(_FAR).exp()
    whole = weight.sum(-1, keepdim=True)
    return weight / torch.where(whole > 0, whole, 1.0) * activity.sum(-1, keepdim=True)


Rule: TypeAlias = Callable[[Tensor, Served, int, Mapping[str, Tensor]], Tensor]


def rule_of(method: str) -> Rule | None:
    """Return a rule of activity, one of `RULES` or a plug-in by its identity; None where activity stays."""
    if not is_plugin(method):
        return RULES.get(method)
    plugin = revived(method)
    return lambda activity, served, group, numbers: plugin.respond(activity, served, group)


RULES: Mapping[str, Rule] = {function.__name__: function for function in (static, linear, retention, replicator)}
"""New activity, ``[worlds, cohorts]``, from activity, what it goes by, a group and settings."""
