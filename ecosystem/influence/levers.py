"""Levers: what somebody may pull, and what that does to a round (DESIGN, "Stable points and influence").

`curation` is a model's curated share in all, `curated` and `neighbours_curated` in their ratio; any
entry of a diet is the share of that one source; the model's other entries shrink in proportion.
`temperature` and `candidates` are those of a model's curator, `edge:from->to` is the weight of an
edge before the weights into a model are normalised, `edges` all of them, and `parameter:NAME`
a named parameter or the path of a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.pushes import DataPush, KeptPush, Push
from ecosystem.influence.rounds import Round
from ecosystem.influence.settings import SettingsLever
from ecosystem.influence.shares import OTHERS, OWN, curated_shares
from ecosystem.influence.society import Society
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import SOURCES, Blueprint

KINDS = ("curation", *SOURCES, "temperature", "candidates", "edges", "edge:from->to", "parameter:NAME")

Pull = Callable[[Linearisation], Push]
"""From a linearised round to what the lever does to it."""


def lever(name: str, scenario: Scenario, seed: int, round_: Round | Society) -> Pull:
    """Return the levers of a name.

    Parameters
    ----------
    name : str
        One of `KINDS`.
    scenario : Scenario
        What `round_` is the round of.
    seed : int
        The run's seed.
    round_ : Round or Society
        The round.

    Raises
    ------
    EcosystemError
        No such lever, or none that can be pulled: a share of 1, a best-of-K curator with tied
        rewards or infinite K, infinitely many candidates.
    """
    plan = round_.plan
    _differentiable(plan)
    if name == "curation":
        return curation(plan)
    if name in SOURCES:
        return _diet(name, plan, *_entry(plan, SOURCES.index(name)))
    if name in ("temperature", "candidates"):
        return CuratorLever(name, _settable(plan, name))
    if name == "edges":
        return EdgesLever(np.arange(len(plan.edges.source)), plan)
    if name.startswith("edge:"):
        return EdgesLever(np.array([_edge(plan, name.removeprefix("edge:"))]), plan)
    if name.startswith("parameter:"):
        return SettingsLever(name, name.removeprefix("parameter:"), scenario, seed, round_)
    raise EcosystemError(f"there is no lever {shorten(name)}{did_you_mean(name, KINDS)}")


def _differentiable(plan: Blueprint) -> None:
    for model in np.flatnonzero([str(kind).endswith("best_of") for kind in plan.kinds]):
        who = f"model {shorten(plan.names[model])}"
        if np.isinf(plan.candidates[model]):
            raise EcosystemError(f"{who}: best_of among infinitely many candidates has no derivative; give a finite K")
        if plan.kinds[model] != "best_of":
            continue
        ranked = np.sort(plan.rewards[plan.choice_reward[plan.choice_model == model]], axis=-1)
        if (np.diff(ranked, axis=-1) == 0).any():
            raise EcosystemError(
                f"{who}: best_of with tied rewards is not differentiated; give each output a reward of its own, "
                f"or use method: luce with a low temperature"
            )


def curation(plan: Blueprint, across: NDArray[np.float64] | None = None) -> DietLever:
    """Return the lever `curation` of every model that has one.

    Parameters
    ----------
    plan : Blueprint
        The run.
    across : ndarray, optional
        c, what part of each curated share comes from neighbours, ``[levers]``; what it is by default.

    Raises
    ------
    EcosystemError
        Where a curated share is 1.
    """
    shares = curated_shares(plan)
    c = shares.across if across is None else across
    _not_whole(plan, shares.models, shares.share, "curated share")
    change = -plan.diet[shares.models] / (1 - shares.share)[:, None]
    change[:, OWN], change[:, OTHERS] = 1 - c, c
    return _diet("curation", plan, shares.models, change)


def _entry(plan: Blueprint, source: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return models with one entry of the diet as a lever, and how their diets change."""
    able = plan.curated if SOURCES[source] == "curated" else np.ones(len(plan.names), dtype=bool)
    if SOURCES[source].startswith("neighbours"):
        able = able & plan.edges.readable(len(plan.names))
    if SOURCES[source] == "users":
        able = np.full_like(able, plan.groups is not None)
    share = plan.diet[:, source]
    models = np.flatnonzero(able & (share < 1))
    if len(models) == 0:
        _not_whole(plan, np.flatnonzero(able), share[able], f"share of {SOURCES[source]}")
    change = -plan.diet[models] / (1 - share[models])[:, None]
    change[:, source] = 1.0
    return models, change


def _not_whole(plan: Blueprint, models: NDArray[np.int64], share: NDArray[np.float64], what: str) -> None:
    for model in models[share >= 1 - 1e-12]:
        raise EcosystemError(
            f"model {shorten(plan.names[model])}: its {what} is 1, so no other share can make room; "
            f"the lever needs a share below 1"
        )


