"""Summaries of influence: how much of it is negative, and whose curation harms most.

Influence is dJ_j/dλ_i, what a lever of model i does to the alignment of model j; its diagonal is self-influence, the
rest cross-influence, and curation backfires where it is negative (Wei, Zhang & Zhang 2026, arXiv 2605.29267).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics import Method, grouped, interval_columns, intervals

_OWN = ("affected", "lever", "influence")
_BESIDE = ("run", "point", "seed")

_NOTHING = 1e-12
"""Below this part of the largest influence, an entry is rounding and counts as 0."""


def influence_summary(table: pd.DataFrame, *, method: Method = "t", level: float = 0.95) -> pd.DataFrame:
    """Return how large influence is, and which part of it is negative.

    Parameters
    ----------
    table : DataFrame
        From `ecosystem.influence`: the matrix, or rows (`affected`, `lever`, `influence`) with whatever tells runs
        and points apart, as `ecosystem.influence.of_results.influence_table` returns.
    method, level
        How intervals over seeds are made, see `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per point and quantity: swept parameters, `quantity`, `n`, `mean`, `low`, `high`, `level`, `method`.
        Quantities: `self`, `cross` (mean entries on the diagonal and off it), `self_negative`, `cross_negative` (the
        part of the entries that are below 0), `cross_felt` (the part that are not 0), `harm` (the lowest entry off the
        diagonal), `total` (what all levers together do to the mean of alignments: the sum over levers of the mean
        over models). Without levers that are models' there is no diagonal: all entries are off it.
    """
    rows, told = _rows(table)
    found = []
    for key, part in grouped(rows, told) if told else [((), rows)]:
        value = part["influence"].to_numpy(dtype=float)
        own = (part["affected"] == part["lever"]).to_numpy()
        of_self, cross = value[own], value[~own]
        found.append(
            dict(zip(told, key, strict=True))
            | {
                "self": _mean(of_self),
                "cross": _mean(cross),
                "self_negative": _mean(of_self < 0),
                "cross_negative": _mean(cross < 0),
                "cross_felt": _mean(cross != 0),
                "harm": float(cross.min()) if len(cross) else np.nan,
                "total": float(value.sum() / part["affected"].nunique()),
            }
        )
    frame = pd.DataFrame(found)
    quantities = [name for name in frame.columns if name not in told]
    return intervals(frame, quantities, [name for name in told if name not in _BESIDE], method=method, level=level)


def lever_summary(table: pd.DataFrame, *, method: Method = "t", level: float = 0.95) -> pd.DataFrame:
    """Return what each lever does, the one that harms others most first.

    Parameters
    ----------
    table : DataFrame
        As for `influence_summary`.
    method, level
        How the interval over seeds is made.

    Returns
    -------
    DataFrame
        One row per point and lever, sorted by `others`: swept parameters, `lever`, `self` (what it does to its own
        model, missing if it is none's), `others` (the sum over all others, the mean over seeds), `n`, `low`, `high`,
        `level`, `method`, `harmed`, `helped` (how many others, the mean over seeds), `most_harmed` (the model of the
        lowest mean influence, missing if none is negative), `harm` (that influence).
    """
    rows, told = _rows(table)
    swept = [name for name in told if name not in _BESIDE]
    unit = [name for name in told if name in _BESIDE]
    found: list[dict[str, Any]] = []
    for key, part in grouped(rows, [*swept, "lever"]):
        own = part["affected"] == part["lever"]
        others = part[~own]
        sums = grouped(others, unit)["influence"].sum() if unit else [others["influence"].sum()]
        seeds = len(sums)
        by_model = others.groupby("affected")["influence"].mean()
        worst = by_model.idxmin() if len(by_model) and by_model.min() < 0 else None
        found.append(
            dict(zip([*swept, "lever"], key, strict=True))
            | {"self": _mean(part.loc[own, "influence"].to_numpy())}
            | interval_columns(sums, method, level, mean="others")
            | {"harmed": (others["influence"] < 0).sum() / seeds, "helped": (others["influence"] > 0).sum() / seeds}
            | {"most_harmed": worst, "harm": by_model.min() if worst is not None else np.nan}
        )
    beside = ["n", "low", "high", "level", "method", "harmed", "helped", "most_harmed", "harm"]
    made = pd.DataFrame(found, columns=[*swept, "lever", "self", "others", *beside])
    return made.sort_values([*swept, "others"], kind="stable", ignore_index=True)


def _rows(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return influence as rows, none missing and rounding left out, and the columns that tell runs and points apart."""
    rows = table
    if not set(_OWN) <= set(table.columns):
        from ecosystem.influence.influence import as_rows  # torch takes its time

        rows = as_rows(table)
    told = [str(name) for name in rows.columns if name not in _OWN]
    rows = rows.dropna(subset=["influence"]).astype({"affected": str, "lever": str})
    size = rows["influence"].abs()
    largest = grouped(rows.assign(influence=size), told)["influence"].transform("max") if told else size.max()
    return rows.assign(influence=rows["influence"].where(size > _NOTHING * largest, 0.0)), told


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
