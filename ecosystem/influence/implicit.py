"""Implicit differentiation at a stable point: solves with I − ∂F/∂x and its transpose.

At x* = F(x*; λ) the state follows a lever by v of (I − ∂F/∂x) v = ∂F/∂λ, and an aim g·J follows all levers
by one solve of the transposed system.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.influence.krylov import gmres, solve
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.pushes import Push, SettingsPush, beside
from ecosystem.influence.rounds import Round
from ecosystem.influence.society import Society
from ecosystem.influence.stable import find, require

Aim = str | Mapping[str, float]
"""`mean`, `worst` (the model whose alignment is lowest), an entry of `models` (the mean over its models), or a
weight for each named model."""

DENSE = 800
"""Up to how many numbers of the state the linear system is solved by its matrix."""

_COLUMNS = 16_000_000


def at_rest(round_: Round, seed: int = 0) -> Linearisation:
    """Return the round linearised at its stable point.

    Raises
    ------
    EcosystemError
        If it has none that attracts.
    """
    x = require(find(round_, seed))
    return Linearisation(round_, x, x)


def effects(linear: Linearisation, push: Push) -> tuple[tuple[str, ...], Tensor]:
    """Return names of the levers and dJ/dλ, ``[models, levers]``."""
    right = beside(push, linear, linear.round.data(linear.before, linear.after))
    right = linear.round.frame.tangent(linear.advance(torch.zeros_like(right), right)[0])
    width = max(1, _COLUMNS // linear.before.numel())
    parts = [measured(linear.round, respond(linear, part)) for part in right.split(width, dim=-1)]
    return push.labels, torch.cat(parts, dim=-1) + directly(push, linear.before)


def respond(linear: Linearisation, right: Tensor) -> Tensor:
    """Return V of (I − ∂F/∂x) V = `right`, ``[models, contexts, numbers, columns]``."""
    size, shape = linear.before.numel(), right.shape
    if size > DENSE:
        return solve(lambda v: v - linear.advance(v)[0], right)
    unit = torch.eye(size, dtype=right.dtype).reshape(*linear.before.shape, size)
    matrix = torch.eye(size, dtype=right.dtype) - linear.advance(linear.round.frame.tangent(unit))[0].reshape(
        size, size
    )
    solution: Tensor = torch.linalg.solve(matrix, right.reshape(size, -1)).reshape(shape)
    return solution


def slope(linear: Linearisation, push: Push, weight: Tensor, tolerance: float = 1e-13) -> Tensor:
    """Return the gradient of Σ weight · J over the levers, by one transposed solve, ``[levers]``.

    Parameters
    ----------
    linear : Linearisation
        The round at its stable point.
    push : Push
        The levers.
    weight : Tensor
        Weight of each model's alignment, ``[models]``; 0 for models without a reward.
    tolerance : float
        Relative residual of the solve.
    """
    per_number = torch.where(weight[:, None, None] != 0, linear.round.measured * weight[:, None, None], 0.0)
    aim = linear.round.frame.tangent(per_number[..., None])
    right = linear.adjoint(torch.zeros_like(aim), aim)
    solved = gmres(lambda w: w - linear.adjoint(w), right, tolerance) if bool((right != 0).any()) else right
    w = solved[..., 0]
    direct = directly(push, linear.before)
    return push.collect(linear, w) + torch.where(weight[:, None] != 0, weight[:, None] * direct, 0.0).sum(0)


def measured(round_: Round, v: Tensor) -> Tensor:
    """Return the change of each model's alignment, ``[models, columns]``."""
    models = v.shape[0]
    return torch.bmm(round_.measured.reshape(models, 1, -1), v.reshape(models, -1, v.shape[-1]))[:, 0]


def alignment(round_: Round | Society, x: Tensor) -> Tensor:
    """Return J of every model, NaN without a reward, ``[models]``."""
    return (round_.measured * x).sum((1, 2))


def directly(push: Push, x: Tensor) -> Tensor:
    """Return what a lever does to alignment while the state is held, ``[models, levers]``."""
    if isinstance(push, SettingsPush):
        return (push.measured * x).sum((1, 2))[:, None]
    return torch.zeros((x.shape[0], len(push.labels)), dtype=x.dtype)


def weights(round_: Round | Society, x: Tensor, aim: Aim) -> Tensor:
    """Return the weight of each model's alignment in an aim, ``[models]``.

    Raises
    ------
    EcosystemError
        An aim that does not exist, or names a model that has no reward.
    """
    names = round_.plan.names
    found = alignment(round_, x)
    aligned = ~found.isnan()
    weight = torch.zeros(len(names), dtype=x.dtype)
    if not bool(aligned.any()):
        raise EcosystemError("no model has a reward, so there is no alignment to aim at")
    if isinstance(aim, Mapping):
        for name, value in aim.items():
            if name not in names:
                raise EcosystemError(f"aim: there is no model {shorten(name)}{did_you_mean(name, names)}")
            if not bool(aligned[names.index(name)]):
                raise EcosystemError(f"aim: model {shorten(name)} has no reward, so no alignment")
            if not math.isfinite(value):
                raise EcosystemError(f"aim: the weight of {shorten(name)} must be a finite number (got {value:g})")
            weight[names.index(name)] = float(value)
        return weight
    if aim == "mean":
        return torch.where(aligned, 1.0 / int(aligned.sum()), weight)
    if aim == "worst":
        weight[int(torch.where(aligned, found, torch.inf).argmin())] = 1.0
        return weight
    members = torch.tensor([name in _group(round_, aim) for name in names]) & aligned
    if not bool(members.any()):
        known = did_you_mean(aim, ["mean", "worst", *(entry.name for entry in round_.plan.scenario.models)])
        raise EcosystemError(
            f"aim: is mean, worst, an entry of models (the mean over its models) or a weight for each model "
            f"(got {shorten(aim)}){known}"
        )
    return torch.where(members, 1.0 / int(members.sum()), weight)


def _group(round_: Round | Society, aim: str) -> frozenset[str]:
    """Return the models that a name stands for: those of an entry with a `count`, or a single one."""
    return frozenset(name for entry in round_.plan.scenario.models for name in entry.names if aim in (entry.name, name))
