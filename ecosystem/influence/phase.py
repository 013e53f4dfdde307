"""Phase maps: a quantity at the stable point over any two parameters, one world a point."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.influence.implicit import alignment, effects
from ecosystem.influence.levers import curation
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.influence.shares import curated_shares
from ecosystem.influence.spectrum import leading
from ecosystem.influence.stable import NEUTRAL
from ecosystem.influence.together import rest_together
from ecosystem.scenario.scenario import Scenario

Axis = tuple[str, Sequence[Any]]
QUANTITIES = ("self-influence of MODEL", "influence of MODEL on MODEL", "alignment of MODEL", "spectral radius")

_INFLUENCE = re.compile(r"(?:self-)?influence of (.+?)(?: on (.+))?")
_ALIGNMENT = re.compile(r"alignment of (.+)")


def phase_map(scenario: Scenario, x: Axis, y: Axis, quantity: str, seed: int = 0) -> pd.DataFrame:
    """Return a quantity at the stable point over two parameters or settings.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    x, y : (str, sequence)
        A parameter's name or a setting's path, and its values.
    quantity : str
        ``self-influence of p``, ``influence of p on q``, ``alignment of p`` or ``spectral radius``.
    seed : int
        The run's seed.

    Returns
    -------
    DataFrame
        Rows are values of `y`, columns those of `x`; NaN where the ecosystem does not come to rest, or
        rests at a point that does not attract.

    Raises
    ------
    EcosystemError
        An unknown quantity or model, or a setting that cannot have a value or changes the size of the ecosystem.
    """
    plans = [Round(scenario.with_({x[0]: a, y[0]: b}), seed).plan for b in y[1] for a in x[1]]
    if len({plan.initial.shape for plan in plans}) > 1:
        raise EcosystemError(f"{x[0]} and {y[0]}: a phase map is of ecosystems of one size, and these change it")
    measure = _measure(quantity, plans[0].names)
    states = rest_together(plans)
    found = []
    for plan, state in zip(plans, states, strict=True):
        round_ = Round.of(plan)
        if bool(torch.isnan(state).any()):
            found.append(np.nan)
            continue
        linear = Linearisation(round_, state, state)
        radius = abs(leading(linear))
        found.append(measure(linear, radius) if radius < 1 - NEUTRAL or quantity == "spectral radius" else np.nan)
    values = np.array(found).reshape(len(y[1]), len(x[1]))
    return pd.DataFrame(values, index=pd.Index(y[1], name=y[0]), columns=pd.Index(x[1], name=x[0]))


def _measure(quantity: str, names: tuple[str, ...]) -> Callable[[Linearisation, float], float]:
    if quantity == "spectral radius":
        return lambda linear, radius: radius
    aligned = _ALIGNMENT.fullmatch(quantity)
    if aligned:
        model = _number(aligned.group(1), names)
        return lambda linear, radius: float(alignment(linear.round, linear.before)[model])
    pair = _INFLUENCE.fullmatch(quantity)
    if not pair:
        raise EcosystemError(f"there is no quantity {shorten(quantity)}; known: {', '.join(QUANTITIES)}")
    puller = _number(pair.group(1), names)
    affected = puller if pair.group(2) is None else _number(pair.group(2), names)
    return lambda linear, radius: float(_column(linear, puller)[affected])


def _column(linear: Linearisation, puller: int) -> Tensor:
    plan = linear.round.plan
    levers = np.flatnonzero(curated_shares(plan).models == puller)
    if len(levers) == 0:
        raise EcosystemError(f"model {shorten(plan.names[puller])} has no lever curation")
    return effects(linear, curation(plan).only(int(levers[0]))(linear))[1][:, 0]


def _number(name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise EcosystemError(f"there is no model {shorten(name)}{did_you_mean(name, names)}")
    return names.index(name)
