"""Influence where users or a remedy are part of the round.

With w_j of (I − ∂F/∂x)ᵀ w_j = ∂J_j/∂x at the stable point, I[j, i] = w_j · ∂F/∂λ_i: one transposed solve for each
model that is affected serves all levers. ∂F/∂λ_i is a central difference of order 8 in the setting alone, the
state held. At a finite round runs themselves are compared so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.influence.krylov import gmres
from ecosystem.influence.levers import CuratorLever, DietLever, EdgesLever, Pull
from ecosystem.influence.rounds import CENTRAL
from ecosystem.influence.settings import SettingsLever, forward
from ecosystem.influence.society import Society, Transposed, refuse_bent
from ecosystem.world.blueprint import Blueprint

DENSE = 6000
"""Up to how many numbers of the state the linear system is solved by its matrix, a reverse pass for each."""

_HELD = 1e-9
"""So much of a change of numbers of users is rounding."""

_RELATIVE, _SHORT = 0.02, 0.005


@dataclass(frozen=True)
class Variants:
    """A lever as the rounds that it makes: by offset, and what the width of an offset is."""

    label: str
    rounds: Mapping[int, Society]
    weights: Mapping[int, float]
    width: float

    def slope(self, of: Callable[[Society], Tensor]) -> Tensor:
        """Return the derivative of a quantity of rounds."""
        return torch.stack([weight * of(self.rounds[k]) for k, weight in self.weights.items()]).sum(0) / self.width


def variants(society: Society, pull: Pull) -> Iterator[Variants]:
    """Give the levers one by one."""
    if isinstance(pull, SettingsLever):
        stencil = pull.stencil
        rounds = {k: each for k, each in stencil.rounds[0].items() if isinstance(each, Society)}
        yield Variants(pull.label, rounds, stencil.offsets, stencil.width)
        return
    for label, at, size in _settings(society.plan, pull):
        width, weights = _RELATIVE * size, CENTRAL
        if (at(-max(CENTRAL) * width).diet < 0).any():  # a share of 0 can only grow
            width, weights = _SHORT * size, forward(1)
        yield Variants(label, {k: Society(at(k * width), society.scale) for k in weights}, weights, width)


def effects(society: Society, x: Tensor, pull: Pull) -> tuple[tuple[str, ...], Tensor]:
    """Return names of the levers and dJ/dλ at a stable point, ``[models, levers]``.

    Raises
    ------
    EcosystemError
        If the round has a kink there.
    """
    transposed = Transposed(society, x)
    refuse_bent(transposed)
    weights = adjoints(transposed)
    labels, columns = [], []
    for lever in variants(society, pull):
        push = lever.slope(lambda each: each.step(each.starting_as(x)))
        held = lever.slope(lambda each: each.starting_as(x))
        if not society.counts and float((society.parts(push - held).activity.abs()).sum()) > _HELD:
            raise EcosystemError(
                f"{lever.label}: moves numbers of users that rest at a cap, where they have no derivative; "
                f"take influence at a finite round"
            )
        direct = (lever.slope(lambda each: each.measured) * society.parts(x).p).sum((1, 2))
        labels.append(lever.label)
        columns.append(weights @ society.tangent(push) + direct)
    return tuple(labels), torch.stack(columns, dim=1)


def adjoints(transposed: Transposed) -> Tensor:
    """Return w_j of every model, ``[models, numbers of the state]``; NaN for a model without a reward."""
    society, size = transposed.society, len(transposed.x)
    measured, zero = society.measured, society.parts(torch.zeros_like(transposed.x))
    aims = []
    for model in range(len(measured)):
        p = torch.zeros_like(measured)
        p[model] = measured[model].nan_to_num()
        aims.append(society.tangent(society.together(zero._replace(p=p))))
    right = torch.stack(aims, dim=1)
    if size <= DENSE:
        unit = torch.eye(size, dtype=right.dtype)
        matrix = unit - torch.stack([transposed.back(column) for column in unit], dim=1)
        found = torch.linalg.solve(matrix, right)
    else:
        solved = [gmres(lambda w: w - transposed.back(w), aim) if bool((aim != 0).any()) else aim for aim in aims]
        found = torch.stack(solved, dim=1)
    unknown = measured.isnan().flatten(1).any(1)
    return found.T.masked_fill(unknown[:, None], torch.nan)


def horizon(society: Society, pull: Pull, rounds: int) -> tuple[tuple[str, ...], Tensor]:
    """Return names of the levers and dJ/dλ at a round, ``[models, levers]``."""

    def reached(each: Society) -> Tensor:
        model = each.fresh()
        for _ in range(rounds):
            model.step()
        return model.measure("alignment")[0]

    found = [(lever.label, lever.slope(reached)) for lever in variants(society, pull)]
    return tuple(label for label, _ in found), torch.stack([column for _, column in found], dim=1)


def _settings(plan: Blueprint, pull: Pull) -> Iterator[tuple[str, Callable[[float], Blueprint], float]]:
    """Give each lever's name, what a run becomes by it, and the size of what is changed."""
    if isinstance(pull, DietLever):
        for number, model in enumerate(pull.models):
            yield pull.names[number], _diet(plan, int(model), pull.change[number]), 1.0
    elif isinstance(pull, CuratorLever):
        for model in pull.models:
            size = float(getattr(plan, pull.setting)[model])
            yield plan.names[model], _curator(plan, pull.setting, int(model)), size
    elif isinstance(pull, EdgesLever):
        for label, edge in zip(pull.names, pull.chosen, strict=True):
            yield label, _edge(plan, int(edge)), float(plan.edges.weight[edge])
    else:
        raise TypeError(f"no variants of {type(pull).__name__}")


def _diet(plan: Blueprint, model: int, change: np.ndarray) -> Callable[[float], Blueprint]:
    def at(more: float) -> Blueprint:
        diet = plan.diet.copy()
        if (change != 0).any():
            diet[model] = plan.effective_diet[model] + more * change
        return replace(plan, diet=diet)

    return at


def _curator(plan: Blueprint, setting: str, model: int) -> Callable[[float], Blueprint]:
    def at(more: float) -> Blueprint:
        values = getattr(plan, setting).copy()
        values[model] += more
        tuned = replace(plan, **{setting: values})
        tuned.__dict__["nodes"] = plan.nodes  # of the plan itself, so that a difference is one of the setting alone
        return tuned

    return at


def _edge(plan: Blueprint, edge: int) -> Callable[[float], Blueprint]:
    def at(more: float) -> Blueprint:
        weight = plan.edges.weight.copy()
        weight[edge] += more
        total = np.bincount(plan.edges.target, weights=weight, minlength=len(plan.names))
        return replace(plan, edges=replace(plan.edges, weight=weight, share=weight / total[plan.edges.target]))

    return at
