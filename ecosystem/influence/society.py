"""The exact round with users, a remedy or a plugged-in learner as a smooth map of one state, taken back by autograd.

The state is a vector: what models write, and of the users how many they are, whom they choose, whom they met,
and what they bring. Nothing is known of how the round is computed but that torch can go back through it, so that
only transposed derivatives are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.influence.frames import Frame, Moments, frame_of
from ecosystem.influence.rounds import Round, refuse
from ecosystem.learners.learner import State
from ecosystem.plugins.kinds import Learner
from ecosystem.plugins.plugin import is_plugin, revived
from ecosystem.scenario.scenario import Scenario
from ecosystem.threads import one_thread
from ecosystem.users.crowd import Crowd
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem

_OF_NUMBERS = {"retention", "replicator"}
"""Rules under which numbers of users follow from what these are served."""

_STEP, _BENT = 1e-5, 1e-2


def round_of(scenario: Scenario, seed: int = 0) -> Round | Society:
    """Return the round of a scenario: of models alone that learn by mixing, or of a society.

    Raises
    ------
    EcosystemError
        If its rounds have no stable point or no derivative.
    """
    refuse(scenario)
    if scenario.users is None and scenario.remedy is None and not isinstance(scenario.learning.learner, Learner):
        return Round(scenario, seed)
    return Society(blueprint(scenario, seed))


class Parts(NamedTuple):
    """What a state consists of; the parts after the first are those of `Crowd`, numbers of users as parts of all."""

    p: Tensor
    activity: Tensor
    choice: Tensor
    met: Tensor
    served: Tensor
    data: Tensor


class Society:
    """The round of one world with users, a remedy or a plugged-in learner, its corpus replaced, as a map of vectors.

    Parameters
    ----------
    plan : Blueprint
        The run, exact and without events.
    scale : float, optional
        The number of users that counts as 1; all users at the start by default.
    """

    def __init__(self, plan: Blueprint, scale: float = 0.0) -> None:
        # Derivatives are told in double precision, whatever runs are computed in.
        exactly = plan.scenario.model_copy(update={"precision": "float64", "device": "cpu"})
        nodes, plan = plan.nodes, replace(plan, scenario=exactly)
        plan.__dict__["nodes"] = nodes
        self.plan = plan
        self.model = Ecosystem.together([plan])
        _ = self.model.lessons  # prompts that are reused are those of the start
        users = 0.0 if plan.groups is None else float(plan.groups.size.sum())
        self.scale = scale or users or 1.0
        rules = () if plan.groups is None else plan.groups.rules
        methods = {method for method, *_ in rules}
        plugins = [revived(method) for method in methods if is_plugin(method)]
        self.counts = bool(methods & _OF_NUMBERS or plugins)
        self._grows = "retention" in methods or not all(plugin.keeps_total for plugin in plugins)
        self._drifts = "drift" in methods
        self.moves = plan.groups is not None and plan.groups.chooses[0] != "fixed"
        self.start = self._packed(self.model.state.p, self.model.crowd)

    @property
    def frame(self) -> Frame:
        """What valid states are."""
        return _SocietyFrame(self)

    @property
    def measured(self) -> Tensor:
        """∂J_i/∂p_i, ``[models, contexts, numbers]``; NaN without a reward."""
        batch, shape = self.model.batch, self.plan.initial.shape
        if batch.rewards.shape[1] == 0:
            return torch.full(shape, torch.nan, dtype=batch.dtype)
        own = batch.rewards[0, batch.evaluation.clamp_min(0)].expand(shape) / shape[1]
        return own.masked_fill((batch.evaluation < 0)[:, None, None], torch.nan)

    def fresh(self) -> Ecosystem:
        """Return the ecosystem before its first round, its corpus as it is."""
        return Ecosystem.together([self.plan])

    def step(self, x: Tensor) -> Tensor:
        """Return the state one round later."""
        parts = self.parts(x)
        self.model.put(State(0, parts.p[None]), self._crowd(parts))
        self.model.step()
        return self._packed(self.model.state.p, self.model.crowd)

    def parts(self, x: Tensor) -> Parts:
        """Take a state apart."""
        shape = self.plan.initial.shape
        shapes = [shape]
        if self.plan.groups is not None:
            groups = self.plan.groups
            cohorts = len(groups.group)
            shapes += [(cohorts,), groups.choice.shape, groups.choice.shape, (cohorts,), groups.data.shape]
        else:
            shapes += [(0,)] * 5
        sizes = [int(np.prod(one)) for one in shapes]
        return Parts(*(part.reshape(one) for part, one in zip(x.split(sizes), shapes, strict=True)))

    def together(self, parts: Parts) -> Tensor:
        """Put a state together."""
        return torch.cat([part.reshape(-1) for part in parts])

    def starting_as(self, x: Tensor) -> Tensor:
        """Return a state with what no rule ever moves as it is at the start of this round."""
        now, first = self.parts(x), self.parts(self.start)
        if self.plan.groups is None:
            return x
        if all(method in ("static", "drift") for method, *_ in self.plan.groups.rules):
            now = now._replace(activity=first.activity, served=first.served)
        if not self.moves:
            now = now._replace(choice=first.choice, met=first.met)
        return self.together(now)

    def tangent(self, change: Tensor) -> Tensor:
        """Return the part of a change of the state that leads from valid states to valid ones."""
        parts = self.parts(change)
        p = frame_of(self.plan.scenario.outputs.kind).tangent(parts.p, -1)
        if self.plan.groups is None:
            return self.together(parts._replace(p=p))
        activity, served = (self._numbers(part) for part in (parts.activity, parts.served))
        choice, met = (
            part - part.mean(-1, keepdim=True) if self.moves else torch.zeros_like(part)
            for part in (parts.choice, parts.met)
        )
        data = Moments().tangent(parts.data, -1) if self._drifts else torch.zeros_like(parts.data)
        return self.together(Parts(p, activity, choice, met, served, data))

    def shaken(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return a valid state near `x`, what is 0 left so: numbers grow by the parts that `noise` says."""
        if self.plan.scenario.outputs.kind != "categorical":
            return x + self.tangent(x * noise)
        now, grown = self.parts(x), self.parts(x * (1 + noise))
        p, choice, met = (part / part.sum(-1, keepdim=True) for part in (grown.p, grown.choice, grown.met))
        if self.plan.groups is None:
            return self.together(now._replace(p=p))
        if self.counts:
            activity, served = grown.activity, grown.served
            if not self._grows:
                activity, served = (
                    part * before.sum() / part.sum()
                    for part, before in ((activity, now.activity), (served, now.served))
                )
            now = now._replace(activity=activity, served=served)
        if self.moves:
            now = now._replace(choice=choice, met=met)
        return self.together(now._replace(p=p))

    def _numbers(self, change: Tensor) -> Tensor:
        """Return changes of numbers of users: none, or with their total kept, where rules say so."""
        if not self.counts:
            return torch.zeros_like(change)
        return change if self._grows else change - change.mean()

    def _crowd(self, parts: Parts) -> Crowd | None:
        if self.plan.groups is None:
            return None
        rest = {field.name: getattr(parts, field.name)[None] for field in fields(Crowd)}
        return Crowd(**rest | {name: rest[name] * self.scale for name in ("activity", "served")})

    def _packed(self, p: Tensor, crowd: Crowd | None) -> Tensor:
        if crowd is None:
            return p.reshape(-1)
        each = (crowd.activity / self.scale, crowd.choice, crowd.met, crowd.served / self.scale, crowd.data)
        return self.together(Parts(p, *each))


