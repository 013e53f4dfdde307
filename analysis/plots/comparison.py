"""What variants change against a baseline, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.plots.style import COLOURS, LINES, MARKERS, QUIET, axes, figure_of, legend, panels, plain
from analysis.plots.wording import in_text


def comparison(table: pd.DataFrame, ax: Axes | None = None) -> Figure:
    """Draw the difference that each variant makes to each quantity: a dot with its 95% interval.

    Parameters
    ----------
    table : DataFrame
        From `analysis.compare`, or `analysis.bias_changes`, of one round.
    ax : Axes, optional
        Where to draw a table of one quantity; a new figure with a panel for each quantity by default.

    Returns
    -------
    Figure
        Variants from top to bottom. Where other settings or groups are told apart, each has a mark of its own. A
        dot without a bar is of a single seed.
    """
    quantities = list(dict.fromkeys(table["quantity"]))
    if ax is not None and len(quantities) > 1:
        raise ValueError(f"one axis shows one quantity; the table has {', '.join(quantities)}")
    columns = [str(name) for name in table.columns]
    place = columns.index("baseline")
    vary, others = columns[place - 1], [*columns[: place - 1], *columns[place + 1 : columns.index("quantity")]]
    if "group" in columns and "group" not in others and table["group"].notna().any():
        others.append("group")
    # What is of no group, such as a bias, has missing there.
    told_apart = [", ".join(str(each) for each in row if not pd.isna(each)) for row in table[others].to_numpy(object)]
    rows = table.assign(variant=table[vary].astype(str), told=told_apart)
    variants, told = list(dict.fromkeys(rows["variant"])), list(dict.fromkeys(rows["told"]))
    if len(told) > LINES:
        raise ValueError(f"{', '.join(others)} has {len(told)} combinations; {LINES} can be told apart")
    if ax is not None:
        made = [axes(ax)]
    else:
        made = panels([in_text(name) for name in quantities], height=0.9 + 0.1 * len(variants) * (len(told) + 2))
    handles: dict[str, Artist] = {}
    for drawn, quantity in zip(made, quantities, strict=True):
        handles |= _panel(drawn, rows[rows["quantity"] == quantity], variants, told)
        drawn.set_xlabel("difference from " + plain(table["baseline"].iloc[0]))
        drawn.xaxis.set_major_locator(MaxNLocator(nbins=4))
    if others:
        named = {name: handles[name] for name in told if name}
        title = None if others == ["group"] else ", ".join(others)
        legend(made[-1], list(named.values()), list(named), title=title)
    return figure_of(made[0])


def _panel(ax: Axes, rows: pd.DataFrame, variants: list[str], told: list[str]) -> dict[str, Artist]:
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.axvline(0.0, color=QUIET, linewidth=1.0)
    handles: dict[str, Artist] = {}
    here = [name for name in told if (rows["told"] == name).any()]
    for place, name in enumerate(here):
        own, number = rows[rows["told"] == name], told.index(name)
        at = np.array([variants.index(variant) for variant in own["variant"]], dtype=float)
        at += (place - (len(here) - 1) / 2) * 0.6 / max(len(here), 2)
        mean = own["difference"].to_numpy(dtype=float)
        style: dict[str, Any] = {"color": COLOURS[number], "marker": MARKERS[number], "linestyle": "none"}
        reach = np.nan_to_num(np.abs(np.array([mean - own["low"], own["high"] - mean], dtype=float)))
        ax.errorbar(mean, at, xerr=reach, fmt="none", ecolor=COLOURS[number], capsize=2.5, linewidth=1.4)
        handles[name] = ax.plot(mean, at, markersize=5.5, **style)[0]
    ax.set_yticks(range(len(variants)), [plain(name) for name in variants])
    ax.set_ylim(len(variants) - 0.5, -0.5)
    return handles
