"""Alignment by distance from the nearest curated model."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import COLOURS, axes, figure_of

_OWN = (
    "distance",
    "models",
    "start",
    "end",
    "gain",
    "spread",
    "end_low",
    "end_high",
    "low",
    "high",
    "n",
    "level",
    "method",
)


def propagation(table: pd.DataFrame, ax: Axes | None = None, quantity: str = "alignment") -> Figure:
    """Draw what models had at the start and have at the end, by distance from the curated.

    Parameters
    ----------
    table : DataFrame
        From `analysis.propagation`; a line per swept point.
    ax : Axes, optional
        Where to draw; a new figure by default.
    quantity : str
        What the vertical axis is called.

    Returns
    -------
    Figure
        Bars on the lines are one standard deviation over models, on each side.
    """
    drawn = axes(ax)
    reached = table.dropna(subset=["distance"])
    swept = [name for name in table.columns if name not in _OWN]
    groups = reached.groupby(swept, sort=False) if swept else [((), reached)]
    for number, (values, rows) in enumerate(groups):
        colour = COLOURS[number % len(COLOURS)]
        label = ", ".join(f"{name} = {value}" for name, value in zip(swept, values, strict=True)) or "at the end"
        distance = rows["distance"].astype(float)
        drawn.errorbar(
            distance, rows["end"], yerr=rows["spread"].fillna(0), color=colour, marker="o", capsize=3, label=label
        )
        start = "at the start" if number == 0 else None
        drawn.plot(distance, rows["start"], color="0.55", linestyle="--", marker=".", zorder=1, label=start)
    if not swept:
        for distance, end, count in zip(reached["distance"], reached["end"], reached["models"], strict=True):
            drawn.annotate(
                f"{count:,} model{'s' if count != 1 else ''}",
                (float(distance), end),
                (8, 8),
                textcoords="offset points",
                fontsize=8,
            )
    drawn.set_xlabel("hops from the nearest curated model")
    drawn.set_ylabel(f"{quantity} (mean ± 1 s.d. over models)")
    if len(reached):
        drawn.set_xticks(sorted(reached["distance"].astype(int).unique()))
        drawn.margins(x=0.15)
        drawn.legend(frameon=False, fontsize=8)
    else:
        drawn.text(0.5, 0.5, "no model is curated", transform=drawn.transAxes, ha="center")
    return figure_of(drawn)
