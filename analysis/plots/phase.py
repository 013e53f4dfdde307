"""A quantity over two parameters, with the line on which it is 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from analysis.plots.style import figure_of, panels, plain


def phase_map(table: pd.DataFrame, ax: Axes | None = None, quantity: str = "") -> Figure:
    """Draw a phase map: a quantity over two parameters, with the line on which it is 0.

    Where it is negative there are strokes, too, so that a grey print shows the sign.

    Parameters
    ----------
    table : DataFrame
        Rows and columns are values of two parameters, their names those of the index and of the columns: from
        `ecosystem.influence.phase.phase_map`, or a pivot of results. Where there is no value, nothing is drawn.
    ax : Axes, optional
        Where to draw; a new figure by default.
    quantity : str
        What the colours mean.
    """
    drawn = Figure(figsize=(5.6, 4.4), layout="constrained").add_subplot() if ax is None else ax
    image = _map(drawn, table, *_scale([table]))
    drawn.set_xlabel(plain(table.columns.name))
    drawn.set_ylabel(plain(table.index.name))
    figure_of(drawn).colorbar(image, ax=drawn, label=quantity)
    return figure_of(drawn)


def phase_maps(tables: dict[str, pd.DataFrame], quantity: str = "") -> Figure:
    """Draw several phase maps beside one another, in the same colours: a panel for each entry."""
    made = panels(list(tables), height=2.8)
    scale = _scale(list(tables.values()))
    for drawn, table in zip(made, tables.values(), strict=True):
        drawn.grid(visible=False)
        image = _map(drawn, table, *scale)
        drawn.set_xlabel(plain(table.columns.name))
    first = next(iter(tables.values()))
    made[0].set_ylabel(plain(first.index.name))
    figure_of(made[0]).colorbar(image, ax=made, label=quantity)
    return figure_of(made[0])


def _scale(tables: list[pd.DataFrame]) -> tuple[str, float, float]:
    """Return colours and their ends: two colours where there are two signs."""
    values = np.concatenate([table.to_numpy(dtype=float).ravel() for table in tables])
    values = values[np.isfinite(values)]
    if not len(values):
        return "cividis", 0.0, 1.0
    if values.min() < 0:
        bound = float(np.abs(values).max())
        return "RdBu", -bound, bound
    return "cividis", float(values.min()), float(values.max())


def _map(ax: Axes, table: pd.DataFrame, colours: str, low: float, high: float) -> QuadMesh:
    table = table.sort_index(axis=0).sort_index(axis=1)
    values = np.ma.masked_invalid(table.to_numpy(dtype=float))
    x, y = (np.asarray(names, dtype=float) for names in (table.columns, table.index))
    image = ax.pcolormesh(x, y, values, cmap=colours, vmin=low, vmax=high, shading="nearest")
    if min(values.shape) > 1 and values.min() < 0 < values.max():
        _signs(ax, x, y, values)
    return image


def _signs(ax: Axes, x: Any, y: Any, values: Any) -> None:
    """Draw strokes where values are negative, to the edges of the outermost cells, and the line of zero."""
    x, y = (np.concatenate([[1.5 * at[0] - 0.5 * at[1]], at, [1.5 * at[-1] - 0.5 * at[-2]]]) for at in (x, y))
    padded = np.ma.masked_invalid(np.pad(values.filled(np.nan), 1, mode="edge"))
    strokes = ax.contourf(x, y, padded, levels=[padded.min() - 1.0, 0.0], colors="none", hatches=["///"])
    strokes.set(edgecolor="0.4", linewidth=0.0)
    ax.contour(x, y, padded, levels=[0.0], colors="black", linewidths=1.8)
