"""The interaction graph: an edge j → i says that i learns from what j wrote."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.outputs.space import Space
from ecosystem.scenario.fields.events import Ends
from ecosystem.scenario.fields.network import Channel, Edge, EdgesNetwork, FileNetwork, GeneratedNetwork, Network
from ecosystem.world.generation import generate
from ecosystem.world.streams import derived_seed


def build(network: Network, names: Sequence[str], seed: int, base: Path) -> nx.DiGraph[str]:
    """Return the graph on the models' names, in model order.

    Parameters
    ----------
    network : EdgesNetwork, FileNetwork or GeneratedNetwork
        What the scenario says.
    names : sequence of str
        The models.
    seed : int
        The run's seed, from which a generator's own is drawn unless it has one.
    base : Path
        Where relative files are looked for.

    Returns
    -------
    networkx.DiGraph
        Edges carry `weight` and, where there is one, `channel`; those that are alike may carry one dictionary, so
        that who changes anything must do so in a copy of the graph.

    Raises
    ------
    EcosystemError
        A generator or file that does not fit the models.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    if isinstance(network, EdgesNetwork):
        for edge in network.edges:
            graph.add_edge(edge.source, edge.target, weight=edge.weight, **_carried(edge.channel))
        return graph
    if isinstance(network, GeneratedNetwork):
        drawn = derived_seed(seed, "network") if network.seed is None else network.seed
        carried = _carried(network.channel)
        plain = {"weight": 1.0, **carried}
        found = generate(network.generator, network.arguments, len(names), drawn, names, plain)
        for source, readers in found.adjacency():
            for target, data in readers.items():
                if data is plain:
                    continue
                weight = _weight(data, source, target)
                data.clear()
                data.update({"weight": weight, **carried})
        return found
    found = _read(network, names, base)
    graph.add_nodes_from((node, found.nodes[node]) for node in names)
    for source, target, data in found.edges(data=True):
        graph.add_edge(source, target, weight=_weight(data, source, target), **_carried(network.channel))
    return graph


def edited(graph: nx.DiGraph[str], edits: Sequence[Ends | Edge]) -> nx.DiGraph[str]:
    """Return the graph with edges cut, by their ends, and added, in the order given; itself without edits.

    Raises
    ------
    EcosystemError
        Where an edge to cut is not there, or one to add is there already.
    """
    if not edits:
        return graph
    found: nx.DiGraph[str] = nx.DiGraph(graph)
    for edit in edits:
        there = found.has_edge(edit.source, edit.target)
        ends = f"from {shorten(edit.source)} to {shorten(edit.target)}"
        if isinstance(edit, Edge):
            if there:
                raise EcosystemError(f"events: there is an edge {ends} already; cut it before one is added")
            found.add_edge(edit.source, edit.target, weight=edit.weight, **_carried(edit.channel))
        elif not there:
            raise EcosystemError(f"events: there is no edge {ends} to cut")
        else:
            found.remove_edge(edit.source, edit.target)
    return found


def _carried(channel: Channel | None) -> dict[str, Channel]:
    return {} if channel is None else {"channel": channel}


def _weight(data: dict[str, object], source: str, target: str) -> float:
    value = data.get("weight", 1.0)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise EcosystemError(
            f"network: the weight of the edge {shorten(source)} → {shorten(target)} "
            f"must be a number above 0 (got {shorten(value)})"
        )
    return float(value)


def _read(network: FileNetwork, names: Sequence[str], base: Path) -> nx.DiGraph[str]:
    path = base / network.file
    form = network.format or {".graphml": "graphml", ".xml": "graphml"}.get(path.suffix.lower(), "csv")
    try:
        graph = _read_csv(path) if form == "csv" else _read_graphml(path)
    except (OSError, ValueError, SyntaxError, KeyError, csv.Error, nx.NetworkXError) as error:
        raise EcosystemError(f"network.file: cannot read {path} as {form}: {error}") from error
    known = set(names)
    for node in graph:
        if node not in known:
            raise EcosystemError(
                f"network.file: {path} names a model {shorten(node)} that the scenario has not"
                f"{did_you_mean(node, names)}"
            )
    graph.add_nodes_from(names)
    return graph


