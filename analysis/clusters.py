"""Communities: sets of models that read one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import pandas as pd

if TYPE_CHECKING:
    from ecosystem.store.results import Results


def communities(results: Results, seed: int = 0) -> pd.DataFrame:
    """Return the communities of each network: sets of models that read one another more than chance would have it.

    They maximise modularity by the method of Louvain (Blondel et al. 2008, by networkx), of the network as it is in
    the end; a model without edges is a community of its own.

    Parameters
    ----------
    results : Results
        A run directory.
    seed : int
        Of the order in which models are tried.

    Returns
    -------
    DataFrame
        One row per network and model: `network`, `model`, `community` (numbered from 0, the largest first), `size`.
    """
    edges = results.table("network")
    edges = edges[edges["until"].isna()]
    runs = results.runs.loc[results.runs["status"] == "done", ["run", "network"]]
    one_run = runs.dropna().drop_duplicates("network")
    models = results.last("models", ["run", "model"])
    found = []
    for run, network in one_run.itertuples(index=False, name=None):
        here = edges.loc[edges["network"] == network, ["source", "target", "weight"]]
        recorded = models.loc[models["run"] == run, "model"].astype(str)
        # Not every model need be recorded, and not every one has edges.
        names = list(dict.fromkeys([*recorded, *here["source"].astype(str), *here["target"].astype(str)]))
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(names)
        for source, target, weight in here.itertuples(index=False, name=None):
            both = graph.get_edge_data(source, target, {"weight": 0.0})["weight"]
            graph.add_edge(source, target, weight=both + weight)
        place = {name: number for number, name in enumerate(names)}
        parts = nx.community.louvain_communities(graph, weight="weight", seed=seed)
        parts = sorted(parts, key=lambda part: (-len(part), min(place[name] for name in part)))
        community = {name: number for number, part in enumerate(parts) for name in part}
        sizes = [len(parts[community[name]]) for name in names]
        numbers = [community[name] for name in names]
        found.append(pd.DataFrame({"network": network, "model": names, "community": numbers, "size": sizes}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=_COMMUNITIES)


_COMMUNITIES = ["network", "model", "community", "size"]
