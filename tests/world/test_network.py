"""Who learns from whom: edges written out, generated, read from a file; and what the tables say of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import plan
from ecosystem.scenario.fields.network import FileNetwork
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.lifetimes import network_table
from ecosystem.world.network import build
from ecosystem.world.simulation import simulate
from ecosystem.world.streams import derived_seed

NAMES = ("a", "b", "c", "d")
FLIP = [[0, 1], [1, 0]]
BLUR = [[0.5, 0.5], [0.25, 0.75]]


def scenario(network: dict[str, Any], names: tuple[str, ...] = NAMES, **changes: Any) -> Scenario:
    models = [{"name": name, "diet": {"real": 0.5, "neighbours_raw": 0.5}} for name in names]
    return Scenario(
        name="net",
        rounds=1,
        outputs={"kind": "categorical", "size": 2},
        models=models,
        network=network,
        **changes,
    )


def planned(network: dict[str, Any], names: tuple[str, ...] = NAMES, seed: int = 0) -> Blueprint:
    return blueprint(scenario(network, names), seed)


def weights(graph: nx.DiGraph[str]) -> dict[tuple[str, str], float]:
    return {(source, target): weight for source, target, weight in graph.edges(data="weight")}


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"m{number}" for number in range(count))


# Edges written out


def test_edges_are_those_written_from_the_read_to_the_reader() -> None:
    made = planned({"edges": [{"from": "c", "to": "a", "weight": 2.5}, {"from": "a", "to": "b"}]})
    assert weights(made.graph) == {("c", "a"): 2.5, ("a", "b"): 1.0}
    assert list(made.graph) == list(NAMES)  # d has no edge and is there all the same


def test_weights_are_shares_among_the_edges_into_a_reader() -> None:
    edges = planned(
        {
            "edges": [
                {"from": "b", "to": "c", "weight": 3},
                {"from": "a", "to": "c", "weight": 1},
                {"from": "c", "to": "c", "weight": 4},
                {"from": "a", "to": "b", "weight": 7},
            ]
        }
    ).edges
    found = {
        (NAMES[s], NAMES[t]): (weight, share)
        for s, t, weight, share in zip(edges.source, edges.target, edges.weight, edges.share, strict=True)
    }
    assert found == {("a", "b"): (7, 1), ("a", "c"): (1, 0.125), ("b", "c"): (3, 0.375), ("c", "c"): (4, 0.5)}
    assert edges.readable(4).tolist() == [False, True, True, False]
    assert (np.diff(edges.target) >= 0).all()


def test_without_a_network_nobody_reads_anybody() -> None:
    made = planned({"edges": []})
    assert (len(made.graph), made.graph.number_of_edges()) == (4, 0)
    assert made.edges.share.shape == (0,)
    assert not made.edges.readable(4).any()


# Channels


def test_an_edge_has_its_own_channel() -> None:
    edges = planned(
        {
            "edges": [
                {"from": "a", "to": "b", "channel": {"matrix": BLUR}},
                {"from": "a", "to": "c"},
                {"from": "b", "to": "c", "channel": {"matrix": FLIP}},
            ]
        }
    ).edges
    assert edges.target.tolist() == [1, 2, 2]
    assert edges.channel[1] == -1
    assert edges.channels[edges.channel[0]].tolist() == BLUR
    assert edges.channels[edges.channel[2]].tolist() == FLIP


def test_equal_channels_are_counted_once() -> None:
    edges = planned(
        {
            "edges": [
                {"from": "a", "to": "b", "channel": {"matrix": FLIP}},
                {"from": "a", "to": "c", "channel": {"matrix": BLUR}},
                {"from": "b", "to": "d", "channel": {"matrix": FLIP}},
            ]
        }
    ).edges
    assert len(edges.channels) == 2
    assert edges.channel[0] == edges.channel[2] != edges.channel[1]


def test_the_channel_of_a_generated_network_is_on_every_edge() -> None:
    edges = planned({"generator": "cycle", "channel": {"matrix": BLUR}}).edges
    assert edges.channel.tolist() == [0] * 8
    assert edges.channels.tolist() == [BLUR]


# Generators

NETWORKX: dict[str, tuple[dict[str, Any], Callable[[int], nx.Graph[int]]]] = {
    "barabasi_albert": ({"m": 2}, lambda seed: nx.barabasi_albert_graph(12, 2, seed=seed)),
    "watts_strogatz": ({"k": 4, "p": 0.3}, lambda seed: nx.watts_strogatz_graph(12, 4, 0.3, seed=seed)),
    "erdos_renyi": ({"p": 0.3, "directed": True}, lambda seed: nx.erdos_renyi_graph(12, 0.3, seed=seed, directed=True)),
    "random_regular": ({"d": 3}, lambda seed: nx.random_regular_graph(3, 12, seed=seed)),
    "gnr": ({"p": 0.3}, lambda seed: nx.gnr_graph(12, 0.3, seed=seed)),
}


@pytest.mark.parametrize("name", NETWORKX)
def test_a_generated_network_is_that_of_networkx_with_the_same_seed(name: str) -> None:
    arguments, made_by = NETWORKX[name]
    expected = nx.relabel_nodes(made_by(5).to_directed(), dict(enumerate(numbered(12))))
    found = planned({"generator": name, "seed": 5, **arguments}, numbered(12))
    assert set(found.graph.edges()) == set(expected.edges())
    assert set(weights(found.graph).values()) == {1.0}
    assert found.names == numbered(12) == tuple(found.graph)


def test_numbered_nodes_are_named_in_their_order_however_they_were_added(monkeypatch: pytest.MonkeyPatch) -> None:
    def added_by_edges(d: int, n: int, seed: int) -> nx.Graph[int]:
        graph = nx.Graph([(3, 1), (1, 0), (0, 2), (2, 3)])
        graph.nodes[3]["label"] = "last"
        return graph

    monkeypatch.setattr(nx, "random_regular_graph", added_by_edges)
    found = planned({"generator": "random_regular", "d": 2}, ("a", "b", "c", "d")).graph
    assert set(found.edges()) == {
        edge for ends in ("db", "ba", "ac", "cd") for edge in (tuple(ends), tuple(ends[::-1]))
    }
    assert {name: label for name, label in found.nodes(data="label") if label} == {"d": "last"}


@pytest.mark.parametrize("name", NETWORKX)
def test_undirected_edges_are_read_both_ways_and_directed_ones_are_not(name: str) -> None:
    arguments, made_by = NETWORKX[name]
    graph = planned({"generator": name, **arguments}, numbered(12)).graph
    both_ways = all(graph.has_edge(target, source) for source, target in graph.edges())
    assert both_ways != made_by(5).is_directed()


def test_a_network_without_a_seed_is_drawn_from_the_seed_of_the_run() -> None:
    network = {"generator": "gnp_random", "p": 0.3}
    drawn = [weights(planned(network, numbered(12), seed).graph) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1]
    assert len({tuple(sorted(each)) for each in drawn[1:]}) == 3
    same = planned(network | {"seed": derived_seed(1, "network")}, numbered(12), 7)
    assert weights(same.graph) == drawn[2]


def test_a_network_with_a_seed_is_the_same_in_every_run() -> None:
    network = {"generator": "gnp_random", "p": 0.3, "seed": 4}
    assert weights(planned(network, numbered(12), 0).graph) == weights(planned(network, numbered(12), 1).graph)


def test_weights_and_attributes_of_a_generated_network_are_kept() -> None:
    made = planned({"generator": "les_miserables"}, numbered(77)).graph
    expected = nx.les_miserables_graph()
    assert sum(weights(made).values()) == 2 * sum(weight for _, _, weight in expected.edges(data="weight"))
    assert made.nodes["m3"]["label"] == list(expected)[3]


# Files


def read(path: Path, text: str | bytes, names: tuple[str, ...] = NAMES, **settings: Any) -> nx.DiGraph[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return build(FileNetwork(file=path.name, **settings), names, 0, path.parent)


@pytest.mark.parametrize(
    "text",
    [
        "from,to,weight\na,b,2\nc,a,0.5\n",
        "source,target,weight\na,b,2\nc,a,0.5\n",
        "\ufefffrom,to,weight\na,b,2\nc,a,0.5\n",
        "From, To ,WEIGHT\r\na,b,2\r\n\r\nc,a,0.5\r\n",
        'weight,note,to,from\n2.0,"x, y",b,a\n5e-1,, a ,"c"\n',
    ],
    ids=["from-to", "source-target", "byte order mark", "Windows", "other order"],
)
def test_a_csv_file_lists_edges(tmp_path: Path, text: str) -> None:
    graph = read(tmp_path / "edges.csv", text)
    assert weights(graph) == {("a", "b"): 2.0, ("c", "a"): 0.5}
    assert list(graph) == list(NAMES)


def test_a_csv_file_need_not_say_weights(tmp_path: Path) -> None:
    assert weights(read(tmp_path / "edges.csv", "from,to\na,b\nb,a\n")) == {("a", "b"): 1.0, ("b", "a"): 1.0}
    assert weights(read(tmp_path / "edges.csv", "from,to,weight\na,b,\nb,a,3\n")) == {("a", "b"): 1.0, ("b", "a"): 3.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from,to,weight\na,b,1\nb,c,much\n", r"edges\.csv .*line 3: weight must be a number above 0 \(got 'much'\)"),
        ("from,to,weight\na,b,-1\n", r"line 2: weight must be a number above 0 \(got '-1'\)"),
        ("from,to,weight\na,b,0\n", r"line 2: weight"),
        ("from,to,weight\na,b,inf\n", r"line 2: weight"),
        ("from,to,weight\na,b,nan\n", r"line 2: weight"),
        ("from,to\na,b\nc,bb\n", r"names a model 'bb' that the scenario has not; did you mean 'b'\?"),
        ("from,to\na,b\nb,a\na,b\n", r"line 4: the edge a → b stands twice"),
        ("from,weight\na,1\n", r"must name the columns from, to.*got \['from', 'weight'\]"),
        ("a,b\nb,c\n", r"must name the columns from, to.*got \['a', 'b'\]"),
        ("", r"must name the columns from, to"),
        ("from,to\na,b\nc\n", r"line 3: names no model under to"),
        ("from,to\n" + "x" * 200_000 + ",b\n", r"cannot read .*edges\.csv as csv"),
        (b"from,to\n\xff\xfe,b\n", r"cannot read .*edges\.csv as csv"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_told(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(EcosystemError, match=told):
        read(tmp_path / "edges.csv", text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EcosystemError, match=r"network\.file: cannot read .*nowhere\.csv"):
        build(FileNetwork(file="nowhere.csv"), NAMES, 0, tmp_path)


def graphml(graph: nx.Graph[Any]) -> str:
    return "\n".join(nx.generate_graphml(graph))


def test_a_graphml_file_gives_edges_weights_and_attributes(tmp_path: Path) -> None:
    graph = nx.DiGraph([("a", "b"), ("c", "b")])
    graph.edges["a", "b"]["weight"] = 2.5
    graph.nodes["a"].update(size=3, trusted=True)
    found = read(tmp_path / "net.graphml", graphml(graph))
    assert weights(found) == {("a", "b"): 2.5, ("c", "b"): 1.0}
    assert (found.nodes["a"]["size"], found.nodes["a"]["trusted"]) == (3, True)
    assert list(found) == list(NAMES)


def test_nodes_of_a_graphml_file_may_have_names_beside_their_numbers(tmp_path: Path) -> None:
    graph = nx.DiGraph([(0, 1), (1, 2)])
    nx.set_node_attributes(graph, {0: "c", 1: "a", 2: "d"}, "name")
    nx.set_node_attributes(graph, {0: 0.5, 1: 1.5, 2: 2.5}, "trust")
    found = read(tmp_path / "net.xml", graphml(graph))
    assert set(found.edges()) == {("c", "a"), ("a", "d")}
    assert {name: found.nodes[name].get("trust") for name in NAMES} == {"a": 1.5, "b": None, "c": 0.5, "d": 2.5}


def test_an_undirected_graphml_file_is_read_both_ways(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_edge("a", "b", weight=2.0)
    found = read(tmp_path / "net.txt", graphml(graph), format="graphml")
    assert weights(found) == {("a", "b"): 2.0, ("b", "a"): 2.0}


DEFAULTS = """<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="w" for="edge" attr.name="weight" attr.type="double"><default>3</default></key>
  <key id="k" for="node" attr.name="kind" attr.type="int"><default>1</default></key>
  <graph edgedefault="directed">
    <node id="a"/><node id="b"><data key="k">2</data></node>
    <edge source="a" target="b"/><edge source="b" target="a"><data key="w">5</data></edge>
  </graph>