@dataclass(frozen=True)
class DietLever:
    """Shares of a diet that change together; see `lever`.

    Attributes
    ----------
    names : tuple of str
        Labels, ``[levers]``.
    models : ndarray
        Whose diet, ``[levers]``.
    change : ndarray
        ∂(effective diet)/∂λ, ``[levers, sources]``.
    """

    names: tuple[str, ...]
    models: NDArray[np.int64]
    change: NDArray[np.float64]

    def only(self, number: int) -> DietLever:
        """Return one of the levers alone."""
        return DietLever(self.names[number : number + 1], self.models[[number]], self.change[[number]])

    def __call__(self, linear: Linearisation) -> Push:
        """Return ∂D_i/∂λ_i = Σ_source ∂share · source."""
        models = torch.from_numpy(self.models)
        total = torch.zeros((len(models), *linear.before.shape[1:]), dtype=linear.before.dtype)
        for source, data in linear.sources.items():
            weight = torch.from_numpy(self.change[:, SOURCES.index(source)].copy())
            total += weight[:, None, None] * data[models]
        return DataPush(self.names, models, total)


def _diet(name: str, plan: Blueprint, models: NDArray[np.int64], change: NDArray[np.float64]) -> DietLever:
    """Carry a change of written shares over to the shares that are left where a source is missing."""
    if len(models) == 0:
        raise EcosystemError(f"no model of this scenario has the lever {name}")
    fed = plan.diet.copy()
    unread = ~plan.edges.readable(len(plan.names))
    change = change.copy()
    for source in ("neighbours_raw", "neighbours_curated"):
        fed[unread, SOURCES.index(source)] = 0.0
        change[unread[models], SOURCES.index(source)] = 0.0
    total = fed[models].sum(-1, keepdims=True)
    left = np.where(total > 0, total, 1.0)
    effective = (change - plan.effective_diet[models] * change.sum(-1, keepdims=True)) / left
    return DietLever(tuple(plan.names[model] for model in models), models, np.where(total > 0, effective, 0.0))


def _settable(plan: Blueprint, setting: str) -> NDArray[np.int64]:
    """Return whose curator has a temperature or a number of candidates that can change a little."""
    without = "best_of" if setting == "temperature" else "limit"
    models = np.array(
        [index for index, kind in enumerate(plan.kinds) if kind is not None and not kind.endswith(without)],
        dtype=np.int64,
    )
    if len(models) == 0:
        raise EcosystemError(
            f"no model of this scenario has the lever {setting}: it needs Luce curators of a temperature above 0"
            if setting == "temperature"
            else f"no model of this scenario has the lever {setting}: it needs curators of finitely many candidates"
        )
    return models


@dataclass(frozen=True)
class CuratorLever:
    """Temperature or candidates of each model's curator."""

    setting: str
    models: NDArray[np.int64]

    def __call__(self, linear: Linearisation) -> Push:
        """Return what another setting does to what is kept."""
        models = torch.from_numpy(self.models)
        before = linear.round.choice_by(linear.before, self.setting)[models]
        after = before if linear.after is linear.before else linear.round.choice_by(linear.after, self.setting)[models]
        names = linear.round.plan.names
        return KeptPush(tuple(names[model] for model in self.models), models, before, after)


def _edge(plan: Blueprint, text: str) -> int:
    labels = _labels(plan)
    if text not in labels:
        raise EcosystemError(f"edge:{text}: there is no such edge{did_you_mean(text, labels)}")
    return labels.index(text)


def _labels(plan: Blueprint) -> list[str]:
    return [f"{plan.names[s]}->{plan.names[t]}" for s, t in zip(plan.edges.source, plan.edges.target, strict=True)]


class EdgesLever:
    """Weights of edges; ∂share_k/∂w_j = (1[k = j] − share_k) / Σw among the edges into a model."""

    def __init__(self, chosen: NDArray[np.int64], plan: Blueprint) -> None:
        if len(chosen) == 0:
            raise EcosystemError("no edge of this scenario can be a lever: it has none")
        labels = _labels(plan)
        self.names = tuple(f"edge:{labels[edge]}" for edge in chosen)
        self.chosen = chosen
        edges = plan.edges
        self._total = np.bincount(edges.target, weights=edges.weight, minlength=len(plan.names))

    def __call__(self, linear: Linearisation) -> Push:
        """Return ∂D_i/∂w_ij = Σ_source share · (T_ij(·_j) − Σ_k w_ik T_ik(·_k)) / Σw."""
        edges, sources = linear.edges, linear.sources
        source, target = edges.source[self.chosen], edges.target[self.chosen]
        earlier = torch.from_numpy(linear.reads_after(source, target))[:, None, None]
        total: torch.Tensor | None = None
        for kind, present, past in (
            ("neighbours_raw", linear.before, linear.after),
            ("neighbours_curated", *linear.kept),
        ):
            arriving = torch.where(earlier, past[source], present[source])
            for number in np.unique(edges.channel[self.chosen]):
                if number >= 0:
                    through = torch.from_numpy(edges.channel[self.chosen] == number)
                    arriving[through] = arriving[through] @ torch.from_numpy(edges.channels[number])
            share = torch.from_numpy(linear.diet[target, SOURCES.index(kind)] / self._total[target])
            part = share[:, None, None] * (arriving - sources[kind][target])
            total = part if total is None else total + part
        assert total is not None
        return DataPush(self.names, torch.from_numpy(target), total)
