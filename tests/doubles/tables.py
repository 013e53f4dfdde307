"""Results whose tables are made up, so that the answer to every question about them is known."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

FIRST = ("run", "point", "seed")
LAST = ("network", "status", "seconds", "error")


class MadeUp:
    """Frames in the place of a run directory: `runs` without its last columns, other tables without parameters."""

    def __init__(self, runs: pd.DataFrame, **tables: pd.DataFrame) -> None:
        self.runs = runs.assign(network="net", status="done", seconds=0.0, error=None)
        self._tables = tables

    @property
    def network(self) -> pd.DataFrame:
        return self.table("network")

    def columns(self, name: str) -> tuple[str, ...]:
        return tuple(self._tables[name].columns) if name in self._tables else ()

    def table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        *,
        parameters: bool = False,
        where: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        rows = self._tables[name]
        for column, value in (where or {}).items():
            rows = rows[rows[column] == value]
        rows = rows[list(rows.columns if columns is None else columns)]
        return rows.merge(self.runs.drop(columns=list(LAST)), on="run", how="left") if parameters else rows.copy()

    def last(self, name: str, columns: Sequence[str] | None = None, *, parameters: bool = False) -> pd.DataFrame:
        rows = self._tables[name]
        final = rows["round"] == rows.groupby("run")["round"].transform("max")
        wanted = list(rows.columns if columns is None else columns)
        read = list(dict.fromkeys(["run", *wanted]))
        found = MadeUp(self.runs[[n for n in self.runs if n not in LAST]], x=rows[final][read]).table(
            "x", read, parameters=parameters
        )
        return found if parameters else found[wanted]


def runs_of(seeds: int, **swept: Sequence[object]) -> pd.DataFrame:
    """The table `runs` of a grid: every combination, each with every seed."""
    points = pd.DataFrame(list(itertools.product(*swept.values())), columns=list(swept))
    rows = points.loc[np.repeat(points.index, seeds)].reset_index(drop=True)
    rows.insert(0, "point", np.repeat(np.arange(len(points)), seeds))
    rows.insert(1, "seed", np.tile(np.arange(seeds), len(points)))
    rows.insert(0, "run", [f"r{number}" for number in range(len(rows))])
    return rows
