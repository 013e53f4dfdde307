"""Rules of activity for users who are counted: what is drawn in place of the expected numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from torch import Tensor

from ecosystem.plugins.plugin import is_plugin
from ecosystem.users.drawn import Counts, Draws
from ecosystem.users.feedback import RULES, Served, kept, rule_of

Draw: TypeAlias = Callable[[Draws, int, str], Counts]
"""Draws users by cohort and model, ``[cohorts, models]``, in one of the worlds."""


def linear(held: Tensor, choice: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Draw:
    """Shares are preset, and so are the numbers, to within one user."""
    activity = held.sum(-1)
    wanted = RULES["linear"](activity, served, group, numbers)
    expected = _by_model(wanted, held, choice)
    return lambda draws, world, purpose: draws.preset(expected[world].cpu().numpy(), f"{purpose}.linear")


def retention(held: Tensor, choice: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Draw:
    """Each user stays with probability exp(−risk/scale); a Poisson number arrives, at the models that others use."""
    del group
    stays = kept(served, numbers)[..., None].expand_as(held)
    at = served.members.at_start[..., None] * choice
    caps = numbers.get("cap")

    def draw(draws: Draws, world: int, purpose: str) -> Counts:
        before = held[world].cpu().numpy().astype(np.int64)
        stayed = draws.thinned(before, stays[world].cpu().numpy(), f"{purpose}.retention")
        came = draws.arrivals(float(numbers["arrivals"][world]), at[world].cpu().numpy(), f"{purpose}.arrivals")
        after = stayed + came
        if caps is None:
            return after
        of = served.members.group.cpu().numpy()
        whole = np.bincount(of, weights=after.sum(-1), minlength=served.members.groups)
        down = np.minimum(whole, np.floor(float(caps[world]))) / np.where(whole > 0, whole, 1.0)
        return draws.preset(after * down[of][:, None], f"{purpose}.cap")

    return draw


def replicator(held: Tensor, choice: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Draw:
    """All users are drawn anew in proportion to share · exp(rate · u); their number is kept."""
    activity = held.sum(-1)
    expected = _by_model(RULES["replicator"](activity, served, group, numbers), held, choice)
    totals = activity.sum(-1)
    return lambda draws, world, purpose: draws.anew(
        int(totals[world]), expected[world].cpu().numpy(), f"{purpose}.replicator"
    )


def draw_of(method: str) -> Callable[[Tensor, Tensor, Served, int, Mapping[str, Tensor]], Draw] | None:
    """Return what is drawn by a rule: one of `DRAWN`; by a plug-in the expected numbers, to within one user."""
    rule = rule_of(method) if is_plugin(method) else None
    if rule is None:
        return DRAWN.get(method)

    def preset(held: Tensor, choice: Tensor, served: Served, group: int, numbers: Mapping[str, Tensor]) -> Draw:
        expected = _by_model(rule(held.sum(-1), served, group, numbers), held, choice)
        return lambda draws, world, purpose: draws.preset(expected[world].cpu().numpy(), f"{purpose}.plug-in")

    return preset


def _by_model(wanted: Tensor, held: Tensor, choice: Tensor) -> Tensor:
    """Return expected users by model: in the proportions of those there are, else of their choice."""
    whole = held.sum(-1, keepdim=True)
    share = held / whole.where(whole > 0, whole.new_ones(()))
    return wanted[..., None] * share.where(whole > 0, choice)


DRAWN: Mapping[str, Callable[[Tensor, Tensor, Served, int, Mapping[str, Tensor]], Draw]] = {
    function.__name__: function for function in (linear, retention, replicator)
}
"""What is drawn, from users by cohort and model, α ``[worlds, cohorts, models]`` each, and as for expected numbers.

With `static` nobody comes or goes.
"""
