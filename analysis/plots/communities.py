"""A large network as its communities."""

from __future__ import annotations

import igraph
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Circle, Wedge
from numpy.typing import NDArray

from analysis.plots.style import SMALL, number

_MOST = 60


def communities(
    ax: Axes,
    graph: igraph.Graph,
    values: NDArray[np.float64],
    curated: NDArray[np.bool_] | None,
    colours: str,
) -> ScalarMappable:
    """Draw a disc for each community: its area is the number of models, its colour their mean.

    The dark part of the ring around a disc is the share of its models that are curated; a line is as wide as there
    are edges between two communities. Of more than 60 communities the largest are drawn.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    graph : igraph.Graph
        The network; edges with `weight`.
    values, curated
        What models reach, and who is curated, ``[models]``.
    colours : str
        Colours from the lowest mean to the highest.

    Returns
    -------
    ScalarMappable
        How means became colours.
    """
    whole = graph.as_undirected(mode="collapse", combine_edges="sum").simplify(combine_edges="sum")
    found = whole.community_multilevel(weights="weight")
    member = np.array(found.membership)
    sizes = np.bincount(member)
    kept = np.argsort(-sizes, kind="stable")[:_MOST]
    whole.es["count"] = 1
    whole.contract_vertices(member.tolist())
    whole = whole.simplify(combine_edges={"count": "sum", "weight": "sum"}).induced_subgraph(kept.tolist())
    order = np.sort(kept)  # a subgraph keeps the order of its whole
    places = np.array(whole.layout_fruchterman_reingold(niter=1000, weights=np.sqrt(whole.es["count"])).coords)
    radius = _radii(places, sizes[order])
    means = np.array([_mean(values[member == community]) for community in order])
    image = ScalarMappable(norm=scale(means), cmap=colours)
    widest = max(whole.es["count"], default=1)
    for edge in whole.es:
        ends = places[list(edge.tuple)]
        share = edge["count"] / widest
        ax.plot(*ends.T, color="0.4", linewidth=0.3 + 3.5 * share, alpha=0.15 + 0.4 * share, zorder=1)
    for place, community, mean, r in zip(places, order, means, radius, strict=True):
        own = member == community
        ax.add_patch(Circle(place, r, facecolor=image.to_rgba(mean) if np.isfinite(mean) else "white", zorder=2))
        ax.add_patch(Wedge(place, 1.22 * r, 0, 360, width=0.22 * r, facecolor="0.88", edgecolor="none", zorder=2))
        if curated is not None and curated[own].any():
            until = 90 - 360 * float(curated[own].mean())
            ax.add_patch(Wedge(place, 1.22 * r, until, 90, width=0.22 * r, facecolor="black", zorder=3))
    ax.autoscale_view()
    shown, count = int(sizes[order].sum()), len(sizes)
    told = f"{count:,} communities of {number(float(np.median(sizes)))} models (median)"
    if count == 1:
        told = f"one community of {shown:,} models"
    if count > _MOST:
        told = f"the {_MOST} largest of {count:,} communities, {shown / sizes.sum():.0%} of {sizes.sum():,} models"
    ring = "" if curated is None or not curated.any() else "; black: share of a community that is curated"
    ax.set_title(f"{told}{ring}", fontsize=SMALL, loc="left")
    return image


def scale(values: NDArray[np.float64]) -> Normalize:
    """Return the scale from the least value to the largest, whatever is missing."""
    found = values[np.isfinite(values)]
    return Normalize(float(found.min()), float(found.max())) if len(found) else Normalize(0.0, 1.0)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _radii(places: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return radii whose squares are as the sizes are, as large as lets few discs overlap."""
    if len(places) == 1:
        return np.array([1.0])
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    together = np.sqrt(sizes)[:, None] + np.sqrt(sizes)[None]
    upper = np.triu_indices(len(places), 1)
    return np.sqrt(sizes) * float(np.quantile(apart[upper] / together[upper], 0.003)) / 1.25
