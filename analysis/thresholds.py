"""Tipping points: where along a sweep a result crosses a level, such as where influence turns negative."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics import check_columns, grouped, unit_of
from ecosystem.errors import EcosystemError

Array = NDArray[np.float64]

_RESAMPLES = 1999


def tipping(
    table: pd.DataFrame,
    parameter: str,
    column: str = "value",
    *,
    at: float = 0.0,
    by: Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Return where along a swept parameter the mean of a quantity crosses a level.

    Between two values of the sweep the mean is taken to be a straight line; `above` and `below` say between which
    two the crossing is, whatever the line. The interval is that of the line's crossing: seeds are resampled with all
    their runs (they share draws along the sweep), and of each resample the crossing of the same direction that is
    nearest counts; percentiles, at the level that makes up for few seeds (Hesterberg 2015, arXiv 1411.5279).

    Parameters
    ----------
    table : DataFrame
        One row per run, such as `analysis.outcome` returns.
    parameter : str
        The swept column, of numbers.
    column : str
        The quantity.
    at : float
        The level that is crossed.
    by : sequence of str
        Columns whose values each have tipping points of their own.
    level : float
        How often an interval is to hold the true location.

    Returns
    -------
    DataFrame
        One row per crossing: the columns of `by`, `parameter` (its name), `location`, `low`, `high`, `direction`
        (`up` or `down`), `above`, `below` (the swept values around it; both the location itself where the mean is
        at the level there), `seeds`, `found` (the part of resamples that cross too; the interval is missing where it
        is less than `level`, or there is one seed), `level`, `method`. No row where nothing is crossed.

    Raises
    ------
    EcosystemError
        The column of the parameter holds no numbers.
    """
    unit = unit_of(table)
    check_columns(table, [*by, parameter, column])
    if not pd.api.types.is_numeric_dtype(table[parameter]):
        raise EcosystemError(f"{parameter} holds no numbers, so there is no place between two of its values")
    rows: list[dict[str, Any]] = []
    for key, part in grouped(table, by) if by else [((), table)]:
        whole = part.assign(**{_UNIT: part[unit] if unit is not None else 0})
        curves = whole.pivot_table(index=_UNIT, columns=parameter, values=column, aggfunc="mean")
        x, y = curves.columns.to_numpy(dtype=float), curves.to_numpy(dtype=float)
        resampled = _resampled_means(y)
        for crossing in crossings(x, np.nanmean(y, axis=0) - at):
            near = _nearest(x, resampled - at, crossing)
            found = float(np.mean(~np.isnan(near))) if len(y) > 1 else np.nan
            low, high = _bounds(near, len(y), level) if found >= level else (np.nan, np.nan)
            rows.append(
                dict(zip(by, key, strict=True))
                | {"parameter": parameter, "location": crossing.location, "low": low, "high": high}
                | {"direction": crossing.direction, "above": crossing.above, "below": crossing.below}
                | {"seeds": len(y), "found": found, "level": level, "method": "bootstrap over seeds"}
            )
    shown = ["parameter", "location", "low", "high", "direction", "above", "below", "seeds", "found", "level", "method"]
    return pd.DataFrame(rows, columns=[*by, *shown])


_UNIT = "independent repetition"


@dataclass(frozen=True)
class Crossing:
    """A place where a line through points passes 0, and the points around it."""

    location: float
    direction: str
    above: float
    below: float


def crossings(x: Array, y: Array) -> list[Crossing]:
    """Return where the line through points passes 0.

    Parameters
    ----------
    x, y : ndarray
        The points, ``[points]``, x ascending. NaN in y is no point. Where y only touches 0 it does not pass.

    Examples
    --------
    >>> [found.location for found in crossings(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0, -3.0]))]
    [0.5, 1.25]
    """
    known = ~np.isnan(y)
    x, y = x[known], y[known]
    away = np.flatnonzero(y != 0)
    found = []
    for left, right in itertools.pairwise(away):
        if np.sign(y[left]) != np.sign(y[right]):
            direction = "up" if y[right] > 0 else "down"
            if right - left > 1:  # at 0 in between: the middle of where it is
                low, high = float(x[left + 1]), float(x[right - 1])
                found.append(Crossing((low + high) / 2, direction, low, high))
            else:
                part = y[left] / (y[left] - y[right])
                location = float(x[left] + part * (x[right] - x[left]))
                found.append(Crossing(location, direction, float(x[left]), float(x[right])))
    return found


def _resampled_means(y: Array) -> Array:
    """Return means over resampled seeds, ``[resamples, points]``; always the same resamples."""
    n = len(y)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(float)
    known = ~np.isnan(y)
    with np.errstate(invalid="ignore"):
        return (weights @ np.where(known, y, 0.0)) / (weights @ known)


def _nearest(x: Array, curves: Array, crossing: Crossing) -> Array:
    """Return of each curve the crossing of the same direction that is nearest, NaN without one, ``[curves]``."""
    sign = 1.0 if crossing.direction == "up" else -1.0
    left, right = sign * curves[:, :-1], sign * curves[:, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        places = x[:-1] + left / (left - right) * np.diff(x)
    # A curve that is at 0 at a point crosses there, once: the point belongs to what is on its left.
    places = np.where((left < 0) & (right >= 0), places, np.nan)
    far = np.where(np.isnan(places), np.inf, np.abs(places - crossing.location))
    chosen = far.argmin(axis=1)
    return np.asarray(places[np.arange(len(places)), chosen])


def _bounds(found: Array, n: int, level: float) -> tuple[float, float]:
    reach = np.sqrt(n / (n - 1)) * stats.t.ppf(0.5 + level / 2, n - 1)
    tail = float(stats.norm.sf(reach))
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return float(low), float(high)
