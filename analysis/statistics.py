"""Means with their intervals.

What varies from seed to seed is the only chance there is in a run: models and groups of one run are not independent
of one another, and runs of one seed share their draws (common random numbers). So rows are first averaged within
each seed, and seeds are what is counted.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ecosystem.errors import EcosystemError, did_you_mean, shorten

Method = Literal["t", "bootstrap"]

RESAMPLES = 4999
"""Resamples of a bootstrap; always the same ones, so that a table is the same whenever it is made."""

_CALLED = {"t": "t", "bootstrap": "BCa bootstrap"}
_UNITS = ("seed", "run")


@dataclass(frozen=True)
class Interval:
    """A mean, and where the mean of all there could be lies.

    Attributes
    ----------
    n : int
        How many numbers there were; missing ones are left out.
    mean : float
        Their mean, NaN without any.
    low, high : float
        The interval; NaN for fewer than two numbers, of no width where they are all the same.
    """

    n: int
    mean: float
    low: float
    high: float


def mean_interval(values: ArrayLike, method: Method = "t", level: float = 0.95) -> Interval:
    """Return the mean of independent numbers with an interval.

    Parameters
    ----------
    values : array_like
        The numbers, ``[n]``; NaN is missing.
    method : {"t", "bootstrap"}
        `t`: mean ± t_{n−1}·s/√n (Student 1908). `bootstrap`: bias-corrected and accelerated (Efron 1987, by
        `scipy.stats.bootstrap`) at the level that makes up for the narrowness of a bootstrap of few numbers,
        Φ(√(n/(n−1))·t_{n−1}) on each side (Hesterberg 2015, arXiv 1411.5279, "expanded percentile"). It follows
        numbers that lie unevenly; of fewer than about ten it knows too little, where `t` holds what it says.
    level : float
        How often the interval is to hold the true mean.

    Examples
    --------
    >>> found = mean_interval([1, 2, 3, 4])
    >>> round(found.low, 4), found.mean, round(found.high, 4)
    (0.4457, 2.5, 4.5543)
    >>> mean_interval([7.0])
    Interval(n=1, mean=7.0, low=nan, high=nan)
    """
    check_method(method, level)
    numbers = numbers_of(values)
    n = len(numbers)
    if n == 0:
        return Interval(0, np.nan, np.nan, np.nan)
    # Numbers that are all the same have themselves for a mean, to the last bit.
    mean = float(numbers[0]) if constant(numbers) else float(numbers.mean())
    if n == 1 or not np.isfinite(numbers).all():
        return Interval(n, mean, np.nan, np.nan)
    if constant(numbers):
        return Interval(n, mean, mean, mean)
    reach = float(stats.t.ppf(0.5 + level / 2, n - 1))
    if method == "t":
        half = reach * float(numbers.std(ddof=1)) / math.sqrt(n)
        return Interval(n, mean, mean - half, mean + half)
    wider = 2 * float(stats.norm.cdf(math.sqrt(n / (n - 1)) * reach)) - 1
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # Of two or three numbers the acceleration may not exist; the interval is then missing, which says so.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (numbers,), np.mean, confidence_level=wider, n_resamples=RESAMPLES, method="BCa", rng=0
        ).confidence_interval
    return Interval(n, mean, float(found.low), float(found.high))


def intervals(
    table: pd.DataFrame,
    columns: str | Sequence[str],
    by: Sequence[str] = (),
    *,
    unit: str | None = None,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return means with intervals, for each group of rows.

    Parameters
    ----------
    table : DataFrame
        Rows of one or many runs, such as ``results.table("groups", parameters=True)``.
    columns : str or sequence of str
        The quantities.
    by : sequence of str
        Columns whose values tell the groups of rows.
    unit : str, optional
        The column that tells independent repetitions; rows of one are averaged first. By default `seed`, else
        `run`, else each row is one.
    method, level
        As for `mean_interval`.

    Returns
    -------
    DataFrame
        One row per group and quantity, in the order of the table: the columns of `by`, `quantity`, `n` (units with
        a value), `mean`, `low`, `high`, `level`, `method` (how the interval was made).

    Raises
    ------
    EcosystemError
        There is no such column.
    """
    check_method(method, level)
    columns = [columns] if isinstance(columns, str) else list(columns)
    unit = unit_of(table) if unit is None else unit
    needed = [*by, *columns, *([unit] if unit is not None else [])]
    check_columns(table, needed)
    rows = table[needed]
    if unit is not None:
        rows = grouped(rows, [*by, unit])[columns].mean().reset_index()
    groups = grouped(rows, by) if by else grouped(rows.assign(**{_ALL: 0}), [_ALL])
    of_each = _t_intervals if method == "t" else _bootstrap_intervals
    whole = pd.concat([of_each(groups[column], level).assign(quantity=column) for column in columns])
    # One group after another, each with its quantities in the order that was asked for.
    order = np.arange(len(whole)).reshape(len(columns), -1).T.ravel()
    made = whole.iloc[order].reset_index().assign(level=level, method=_CALLED[method])
    shown = [*by, "quantity", "n", "mean", "low", "high", "level", "method"]
    return made[shown].astype({name: table[name].dtype for name in by})


