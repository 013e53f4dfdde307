"""What language models did over what exact probabilities do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.plots.style import COLOURS, LINES, MARKERS, QUIET, figure_of, legend, name_axes, panels
from analysis.plots.wording import in_text


def prediction(table: pd.DataFrame, by: str | None = None) -> Figure:
    """Draw what was measured over what was predicted: a dot with its 95% interval for each setting.

    Parameters
    ----------
    table : DataFrame
        From `analysis.prediction`, of one round.
    by : str, optional
        The swept column by which dots are told apart; by default `remedy`, else the first of few values.

    Returns
    -------
    Figure
        A panel for each quantity and group. On the line a prediction is exact.
    """
    told = [str(name) for name in table.columns[: list(table.columns).index("quantity")]]
    few = [name for name in told if table[name].nunique(dropna=False) <= LINES]
    by = by or ("remedy" if "remedy" in few else few[0] if few else None)
    rows = table.assign(
        panel=[
            in_text(quantity) if pd.isna(group) else f"{in_text(quantity)}, group {group}"
            for quantity, group in zip(table["quantity"], table["group"], strict=True)
        ]
    )
    titles = list(dict.fromkeys(rows["panel"]))
    names = [""] if by is None else list(dict.fromkeys(rows[by]))
    made = panels(titles, height=2.6, sharey=False)
    for ax, title in zip(made, titles, strict=True):
        here = rows[rows["panel"] == title]
        handles = [
            _dots(ax, here if by is None else here[here[by] == name], number) for number, name in enumerate(names)
        ]
        # Long bars of few seeds leave the frame, so that dots do not crowd in its middle.
        dots = here[["predicted", "measured"]].to_numpy(dtype=float)
        margin = 0.12 * max(float(np.ptp(dots)), 0.01)
        low, high = dots.min() - margin, dots.max() + margin
        ax.plot([low, high], [low, high], color=QUIET, linewidth=1.0, zorder=0)
        ax.set(xlim=(low, high), ylim=(low, high))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    name_axes(made, "predicted", "measured")
    if by is not None:
        legend(made[-1], handles, [str(name) for name in names], title=by)
    return figure_of(made[0])


def _dots(ax: Axes, rows: pd.DataFrame, number: int) -> Artist:
    x, y = (rows[name].to_numpy(dtype=float) for name in ("predicted", "measured"))
    reach = np.nan_to_num(np.abs(np.array([y - rows["low"], rows["high"] - y], dtype=float)))
    colour = COLOURS[number % LINES]
    ax.errorbar(x, y, yerr=reach, fmt="none", ecolor=colour, linewidth=0.8, alpha=0.5)
    return ax.plot(x, y, color=colour, marker=MARKERS[number % LINES], linestyle="none", markersize=4.0)[0]
