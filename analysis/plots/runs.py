"""What figures over rounds share: runs that came to rest, and means with intervals at every round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.statistics import intervals, unit_of


def held(table: pd.DataFrame, column: str, by: Sequence[str]) -> pd.DataFrame:
    """Return rows in which a run that came to rest goes on with its last value, to the last round of all.

    Parameters
    ----------
    table : DataFrame
        Rows with `round`, the quantity and `by`.
    column : str
        The quantity.
    by : sequence of str
        What tells lines from one another, runs among them.
    """
    keys = list(by)
    if table.groupby(keys, observed=True, sort=False)["round"].max().nunique() <= 1:
        return table[[*keys, "round", column]]
    wide = table.pivot_table(index="round", columns=keys, values=column, observed=True)
    return wide.ffill().melt(ignore_index=False, value_name=column).reset_index()


def mean_over_runs(table: pd.DataFrame, column: str, by: Sequence[str]) -> pd.DataFrame:
    """Return mean, low and high of a quantity for each combination of `by` and round.

    The interval is Student's 95% over repetitions (seeds, else runs); without repetitions it is empty: low and
    high are the mean.

    Parameters
    ----------
    table : DataFrame
        Rows with `round`, the quantity, `by`, and `seed` or `run` where there are repetitions.
    column : str
        The quantity; rows without it are left out.
    by : sequence of str
        What tells lines from one another.
    """
    unit = unit_of(table)
    keys = [*by, *([unit] if unit is not None else [])]
    rows = table.dropna(subset=[column])
    rows = rows.groupby([*keys, "round"], observed=True, sort=False)[column].mean().reset_index()
    found = intervals(held(rows, column, keys), column, [*by, "round"], unit=unit)
    low, high = (np.where(found[edge].isna(), found["mean"], found[edge]) for edge in ("low", "high"))
    return found[[*by, "round", "n", "mean"]].assign(low=low, high=high)
