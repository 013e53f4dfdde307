"""How far alignment travels: gains by distance from the nearest curated model and by community, and who is reached.

Models write for those who read them, so what a curator likes travels along edges, weakened at each hop by all else that
a reader learns from. In a chain whose readers take a part c of their training from the one before, gains fall as c^d:
exponentially, with a decay length of −1/log c hops.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis.clusters import communities
from analysis.comparison import gains
from analysis.reading import swept_columns, swept_names, values
from analysis.statistics import Method, check_columns, grouped, intervals, mean_interval
from ecosystem.errors import EcosystemError
from ecosystem.store.schema import swept_column

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Array = NDArray[np.float64]
By = Literal["distance", "community"]


def propagation(
    results: Results,
    column: str = "alignment",
    by: By = "distance",
    *,
    reference: Results | None = None,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return a quantity of the models, by distance from the nearest curated model or by community.

    Distance is the number of directed hops along which outputs travel; 0 is a curated model. The
    gain is what a model has at the end of its run beyond what it had at the start, or beyond what it has at the end
    of a counterfactual run.

    Parameters
    ----------
    results : Results
        A finished or unfinished run directory.
    column : str
        A column of the table `models`.
    by : {"distance", "community"}
        What models are told apart by. A community is one of `communities`, of a network: seeds whose networks are
        drawn have communities of their own.
    reference : Results, optional
        The counterfactual run, such as ``analysis.counterfactual(results, "curation")``.
    method, level
        How the interval of the gain is made, see `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept point and distance, unreachable models last (distance missing), or per swept point,
        network and community, the largest first: swept parameters, `distance` (or `network`, `community`, `curated`:
        how many of its models are), `models` (counted over runs), `start`, `end`, `gain` (means over seeds of means
        over models), `spread` (standard deviation of `end` over models and runs), `end_low`, `end_high`, `low`,
        `high` (intervals over seeds of end and gain, missing with one seed), `n` (seeds), `level`, `method`.
    """
    rows, swept = _beside(results, _gained(results, column, reference))
    keys = ["distance"]
    if by == "community":
        keys = ["network", "community"]
        rows = rows.merge(results.runs[["run", "network"]].drop_duplicates(), on="run")
        rows = rows.merge(communities(results)[["network", "model", "community"]], on=["network", "model"])
    elif by != "distance":
        raise EcosystemError(f"by is distance or community (got {by!r})")
    told = [*swept, *keys]
    table = rows.groupby(told, dropna=False, sort=True, observed=True).agg(
        models=("model", "size"), curated=("distance", _none_away), spread=("end", "std")
    )
    table = table.reset_index()
    for quantity, names in _MEANS.items():
        found = intervals(rows, quantity, told, method=method, level=level)
        found = found.rename(columns=dict(zip(("mean", "low", "high"), names, strict=False)))
        kept = [*names, *(("n", "level", "method") if quantity == "gain" else ())]
        table = table.merge(found[[*told, *kept]], on=told)
    shown = [*told, "models", *(["curated"] if by == "community" else []), *_SHOWN]
    return table[shown].astype({keys[-1]: "Int64"})


_MEANS = {"start": ("start",), "end": ("end", "end_low", "end_high"), "gain": ("gain", "low", "high")}
_SHOWN = ("start", "end", "gain", "spread", "end_low", "end_high", "low", "high", "n", "level", "method")


def _none_away(distance: pd.Series[float]) -> int:
    return int((distance == 0).sum())


