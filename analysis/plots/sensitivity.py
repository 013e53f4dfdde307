"""Which parameters a result depends on, as bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import COLOURS, axes, figure_of, legend, panels, plain

_SOBOL = (("first", "alone (first order)", ""), ("total", "with others (total order)", "////"))
_OWN = ("parameter", "order", "index", "low", "high", "n", "variance", "level", "method", "mu", "mu_star", "sigma")
_BAR = 0.36


def sensitivity(table: pd.DataFrame, ax: Axes | None = None) -> Figure:
    """Draw Sobol's indices, or Morris' effects, as bars with their intervals, the largest on top.

    Parameters
    ----------
    table : DataFrame
        From `analysis.sobol` (a bar for each order) or `analysis.morris` (bars are μ*, marks σ).
    ax : Axes, optional
        Where to draw the indices at one point of the other forms of the sweep; a new figure, with a panel for each
        such point, by default.
    """
    beside = [str(name) for name in table.columns if name not in _OWN]
    parts = [rows for _, rows in table.groupby(beside, sort=False, dropna=False)] if beside else [table]
    if ax is not None and len(parts) > 1:
        raise ValueError(f"one axis shows the indices at one point; the table has {len(parts)} ({', '.join(beside)})")
    size = "index" if "index" in table.columns else "mu_star"
    names = table.groupby("parameter", sort=False)[size].max().sort_values(ascending=False).index.tolist()
    if ax is not None:
        made = [axes(ax)]
    else:
        titles = [", ".join(f"{name} = {rows[name].iloc[0]}" for name in beside) for rows in parts]
        made = panels(titles, height=1.2 + 0.35 * len(names))
    for drawn, rows in zip(made, parts, strict=True):
        handles = _indices(drawn, rows, names) if size == "index" else _effects(drawn, rows, names)
        drawn.grid(axis="y", visible=False)
        drawn.grid(axis="x", color="0.9", linewidth=0.8)
        drawn.set_yticks(range(len(names)), [plain(name) for name in names])
        drawn.set_ylim(len(names) - 0.5, -0.5)
    legend(made[-1], list(handles.values()), list(handles))
    return figure_of(made[0])


def _indices(ax: Axes, rows: pd.DataFrame, names: list[str]) -> dict[str, Artist]:
    ax.set_xlabel("part of the result’s variance (Sobol’s index)")
    handles: dict[str, Artist] = {}
    for number, (order, told, hatch) in enumerate(_SOBOL):
        own = rows[rows["order"] == order].set_index("parameter").reindex(names)
        at = np.arange(len(names)) + (number - 0.5) * _BAR
        handles[told] = _bars(ax, own, "index", at, {"color": COLOURS[number], "hatch": hatch, "height": _BAR})
    return handles


def _effects(ax: Axes, rows: pd.DataFrame, names: list[str]) -> dict[str, Artist]:
    ax.set_xlabel("change of the result over a parameter’s range")
    own = rows.set_index("parameter").reindex(names)
    at = np.arange(len(names), dtype=float)
    bars = _bars(ax, own, "mu_star", at, {"color": COLOURS[0], "height": 2 * _BAR})
    marks = ax.plot(own["sigma"], at, marker="D", color="black", linestyle="none", markersize=5)[0]
    return {"mean size μ*": bars, "spread σ (interactions)": marks}


def _bars(ax: Axes, rows: pd.DataFrame, size: str, at: Any, style: dict[str, Any]) -> Artist:
    values = rows[size].to_numpy(dtype=float)
    reach = np.nan_to_num(np.abs(np.array([values - rows["low"], rows["high"] - values], dtype=float)))
    bars = ax.barh(at, values, edgecolor="white", linewidth=0.5, **style)
    ax.errorbar(values, at, xerr=reach, fmt="none", ecolor="0.25", capsize=2.5, linewidth=1.1)
    return bars[0]
