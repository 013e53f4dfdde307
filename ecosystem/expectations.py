"""Comparing results with what the literature says of them: the `expect` block of a scenario."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.plan.identity import canonical
from ecosystem.scenario.fields.sweep import Expect

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.store.results import Results

    Tables = Callable[[str], pd.DataFrame]

_SAME = 1e-12
"""Relative difference up to which two numbers in `where` are the same."""


@dataclass(frozen=True)
class Verdict:
    """One expectation, tried.

    Attributes
    ----------
    scenario : str
        The scenario's name.
    quantity : str
        What was looked at.
    expected, found : str
        What it should be, and what it is (or why there is nothing).
    verdict : {"pass", "fail"}
        Whether the two agree.
    source : str
        Who says so.
    """

    scenario: str
    quantity: str
    expected: str
    found: str
    verdict: Literal["pass", "fail"]
    source: str

    @property
    def passed(self) -> bool:
        """Whether the expectation is met."""
        return self.verdict == "pass"


def tables_of(results: Results) -> Tables:
    """Give a run's tables, swept parameters beside them where rows belong to runs; each is read once."""

    def table(name: str) -> pd.DataFrame:
        if name == "influence":
            from ecosystem.influence.of_results import influence_table

            return influence_table(results)
        return results.table(name, parameters=name not in ("runs", "network"))

    return cache(table)


def compare(tables: Tables, expect: Iterable[Expect], scenario: str = "") -> list[Verdict]:
    """Try expectations on the tables of a scenario's results.

    Parameters
    ----------
    tables : callable
        Gives a table by name, swept parameters beside its own columns. It may raise an `EcosystemError`
        for a table that it does not have.
    expect : iterable of Expect
        What is expected.
    scenario : str
        The scenario's name, for the verdicts.
    """
    return [_verdict(tables, item, scenario) for item in expect]


def quantity(item: Expect) -> str:
    """Say in a few words what an expectation looks at."""
    where = [f"{key}={value}" for key, value in item.where.items()]
    if item.round is not None:
        where.append("last round" if item.round == "last" else f"round {item.round}")
    if item.statistic != "mean":
        where.append(item.statistic)
    if item.minus is not None:
        where.append("minus that at " + ", ".join(f"{key}={value}" for key, value in item.minus.items()))
    return ", ".join([f"{item.table}.{item.column}", *where])


def expected(item: Expect) -> str:
    """Say in a few words what an expectation expects."""
    parts = []
    if item.value is not None:
        parts.append(f"{item.value:.10g} ± {item.tolerance:.3g}")
    if item.sign is not None:
        parts.append(item.sign)
    if item.at_least is not None:
        parts.append(f"≥ {item.at_least:.10g}")
    if item.at_most is not None:
        parts.append(f"≤ {item.at_most:.10g}")
    return ", ".join(parts) + (", the whole 95% interval" if item.certain else "")


class _NothingFoundError(Exception):
    """There is no number to compare; the text says why."""


def _verdict(tables: Tables, item: Expect, scenario: str) -> Verdict:
    try:
        number, *ends = _find(tables, item)
        found = f"{number:.10g}" + (f" ({ends[0]:.4g} to {ends[1]:.4g})" if ends else "")
        met = all(_met(each, item) for each in (number, *ends))
    except (_NothingFoundError, EcosystemError) as reason:
        found, met = str(reason), False
    return Verdict(scenario, quantity(item), expected(item), found, "pass" if met else "fail", item.source)


def _find(tables: Tables, item: Expect) -> list[float]:
    """Return the number that an expectation is about; where it is to be certain, the ends of its interval too."""
    table = tables(item.table)
    seeded = item.minus is not None or item.certain
    needed = [*item.where, *(item.minus or {}), item.column]
    needed += [*(["round"] if item.round is not None else []), *(["seed"] if seeded else [])]
    for column in needed:
        if column not in table.columns:
            raise _NothingFoundError(f"no column {shorten(column)}{did_you_mean(column, table.columns)}")
    values = _values(table, item, item.where)
    if not seeded:
        return [float(getattr(values, item.statistic)())]
    each = values.groupby(table["seed"]).mean()
    if item.minus is not None:
        each = (each - _values(table, item, item.where | item.minus).groupby(table["seed"]).mean()).dropna()
        if each.empty:
            raise _NothingFoundError("no seed has both")
    return [float(each.mean()), *(_interval(each) if item.certain else ())]


def _values(table: pd.DataFrame, item: Expect, where: Mapping[str, Any]) -> pd.Series[Any]:
    """Return the numbers of the rows that match, of which the statistic is a number."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    rows = table
    for column, value in where.items():
        rows = rows[_same(rows[column], value)]
    if item.round == "last":
        rows = rows[rows["round"] == (rows.groupby("run")["round"].transform("max") if len(rows) else None)]
    elif item.round is not None:
        rows = rows[rows["round"] == item.round]
    if rows.empty:
        raise _NothingFoundError("no row matches")
    values = rows[item.column]
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        raise _NothingFoundError(f"{item.column} holds no numbers")
    if math.isnan(float(getattr(values, item.statistic)())):
        rows_text = "1 row" if len(values) == 1 else f"{len(values)} rows"
        raise _NothingFoundError(f"no {item.statistic} of {rows_text}, {int(values.isna().sum())} of them null")
    return values


def _interval(each: pd.Series[Any]) -> tuple[float, float]:
    """Return Student's 95% interval of the mean over seeds."""
    from scipy import stats

    if len(each) < 2:
        raise _NothingFoundError("there is no interval of one seed; write seeds: 5, say")
    half = float(stats.t.ppf(0.975, len(each) - 1) * each.std() / math.sqrt(len(each)))
    return float(each.mean()) - half, float(each.mean()) + half


def _same(column: pd.Series[Any], value: Any) -> pd.Series[bool]:
    """Return which entries of a column are a value; numbers need not agree to the last bit."""
    number = _number(value)
    if number is not None:
        numbers = column.map(_number).astype("float64")
        if math.isinf(number):
            return numbers == number
        return (numbers - number).abs() <= _SAME * abs(number)
    if isinstance(value, (list, tuple, dict)):
        value = canonical(value)
    return column.map(lambda entry: type(entry) is type(value) and entry == value).astype(bool)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if value in ("inf", "+inf", "-inf"):
        return float(value)
    try:
        return None if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None


def _met(number: float, item: Expect) -> bool:
    met = True
    if item.value is not None and item.tolerance is not None:
        met = abs(number - item.value) <= item.tolerance
    if item.sign is not None:
        met = met and (number > 0 if item.sign == "positive" else number < 0)
    if item.at_least is not None:
        met = met and number >= item.at_least
    if item.at_most is not None:
        met = met and number <= item.at_most
    return met
