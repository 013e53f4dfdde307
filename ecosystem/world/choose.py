"""Who of the models is curated: by name, at random, or by a ranking of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np

from ecosystem.errors import EcosystemError, shorten
from ecosystem.scenario.fields.models import Curated
from ecosystem.world.streams import stream


def curated_models(curated: Curated, graph: nx.DiGraph[str], names: Sequence[str], seed: int) -> list[str]:
    """Return the curated models in model order.

    Parameters
    ----------
    curated : Curated
        What the scenario says.
    graph : networkx.DiGraph
        The interaction graph.
    names : sequence of str
        All models, in order; ties of a ranking fall by it.
    seed : int
        The run's seed.

    Raises
    ------
    EcosystemError
        A count above the number of models, or an attribute that a node has not.
    """
    if curated.models is not None:
        named = set(curated.models)
        return [name for name in names if name in named]
    count = curated.count if curated.count is not None else round((curated.fraction or 0.0) * len(names))
    if count > len(names):
        raise EcosystemError(f"curated.count: must be at most the number of models, {len(names)} (got {count})")
    if curated.by == "random":
        order = stream(seed, "curated").permutation(len(names))
    else:
        scores = np.array(_scores(curated, graph, names))
        order = np.argsort(-scores if curated.order == "highest" else scores, kind="stable")
    return [names[index] for index in sorted(order[:count])]


def _scores(curated: Curated, graph: nx.DiGraph[str], names: Sequence[str]) -> list[float]:
    table: Mapping[str, object]
    match curated.by:
        case "degree":
            table = dict(graph.out_degree())
        case "betweenness":
            table = nx.betweenness_centrality(graph)
        case "pagerank":
            table = nx.pagerank(graph)
        case _:
            table = nx.get_node_attributes(graph, str(curated.attribute))
    values = []
    for name in names:
        value = table.get(name)
        if not isinstance(value, (bool, int, float, np.number)):
            raise EcosystemError(
                f"curated.attribute: model {shorten(name)} needs a number as its graph attribute "
                f"{shorten(curated.attribute)} (got {shorten(value)})"
            )
        values.append(float(value))
    return values
