"""A model's settings in plain words: what it is trained on, who curates it, what it is judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.explorer.words import number, percent

if TYPE_CHECKING:
    from ecosystem.world.blueprint import Blueprint

SOURCES = {
    "real": "real data",
    "raw": "its own outputs",
    "curated": "its own outputs, curated",
    "neighbours_raw": "neighbours' outputs",
    "neighbours_curated": "neighbours' outputs, curated by theirs",
    "users": "what its users bring",
}
"""Entries of a diet as a reader calls them."""

_LEAST = 1e-9


@dataclass(frozen=True)
class ModelSettings:
    """One model's settings, to be read.

    Attributes
    ----------
    diet : tuple of (str, float)
        What it is trained on and the share of each, largest first.
    curator : str
        Who chooses among its outputs.
    reward : str
        What its alignment is measured by.
    """

    diet: tuple[tuple[str, float], ...]
    curator: str
    reward: str


def phase(plan: Blueprint, round_: int) -> Blueprint:
    """Return a run as it is in a round, events of that round and before it included."""
    return next((later for since, later in reversed(plan.later) if since <= round_), plan)


def of_model(plan: Blueprint, name: str) -> ModelSettings:
    """Return the settings of a model."""
    model = plan.names.index(name)
    shares = zip(SOURCES, plan.diet[model].tolist(), strict=True)
    diet = sorted(((SOURCES[source], share) for source, share in shares if share > _LEAST), key=lambda part: -part[1])
    return ModelSettings(tuple(diet), _curator(plan, model), _taste(plan, int(plan.evaluation[model])))


def _taste(plan: Blueprint, reward: int) -> str:
    if reward < 0:
        return "nothing: it has no reward"
    return plan.reward_names[reward] if reward < len(plan.reward_names) else "a taste of its own, drawn at random"


def _curator(plan: Blueprint, model: int) -> str:
    if not plan.curated[model]:
        return "nobody"
    candidates, temperature = float(plan.candidates[model]), float(plan.temperature[model])
    if candidates == 1:
        return "a curator who sees one output at a time, so chooses nothing"
    among = "all it could write" if math.isinf(candidates) else f"{number(candidates)} outputs"
    best = temperature == 0 or "best_of" in str(plan.kinds[model])
    how = "always the best" if best else f"better ones more often (temperature {number(temperature)})"
    return f"{_who(plan, model)} keeps one of {among}, {how}"


def _who(plan: Blueprint, model: int) -> str:
    from ecosystem.world.settings import ALWAYS, UNASKED

    mine = np.flatnonzero(plan.choice_model == model)
    steady = [choice for choice in mine if plan.choice_voice[choice] == ALWAYS]
    asked = any(plan.choice_voice[choice] not in (ALWAYS, UNASKED) for choice in mine)
    if asked:
        return "whoever uses it, by each group's own taste,"
    weights = {_taste(plan, int(plan.choice_reward[choice])): float(plan.choice_weight[choice]) for choice in steady}
    if len(weights) == 1 and next(iter(weights.values())) > 1 - _LEAST:
        return f"a curator who likes “{next(iter(weights))}”"
    parts = [f"“{taste}” {percent(weight)}" for taste, weight in weights.items()]
    left = 1 - sum(weights.values())
    parts += [f"chance {percent(left)}"] if left > _LEAST else []
    return f"a curator led by {', '.join(parts)} of the time"
