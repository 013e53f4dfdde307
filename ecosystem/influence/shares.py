"""How much of what each model learns is curated: λ, the default lever, as it stands and changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecosystem.world.blueprint import SOURCES, Blueprint

OWN, OTHERS = SOURCES.index("curated"), SOURCES.index("neighbours_curated")


@dataclass(frozen=True)
class CuratedShares:
    """The curated shares of the models that have a lever `curation`.

    Attributes
    ----------
    models : ndarray
        Their numbers, ``[levers]``.
    share : ndarray
        λ, `curated` and `neighbours_curated` together, ``[levers]``.
    across : ndarray
        c, what part of it comes from neighbours, ``[levers]``; where λ = 0, 0 with a curator and 1 without.
    """

    models: NDArray[np.int64]
    share: NDArray[np.float64]
    across: NDArray[np.float64]


def curated_shares(plan: Blueprint) -> CuratedShares:
    """Return the curated shares of a run.

    A model has the lever if it has a curator, or `neighbours_curated` in its diet.
    """
    models = np.flatnonzero(plan.curated | (plan.diet[:, OTHERS] > 0) | _written(plan))
    diet = plan.diet[models]
    share = diet[:, OWN] + diet[:, OTHERS]
    across = np.where(share > 0, diet[:, OTHERS] / np.where(share > 0, share, 1.0), ~plan.curated[models])
    return CuratedShares(models, share, across)


def with_shares(plan: Blueprint, shares: CuratedShares, wanted: NDArray[np.float64]) -> Blueprint:
    """Return the run with other curated shares; the other entries of a diet shrink in proportion.

    Parameters
    ----------
    plan : Blueprint
        The run.
    shares : CuratedShares
        Its shares, each below 1.
    wanted : ndarray
        What they shall be, ``[levers]``.
    """
    diet = plan.diet.copy()
    diet[shares.models] *= ((1 - wanted) / (1 - shares.share))[:, None]
    diet[shares.models, OWN] = wanted * (1 - shares.across)
    diet[shares.models, OTHERS] = wanted * shares.across
    return replace(plan, diet=diet)


def _written(plan: Blueprint) -> NDArray[np.bool_]:
    """Return in whose diet `neighbours_curated` is written, be it with a share of 0, ``[models]``."""
    source, scenario = SOURCES[OTHERS], plan.scenario
    written: list[bool] = []
    for block in scenario.models:
        written += [source in block.diet.model_fields_set] * len(block.names)
    chosen = scenario.curated
    if chosen is None or chosen.diet is None:
        return np.array(written, dtype=bool)
    # Which models were chosen shows in their diets, which are the chosen ones'.
    given = np.array([getattr(chosen.diet, name) for name in SOURCES])
    theirs = (plan.diet == given).all(-1) & plan.curated
    return np.where(theirs, source in chosen.diet.model_fields_set, written)
