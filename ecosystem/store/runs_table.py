"""The table `runs`: what was asked for, beside what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ecosystem.scenario.labels import labels
from ecosystem.store.manifest import Manifest
from ecosystem.store.parts import StoredRun
from ecosystem.store.schema import swept_column

PENDING = "pending"
"""Status of a run that is not there yet."""

_INFINITIES = {"inf": float("inf"), "+inf": float("inf"), "-inf": float("-inf")}


def runs_table(manifest: Manifest, stored: Mapping[str, StoredRun]) -> pd.DataFrame:
    """Return one row for each run that was asked for, in the order of the plan.

    Parameters
    ----------
    manifest : Manifest
        What was asked for.
    stored : mapping of str to StoredRun
        What is there, by id.
    """
    runs = manifest.runs
    results = [stored.get(run.id) for run in runs]
    columns: dict[str, Any] = {
        "run": pd.Series([run.id for run in runs], dtype="str"),
        "point": pd.Series([run.point for run in runs], dtype="int64"),
        "seed": pd.Series([run.seed for run in runs], dtype="int64"),
    }
    for key in dict.fromkeys(key for point in manifest.points for key in point):
        values = _column([point.get(key) for point in manifest.points])
        columns[swept_column(key)] = values.take([run.point for run in runs]).reset_index(drop=True)
    columns["network"] = pd.Series([found and found.network for found in results], dtype="str")
    columns["status"] = pd.Series([found.status if found else PENDING for found in results], dtype="str")
    columns["seconds"] = pd.Series([found and found.seconds for found in results], dtype="float64")
    columns["error"] = pd.Series([found and found.error for found in results], dtype="str")
    return pd.DataFrame(columns)


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return swept values as a column: numbers and texts as they are, blocks by their labels."""
    if all(_is_number(value) for value in values):
        values = [_INFINITIES.get(value, value) if isinstance(value, str) else value for value in values]
    else:
        values = labels(values)
    return pd.Series(values)


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
        isinstance(value, str) and value in _INFINITIES
    )
