"""A look at results: alignment after the last round."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from ecosystem.cli.terminal import one_line, print_table

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.store.results import Results

_MOST_ROWS = 10
_MOST_MODELS = 6
_MOST_CELLS = 2_000_000


def show(results: Results) -> None:
    """Print a table of at most ten rows: by point and model, by distance from the curated, or by point."""
    if not (results.runs["status"] == "done").any():
        return
    found = _table(results)
    columns = [one_line(str(column)) for column in found.columns]
    rows = [[_cell(value) for value in row] for row in found.head(_MOST_ROWS).itertuples(index=False)]
    print("\nAlignment after the last round:")
    print_table(columns, rows, numbers=[column for column in columns if column != "model"])
    if len(found) > _MOST_ROWS:
        print(f"… and {len(found) - _MOST_ROWS} more")


def _table(results: Results) -> pd.DataFrame:
    models = len(results.scenario.model_names)
    if len(results.runs) * models > _MOST_CELLS:
        return _by_point(results)
    own = ["run", "model", "alignment", "distance"]
    last = results.last("models", own, parameters=True)
    swept = [str(column) for column in last if column not in (*own, "point", "seed")]
    if last["point"].nunique() == 1:
        if models <= _MOST_ROWS:
            return _means(last, ["model"]).reset_index()
        if last["distance"].notna().any():
            return _by_distance(last)
    elif models <= _MOST_MODELS:
        by_model = _means(last, [*swept, "model"])["alignment"].unstack("model", sort=False)
        return by_model.rename(columns=lambda name: f"alignment of {name}").reset_index()
    return _by_point(results)


def _by_point(results: Results) -> pd.DataFrame:
    last = results.last("rounds", ["run", "alignment"], parameters=True)
    swept = [str(column) for column in last if column not in ("run", "alignment", "point", "seed")]
    return _means(last, swept).reset_index() if swept else last[["alignment"]].mean().to_frame().T


def _by_distance(last: pd.DataFrame) -> pd.DataFrame:
    """Return alignment by steps from the nearest curated model."""
    groups = last.astype({"distance": "Int64"}).groupby("distance", dropna=False)["alignment"]
    found = groups.agg(["size", "mean"]).reset_index()
    return found.rename(columns={"distance": "distance from curated", "size": "models", "mean": "alignment"})


def _means(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return mean alignment by some columns, in the order in which their values first stand."""
    return rows.groupby(keys, sort=False, dropna=False)[["alignment"]].mean()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if isnan(value) else f"{value:.6g}"
    return one_line(str(value), 40)
