"""A quantity over rounds, with 95% intervals over runs."""

from __future__ import annotations

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.runs import mean_over_runs
from analysis.plots.style import (
    COLOURS,
    LINES,
    axes,
    every,
    figure_of,
    legend,
    look,
    name_axes,
    panel,
    panels,
    rounds,
    valued,
)
from analysis.plots.wording import on_axis

_PLAIN = ("model", "group", "setting")
"""Groups whose names say what they are."""

_BANDS = ((0.05, 0.95, 0.15, "middle 90%"), (0.25, 0.75, 0.3, "middle 50%"))


def trajectories(
    models: pd.DataFrame,
    ax: Axes | None = None,
    column: str = "alignment",
    by: str = "model",
    facet: str | None = None,
) -> Figure:
    """Draw the mean of a quantity over rounds, a line a group, with its 95% interval over runs.

    Parameters
    ----------
    models : DataFrame
        Rows with `round`, the quantity and what they are grouped by; with `run`, where intervals are
        wanted. A run that has come to rest keeps its last value.
    ax : Axes, optional
        Where to draw; a new figure by default.
    column : str
        The quantity.
    by : str
        The column whose values get a line each. Of more than can be told apart, the median over
        groups is drawn, with the bands that hold the middle half and the middle nine tenths.
    facet : str, optional
        A column whose values get a panel each, in a new figure.

    Returns
    -------
    Figure
        Shades beside a line are Student's 95% interval of the mean over runs: there are none where there is
        a single run, or where runs do not differ.
    """
    if facet is not None and ax is not None:
        raise ValueError("panels (facet) want a figure of their own: leave out ax")
    models = models.assign(**{by: models[by].map(valued)})
    names = list(dict.fromkeys(models[by]))
    if facet is None:
        made = [axes(ax)]
        parts = [models]
    else:
        parts = [rows for _, rows in models.groupby(facet, sort=False, observed=True)]
        made = panels([panel(facet, rows[facet].iloc[0]) for rows in parts])
    for drawn, rows in zip(made, parts, strict=True):
        rounds(drawn)
        handles = _lines(drawn, rows, column, by, names) if len(names) <= LINES else _bands(drawn, rows, column, by)
    name_axes(made, "round", on_axis(column))
    if len(names) > 1 or by not in _PLAIN:
        legend(made[-1], list(handles.values()), list(handles), title=None if by in _PLAIN else by)
    return figure_of(made[0])


def _lines(ax: Axes, rows: pd.DataFrame, column: str, by: str, names: list[str]) -> dict[str, Artist]:
    table = mean_over_runs(rows, column, [by])
    handles: dict[str, Artist] = {}
    for number, name in enumerate(names):
        line = table[table[by] == name].sort_values("round")
        style = look(number)
        handles[name] = ax.plot(line["round"], line["mean"], markevery=every(len(line), number), **style)[0]
        if (line["high"] > line["low"]).any():
            ax.fill_between(line["round"], line["low"], line["high"], color=style["color"], alpha=0.2, linewidth=0)
    return handles


def _bands(ax: Axes, rows: pd.DataFrame, column: str, by: str) -> dict[str, Artist]:
    table = rows.pivot_table(index="round", columns=by, values=column, aggfunc="mean", observed=True).ffill()
    handles: dict[str, Artist] = {}
    label = f"median of {table.shape[1]:,} {'models' if by == 'model' else 'groups'}"
    handles[label] = ax.plot(table.index, table.median(axis=1), color=COLOURS[0], linewidth=1.8)[0]
    for low, high, shade, told in _BANDS:
        edges = table.quantile([low, high], axis=1)
        handles[told] = ax.fill_between(
            table.index, edges.iloc[0], edges.iloc[1], color=COLOURS[0], alpha=shade, linewidth=0
        )
    return handles