</graphml>
"""


def test_the_defaults_of_a_graphml_file_count(tmp_path: Path) -> None:
    found = read(tmp_path / "net.graphml", DEFAULTS)
    assert weights(found) == {("a", "b"): 3.0, ("b", "a"): 5.0}
    assert (found.nodes["a"]["kind"], found.nodes["b"]["kind"]) == (1, 2)


def parallel() -> nx.MultiDiGraph[str]:
    return nx.MultiDiGraph([("a", "b", {"weight": 1.0}), ("a", "b", {"weight": 2.0})])


def named(*names: str) -> nx.DiGraph[int]:
    graph = nx.DiGraph([(0, 1)])
    nx.set_node_attributes(graph, dict(enumerate(names)), "name")
    return graph


def weighted(weight: Any) -> nx.DiGraph[str]:
    graph = nx.DiGraph()
    graph.add_edge("a", "b", weight=weight)
    return graph


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (graphml(parallel()), "more than one edge.*: a, b"),
        (graphml(named("a", "a")), "two nodes have one name"),
        (graphml(named("a", "dd")), "names a model 'dd' that the scenario has not; did you mean 'd'?"),
        (graphml(weighted("heavy")), "weight of the edge 'a' → 'b' must be a number above 0 .got 'heavy'"),
        (graphml(weighted(-1.0)), "weight of the edge 'a' → 'b' must be a number above 0 .got -1"),
        (DEFAULTS.replace('type="int"', 'type="nothing"'), "cannot read .*net.graphml as graphml"),
        ("<graphml>", "cannot read .*net.graphml as graphml"),
        ("from,to\na,b\n", "cannot read .*net.graphml as graphml"),
    ],
)
def test_what_is_wrong_with_a_graphml_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(EcosystemError, match=told):
        read(tmp_path / "net.graphml", text)


def test_the_channel_of_a_file_is_on_every_edge(tmp_path: Path) -> None:
    graph = read(tmp_path / "edges.csv", "from,to\na,b\nc,a\n", channel={"matrix": FLIP})
    assert [channel.matrix for _, _, channel in graph.edges(data="channel")] == [((0, 1), (1, 0))] * 2


# Tables

WRITTEN = {
    "edges": [
        {"from": "b", "to": "c", "weight": 3},
        {"from": "a", "to": "c", "weight": 1},
        {"from": "c", "to": "b", "weight": 0.5},
    ]
}


def test_the_table_network_lists_edges_with_their_weights_as_given() -> None:
    key, table = network_table(planned(WRITTEN))
    frame = table.to_pandas()
    assert frame.columns.tolist() == ["network", "source", "target", "weight", "since", "until"]
    rows = set(zip(frame["source"], frame["target"], frame["weight"], strict=True))
    assert rows == {("b", "c", 3.0), ("a", "c", 1.0), ("c", "b", 0.5)}
    assert set(frame["network"]) == {key}
    assert set(frame["since"]) == {0} and frame["until"].isna().all()


def test_networks_have_one_key_where_they_are_equal() -> None:
    key = network_table(planned(WRITTEN))[0]
    heavier = {"edges": [*WRITTEN["edges"][:2], {"from": "c", "to": "b", "weight": 0.75}]}
    turned = {"edges": [*WRITTEN["edges"][:2], {"from": "b", "to": "a", "weight": 0.5}]}
    assert network_table(planned({"edges": WRITTEN["edges"][::-1]}, seed=3))[0] == key
    others = [
        network_table(planned(heavier)),
        network_table(planned(turned)),
        network_table(planned({"edges": WRITTEN["edges"][:2]})),
        network_table(planned(WRITTEN, ("b", "c", "a", "d"))),
    ]
    assert len({key, *(other for other, _ in others)}) == 5


def test_distance_is_counted_along_the_edges_from_the_nearest_curated_model() -> None:
    # a → b → c → d, a heavy short cut b → d that counts as one hop, d → e; f → a leads nowhere from a; g is alone.
    names = ("a", "b", "c", "d", "e", "f", "g")
    edges = [("a", "b", 1), ("b", "c", 1), ("c", "d", 1), ("b", "d", 50), ("d", "e", 1), ("f", "a", 1)]
    network = {"edges": [{"from": s, "to": t, "weight": w} for s, t, w in edges]}
    curation = {"method": "best_of", "candidates": 2}

    def distances(*curated: str) -> dict[str, float]:
        made = scenario(
            network,
            names,
            rewards={"r": [0, 1]},
            curated={"models": list(curated), "reward": "r", "curation": curation},
        )
        frame = simulate(plan(made).runs).tables["models"].to_pandas()
        last = frame[frame["round"] == 1].set_index("model")["distance"]
        assert (frame[frame["round"] == 0].set_index("model")["distance"].fillna(-1) == last.fillna(-1)).all()
        return last.fillna(-1).to_dict()

    assert distances("a") == {"a": 0, "b": 1, "c": 2, "d": 2, "e": 3, "f": -1, "g": -1}
    assert distances("a", "c") == {"a": 0, "b": 1, "c": 0, "d": 1, "e": 2, "f": -1, "g": -1}
    assert distances() == dict.fromkeys(names, -1)