_ALL = "all rows"


def _t_intervals(values: Any, level: float) -> pd.DataFrame:
    """Return for every group of values what `mean_interval` returns of one, all at once."""
    n, low, high = values.count(), values.min(), values.max()
    constant = (low == high).to_numpy()
    mean = values.mean().where(~constant, low)
    reach = pd.Series(stats.t.ppf(0.5 + level / 2, np.maximum(n - 1, 1)), index=n.index)
    half = (reach * values.std(ddof=1) / np.sqrt(n)).where(~constant, 0.0)
    half = half.where((n > 1) & np.isfinite(low) & np.isfinite(high))
    return pd.DataFrame({"n": n, "mean": mean, "low": mean - half, "high": mean + half})


def _bootstrap_intervals(values: Any, level: float) -> pd.DataFrame:
    found = [mean_interval(each, "bootstrap", level) for _, each in values]
    columns = {name: [getattr(each, name) for each in found] for name in ("n", "mean", "low", "high")}
    return pd.DataFrame(columns, index=values.size().index)


def interval_columns(
    values: ArrayLike, method: Method = "t", level: float = 0.95, mean: str = "mean"
) -> dict[str, Any]:
    """Return `n`, the mean (under the name `mean`), `low`, `high`, `level` and `method`, as entries of a row."""
    found = mean_interval(values, method, level)
    return {
        "n": found.n,
        mean: found.mean,
        "low": found.low,
        "high": found.high,
        "level": level,
        "method": _CALLED[method],
    }


def grouped(table: pd.DataFrame, by: Sequence[str]) -> Any:
    """Group rows in the order in which groups first appear; a missing value is a value like any other."""
    return table.groupby(list(by), sort=False, dropna=False, observed=True)


def unit_of(table: pd.DataFrame) -> str | None:
    """Return the column that tells independent repetitions apart: `seed`, else `run`, else none."""
    return next((name for name in _UNITS if name in table.columns), None)


def check_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise if a table lacks a column.

    Raises
    ------
    EcosystemError
        With the columns that exist.
    """
    for column in columns:
        if column not in table.columns:
            known = [str(name) for name in table.columns]
            raise EcosystemError(f"the table has no column {shorten(column)}{did_you_mean(column, known)}")


def numbers_of(values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers without the missing ones."""
    numbers = pd.to_numeric(pd.Series(np.asarray(values).ravel())).to_numpy(dtype=float, na_value=np.nan)
    return numbers[~np.isnan(numbers)]


def constant(numbers: NDArray[np.float64]) -> bool:
    """Return whether numbers, one or more, are all the same."""
    return bool((numbers == numbers[0]).all())


def check_method(method: str, level: float = 0.95) -> None:
    """Raise if there is no such method, or no such level.

    Raises
    ------
    EcosystemError
        With the methods that exist.
    """
    known_choice("method", method, _CALLED)
    if not 0 < level < 1:
        raise EcosystemError(f"level is the chance to hold the true mean, between 0 and 1 (got {level})")


def known_choice(what: str, value: str, choices: Iterable[str]) -> None:
    """Raise if a word is none of those that are known.

    Raises
    ------
    EcosystemError
        With the words that are.
    """
    known = list(choices)
    if value not in known:
        raise EcosystemError(f"there is no {what} {shorten(value)}{did_you_mean(value, known)}")
