"""Influence as a heat map, and as arrows on the network of who influences whom."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from analysis.plots.style import COLOURS, figure_of, number, plain

_LABELS = 40
_ARROWS = 60
_WRITTEN = 8
_HELPS, _HARMS = COLOURS[0], COLOURS[1]


def influence(table: pd.DataFrame, ax: Axes | None = None) -> Figure:
    """Draw influence as a heat map: affected models by levers; red harms, blue helps.

    Parameters
    ----------
    table : DataFrame
        From `ecosystem.influence`: the matrix, or its rows (affected, lever, influence).
    ax : Axes, optional
        Where to draw; a new figure by default, which has arrows on the network beside the map if
        levers are models'.
    """
    matrix = _matrix(table)
    if ax is None:
        arrows = 1 < len(matrix) <= _LABELS and set(matrix.columns) <= set(matrix.index)
        figure = Figure(figsize=(9.6 if arrows else 5.6, 4.4), layout="constrained")
        ax = figure.add_subplot(1, 2 if arrows else 1, 1)
        if arrows:
            influence_arrows(matrix, figure.add_subplot(1, 2, 2))
    bound = _bound(matrix)
    # Self-influence is often far larger than the rest: small values are spread out, signs kept apart.
    norm = AsinhNorm(linear_width=bound / 100, vmin=-bound, vmax=bound)
    values = matrix.to_numpy(dtype=float)
    image = ax.imshow(values, cmap="RdBu", norm=norm, aspect="auto")
    for ticks, names in ((ax.xaxis, matrix.columns), (ax.yaxis, matrix.index)):
        few = len(names) <= _LABELS
        ticks.set_ticks(range(len(names)) if few else [], [plain(name) for name in names] if few else [])
    if values.size <= _WRITTEN**2:
        _write(ax, values, norm)
    ax.tick_params(axis="x", rotation=90 if len(matrix.columns) > 4 else 0)
    ax.set_xlabel(f"lever ({len(matrix.columns)})")
    ax.set_ylabel(f"affected model ({len(matrix)})")
    bar = figure_of(ax).colorbar(image, ax=ax, label="influence dJ/dλ (asinh scale)")
    bar.set_ticks([bound * part for part in (-1.0, -0.1, -0.01, 0.0, 0.01, 0.1, 1.0)])
    bar.formatter = FuncFormatter(lambda value, _: number(value, 2))
    bar.update_ticks()
    return figure_of(ax)


def _write(ax: Axes, values: NDArray[np.float64], norm: AsinhNorm) -> None:
    """Write values on their cells, so that a grey print shows signs."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            light = 0.2 < float(norm(value)) < 0.8
            ink = "black" if light else "white"
            ax.text(column, row, number(value, 3), ha="center", va="center", fontsize=8, color=ink)


def influence_arrows(table: pd.DataFrame, ax: Axes | None = None) -> Figure:
    """Draw the largest influences of models on models as arrows, and self-influence as colour of the nodes.

    Parameters
    ----------
    table : DataFrame
        From `ecosystem.influence`: the matrix, or its rows; levers are models'.
    ax : Axes, optional
        Where to draw; a new figure by default.
    """
    from ecosystem.influence.influence import as_rows  # torch takes its time

    matrix = _matrix(table)
    drawn = Figure(figsize=(5.6, 4.4), layout="constrained").add_subplot() if ax is None else ax
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(matrix.index)
    pairs = as_rows(matrix).dropna()
    pairs = pairs[(pairs["lever"] != pairs["affected"]) & (pairs["influence"].abs() > 1e-12)]
    pairs = pairs.sort_values("influence", key=abs, ascending=False)[:_ARROWS]
    for lever, affected, value in pairs[["lever", "affected", "influence"]].itertuples(index=False):
        graph.add_edge(lever, affected, influence=value)
    bound = _bound(matrix)
    place = nx.circular_layout(graph)
    own = [
        matrix[name].to_numpy(dtype=float)[place_of] if name in matrix.columns else np.nan
        for place_of, name in enumerate(matrix.index)
    ]
    colours = ["0.8" if np.isnan(value) or abs(value) < 1e-12 else _HELPS if value > 0 else _HARMS for value in own]
    nx.draw_networkx_nodes(graph, place, ax=drawn, node_color=colours, node_size=500 if len(graph) <= 12 else 120)
    values = [data["influence"] for _, _, data in graph.edges(data=True)]
    nx.draw_networkx_edges(
        graph,
        place,
        ax=drawn,
        edge_color=[_HELPS if value > 0 else _HARMS for value in values],
        style=["solid" if value > 0 else "dashed" for value in values],
        width=[0.5 + 3.0 * abs(value) / bound for value in values],
        connectionstyle="arc3,rad=0.15",
        node_size=500 if len(graph) <= 12 else 120,
    )
    if len(graph) <= 12:
        labels = {name: plain(name) for name in graph}
        nx.draw_networkx_labels(graph, place, labels, ax=drawn, font_color="white", font_size=9)
    drawn.set_title("blue: curation helps; orange, dashed: harms", fontsize=9)
    drawn.margins(0.15)
    drawn.set_axis_off()
    return figure_of(drawn)


def _matrix(table: pd.DataFrame) -> pd.DataFrame:
    if not {"affected", "lever", "influence"} <= set(table.columns):
        return table
    matrix = table.pivot(index="affected", columns="lever", values="influence")
    return matrix.reindex(index=table["affected"].unique(), columns=table["lever"].unique())


def _bound(matrix: pd.DataFrame) -> float:
    values = np.abs(matrix.to_numpy(dtype=float))
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    return largest if largest > 0 else 1.0
