"""Where curation backfires: whom it harms, from which share on, and which edge carries the harm.

A model's curation backfires on itself where its self-influence is negative (Wei, Zhang & Zhang 2026,
arXiv 2605.29267). Its alignment along its own curated share λ peaks where self-influence changes sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.influence.implicit import alignment, at_rest, effects
from ecosystem.influence.levers import curation
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.influence.shares import CuratedShares, curated_shares, with_shares
from ecosystem.influence.stable import settle
from ecosystem.influence.together import rest_together
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import Blueprint

_GRID = 20
_MOST = 0.95
_ZOOMS = 8
_GONE = 1e-9
_HALVINGS = 30
_NOISE = 1e-9


def backfire(scenario: Scenario, seed: int = 0, models: Sequence[str] | None = None) -> pd.DataFrame:
    """Return, for each model with a lever `curation`, whom its curation harms.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    seed : int
        The run's seed.
    models : sequence of str, optional
        For which models the peak and the edge are looked for; all by default. Each takes runs of its own.

    Returns
    -------
    DataFrame
        By model: `share` (λ), `alignment`, `self_influence`, `harms_itself`, `harms` (names of other
        models that it harms, most harmed first), `peak` (the share, up to 0.95, at which its alignment
        is largest), `peak_alignment`; and where curation harms itself, `edge`, the edge into it that
        restores it when weakened alone, and `weaken_to`, the part of the edge's weight at which
        self-influence is 0 (none, where no single edge does it).

    Raises
    ------
    EcosystemError
        If there is no stable point that attracts, or no lever.
    """
    round_ = Round(scenario, seed)
    linear = at_rest(round_, seed)
    plan, shares = round_.plan, curated_shares(round_.plan)
    labels, matrix = effects(linear, curation(plan)(linear))
    own = matrix[shares.models, torch.arange(len(labels))].numpy()
    rows = pd.DataFrame(index=pd.Index(labels, name="model"))
    rows["share"] = shares.share
    rows["alignment"] = alignment(round_, linear.before).numpy()[shares.models]
    rows["self_influence"] = own
    rows["harms_itself"] = own < -_NOISE
    rows["harms"] = [_harmed(plan, matrix[:, k].numpy(), int(i)) for k, i in enumerate(shares.models)]
    chosen = _chosen(labels, models)
    rows["peak"], rows["peak_alignment"] = _peaks(round_, shares, linear.before, chosen)
    edges = [
        _restoring(round_, k, shares, linear.before) if k in chosen and own[k] < -_NOISE else None
        for k in range(len(labels))
    ]
    rows["edge"] = pd.Series([None if edge is None else edge[0] for edge in edges], index=rows.index, dtype=object)
    rows["weaken_to"] = [np.nan if edge is None else edge[1] for edge in edges]
    return rows


def _chosen(labels: tuple[str, ...], models: Sequence[str] | None) -> list[int]:
    for name in models or ():
        if name not in labels:
            raise EcosystemError(
                f"there is no model {shorten(name)} with the lever curation{did_you_mean(name, labels)}"
            )
    return [k for k, label in enumerate(labels) if models is None or label in models]


def _harmed(plan: Blueprint, column: NDArray[np.float64], puller: int) -> tuple[str, ...]:
    """Return names of other models that a lever harms, most harmed first."""
    order = np.argsort(np.nan_to_num(column, nan=0.0))
    return tuple(plan.names[model] for model in order if column[model] < -_NOISE and model != puller)


def _peaks(
    round_: Round, shares: CuratedShares, x: torch.Tensor, chosen: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where alignment peaks along each chosen model's λ, and how high, ``[levers]``."""
    places = np.full(len(shares.models), np.nan)
    heights = np.full(len(shares.models), np.nan)
    if not chosen:
        return places, heights
    low, high = np.zeros(len(chosen)), np.full(len(chosen), _MOST)
    points = _GRID
    for _ in range(_ZOOMS + 1):
        grid = np.linspace(low, high, points)  # [points, chosen]
        plans = [
            with_shares(round_.plan, shares, _moved(shares, k, float(at)))
            for row in grid
            for k, at in zip(chosen, row, strict=True)
        ]
        rest = rest_together(plans, x)
        reached = torch.stack([alignment(round_, state) for state in rest]).numpy()
        reached = reached.reshape(points, len(chosen), -1)[:, np.arange(len(chosen)), shares.models[chosen]]
        known = ~np.isnan(reached).all(0)
        best = np.where(known, np.argmax(np.where(np.isnan(reached), -np.inf, reached), axis=0), 0)
        columns = np.arange(len(chosen))
        places[chosen] = np.where(known, grid[best, columns], np.nan)
        heights[chosen] = np.where(known, reached[best, columns], np.nan)
        low = grid[np.maximum(best - 1, 0), columns]
        high = grid[np.minimum(best + 1, points - 1), columns]
        points = 7
    return places, heights


def _moved(shares: CuratedShares, lever: int, to: float) -> NDArray[np.float64]:
    wanted = shares.share.copy()
    wanted[lever] = to
    return wanted


def _restoring(round_: Round, lever: int, shares: CuratedShares, x: torch.Tensor) -> tuple[str, float] | None:
    """Return the edge into a model that helps most if it is all but cut, and the part of its weight that is enough."""
    plan, model = round_.plan, int(shares.models[lever])
    found: tuple[float, int] | None = None
    incoming = np.flatnonzero(plan.edges.target == model)
    for each in incoming.tolist() if len(incoming) > 1 else ():
        gained = _self_influence(_weakened(plan, each, _GONE), lever, model, x)
        if gained >= 0 and (found is None or gained > found[0]):
            found = gained, each
    if found is None:
        return None
    edge = found[1]
    low, high = _GONE, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        restored = _self_influence(_weakened(plan, edge, middle), lever, model, x) >= 0
        low, high = (middle, high) if restored else (low, middle)
    return f"{plan.names[plan.edges.source[edge]]}->{plan.names[model]}", low


def _weakened(plan: Blueprint, edge: int, factor: float) -> Blueprint:
    """Return the run with one edge's weight multiplied."""
    edges = plan.edges
    weight = edges.weight.copy()
    weight[edge] *= factor
    total = np.bincount(edges.target, weights=weight, minlength=len(plan.names))
    return replace(plan, edges=replace(edges, weight=weight, share=weight / total[edges.target]))


def _self_influence(plan: Blueprint, lever: int, model: int, start: torch.Tensor) -> float:
    """Return one model's self-influence at the stable point near a state; NaN where there is none."""
    round_ = Round.of(plan)
    try:
        x = settle(round_, start)
    except EcosystemError:
        return float("nan")
    linear = Linearisation(round_, x, x)
    return float(effects(linear, curation(plan).only(lever)(linear))[1][model, 0])
