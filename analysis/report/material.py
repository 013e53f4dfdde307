"""What the parts of a page are made from: a run's tables, read once, and the layout of its sweep."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from analysis.plots.style import number
from analysis.report.content import Section
from analysis.report.design import POINT, Design, design
from analysis.statistics import mean_interval
from ecosystem.scenario.columns import TABLES
from ecosystem.scenario.fields.drawn import DrawnOutputs

if TYPE_CHECKING:
    from ecosystem.expectations import Tables
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.store.results import Results

_OVER_ROUNDS = ("model", "alignment", "reward_variance", "entropy", "displacement", "volume")

ALL = "mean of all models"
"""What stands for a model where means over all are recorded."""

FEW = 4
"""The most models, or groups, that are told of one by one."""


@dataclass(frozen=True)
class Part:
    """A part of the page: its sections, and what they say in a sentence or two."""

    sections: tuple[Section, ...] = ()
    findings: tuple[str, ...] = ()


Maker = Callable[["Material"], Part]
"""Makes a part from a run; of a run that has nothing to show there, an empty one."""


class Material:
    """A run, as the parts of its page read it.

    Parameters
    ----------
    results : Results
        A run directory with at least one run that is done.
    tables : callable
        Gives tables by name, as expectations read them; each is made once.
    """

    def __init__(self, results: Results, tables: Tables) -> None:
        self.results = results
        self.tables = tables
        self.scenario: Scenario = results.scenario
        self.layout: Design = design(results)

    @cached_property
    def models(self) -> pd.DataFrame:
        """Rows of the table `models`, those columns that figures over rounds need, named as the sweep is laid out."""
        if self.aggregated:
            return self.rounds.assign(model=ALL)
        told = (*_OVER_ROUNDS, *self.own_measures)
        columns = ["run", "round", *(name for name in told if name in self.last_models.columns)]
        return self.layout.beside(self.results.table("models", columns, parameters=True))

    @cached_property
    def last_models(self) -> pd.DataFrame:
        """Each run's last round, every column."""
        if self.aggregated:
            return self.ends(self.models)[1]
        return self.layout.beside(self.results.last("models", parameters=True))

    @cached_property
    def own_measures(self) -> list[str]:
        """What only models that are really trained have measures of: columns that their kind of outputs adds."""
        if self.aggregated or not isinstance(self.scenario.outputs, DrawnOutputs):
            return []
        return [name for name in self.results.last("models").columns if name not in TABLES["models"]]

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """Rows of the table `rounds`."""
        return self.layout.beside(self.results.table("rounds", parameters=True))

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Rows of the table `groups`."""
        return self.layout.beside(self.results.table("groups", parameters=True))

    @cached_property
    def names(self) -> list[str]:
        """Names of the models that were recorded; of means over all models, what they are called."""
        return self.last_models["model"].astype(str).drop_duplicates().tolist()

    @property
    def aggregated(self) -> bool:
        """Whether means over all models are recorded, and none by itself."""
        return self.scenario.record.models == "aggregate"

    @property
    def counted_models(self) -> str:
        """How many models there are rows of."""
        count, whole = len(self.names), len(self.scenario.model_names)
        if self.aggregated:
            return f"all {whole:,} models"
        return f"{count:,} models" if count == whole else f"the {count:,} models recorded (of {whole:,})"

    @cached_property
    def everywhere(self) -> str:
        """At which points of the sweep what is said of all of them holds: of an unfinished one, those with a run."""
        runs = self.results.runs
        done = runs.loc[runs["status"] == "done", "point"].unique()
        count, whole = self.layout.beside_points.loc[done, POINT].nunique(), self.layout.points
        some = f"wherever a run is done ({count} of {whole} points)"
        return "at every point of the sweep" if count == whole else some

    @cached_property
    def recorded(self) -> int:
        """At how many rounds a run was looked at, at most."""
        return int(self.rounds.groupby("run", observed=True)["round"].nunique().max())

    @property
    def few(self) -> bool:
        """Whether models are told of one by one."""
        return len(self.names) <= FEW

    def ends(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows of each run's first and last round."""
        return self._first(table), table[
            table["round"] == table.groupby("run", observed=True)["round"].transform("max")
        ]

    def _first(self, table: pd.DataFrame) -> pd.DataFrame:
        return table[table["round"] == table.groupby("run", observed=True)["round"].transform("min")]


def measured(table: pd.DataFrame, column: str) -> bool:
    """Whether a table holds a finite number in a column."""
    if column not in table.columns:
        return False
    values = pd.to_numeric(table[column], errors="coerce").astype(float)
    return bool((values.notna() & (values.abs() != float("inf"))).any())


def estimate(rows: pd.DataFrame, column: str) -> str:
    """Return the mean over seeds, with its interval where there is one, in words."""
    found = mean_interval(rows.groupby("seed")[column].mean())
    if found.n < 2 or found.low == found.high:
        return number(found.mean, 3 if found.n > 1 else 4)
    digits = _digits(found.high - found.low, found.mean)
    return f"{number(found.mean, digits)} (95%: {number(found.low, digits)} to {number(found.high, digits)})"


def _digits(width: float, mean: float) -> int:
    """Return how many digits of a mean matter beside an interval: two of its width, at most six.

    >>> _digits(0.01, 0.5), _digits(0.5, 0.5)
    (3, 2)
    """
    if mean == 0.0:
        return 2
    return int(min(6, max(2, 2 + math.floor(math.log10(abs(mean))) - math.floor(math.log10(width)))))


def went(before: float, after: float) -> str:
    """Say in a verb how a number changed.

    >>> went(0.5, 0.6), went(1.0, 1.0)
    ('rises', 'stays')
    """
    scale = max(abs(before), abs(after), 1e-12)
    return "stays" if abs(after - before) <= 1e-9 * scale else "rises" if after > before else "falls"


def named(names: list[str]) -> str:
    """Return names in a row.

    >>> named(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
