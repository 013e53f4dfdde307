"""How long a quantity moves before it stays where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis.reading import swept_columns, values
from analysis.statistics import Method, grouped, intervals
from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    from ecosystem.store.results import Results


def convergence(
    results: Results,
    column: str = "alignment",
    table: str = "rounds",
    *,
    tolerance: float = 0.05,
    by: Sequence[str] = (),
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return after how many rounds a quantity stays near where it ends.

    That is the settling time of control theory: the first recorded round from which on
    |x_s − x_T| ≤ tolerance · max_t |x_t − x_T|, T the last round. A run in which that is the last recorded round only
    was still moving: it did not converge, and has no time.

    Parameters
    ----------
    results : Results
        A run directory; times are as fine as `record: {every: …}`.
    column, table : str
        The quantity, and where it stands.
    tolerance : float
        What counts as near, as a part of the farthest that the quantity ever is from its end.
    by : sequence of str
        Keys that are told apart (`model`, `group`, `reward`); the mean over others is followed.
    method, level
        As for `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept point and key: swept parameters, the keys, `quantity`, `runs`, `converged` (how many of them
        did), `n` (seeds that did), `mean` (rounds), `low`, `high`, `level`, `method`.
    """
    if not 0 <= tolerance < 1:
        raise EcosystemError(f"tolerance is a part of the whole way, from 0 to 1 (got {tolerance})")
    rows = values(results, table, [column], keys=list(by)).dropna(subset=[column])
    swept = [name for name in swept_columns(results) if name in rows.columns]
    told = [*swept, *by]
    each = ["run", "point", "seed", *told]
    times = [
        dict(zip(each, key, strict=True)) | {column: _time(run["round"], run[column], tolerance)}
        for key, run in grouped(rows.sort_values("round"), each)
    ]
    found = pd.DataFrame(times, columns=[*each, column]).astype({column: float})
    made = intervals(found, column, told, method=method, level=level)
    counted = grouped(found, told) if told else None
    if counted is None:
        made = made.assign(runs=len(found), converged=int(found[column].notna().sum()))
    else:
        counts = counted[column].agg(runs="size", converged="count").reset_index()
        made = made.merge(counts, on=told)
    return made[[*told, "quantity", "runs", "converged", "n", "mean", "low", "high", "level", "method"]]


def _time(rounds: pd.Series[int], x: pd.Series[float], tolerance: float) -> float:
    """Return the round from which on `x` is near its last value, NaN if that is the last one only."""
    away = (x - x.iloc[-1]).abs().to_numpy()
    outside = (away > tolerance * away.max()).nonzero()[0]
    first = int(outside[-1]) + 1 if len(outside) else 0
    return float(rounds.iloc[first]) if first < len(x) - 1 or len(x) == 1 else float("nan")
