"""A quantity of the models over rounds."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import COLOURS, axes, figure_of

_LINES = len(COLOURS)


def trajectories(
    models: pd.DataFrame, axis: Axes | None = None, column: str = "alignment", by: str = "model"
) -> Figure:
    """Draw the mean of a quantity over rounds, a line a group.

    Parameters
    ----------
    models : DataFrame
        Rows with `round`, the quantity and what they are grouped by.
    axis : Axes, optional
        Where to draw; a new figure by default.
    column : str
        The quantity.
    by : str
        The column whose values get a line each. Of more than can be told apart, the median over
        groups is drawn, with the bands that hold the middle half and the middle nine tenths.
    """
    drawn = axes(axis)
    table = models.pivot_table(index="round", columns=by, values=column, aggfunc="mean", observed=True)
    if table.shape[1] <= _LINES:
        for number, name in enumerate(table.columns):
            drawn.plot(table.index, table[name], color=COLOURS[number], label=str(name))
    else:
        for low, high, shade, label in ((0.05, 0.95, 0.15, "middle 90%"), (0.25, 0.75, 0.3, "middle 50%")):
            edges = table.quantile([low, high], axis=1)
            drawn.fill_between(
                table.index, edges.iloc[0], edges.iloc[1], color=COLOURS[0], alpha=shade, linewidth=0, label=label
            )
        label = f"median of {table.shape[1]:,} groups" if by != "model" else f"median of {table.shape[1]:,} models"
        drawn.plot(table.index, table.median(axis=1), color=COLOURS[0], label=label)
    drawn.set_xlabel("round")
    drawn.set_ylabel(column.replace("_", " "))
    drawn.legend(frameon=False, fontsize=8)
    return figure_of(drawn)
