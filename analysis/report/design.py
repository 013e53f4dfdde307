"""How a sweep is laid out: which settings vary together, and what a point is called."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.plots.style import valued
from analysis.reading import swept_names

if TYPE_CHECKING:
    from ecosystem.store.results import Results

POINT = "setting"
"""The column that `Design.beside` adds: a point's name."""


@dataclass(frozen=True)
class Factor:
    """Settings that vary together.

    Attributes
    ----------
    columns : tuple of str
        The swept columns.
    levels : int
        How many combinations of values they take.
    numeric : bool
        Whether it is a single column of finite numbers, fit for an axis.
    """

    columns: tuple[str, ...]
    levels: int
    numeric: bool

    @property
    def name(self) -> str:
        """What it is called: also the column that `Design.beside` adds for it."""
        return ", ".join(self.columns)


@dataclass(frozen=True)
class Design:
    """The sweep of a run.

    Attributes
    ----------
    seeds : int
        How many seeds there are.
    factors : tuple of Factor
        What varies, independently of one another; one factor of all settings where they are no grid.
    beside_points : DataFrame
        A row for each point, by its number: the swept columns that vary, a column for each factor of several, and a
        point's name (`POINT`).
    """

    seeds: int
    factors: tuple[Factor, ...]
    beside_points: pd.DataFrame

    @property
    def points(self) -> int:
        """How many points differ."""
        return int(self.beside_points[POINT].nunique())

    @property
    def columns(self) -> tuple[str, ...]:
        """The swept columns that vary."""
        return tuple(column for factor in self.factors for column in factor.columns)

    def beside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return rows (with `point`) beside what varies at their points."""
        at = table["point"].to_numpy()
        return table.assign(**{str(name): values.loc[at].to_numpy() for name, values in self.beside_points.items()})

    def numeric(self, least: int = 2) -> list[Factor]:
        """Return the factors that are numbers and take at least so many values, those with most values first."""
        found = [factor for factor in self.factors if factor.numeric and factor.levels >= least]
        return sorted(found, key=lambda factor: -factor.levels)


def design(results: Results) -> Design:
    """Return how the sweep of a run is laid out."""
    runs = results.runs
    names = {name: new for name, new in swept_names(results).items() if runs[name].nunique(dropna=False) > 1}
    sweep = results.scenario.sweep
    zipped = [] if sweep is None else [new for name, new in names.items() if name in sweep.zip]
    points = runs.drop_duplicates("point").set_index("point")[list(names)].rename(columns=names)
    rows = points.drop_duplicates()
    factors = tuple(_factor(rows, columns) for columns in _independent(rows, list(rows.columns), zipped))
    added: dict[str, Any] = {
        factor.name: points[list(factor.columns)].map(valued).agg(", ".join, axis=1)
        for factor in factors
        if len(factor.columns) > 1
    }
    added[POINT] = [_point(points.columns, row) for row in points.to_numpy(dtype=object)]
    return Design(int(runs["seed"].nunique()), factors, points.assign(**added))


def _independent(rows: pd.DataFrame, varied: list[str], zipped: list[str]) -> list[list[str]]:
    """Return columns in groups of which all combinations are there."""
    alone = [[name] for name in varied if name not in zipped]
    for groups in ([[name] for name in varied], [*alone, zipped] if zipped else [], [varied] if varied else []):
        if groups and math.prod(len(rows[columns].drop_duplicates()) for columns in groups) == len(rows):
            return groups
    return []


def _factor(rows: pd.DataFrame, columns: list[str]) -> Factor:
    values = rows[columns[0]]
    plain = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    finite = plain and bool(np.isfinite(values.to_numpy(dtype=float)).all())
    return Factor(tuple(columns), len(rows[columns].drop_duplicates()), len(columns) == 1 and finite)


def _point(columns: Iterable[str], values: Iterable[Any]) -> str:
    told = [f"{_short(name)} = {valued(value)}" for name, value in zip(columns, values, strict=True)]
    return ", ".join(told) or "all runs"


def _short(column: str) -> str:
    """Return the last part of a path, which says enough beside a value."""
    return column.rpartition(".")[2]