def _read_csv(path: Path) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
        source = columns.get("from", columns.get("source"))
        target = columns.get("to", columns.get("target"))
        if source is None or target is None:
            raise ValueError(
                f"its first line must name the columns from, to and, if any, weight (got {rows.fieldnames})"
            )
        for row in rows:
            line = f"line {rows.line_num}"
            pair = ((row[source] or "").strip(), (row[target] or "").strip())
            if not all(pair):
                raise ValueError(f"{line}: names no model under {source if not pair[0] else target}")
            if graph.has_edge(*pair):
                raise ValueError(f"{line}: the edge {pair[0]} → {pair[1]} stands twice")
            graph.add_edge(*pair, weight=_number(row.get(columns.get("weight", "")) or "1", line))
    return graph


def _number(text: str, line: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ValueError(f"{line}: weight must be a number above 0 (got {text!r})")
    return weight


def _read_graphml(path: Path) -> nx.DiGraph[str]:
    graph = nx.read_graphml(path)
    if graph.is_multigraph():
        where = next((f": {s}, {t}" for s, t in graph.edges() if graph.number_of_edges(s, t) > 1), "")
        raise ValueError(f"two nodes are joined by more than one edge, give one the sum of the weights{where}")
    simple: nx.DiGraph[Any] = nx.DiGraph(graph)  # an undirected edge is one in both directions
    for kind, every in (("node_default", simple.nodes), ("edge_default", simple.edges)):
        for item in every:
            every[item].update(graph.graph[kind] | every[item])  # NetworkX reads defaults, but leaves them aside
    labels = {node: str(data.get("name", node)) for node, data in simple.nodes(data=True)}
    if len(set(labels.values())) < len(labels):
        raise ValueError("two nodes have one name")
    return nx.DiGraph(nx.relabel_nodes(simple, labels))


@dataclass(frozen=True)
class Edges:
    """The edges as arrays, sorted by reader.

    Attributes
    ----------
    source, target : ndarray
        Model numbers, ``[edges]``.
    weight : ndarray
        As given, ``[edges]``.
    share : ndarray
        Normalised over the edges into a reader, ``[edges]``.
    channel : ndarray
        Number of the edge's channel in `channels`, −1 where it has none, ``[edges]``.
    channels : ndarray
        What rows are multiplied by on their way, ``[channels, numbers, numbers]``.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    share: NDArray[np.float64]
    channel: NDArray[np.int64]
    channels: NDArray[np.float64]

    def readable(self, models: int) -> NDArray[np.bool_]:
        """Return which models have an in-neighbour, ``[models]``."""
        return np.bincount(self.target, minlength=models) > 0


def edges_of(graph: nx.DiGraph[str], names: Sequence[str], space: Space) -> Edges:
    """Return the graph's edges as arrays; equal channels are one."""
    number = {name: index for index, name in enumerate(names)}
    rows = [(number[name], readers) for name, readers in graph.adjacency()]
    every: list[dict[str, Any]] = [*chain.from_iterable(readers.values() for _, readers in rows)]
    author = np.repeat([index for index, _ in rows], [len(readers) for _, readers in rows]).astype(np.int64)
    reader = np.fromiter(
        map(number.__getitem__, chain.from_iterable(readers for _, readers in rows)), np.int64, len(every)
    )
    order = np.argsort(reader * len(names) + author)
    target, source = reader[order], author[order]
    weight = np.fromiter(map(itemgetter("weight"), every), np.float64, len(every))[order]
    distinct: dict[bytes, int] = {}
    matrices: list[NDArray[np.float64]] = []
    channel = np.full(len(order), -1, dtype=np.int64)
    carrying = max(map(len, every), default=0) > 1
    for index, carried in enumerate([every[place].get("channel") for place in order.tolist()] if carrying else []):
        if carried is None:
            continue
        matrix = space.channel(carried)
        key = matrix.tobytes()
        if key not in distinct:
            distinct[key] = len(matrices)
            matrices.append(matrix)
        channel[index] = distinct[key]
    total = np.bincount(target, weights=weight, minlength=len(names)) if len(order) else np.zeros(len(names))
    channels = np.stack(matrices) if matrices else np.zeros((0, space.numbers, space.numbers))
    return Edges(source, target, weight, weight / total[target], channel, channels)


def hops(edges: Edges, start: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of directed hops from the nearest model of `start`, −1 where none leads, ``[models]``."""
    models = len(start)
    if not start.any():
        return np.full(models, -1, dtype=np.int64)
    links = csr_array((np.ones(len(edges.source)), (edges.source, edges.target)), shape=(models, models))
    found = dijkstra(links, indices=np.flatnonzero(start), unweighted=True, min_only=True)
    return np.where(np.isfinite(found), found, -1).astype(np.int64)
