"""What models gain, by their distance from the nearest curated model or by community."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.plots.style import COLOURS, LINES, QUIET, SMALL, axes, figure_of, legend, look, number, plain
from analysis.reach import decay_of

_OWN = ("start", "end", "gain", "spread", "end_low", "end_high", "low", "high", "n", "level", "method")
_KEYS = ("distance", "network", "community", "models", "curated")
_SMOOTH = 100


def propagation(
    table: pd.DataFrame, ax: Axes | None = None, quantity: str = "alignment", fit: pd.DataFrame | None = None
) -> Figure:
    """Draw what models gain by distance from the curated, with the fitted decay; or by community.

    Parameters
    ----------
    table : DataFrame
        From `analysis.propagation`; a line per swept point.
    ax : Axes, optional
        Where to draw; a new figure by default.
    quantity : str
        What is gained.
    fit : DataFrame, optional
        From `analysis.decay`: its curves are drawn. By default gain = size · exp(−distance / length) is fitted to
        the table, each distance by the number of its models.

    Returns
    -------
    Figure
        Bars are the intervals of the table, where several seeds were run; with one seed they are one standard
        deviation over models. Of communities a mark each, its area the number of models.

    Raises
    ------
    ValueError
        More swept points than lines that can be told apart.
    """
    drawn = axes(ax)
    swept = [str(name) for name in table.columns if name not in (*_OWN, *_KEYS)]
    drawn.axhline(0.0, color=QUIET, linewidth=1.0, zorder=1)
    if "community" in table.columns:
        return _communities(drawn, table, quantity)
    reached = table.dropna(subset=["distance", "gain"])
    parts = list(reached.groupby(swept, sort=False, dropna=False)) if swept else [((), reached)]
    if len(parts) > LINES:
        raise ValueError(f"{', '.join(swept)} take {len(parts)} values together; {LINES} lines can be told apart")
    handles: dict[str, Artist] = {}
    for place, (values, rows) in enumerate(parts):
        told = ", ".join(f"{name} = {value}" for name, value in zip(swept, values, strict=True))
        curve = (decay_of(_each(rows)) if fit is None else _at(fit, swept, values)).iloc[0]
        name = f"{told}: {_length(curve)}" if told else f"mean gain: {_length(curve)}"
        handles[name] = _line(drawn, rows, curve, place)
    if not swept:
        _counts(drawn, reached)
    drawn.set_xlabel("hops from the nearest curated model")
    drawn.set_ylabel(f"gain in {quantity} since the start")
    drawn.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawn.margins(x=0.08)
    if handles and len(reached):
        legend(drawn, list(handles.values()), list(handles))
    else:
        drawn.text(0.5, 0.5, "no model is curated", transform=drawn.transAxes, ha="center")
    return figure_of(drawn)


def _line(ax: Axes, rows: pd.DataFrame, curve: pd.Series[float], place: int) -> Artist:
    style = look(place) | {"linestyle": "none"}
    at, gain = rows["distance"].to_numpy(dtype=float), rows["gain"].to_numpy(dtype=float)
    reach = np.array([gain - rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float) - gain])
    if np.isnan(reach).all():
        reach = np.array([rows["spread"].to_numpy(dtype=float)] * 2)
    ax.errorbar(
        at, gain, yerr=np.nan_to_num(np.abs(reach)), fmt="none", ecolor=style["color"], capsize=3, linewidth=1.2
    )
    if np.isfinite(curve["length"]):
        x = np.linspace(at.min(), at.max(), _SMOOTH)
        fitted = curve["size"] * np.exp(-x / curve["length"])
        ax.plot(x, fitted, color=style["color"], linestyle=look(place)["linestyle"], linewidth=1.3)
    return ax.plot(at, gain, **style)[0]


def _counts(ax: Axes, rows: pd.DataFrame) -> None:
    """Say how many models each mean is of."""
    for distance, gain, count in zip(rows["distance"], rows["gain"], rows["models"], strict=True):
        told = f"{count:,} model{'s' if count != 1 else ''}"
        ax.annotate(told, (float(distance), gain), (9, 5), textcoords="offset points", fontsize=SMALL)


def _each(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each model, with the mean gain of its distance: least squares finds the same curve."""
    return rows.loc[rows.index.repeat(rows["models"]), ["distance", "gain"]]


def _at(fit: pd.DataFrame, swept: list[str], values: tuple[object, ...]) -> pd.DataFrame:
    for name, value in zip(swept, values, strict=True):
        fit = fit[fit[name] == value]
    return fit


def _length(curve: pd.Series[float]) -> str:
    """Say in words how fast gains fall."""
    if not np.isfinite(curve["length"]) or curve["length"] <= 0:
        return "no decay"
    return f"1/e in {number(float(curve['length']), 2)} hops"


def _communities(ax: Axes, table: pd.DataFrame, quantity: str) -> Figure:
    share = table["curated"].to_numpy(dtype=float) / table["models"].to_numpy(dtype=float)
    gain = table["gain"].to_numpy(dtype=float)
    low, high = (table[name].to_numpy(dtype=float) for name in ("low", "high"))
    reach = np.nan_to_num(np.abs(np.array([gain - low, high - gain])))
    ax.errorbar(share, gain, yerr=reach, fmt="none", ecolor=QUIET, linewidth=1.0, zorder=2)
    area = 300 * table["models"].to_numpy(dtype=float) / float(table["models"].max())
    ax.scatter(share, gain, s=np.maximum(area, 8), color=COLOURS[0], alpha=0.6, edgecolors="black", zorder=3)
    ax.set_xlabel("curated share of a community’s models")
    ax.set_ylabel(f"gain in {plain(quantity)} since the start")
    return figure_of(ax)
