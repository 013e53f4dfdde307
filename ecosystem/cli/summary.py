"""A look at results: what came out at the last round."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from ecosystem.cli.terminal import one_line, print_table

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.store.results import Results

_QUANTITIES = ("alignment", "preference_bias", "disparate_bias")
"""What is shown of a round, as far as there is any."""

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
    print("\nAfter the last round:")
    print_table(columns, rows, numbers=[column for column in columns if column != "model"])
    if len(found) > _MOST_ROWS:
        print(f"… and {len(found) - _MOST_ROWS} more")


def _table(results: Results) -> pd.DataFrame:
    models = len(results.scenario.model_names)
    if len(results.runs) * models > _MOST_CELLS or results.scenario.users is not None:
        return _by_point(results)
    own = ["run", "model", "alignment", "distance"]
    last = results.last("models", own, parameters=True)
    if last.empty:  # no model is recorded
        return _by_point(results)
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
    last = results.last("rounds", ["run", *_QUANTITIES], parameters=True)
    found = [name for name in _QUANTITIES if last[name].notna().any()] or ["alignment"]
    swept = [str(column) for column in last if column not in (*_QUANTITIES, "run", "point", "seed")]
    return _means(last, swept, found).reset_index() if swept else last[found].mean().to_frame().T


def _by_distance(last: pd.DataFrame) -> pd.DataFrame:
    """Return alignment by steps from the nearest curated model."""
    groups = last.astype({"distance": "Int64"}).groupby("distance", dropna=False)["alignment"]
    found = groups.agg(["size", "mean"]).reset_index()
    return found.rename(columns={"distance": "distance from curated", "size": "models", "mean": "alignment"})


def _means(rows: pd.DataFrame, keys: list[str], quantities: Sequence[str] = ("alignment",)) -> pd.DataFrame:
    """Return means by some columns, in the order in which their values first stand."""
    return rows.groupby(keys, sort=False, dropna=False)[list(quantities)].mean()


def _cell(value: object) -> str:
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and isnan(value)):
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value), 40)
