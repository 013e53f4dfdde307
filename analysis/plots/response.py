"""A result over a swept number: what a setting does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import LINES, QUIET, axes, figure_of, legend, look, name_axes, panel, panels, plain, valued
from analysis.plots.wording import in_text, on_axis
from analysis.reading import OUTCOME
from analysis.statistics import check_columns, intervals

_OTHER: dict[str, Any] = {"color": QUIET, "linewidth": 1.0}


def response(
    table: pd.DataFrame,
    x: str,
    ax: Axes | None = None,
    column: str | None = None,
    by: str | None = None,
    facet: str | None = None,
    zero: bool = False,
    marks: Sequence[float] = (),
) -> Figure:
    """Draw the mean of a result over a swept parameter, with its 95% interval over seeds.

    Parameters
    ----------
    table : DataFrame
        Rows of results with the swept parameters beside them, such as ``results.last("models",
        parameters=True)``; or a table of means that has `low` and `high` (an effect over the accuracy of a judge,
        from `analysis.compare`), of which `column` names the mean; the baseline is drawn, too, at 0.
    x : str
        The parameter, a number.
    ax : Axes, optional
        Where to draw; a new figure by default.
    column : str, optional
        The result; by default that of `analysis.outcome`, else alignment.
    by, facet : str, optional
        Columns whose values get a line, and a panel (in a new figure), each.
    zero : bool
        Whether the line of zero is drawn: for effects.
    marks : sequence of float
        Values of the parameter to mark, such as tipping points.

    Returns
    -------
    Figure
        Bars are 95% intervals; there are none where a point has a single run.
    """
    if facet is not None and ax is not None:
        raise ValueError("panels (facet) want a figure of their own: leave out ax")
    if column is None:
        column = OUTCOME if OUTCOME in table.columns else "alignment"
    check_columns(table, [x, column, *(name for name in (by, facet) if name is not None)])
    lines = [None] if by is None else list(dict.fromkeys(table[by]))
    if len(lines) > LINES:
        raise ValueError(f"{by} has {len(lines)} values; a panel holds {LINES} lines that can be told apart")
    if facet is None:
        made, parts = [axes(ax)], [table]
    else:
        parts = [rows for _, rows in table.groupby(facet, sort=False, observed=True)]
        made = panels([panel(facet, rows[facet].iloc[0]) for rows in parts])
    handles: dict[str, Artist] = {}
    for drawn, rows in zip(made, parts, strict=True):
        if zero:
            drawn.axhline(0.0, zorder=1, **_OTHER)
        for mark in marks:
            drawn.axvline(mark, linestyle=":", zorder=1, **_OTHER)
        for number, name in enumerate(lines):
            line = _means(rows if by is None else rows[rows[by] == name], x, column)
            if len(line):
                handles[valued(name)] = _line(drawn, line, x, number)
    name_axes(made, plain(x), _name(table, x, column))
    if by is not None:
        legend(made[-1], list(handles.values()), list(handles), title=None if by in ("model", "group") else by)
    return figure_of(made[0])


def _means(rows: pd.DataFrame, x: str, column: str) -> pd.DataFrame:
    rows = rows.dropna(subset=[column])
    if {"low", "high"} <= set(rows.columns):
        means = rows.rename(columns={column: "mean"})[[x, "mean", "low", "high"]]
        if _compared(rows, x, column):  # the baseline does not differ from itself
            base = pd.DataFrame({x: rows["baseline"].iloc[:1], "mean": 0.0, "low": 0.0, "high": 0.0})
            means = pd.concat([means, base])
        return means.sort_values(x)
    return intervals(rows, column, [x]).sort_values(x)


def _compared(rows: pd.DataFrame, x: str, column: str) -> bool:
    """Whether rows are differences from the baseline at one value of `x`."""
    return column == "difference" and "baseline" in rows.columns and pd.api.types.is_numeric_dtype(rows["baseline"])


def _name(table: pd.DataFrame, x: str, column: str) -> str:
    if not _compared(table, x, column) or table["quantity"].nunique() != 1:
        return on_axis(table.attrs.get(column, column))
    return f"{in_text(table['quantity'].iloc[0])}: difference from {x} = {valued(table['baseline'].iloc[0])}"


def _line(ax: Axes, line: pd.DataFrame, x: str, number: int) -> Artist:
    style = look(number)
    at, mean = line[x].to_numpy(dtype=float), line["mean"].to_numpy(dtype=float)
    reach = np.abs(np.array([mean - line["low"], line["high"] - mean], dtype=float))
    if np.nanmax(reach, initial=0.0) > 0:
        ax.errorbar(at, mean, yerr=np.nan_to_num(reach), fmt="none", ecolor=style["color"], capsize=3, linewidth=1.2)
    return ax.plot(at, mean, **style)[0]