def decay(
    results: Results,
    column: str = "alignment",
    *,
    reference: Results | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the decay length of what models gain, by distance from the nearest curated one; see `decay_of`."""
    rows, swept = _beside(results, _gained(results, column, reference))
    return decay_of(rows, by=swept, level=level)


def decay_of(table: pd.DataFrame, by: Sequence[str] = (), *, gain: str = "gain", level: float = 0.95) -> pd.DataFrame:
    """Fit gain = size · exp(−distance / length) by least squares.

    The fit is made seed by seed; over three seeds or more the interval is that of the mean of their rates
    1/length (t), with fewer it is that of non-linear regression over models (t, from the Jacobian of the fit),
    which takes models for independent. Bounds of the length are those of the rate turned over: `high` is infinite
    where the data cannot tell decay from none.

    Parameters
    ----------
    table : DataFrame
        One row per model: `distance` (missing for a model out of reach, which is left out), the gain, and `seed` if
        there are several; such as `analysis.gains` returns.
    by : sequence of str
        Columns whose values each get a fit.
    gain : str
        The column that is fitted.
    level : float
        How often the interval is to hold the true length.

    Returns
    -------
    DataFrame
        The columns of `by`, `length` (in hops; infinite or negative where gains do not fall), `low`, `high`, `size`
        (the gain at distance 0), `models`, `n` (seeds), `level`, `method`. Missing where there are fewer than two
        distances.
    """
    check_columns(table, [*by, "distance", gain])
    rows = table.dropna(subset=["distance", gain])
    seeds = ["seed"] if "seed" in table.columns else []
    found = []
    for key, group in grouped(rows, by) if by else [((), rows)]:
        each = [part for _, part in grouped(group, seeds)] if seeds else [group]
        fits = [fit for part in each if (fit := _fit(part["distance"], part[gain], level)) is not None]
        rates = [rate for rate, _, _, _ in fits]
        if len(fits) >= _SEEDS:
            interval = mean_interval(rates, level=level)
            rate, low, high, method = interval.mean, interval.low, interval.high, "t over seeds"
        elif fits:
            rate, low, high = (float(np.mean([fit[place] for fit in fits])) for place in (0, 1, 2))
            method = "t of regression"
        else:
            rate, low, high, method = np.nan, np.nan, np.nan, "none"
        length, shortest, longest = _length(rate), _length(high), _length(low) if low > 0 else np.inf
        if np.isnan(rate) or np.isnan(low):
            shortest = longest = np.nan
        size = float(np.mean([fit[3] for fit in fits])) if fits else np.nan
        found.append(
            dict(zip(by, key, strict=True))
            | {"length": length, "low": shortest, "high": longest, "size": size, "models": len(group), "n": len(fits)}
            | {"level": level, "method": method}
        )
    shown = ["length", "low", "high", "size", "models", "n", "level", "method"]
    return pd.DataFrame(found, columns=[*by, *shown])


def reached(
    results: Results,
    reference: Results,
    threshold: float,
    column: str = "alignment",
    *,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return which part of the models curation reaches, by distance.

    A model is reached if it ends with more than a threshold beyond what it has in the counterfactual run of the
    same seed.

    Parameters
    ----------
    results, reference : Results
        The run, and what it is held against, such as ``analysis.counterfactual(results, "curation")``.
    threshold : float
        How large a gain counts.
    column : str
        A column of the table `models`.
    method, level
        How the interval over seeds is made, see `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept point and distance, and one for all models together: swept parameters, `distance` (missing
        for models out of reach), `whole` (whether the row is about all models), `models` (counted over runs),
        `reached` (the part of them, the mean over seeds), `n`, `low`, `high`, `level`, `method`.
    """
    rows = gains(results, reference, column)
    rows = rows[rows["gain"].notna()].assign(reached=(rows["gain"] > threshold).astype(float))
    swept = [name for name in swept_columns(results) if name in rows.columns]
    tables = []
    for whole, keys in ((False, [*swept, "distance"]), (True, swept)):
        found = intervals(rows, "reached", keys, method=method, level=level)
        counts = grouped(rows, keys)["reached"].size().rename("models").reset_index() if keys else None
        found = found.assign(models=len(rows)) if counts is None else found.merge(counts, on=keys)
        tables.append(found.assign(whole=whole).rename(columns={"mean": "reached"}))
    table = pd.concat(tables).sort_values([*swept, "whole", "distance"], kind="stable", ignore_index=True)
    shown = [*swept, "distance", "whole", "models", "reached", "n", "low", "high", "level", "method"]
    return table[shown].astype({"distance": "Int64"})


_SEEDS = 3
"""Fewer seeds say less of their own spread than a regression does."""


def _gained(results: Results, column: str, reference: Results | None) -> pd.DataFrame:
    """Return a row for each run and model: its distance, start, end and gain."""
    end = values(results, "models", [column], round="last", keys=["model", "distance"])
    start = values(results, "models", [column], round="first", keys=["model"])
    start = start[["run", "point", "model", column]].rename(columns={column: "start"})
    own = ["run", "point", "seed", "round", "model", "distance", column]  # what is swept may be called start, or end
    rows = end[own].merge(start, on=["run", "point", "model"]).rename(columns={column: "end"})
    if reference is None:
        return rows.assign(gain=rows["end"] - rows["start"])
    other = gains(results, reference, column)[["run", "point", "model", "gain"]]
    return rows.merge(other, on=["run", "point", "model"])


def _beside(results: Results, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return rows with what is swept at their points, under names that no column of an answer has; and the names."""
    names = {name: swept_column(new, _TAKEN) for name, new in swept_names(results).items()}
    swept = results.runs.drop_duplicates("point").set_index("point")[list(names)].rename(columns=names)
    at = rows["point"].to_numpy()
    beside = {str(name): values.loc[at].to_numpy() for name, values in swept.items()}
    return rows[[name for name in _ROWS if name in rows.columns]].assign(**beside), list(swept.columns)


_ROWS = ("run", "point", "seed", "round", "model", "distance", "start", "end", "gain")
_TAKEN = {*_ROWS, *_SHOWN, "network", "community", "models", "curated", "length", "size"}


def _fit(distance: Any, gain: Any, level: float) -> tuple[float, float, float, float] | None:
    """Return the rate of decay with its interval, and the gain at distance 0; None where nothing can be fitted."""
    x, y = np.asarray(distance, dtype=float), np.asarray(gain, dtype=float)
    if len(np.unique(x)) < 2 or not y.any():
        return None

    def curve(d: Array, size: float, rate: float) -> Array:
        return size * np.exp(np.clip(-rate * d, -_FAR, _FAR))

    def slopes(d: Array, size: float, rate: float) -> Array:
        # Differences over a step in proportion to the rate would be 0 at a rate of almost 0, and the fit stay there.
        falls = np.where(np.abs(rate * d) < _FAR, -d * curve(d, size, rate), 0.0)
        return np.column_stack([curve(d, 1.0, rate), falls])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optimize.OptimizeWarning)  # no covariance: the interval is missing
        try:
            found, covariance = optimize.curve_fit(curve, x, y, p0=_guess(x, y), jac=slopes, maxfev=10_000)
        except RuntimeError:
            return None
    freedom = len(x) - 2
    error = float(np.sqrt(covariance[1, 1])) if freedom > 0 and np.isfinite(covariance).all() else np.nan
    reach = float(stats.t.ppf(0.5 + level / 2, freedom)) if freedom > 0 else np.nan
    size, rate = map(float, found)
    return rate, rate - reach * error, rate + reach * error, size


_FAR = 700.0
"""Beyond it, an exponential is no number."""


def _guess(x: Array, y: Array) -> tuple[float, float]:
    """Start from the line through the logarithms of the mean gains that are positive."""
    means = pd.Series(y).groupby(x).mean()
    positive = means[means > 0]
    if len(positive) < 2:
        return float(means.iloc[0]), 1.0
    slope, height = np.polyfit(positive.index.to_numpy(dtype=float), np.log(positive.to_numpy(dtype=float)), 1)
    return float(np.exp(height)), float(-slope)


def _length(rate: float) -> float:
    return float("inf") if rate == 0 else 1 / rate
