"""Quantities of groups of users, and what they say of bias, ``[worlds]`` each."""

from __future__ import annotations

import torch
from torch import Tensor

from ecosystem.users.crowd import Crowd
from ecosystem.users.population import Population

_ROUNDING = 1e-12


def group_values(population: Population, crowd: Crowd, p: Tensor) -> dict[str, Tensor]:
    """Return the columns of the table `groups`, ``[worlds, groups]`` each."""
    scored = population.scored(crowd, p)
    active = population.members.total(crowd.activity)
    return {
        "active": active,
        "share": active / active.sum(-1, keepdim=True),
        "satisfaction": population.satisfaction(crowd, p),
        **{name: scored[..., number] for number, name in enumerate(population.groups.score_names)},
    }


def biases(population: Population, crowd: Crowd, p: Tensor, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the columns of the table `rounds` that are about groups, ``[worlds]``; NaN where there is none."""
    nothing = p.new_full((len(p),), torch.nan)
    lean = values.get("lean")
    quality = values.get("quality", values["satisfaction"])
    known = ~torch.isnan(quality)
    highest = torch.where(known, quality, -torch.inf).amax(-1)
    lowest = torch.where(known, quality, torch.inf).amin(-1)
    size = population.members.total(population.size)
    whole = size / size.sum(-1, keepdim=True)
    return {
        "preference_bias": nothing if lean is None else lean.mean(-1) - 0.5,
        "disparate_bias": torch.where(known.any(-1), highest - lowest, torch.nan),
        "representation_gap": (values["share"] - whole).abs().sum(-1) / 2,
        "systemic_failure": systemic_failure(population, crowd, p),
    }


def worst_served(values: dict[str, Tensor]) -> Tensor:
    """Return which groups are served the least quality (without that score: satisfaction), ``[worlds, groups]``.

    Groups that differ by rounding alone share the last place.
    """
    quality = values.get("quality", values["satisfaction"])
    lowest = torch.where(torch.isnan(quality), torch.inf, quality).amin(-1, keepdim=True)
    return quality <= lowest + _ROUNDING * (1 + lowest.abs())


def systemic_failure(population: Population, crowd: Crowd, p: Tensor) -> Tensor:
    """log[E Π_i f / Π_i E f], f = 1 where the expected quality served is below ½ (Bommasani et al. 2022).

    E is over groups and contexts by a_g φ_g[c]; NaN without a score `quality`, or where either side is 0.
    """
    if "quality" not in population.groups.score_names:
        return p.new_full((len(p),), torch.nan)
    quality = population.scores[:, None, population.groups.score_names.index("quality")]
    failed = ((p * quality).sum(-1) < 0.5).to(p.dtype)  # [worlds, models, contexts]
    weight = (crowd.activity[..., None] * population.contexts).sum(1)
    weight = weight / weight.sum(-1, keepdim=True)
    together = (failed.prod(1) * weight).sum(-1)
    # A product over many models would underflow; its logarithm does not.
    apart = (failed * weight[:, None]).sum(-1).log().sum(-1)
    both = (together > 0) & (apart > -torch.inf)
    return torch.where(both, together.log() - apart, torch.nan)
