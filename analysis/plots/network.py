"""The network, coloured by what its models reach: every model of a small one, communities of a large one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import igraph
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from numpy.typing import NDArray

from analysis.plots.communities import communities, scale
from analysis.plots.style import SMALL, figure_of, legend, plain
from analysis.plots.wording import on_axis
from ecosystem.errors import EcosystemError

LARGEST = 2000
"""The most models that are drawn one by one: more are a hairball, of which communities are drawn."""

_NAMED = 24
_ARROWS = 60
_RASTER = 1000
_COLOURS = "viridis"


def network(edges: pd.DataFrame, models: pd.DataFrame, ax: Axes | None = None, column: str = "alignment") -> Figure:
    """Draw who learns from whom; colours say what models reach, diamonds who is curated.

    Places come from igraph (Kamada–Kawai up to 100 models, Fruchterman–Reingold beyond), always the same ones. Of
    more than 2,000 models communities are drawn (Louvain: Blondel et al. 2008, arXiv 0803.0476).

    Parameters
    ----------
    edges : DataFrame
        Rows of one network: `source`, `target`, and `weight`, where there are weights; from ``results.network``.
        An edge that an event has cut (`until`) is left out.
    models : DataFrame
        A row a model: `model`, the quantity, and `distance` (0 for a curated model), where it is known; from
        ``results.last("models")`` of one run.
    ax : Axes, optional
        Where to draw; a new figure by default.
    column : str
        The quantity; a model without it is drawn white.

    Raises
    ------
    EcosystemError
        The edges are those of several networks, or a model has several rows.
    """
    if "network" in edges.columns and edges["network"].nunique() > 1:
        raise EcosystemError(f"these are edges of {edges['network'].nunique()} networks; draw one of them")
    if models["model"].duplicated().any():
        raise EcosystemError("a model has several rows; draw one round of one run")
    models = _with_unrecorded(edges, models)
    drawn = Figure(figsize=(6.8, 5.6), layout="constrained").add_subplot() if ax is None else ax
    drawn.set_axis_off()
    graph = _graph(edges, models)
    values = models[column].to_numpy(dtype=float, na_value=np.nan)
    curated = models["distance"].eq(0).fillna(False).to_numpy(dtype=bool) if "distance" in models else None
    with _same_places():
        if len(models) > LARGEST:
            image = communities(drawn, graph, values, curated, _COLOURS)
        else:
            image = _nodes(drawn, graph, values, curated)
    colours = figure_of(drawn).colorbar(image, ax=drawn, label=on_axis(column), shrink=0.7, pad=0.02, aspect=25)
    colours.outline.set_visible(False)
    drawn.set_aspect("equal", adjustable="datalim")
    return figure_of(drawn)


def _with_unrecorded(edges: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Return models with those of which there is no row, but an edge."""
    known = models["model"].astype(str)
    ends = pd.concat([edges["source"], edges["target"]]).astype(str).drop_duplicates()
    unknown = pd.DataFrame({"model": ends[~ends.isin(known)]})
    return pd.concat([models.assign(model=known), unknown], ignore_index=True) if len(unknown) else models


def _graph(edges: pd.DataFrame, models: pd.DataFrame) -> igraph.Graph:
    if "until" in edges.columns:
        edges = edges[edges["until"].isna()]
    number = {str(name): place for place, name in enumerate(models["model"])}
    ends = [edges[end].astype(str).map(number).to_numpy() for end in ("source", "target")]
    graph = igraph.Graph(n=len(models), edges=np.stack(ends, axis=1), directed=True)
    graph.es["weight"] = edges["weight"].to_numpy(dtype=float) if "weight" in edges.columns else 1.0
    graph.vs["name"] = [str(name) for name in models["model"]]
    return graph


@contextmanager
def _same_places() -> Iterator[None]:
    """Let igraph draw the same numbers each time, and give it back what it drew from before."""
    igraph.set_random_number_generator(random.Random(0))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)


def _nodes(
    ax: Axes, graph: igraph.Graph, values: NDArray[np.float64], curated: NDArray[np.bool_] | None
) -> ScalarMappable:
    count = graph.vcount()
    layout = graph.layout_kamada_kawai() if count <= 100 else graph.layout_fruchterman_reingold(niter=300)
    places = np.array(layout.coords)
    size, norm = _size(count), scale(values)
    _edges(ax, graph, places, size)
    image = ScalarMappable(norm=norm, cmap=_COLOURS)
    faces = image.to_rgba(np.nan_to_num(values, nan=norm.vmin or 0.0))
    faces[~np.isfinite(values)] = 1.0
    told_apart = curated is not None and curated.any() and not curated.all()
    kinds = [("not curated", ~curated), ("curated", curated)] if told_apart else [("model", np.ones(count, dtype=bool))]  # type: ignore[operator]
    handles: list[Any] = []
    for number, (_, which) in enumerate(kinds):
        style: dict[str, Any] = {
            "marker": "oD"[number],
            "edgecolors": ["0.35", "black"][number],
            "linewidths": size**0.5 / [25, 10][number],
        }
        ax.scatter(places[which, 0], places[which, 1], s=size * [1.0, 0.8][number], c=faces[which], zorder=2, **style)
        handles.append(ax.scatter([], [], s=40, c="0.7", **style))
    if told_apart:
        legend(ax, handles, [told for told, _ in kinds])
    if count <= _NAMED:
        for name, place in zip(graph.vs["name"], places, strict=True):
            above = (0, 9 + size / 60)
            ax.annotate(plain(name), place, above, textcoords="offset points", ha="center", fontsize=SMALL)
    ax.margins(0.08)
    return image


def _size(count: int) -> float:
    """Return the area of a node, in square points: less where there are many."""
    return float(np.clip(9000 / max(count, 1), 12, 260))


def _edges(ax: Axes, graph: igraph.Graph, places: NDArray[np.float64], size: float) -> None:
    pairs = [edge.tuple for edge in graph.es if edge.source != edge.target]
    if 0 < len(pairs) <= _ARROWS:
        reach = size**0.5 / 2 + 2
        for source, target in pairs:
            bend = 0.12 if (target, source) in pairs else 0.0
            ax.add_patch(
                FancyArrowPatch(
                    places[source],
                    places[target],
                    arrowstyle="-|>",
                    mutation_scale=9,
                    shrinkA=reach,
                    shrinkB=reach,
                    connectionstyle=f"arc3,rad={bend}",
                    color="0.55",
                    linewidth=0.9,
                    zorder=1,
                )
            )
        return
    both = {(min(pair), max(pair)) for pair in pairs}
    segments = [(places[a], places[b]) for a, b in sorted(both)]
    alpha = float(np.clip(400 / max(len(segments), 1), 0.12, 0.6))
    lines = LineCollection(segments, colors="0.4", linewidths=0.5, alpha=alpha, zorder=1)
    lines.set_rasterized(len(segments) > _RASTER)
    ax.add_collection(lines)
