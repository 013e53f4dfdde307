"""Influence at every point of a sweep: the table `influence`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ecosystem.influence.influence import table
from ecosystem.scenario.sweeps import points, variant

if TYPE_CHECKING:
    from ecosystem.store.results import Results

_OWN = ("affected", "lever", "influence")


def influence_table(results: Results, lever: str = "curation") -> pd.DataFrame:
    """Return influence at the stable point of every run.

    Parameters
    ----------
    results : Results
        Whose runs are meant; nothing is read but the plan.
    lever : str
        As for `ecosystem.influence`.

    Returns
    -------
    DataFrame
        run, point, seed, swept parameters (``parameters.lever``, where one is called as another column), affected,
        lever, influence.

    Raises
    ------
    EcosystemError
        If a run has no stable point that attracts, or is sampled.
    """
    runs = results.parameters(_OWN)
    settings = points(results.scenario)
    found = [
        table(variant(results.scenario, settings[point]), lever, seed).assign(point=point, seed=seed)
        for point, seed in zip(runs["point"].tolist(), runs["seed"].tolist(), strict=True)
    ]
    return runs.merge(pd.concat(found, ignore_index=True), on=["point", "seed"])
