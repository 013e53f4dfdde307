"""Networks as NetworkX generates them, or another package, made directed and named as the models are."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import networkx as nx

from ecosystem.errors import EcosystemError
from ecosystem.plugins import registry
from ecosystem.scenario.generators import GENERATORS, Arguments, check


def generate(
    name: str,
    arguments: Arguments,
    nodes: int,
    seed: int,
    names: Sequence[str] | None = None,
    plain: dict[str, Any] | None = None,
) -> nx.DiGraph[Any]:
    """Generate a network.

    Parameters
    ----------
    name : str
        A key of `GENERATORS`.
    arguments : mapping
        The generator's own arguments.
    nodes : int
        Number of models; the nodes are 0 to nodes - 1.
    seed : int
        Seed of the generator's random numbers, where it has any.
    names : sequence of str, optional
        What nodes are called, in place of 0 to nodes - 1.
    plain : dict, optional
        What edges that the generator gives nothing to may carry in common: by default a weight of 1.

    Returns
    -------
    networkx.DiGraph
        Attributes of nodes and edges are kept; an undirected edge gives both directions, parallel
        edges one that has the sum of their weights.

    Raises
    ------
    EcosystemError
        If the generator refuses, or makes another number of nodes.
    """
    check(name, arguments)
    called, alike = range(nodes) if names is None else names, {"weight": 1.0} if plain is None else plain
    if name not in GENERATORS:
        return _directed(_plugged(name, arguments, nodes, seed), called, alike)
    generator = GENERATORS[name]
    function = getattr(nx, generator.function or f"{name}_graph")
    given = {key: value for key, value in arguments.items() if value is not None}
    if generator.n is not None:
        given["n"] = _whole(name, generator.n(max(nodes, 1)), nodes)
    if "seed" in inspect.signature(function).parameters:
        given["seed"] = seed % 2**32
    try:
        graph = function(**given)
    except (nx.NetworkXException, ValueError, TypeError, ArithmeticError, IndexError) as error:
        told = ", ".join(f"{key}={value!r}" for key, value in given.items() if key != "seed")
        raise EcosystemError(f"network: {name}({told}) is refused by NetworkX: {error}") from error
    if len(graph) != nodes:
        raise EcosystemError(f"network: {name} made {len(graph)} nodes, but there are {nodes} models")
    return _directed(graph, called, alike)


def _plugged(name: str, arguments: Arguments, nodes: int, seed: int) -> Any:
    """Return the graph of a generator of another package."""
    plugin = registry.find("networks", name)
    assert plugin is not None
    found = plugin.model_validate({"generator": name, **arguments})
    try:
        graph = found.graph(nodes, seed % 2**32)
        count = len(graph)
    except Exception as error:  # whatever a stranger's function raises
        raise EcosystemError(f"network: {name} fails: {type(error).__name__}: {error}") from error
    if count != nodes:
        raise EcosystemError(f"network: {name} made {count} nodes, but there are {nodes} models")
    return graph


def _whole(name: str, n: float, nodes: int) -> int:
    if n != int(n):
        raise EcosystemError(f"network: {name} cannot have {nodes} nodes, the number of models")
    return int(n)


def _in_order(graph: Any) -> Any:
    """Return a graph of numbers with its nodes in their order: some releases of NetworkX add them by their edges."""
    order = sorted(graph) if all(isinstance(node, int) for node in graph) else list(graph)
    if order == list(graph):
        return graph
    ordered = graph.__class__()
    ordered.add_nodes_from((node, graph.nodes[node]) for node in order)
    ordered.add_edges_from(graph.edges(data=True))
    return ordered


def _directed(graph: Any, names: Sequence[Any], plain: dict[str, Any]) -> nx.DiGraph[Any]:
    graph = _in_order(graph)
    called = dict(zip(graph, names, strict=True))
    result: nx.DiGraph[Any] = nx.DiGraph()
    result.add_nodes_from(names)
    for number, (node, attributes) in enumerate(graph.nodes(data=True)):
        if node != number or attributes:
            label = {} if node == number else {"label": str(node)}
            result.nodes[names[number]].update(label | attributes)
    if graph.is_multigraph():
        for source, target, attributes in graph.edges(data=True):
            for edge in _directions(graph, called[source], called[target]):
                weight = attributes.get("weight", 1.0)
                if result.has_edge(*edge):
                    weight += result.edges[edge]["weight"]
                result.add_edge(*edge, **{**attributes, "weight": weight})
        return result
    bare = not any(any(neighbours.values()) for _, neighbours in graph.adjacency())
    if bare and not graph.is_directed() and nx.number_of_selfloops(graph) == 0:
        _join_both_ways(result, graph, names, plain)
        return result
    ends = [(called[source], called[target], attributes) for source, target, attributes in graph.edges(data=True)]
    result.add_edges_from(ends, weight=1.0)
    if not graph.is_directed():
        result.add_edges_from([(target, source, attributes) for source, target, attributes in ends], weight=1.0)
    return result


def _join_both_ways(result: nx.DiGraph[Any], graph: nx.Graph[Any], names: Sequence[Any], plain: dict[str, Any]) -> None:
    """Add the edges of an undirected graph, in both directions, to one that has its nodes.

    Edges stand in the order in which `add_edges_from` would put them, first those of the graph, then their reverse:
    a ranking of the graph may depend on it. Node by node, and without a dictionary an edge, this takes a third of
    the time, which counts at a million edges.
    """
    after, before = result._succ, result._pred  # type: ignore[attr-defined]
    position = {node: number for number, node in enumerate(graph)}
    for number, (name, neighbours) in enumerate(zip(names, graph.adj.values(), strict=True)):
        places = [position[node] for node in neighbours]
        earlier = [names[place] for place in sorted(places) if place < number]
        later = [names[place] for place in places if place > number]
        after[name].update(dict.fromkeys(later + earlier, plain))
        before[name].update(dict.fromkeys(earlier + later, plain))


def _directions(graph: Any, source: Any, target: Any) -> tuple[tuple[Any, Any], ...]:
    """Return the directions of an edge."""
    if graph.is_directed() or source == target:
        return ((source, target),)
    return ((source, target), (target, source))