@dataclass(frozen=True)
class _SocietyFrame:
    """Valid states of a society: each part is valid."""

    society: Society

    def tangent(self, change: Tensor, dim: int = 2) -> Tensor:
        """Return the part of a change that leads to valid states."""
        del dim
        return self.society.tangent(change)

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return the valid state near to `x`; numbers of users at least a tenth of what a plain round gave."""
        society = self.society
        parts, given = society.parts(x), society.parts(plain)
        p = frame_of(society.plan.scenario.outputs.kind).admit(parts.p, given.p)
        if society.plan.groups is None:
            return society.together(parts._replace(p=p))
        activity, served = (torch.maximum(part, 0.1 * at) for part, at in zip(parts[1::3], given[1::3], strict=True))
        if not society._grows:
            activity, served = (part * at.sum() / part.sum() for part, at in ((activity, given[1]), (served, given[4])))
        clipped = [torch.maximum(part, 0.1 * at) for part, at in zip(parts[2:4], given[2:4], strict=True)]
        choice, met = (part / part.sum(-1, keepdim=True) for part in clipped)
        return society.together(Parts(p, activity, choice, met, served, parts.data))

    def elsewhere(self, like: Tensor, count: int, seed: int) -> list[Tensor]:
        """Return states in which models write something else, and users are as they are."""
        parts = self.society.parts(like)
        states = frame_of(self.society.plan.scenario.outputs.kind).elsewhere(parts.p, count, seed)
        return [self.society.together(parts._replace(p=p)) for p in states]


class Transposed:
    """The transposed derivative of a society's round at a state.

    Parameters
    ----------
    society : Society
        The round.
    x : Tensor
        The state.
    """

    def __init__(self, society: Society, x: Tensor) -> None:
        self.society, self.x = society, x
        with torch.enable_grad():
            self._at = x.detach().clone().requires_grad_()
            self._after = society.step(self._at)

    def back(self, w: Tensor) -> Tensor:
        """Return Aᵀ w.

        Raises
        ------
        EcosystemError
            If it is not finite, as that of a logarithm is where an output is not written.
        """
        with one_thread():  # many short passes, in which threads would wait for one another
            (found,) = torch.autograd.grad(
                self._after, self._at, self.society.tangent(w), retain_graph=True, materialize_grads=True
            )
        if not bool(torch.isfinite(found).all()):
            raise EcosystemError(
                "the round has no finite derivative at this state, where something is 0; if it is an output that "
                "models do not write, give it a little weight in `real`"
            )
        return self.society.tangent(found)

    def bent(self, seed: int = 0) -> bool:
        """Tell whether slopes on both sides of the state differ, as they do where a cap is just reached."""
        g = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(self.x), generator=g, dtype=self.x.dtype)
        middle, up, down = (self.society.step(self.society.shaken(self.x, sign * _STEP * noise)) for sign in (0, 1, -1))
        slope, bend = (up - down).abs().max() / (2 * _STEP), (up + down - 2 * middle).abs().max() / _STEP
        return bool(bend > _BENT * (slope + 1e-3))


def refuse_bent(transposed: Transposed) -> None:
    """Refuse a state at which the round has a kink.

    Raises
    ------
    EcosystemError
        If slopes on both sides differ.
    """
    if transposed.bent():
        raise EcosystemError(
            "users: at the stable point a rule has a kink (a cap or the best reward is just reached), so there is no "
            "derivative; move the cap a little, or take influence at a finite round"
        )
