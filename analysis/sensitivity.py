"""Which swept parameters a result depends on: Sobol's indices and Morris' elementary effects.

Both need the points of a design of their own, ``sweep: {saltelli: …}`` and ``sweep: {morris: …}``. Values are means
over the seeds of a point, so that what is explained is the expected result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.reading import Round, outcome
from analysis.statistics import grouped
from ecosystem.errors import EcosystemError
from ecosystem.extras import install
from ecosystem.scenario.fields.designs import Design, Morris, Saltelli

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Array = NDArray[np.float64]

D = TypeVar("D", bound=Design)

_ORDERS = ("first", "total")
_RESAMPLES = 999
_FORMS = ("grid", "zip", "latin_hypercube", "sobol", "saltelli", "morris", "table")
"""The forms of a sweep in the order in which points have their values."""


def sobol(
    results: Results,
    column: str,
    table: str = "rounds",
    *,
    round: Round = "last",
    where: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return Sobol's indices: what part of a result's variance each parameter makes.

    First order S_i = V(E[y | x_i]) / V(y) is the part that x_i makes alone; total order
    S_Ti = E[V(y | x_∼i)] / V(y) the part that is left open where all but x_i are known. Estimators of Saltelli et al.
    (2010, Comput. Phys. Commun. 181); the interval is a percentile bootstrap over the points of the design.

    Parameters
    ----------
    results : Results
        A finished sweep with a `saltelli` design.
    column, table, round, where
        The result, as for `analysis.outcome`.
    level : float
        How often an interval is to hold the index.

    Returns
    -------
    DataFrame
        One row per parameter and order, and per point of the other forms of the sweep if there are any: their
        columns, `parameter`, `order` (`first` or `total`), `index`, `low`, `high`, `n` (samples of the design whose
        runs are all done), `variance` (of the result over A and B), `level`, `method`. Indices are missing where
        the result does not vary.

    Raises
    ------
    EcosystemError
        The sweep has no such design.
    """
    design = _design(results, Saltelli, "saltelli")
    blocks = _blocks(results, design, "saltelli", outcome(results, column, table, round=round, where=where))
    names = list(design.ranges)
    found = []
    for beside, y in blocks:
        parts = y.reshape(len(names) + 2, -1)
        parts = parts[:, ~np.isnan(parts).any(axis=0)]
        a, b, mixed = parts[0], parts[1], parts[2:]
        variance = float(np.var(parts[:2])) if parts.size else np.nan
        nothing = np.full(len(names), np.nan)
        index = low_high = None
        if parts.shape[1] > 1 and np.ptp(parts[:2]) > 0:
            index, low_high = _indices(a, b, mixed), _bounds(a, b, mixed, level)
        for order in _ORDERS:
            middle = nothing if index is None else index[order]
            low, high = (nothing, nothing) if low_high is None else low_high[order]
            for number, name in enumerate(names):
                found.append(
                    beside
                    | {"parameter": name, "order": order, "index": middle[number], "low": low[number]}
                    | {"high": high[number], "n": parts.shape[1], "variance": variance, "level": level}
                    | {"method": "bootstrap over points"}
                )
    return pd.DataFrame(found)


