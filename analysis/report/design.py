"""How a sweep is laid out: which settings vary together, and what a point is called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.plots.style import valued
from analysis.reading import swept_columns

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
    points : int
        How many points there are.
    seeds : int
        How many seeds each point has.
    factors : tuple of Factor
        What varies, independently of one another; one factor of all settings where they are no grid.
    """

    points: int
    seeds: int
    factors: tuple[Factor, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The swept columns that vary."""
        return tuple(column for factor in self.factors for column in factor.columns)

    def beside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return rows with a column for each factor, and one (`POINT`) for all of them, in the order of the rows."""
        added: dict[str, Any] = {
            factor.name: _together(table, factor.columns) for factor in self.factors if len(factor.columns) > 1
        }
        added[POINT] = _point(table, self.columns)
        return table.assign(**added)

    def numeric(self, least: int = 2) -> list[Factor]:
        """Return the factors that are numbers and take at least so many values, those with most values first."""
        found = [factor for factor in self.factors if factor.numeric and factor.levels >= least]
        return sorted(found, key=lambda factor: -factor.levels)


def design(results: Results) -> Design:
    """Return how the sweep of a run is laid out."""
    runs = results.runs
    varied = [name for name in swept_columns(results) if runs[name].nunique(dropna=False) > 1]
    rows = runs[varied].drop_duplicates()
    factors = tuple(_factor(rows, columns) for columns in _independent(rows, varied, _zipped(results, varied)))
    return Design(max(1, len(rows)) if varied else 1, int(runs["seed"].nunique()), factors)


def _independent(rows: pd.DataFrame, varied: list[str], zipped: list[str]) -> list[list[str]]:
    """Return columns in groups of which all combinations are there."""
    alone = [[name] for name in varied if name not in zipped]
    for groups in ([[name] for name in varied], [*alone, zipped] if zipped else [], [varied] if varied else []):
        if groups and math.prod(len(rows[columns].drop_duplicates()) for columns in groups) == len(rows):
            return groups
    return []


def _zipped(results: Results, varied: list[str]) -> list[str]:
    sweep = results.scenario.sweep
    return [] if sweep is None else [name for name in varied if name in sweep.zip]


def _factor(rows: pd.DataFrame, columns: list[str]) -> Factor:
    values = rows[columns[0]]
    plain = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    finite = plain and bool(np.isfinite(values.to_numpy(dtype=float)).all())
    return Factor(tuple(columns), len(rows[columns].drop_duplicates()), len(columns) == 1 and finite)


def _together(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series[Any]:
    return table[list(columns)].map(valued).agg(", ".join, axis=1)


def _point(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series[Any]:
    if not columns:
        return pd.Series("all runs", index=table.index)
    distinct = table[list(columns)].drop_duplicates()
    names = {
        tuple(row): ", ".join(f"{_short(name)} = {valued(value)}" for name, value in zip(columns, row, strict=True))
        for row in distinct.itertuples(index=False)
    }
    return pd.Series([names[tuple(row)] for row in table[list(columns)].itertuples(index=False)], index=table.index)


def _short(column: str) -> str:
    """Return the last part of a path, which says enough beside a value."""
    return column.rpartition(".")[2]
