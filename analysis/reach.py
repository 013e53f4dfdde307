"""How far alignment travels: what models gain, by their distance from the nearest curated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecosystem.scenario.columns import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.store.results import Results


def propagation(results: Results, column: str = "alignment") -> pd.DataFrame:
    """Return a quantity of the models, by distance from the nearest curated model.

    Distance is the number of directed hops along which outputs travel; 0 is a curated model. The
    gain is what a model has at the end of its run beyond what it had at the start.

    Parameters
    ----------
    results : Results
        A finished or unfinished run directory.
    column : str
        A column of the table `models`.

    Returns
    -------
    DataFrame
        One row per swept point and distance, unreachable models last (distance missing):
        swept parameters, `distance`, `models` (counted over runs), `start`, `end`, `gain` (means
        over models and runs) and `spread` (standard deviation of `end` over them).
    """
    runs = results.runs
    swept = [name for name in runs.columns if name not in TABLES["runs"]]
    models = results.table("models", columns=["run", "round", "model", "distance", column])
    models = models.astype({"run": str, "model": str})
    first, last = (_at(models, models.groupby("run")["round"].transform(which)) for which in ("min", "max"))
    joined = last.merge(first[["run", "model", column]], on=["run", "model"], suffixes=("", "_start"))
    joined = joined.merge(runs[["run", *swept]].astype({"run": str}), on="run")
    joined["gain"] = joined[column] - joined[f"{column}_start"]
    grouped = joined.groupby([*swept, "distance"], dropna=False, sort=True)
    table = grouped.agg(
        models=("model", "size"),
        start=(f"{column}_start", "mean"),
        end=(column, "mean"),
        gain=("gain", "mean"),
        spread=(column, "std"),
    )
    return table.reset_index().astype({"distance": "Int64"})


def _at(models: pd.DataFrame, rounds: pd.Series) -> pd.DataFrame:
    return models[models["round"] == rounds]