def morris(
    results: Results,
    column: str,
    table: str = "rounds",
    *,
    round: Round = "last",
    where: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return Morris' elementary effects: what a result changes by when one parameter is moved across its range.

    An effect is the change along one step of a trajectory over the step, as a part of the parameter's range (Morris
    1991, Technometrics 33). μ is the mean over trajectories, μ* that of absolute effects (Campolongo et al. 2007),
    σ their standard deviation: large where the effect depends on the others. By SALib; the interval of μ* is its
    bootstrap.

    Parameters
    ----------
    results : Results
        A finished sweep with a `morris` design.
    column, table, round, where
        The result, as for `analysis.outcome`.
    level : float
        How often an interval is to hold μ*.

    Returns
    -------
    DataFrame
        One row per parameter, and per point of the other forms of the sweep: their columns, `parameter`, `mu`,
        `mu_star`, `low`, `high` (of μ*), `sigma`, `n` (trajectories whose runs are all done), `level`, `method`.

    Raises
    ------
    EcosystemError
        The sweep has no such design, or SALib is not installed.
    """
    try:
        from SALib.analyze.morris import analyze
    except ImportError:
        raise EcosystemError(f"Morris' effects need SALib: {install('sensitivity')}") from None
    rows = outcome(results, column, table, round=round, where=where)
    design = _design(results, Morris, "morris")
    blocks = _blocks(results, design, "morris", rows)
    names = list(design.ranges)
    points = _points(results, design, "morris")
    # Of the points SALib reads only which value a step moves, and where to; it would group equal names.
    problem = {"num_vars": len(names), "names": [*map(str, range(len(names)))], "bounds": [[0, 1]] * len(names)}
    found = []
    for beside, y in blocks:
        whole = np.repeat(~np.isnan(y.reshape(-1, len(names) + 1)).any(axis=1), len(names) + 1)
        done = int(whole.sum()) // (len(names) + 1)
        effects: Any = None
        if done > 1:
            effects = analyze(
                dict(problem),
                points[whole],
                y[whole],
                num_levels=design.levels,
                num_resamples=_RESAMPLES,
                conf_level=level,
                seed=np.random.default_rng(0),
            )
        for number, name in enumerate(names):
            mu, star, sigma, half = (
                (float(effects[key][number]) for key in ("mu", "mu_star", "sigma", "mu_star_conf"))
                if effects is not None
                else (np.nan,) * 4
            )
            found.append(
                beside
                | {"parameter": name, "mu": mu, "mu_star": star, "low": star - half, "high": star + half}
                | {"sigma": sigma, "n": done, "level": level, "method": "bootstrap over trajectories"}
            )
    return pd.DataFrame(found)


class _Block(NamedTuple):
    """The values of a design at one point of the other forms of a sweep: what that point is, and ``[points]``."""

    beside: dict[str, Any]
    y: Array


def _design(results: Results, kind: type[D], form: str) -> D:
    design = getattr(results.scenario.sweep, form, None)
    if not isinstance(design, kind):
        raise EcosystemError(f"the scenario has no sweep of the form {form}, of whose points this is computed")
    return design


def _blocks(results: Results, design: Design, form: str, rows: pd.DataFrame) -> list[_Block]:
    others = [name for name in rows.columns if name not in ("run", "point", "seed", "value", *design.ranges)]
    rows = rows.assign(place=rows["point"] // _points_within(results, form) % design.size)
    return list(_each(rows, others, design.size))


def _each(rows: pd.DataFrame, others: list[str], size: int) -> Iterator[_Block]:
    for key, part in grouped(rows, others) if others else [((), rows)]:
        means = part.groupby("place")["value"].mean().reindex(range(size))
        yield _Block(dict(zip(others, key, strict=True)), means.to_numpy(dtype=float))


def _points_within(results: Results, form: str) -> int:
    """Return how many points follow one another while a design stays at one of its own."""
    sweep = results.scenario.sweep
    assert sweep is not None
    later = _FORMS[_FORMS.index(form) + 1 :]
    designs = [design for each in later if each != "table" and (design := getattr(sweep, each)) is not None]
    return math.prod(design.size for design in designs) * (len(sweep.rows) or 1)


def _points(results: Results, design: Design, form: str) -> Array:
    """Return the points of a design, ``[points, ranges]``, whatever the other forms are at."""
    runs = results.runs.drop_duplicates("point").sort_values("point")
    place = runs["point"] // _points_within(results, form) % design.size
    return runs.assign(place=place).drop_duplicates("place")[list(design.ranges)].to_numpy(dtype=float)


def _indices(a: Array, b: Array, mixed: Array) -> dict[str, Array]:
    """Return indices of first and total order, ``[ranges]``: (b) and (f) in table 2 of Saltelli et al. (2010)."""
    mean, variance = np.mean([a, b]), np.var([a, b])
    return {
        "first": np.mean((b - mean) * (mixed - a), axis=1) / variance,
        "total": np.mean((mixed - a) ** 2, axis=1) / (2 * variance),
    }


def _bounds(a: Array, b: Array, mixed: Array, level: float) -> dict[str, Array]:
    """Return bounds of the indices, ``[2, ranges]``: percentiles over resampled points, always the same ones."""
    generator = np.random.default_rng(0)
    drawn = [
        _indices(a[rows], b[rows], mixed[:, rows]) for rows in generator.integers(len(a), size=(_RESAMPLES, len(a)))
    ]
    tails = [(1 - level) / 2, (1 + level) / 2]
    return {order: np.nanquantile([each[order] for each in drawn], tails, axis=0) for order in _ORDERS}
