"""Where models are drawn, and past what the eye can hold, which communities they form."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import igraph
import numpy as np
from numpy.typing import NDArray

from analysis.explorer.record import Array, Ints, Network

MOST_MODELS = 2000
"""More models than this are drawn as communities."""

MOST_COMMUNITIES = 150
"""Communities past the largest ones are put together."""

LINES = 4
"""Between communities so many lines a node are drawn, the strongest."""

_DRAWING = Lock()
"""igraph has one source of random numbers for all threads."""

_RING = 3
_STEPS = 300
_FAR = 1.4
_CLOSE = 0.96


@dataclass(frozen=True)
class Picture:
    """Nodes and lines to draw.

    Attributes
    ----------
    node : ndarray
        The node that each model is drawn in, ``[models]``.
    place : ndarray
        Where nodes are, from 0 to 1, ``[nodes, 2]``.
    source, target : ndarray
        Ends of the lines, numbers of nodes, ``[lines]``.
    both : ndarray
        Which lines go both ways, ``[lines]``.
    weight : ndarray
        Sum of the weights of the edges that a line stands for, ``[lines]``.
    grouped : bool
        Whether nodes are communities, not models.
    """

    node: Ints
    place: Array
    source: Ints
    target: Ints
    both: NDArray[np.bool_]
    weight: Array
    grouped: bool

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.place)

    def members(self, node: int) -> Ints:
        """Return the models drawn in a node."""
        return np.flatnonzero(self.node == node)

    def means(self, values: Array) -> Array:
        """Return the mean over each node's models of a number per model, NaN left out, ``[nodes]``."""
        known = np.isfinite(values)
        total = np.bincount(self.node[known], weights=values[known], minlength=self.nodes)
        count = np.bincount(self.node[known], minlength=self.nodes)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def picture(models: int, network: Network) -> Picture:
    """Return the picture of a network: every model, or its communities where there are too many.

    Parameters
    ----------
    models : int
        How many models there are.
    network : Network
        Every edge that there ever is; a picture does not move when edges come and go.
    """
    grouped = models > MOST_MODELS
    with _same_draws():
        node = _communities(models, network) if grouped else np.arange(models)
        source, target, both, weight = _lines(node, network)
        place = _places(int(node.max()) + 1, source, target)
    if grouped and len(weight) > LINES * len(place):
        strong = np.argsort(-weight, kind="stable")[: LINES * len(place)]
        source, target, both, weight = source[strong], target[strong], both[strong], weight[strong]
    return Picture(node, place, source, target, both, weight, grouped)


@contextmanager
def _same_draws() -> Iterator[None]:
    """Let igraph draw the same numbers each time, so that a network always looks the same."""
    with _DRAWING:
        igraph.set_random_number_generator(random.Random(0))
        try:
            yield
        finally:
            igraph.set_random_number_generator(random)


def _communities(models: int, network: Network) -> Ints:
    """Return each model's community, by modularity (Blondel et al. 2008); the largest have the smallest numbers."""
    graph = igraph.Graph(n=models, edges=list(zip(network.source.tolist(), network.target.tolist(), strict=True)))
    found = np.array(graph.simplify().community_multilevel().membership)
    order = np.argsort(-np.bincount(found), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.minimum(rank[found], MOST_COMMUNITIES - 1)


def _lines(node: Ints, network: Network) -> tuple[Ints, Ints, NDArray[np.bool_], Array]:
    """Return one line for each pair of nodes that are joined, whichever way."""
    source, target = node[network.source], node[network.target]
    apart = source != target
    source, target, weight = source[apart], target[apart], network.weight[apart]
    if not len(source):
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0, dtype=bool), np.zeros(0)
    pairs, line = np.unique(
        np.stack([np.minimum(source, target), np.maximum(source, target)]), axis=1, return_inverse=True
    )
    line = line.ravel()
    up = np.bincount(line, weights=source < target) > 0
    down = np.bincount(line, weights=source > target) > 0
    low, high = pairs
    return (
        np.where(up, low, high),
        np.where(up, high, low),
        up & down,
        np.bincount(line, weights=weight).astype(np.float64),
    )


def _places(nodes: int, source: Ints, target: Ints) -> Array:
    """Return places from 0 to 1: a ring of few, forces among more; what is joined to nothing stands below."""
    joined = np.zeros(nodes, dtype=bool)
    joined[source] = joined[target] = True
    if nodes <= _RING or not joined.any():
        return _grid(nodes) if nodes > _RING else _ring(nodes)
    kept = np.flatnonzero(joined)
    number = np.cumsum(joined) - 1
    edges = list(zip(number[source].tolist(), number[target].tolist(), strict=True))
    graph = igraph.Graph(n=len(kept), edges=edges)
    start = np.random.default_rng(0).uniform(-1.0, 1.0, size=(len(kept), 2)) * np.sqrt(len(kept))
    found = np.array(graph.layout_fruchterman_reingold(niter=_STEPS, seed=start.tolist(), grid=True).coords)
    place = np.empty((nodes, 2))
    place[kept] = _even(found)
    alone = np.flatnonzero(~joined)
    if len(alone):
        place[kept, 1] *= 0.85
        across = np.linspace(0.0, 1.0, len(alone) + 2)[1:-1]
        place[alone] = np.stack([across, np.full(len(alone), 0.97)], axis=1)
    return place


def _even(coords: Array) -> Array:
    """Return places from 0 to 1; the few that forces drove far out are brought nearer."""
    centre = np.median(coords, axis=0)
    away = coords - centre
    distance = np.linalg.norm(away, axis=1)
    usual = max(float(np.quantile(distance, _CLOSE)), 1e-9)
    squeezed = np.where(
        distance > usual, usual * (1 + np.log(np.maximum(distance / usual, 1.0)) * (_FAR - 1)), distance
    )
    away = away * (squeezed / np.maximum(distance, 1e-9))[:, None]
    low, high = away.min(axis=0), away.max(axis=0)
    return (away - low) / np.maximum(high - low, 1e-9)


def _ring(nodes: int) -> Array:
    if nodes == 1:
        return np.array([[0.5, 0.5]])
    angle = np.pi - 2 * np.pi * np.arange(nodes) / nodes
    return np.stack([0.5 + 0.45 * np.cos(angle), 0.5 + 0.45 * np.sin(angle)], axis=1)


def _grid(nodes: int) -> Array:
    columns = int(np.ceil(np.sqrt(nodes)))
    index = np.arange(nodes)
    rows = max(int(np.ceil(nodes / columns)) - 1, 1)
    return np.stack([index % columns / max(columns - 1, 1), index // columns / rows], axis=1)
