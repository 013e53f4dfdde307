"""Bias over rounds, drawn in the values of the groups that it is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.plots.runs import mean_over_runs
from analysis.plots.style import (
    COLOURS,
    LINES,
    QUIET,
    axes,
    every,
    figure_of,
    legend,
    look,
    name_axes,
    panel,
    panels,
    rounds,
)
from analysis.plots.wording import on_axis

_MEAN: dict[str, Any] = {"color": "black", "linewidth": 2.4}
_GAP: dict[str, Any] = {"facecolor": "0.85", "edgecolor": "none"}


def bias(groups: pd.DataFrame, ax: Axes | None = None, column: str = "lean", facet: str | None = None) -> Figure:
    """Draw every group's value over rounds, and the bias as what it is: a mean off one half, or a gap.

    *Preference bias* is the mean of the groups' leans less ½ (Wang et al. 2026, arXiv 2601.05184): of the column
    `lean` the mean is drawn as a thick line, and ½ beside it. *Disparate bias* is the largest less the smallest
    quality, or satisfaction: of any other column but shares, the gap between groups is shaded.

    Parameters
    ----------
    groups : DataFrame
        Rows with `round`, `group` and the quantity; with `seed` or `run`, where intervals are wanted.
    ax : Axes, optional
        Where to draw; a new figure by default.
    column : str
        `lean`, `quality`, `satisfaction`, `share`, `active`, or another score.
    facet : str, optional
        A column whose values (points of a sweep, say) get a panel each, in a new figure.

    Returns
    -------
    Figure
        Shades beside a line are Student's 95% interval of the mean over runs. Of more groups than can be told
        apart, the first ones are drawn, and the mean or gap is that of all.
    """
    if facet is not None and ax is not None:
        raise ValueError("panels (facet) want a figure of their own: leave out ax")
    if facet is None:
        made, parts = [axes(ax)], [groups]
    else:
        parts = [rows for _, rows in groups.groupby(facet, sort=False, observed=True)]
        made = panels([panel(facet, rows[facet].iloc[0]) for rows in parts], height=2.3)
    names = list(dict.fromkeys(groups["group"].astype(str)))
    for drawn, rows in zip(made, parts, strict=True):
        rounds(drawn)
        handles = _panel(drawn, rows.assign(group=rows["group"].astype(str)), column, names)
    name_axes(made, "round", on_axis(column))
    legend(made[-1], list(handles.values()), list(handles))
    return figure_of(made[0])


def _panel(ax: Axes, rows: pd.DataFrame, column: str, names: list[str]) -> dict[str, Artist]:
    means = mean_over_runs(rows, column, ["group"])
    handles: dict[str, Artist] = {}
    for number, name in enumerate(names[: LINES - 1]):
        line = means[means["group"] == name].sort_values("round")
        style = look(number)
        handles[name] = ax.plot(line["round"], line["mean"], markevery=every(len(line), number), **style)[0]
        if (line["high"] > line["low"]).any():
            ax.fill_between(line["round"], line["low"], line["high"], color=style["color"], alpha=0.2, linewidth=0)
    across = means.groupby("round")["mean"]
    if column == "lean":
        mean = across.mean()
        handles["mean: preference bias above ½"] = ax.plot(mean.index, mean, zorder=1.9, **_MEAN)[0]
        ax.axhline(0.5, color=QUIET, linewidth=1.0, linestyle=":", zorder=1)
    elif column not in ("share", "active") and len(names) > 1:
        ax.fill_between(across.max().index, across.min(), across.max(), zorder=0.5, **_GAP)
        handles["gap: disparate bias"] = Patch(**_GAP)
    if len(names) >= LINES:
        handles[f"{len(names) - LINES + 1} more groups not drawn"] = Line2D([], [], linestyle="none", color=COLOURS[-1])
    return handles
