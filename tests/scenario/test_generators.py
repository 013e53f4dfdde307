"""Behaviour: every generator makes the network that it says, from its arguments and a seed."""

from __future__ import annotations

import functools
import re
from typing import Any

import networkx
import pytest

from ecosystem.errors import EcosystemError
from ecosystem.scenario.generators import GENERATORS, check, node_count
from ecosystem.world.generation import generate

EXAMPLES: dict[str, tuple[dict[str, Any], int]] = {
    "balanced_tree": ({"r": 2, "h": 3}, 15),
    "barabasi_albert": ({"m": 2}, 12),
    "barbell": ({"m1": 4, "m2": 3}, 11),
    "binomial": ({"p": 0.4}, 12),
    "binomial_tree": ({}, 16),
    "caveman": ({"l": 3, "k": 4}, 12),
    "circulant": ({"offsets": [1, 2]}, 12),
    "circular_ladder": ({}, 12),
    "complete": ({}, 12),
    "complete_bipartite": ({"n1": 4, "n2": 5}, 9),
    "connected_caveman": ({"l": 3, "k": 4}, 12),
    "connected_watts_strogatz": ({"k": 4, "p": 0.2, "tries": 50}, 12),
    "cycle": ({}, 12),
    "davis_southern_women": ({}, 32),
    "dense_gnm_random": ({"m": 20}, 12),
    "dual_barabasi_albert": ({"m1": 1, "m2": 3, "p": 0.5}, 12),
    "duplication_divergence": ({"p": 0.5}, 12),
    "empty": ({}, 12),
    "erdos_renyi": ({"p": 0.4, "directed": True}, 12),
    "extended_barabasi_albert": ({"m": 2, "p": 0.2, "q": 0.1}, 12),
    "fast_gnp_random": ({"p": 0.4}, 12),
    "florentine_families": ({}, 15),
    "full_rary_tree": ({"r": 2}, 12),
    "gaussian_random_partition": ({"s": 4, "v": 2, "p_in": 0.8, "p_out": 0.1}, 12),
    "gn": ({}, 12),
    "gnc": ({}, 12),
    "gnm_random": ({"m": 20}, 12),
    "gnp_random": ({"p": 0.4}, 12),
    "gnr": ({"p": 0.4}, 12),
    "grid_2d": ({"m": 3, "n": 4, "periodic": True}, 12),
    "hypercube": ({}, 16),
    "karate_club": ({}, 34),
    "ladder": ({}, 12),
    "les_miserables": ({}, 77),
    "lollipop": ({"m": 5, "n": 7}, 12),
    "newman_watts_strogatz": ({"k": 4, "p": 0.2}, 12),
    "path": ({}, 12),
    "petersen": ({}, 10),
    "planted_partition": ({"l": 3, "k": 4, "p_in": 0.9, "p_out": 0.1}, 12),
    "powerlaw_cluster": ({"m": 2, "p": 0.3}, 12),
    "random_geometric": ({"radius": 0.5}, 12),
    "random_k_out": ({"k": 2, "alpha": 1.0}, 12),
    "random_labeled_tree": ({}, 12),
    "random_partition": ({"sizes": [5, 7], "p_in": 0.9, "p_out": 0.1}, 12),
    "random_regular": ({"d": 3}, 12),
    "relaxed_caveman": ({"l": 3, "k": 4, "p": 0.2}, 12),
    "ring_of_cliques": ({"num_cliques": 3, "clique_size": 4}, 12),
    "scale_free": ({}, 12),
    "soft_random_geometric": ({"radius": 0.5}, 12),
    "star": ({}, 12),
    "stochastic_block": ({"sizes": [5, 7], "p": [[0.9, 0.1], [0.1, 0.9]]}, 12),
    "tadpole": ({"m": 5, "n": 7}, 12),
    "turan": ({"r": 3}, 12),
    "watts_strogatz": ({"k": 4, "p": 0.2}, 12),
    "waxman": ({"beta": 0.8, "alpha": 0.5}, 12),
    "wheel": ({}, 12),
    "windmill": ({"n": 3, "k": 4}, 10),
}


def test_every_generator_has_an_example() -> None:
    assert set(EXAMPLES) == set(GENERATORS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_nodes_are_the_models(name: str) -> None:
    arguments, nodes = EXAMPLES[name]
    check(name, arguments)
    assert node_count(name, arguments) in (None, nodes)
    graph = generate(name, arguments, nodes, seed=2**40)
    assert list(graph) == list(range(nodes))
    assert type(graph) is networkx.DiGraph
    assert all(weight > 0 for _, _, weight in graph.edges(data="weight"))
    assert (graph.number_of_edges() > 0) == (name != "empty")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_seed_makes_one_network(name: str) -> None:
    arguments, nodes = EXAMPLES[name]
    first, second = (generate(name, arguments, nodes, seed=5) for _ in range(2))
    assert list(first.edges(data="weight")) == list(second.edges(data="weight"))


@pytest.mark.parametrize("name", ["barabasi_albert", "gnp_random", "scale_free", "waxman"])
def test_another_seed_makes_another_network(name: str) -> None:
    arguments, nodes = EXAMPLES[name]
    edges = [set(generate(name, arguments, nodes, seed=seed).edges) for seed in range(4)]
    assert any(each != edges[0] for each in edges)


def test_an_undirected_edge_gives_both_directions_with_its_weight() -> None:
    graph = generate("les_miserables", {}, 77, seed=0)
    assert all(graph.edges[target, source]["weight"] == weight for source, target, weight in graph.edges.data("weight"))
    assert graph.nodes[0]["label"] == "Napoleon"


@pytest.mark.parametrize("name", ["barabasi_albert", "les_miserables", "gn", "stochastic_block", "grid_2d"])
def test_edges_stand_as_networkx_would_put_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What ranks a graph may sum in the order of its edges.
    arguments, nodes = EXAMPLES[name]
    if name == "stochastic_block":
        arguments = {"sizes": [6, 6], "p": [[0.8, 0.4], [0.4, 0.8]], "selfloops": True}
        nodes = 12
    made: list[Any] = []
    called = GENERATORS[name].function or f"{name}_graph"
    original = getattr(networkx, called)

    @functools.wraps(original)
    def remembered(**given: Any) -> Any:
        made.append(original(**given))
        return made[0]

    monkeypatch.setattr(networkx, called, remembered)
    graph = generate(name, arguments, nodes, seed=3, names=[f"m{number}" for number in range(nodes)])
    expected: networkx.DiGraph[Any] = networkx.DiGraph()
    name_of = {node: f"m{number}" for number, node in enumerate(made[0])}
    expected.add_nodes_from(name_of.values())
    ends = [(name_of[source], name_of[target], data) for source, target, data in made[0].edges(data=True)]
    expected.add_edges_from(ends, weight=1.0)
    if not made[0].is_directed():
        expected.add_edges_from([(target, source, data) for source, target, data in ends], weight=1.0)
    for found, wanted in ((graph.succ, expected.succ), (graph.pred, expected.pred)):
        assert [(node, list(row.items())) for node, row in found.items()] == [
            (node, list(row.items())) for node, row in wanted.items()
        ]
    assert all(graph.succ[source][target] is graph.pred[target][source] for source, target in graph.edges)


def test_parallel_edges_become_one_with_the_sum_of_their_weights() -> None:
    many = networkx.scale_free_graph(30, seed=1)
    graph = generate("scale_free", {}, 30, seed=1)
    assert sum(weight for _, _, weight in graph.edges(data="weight")) == many.number_of_edges()
    assert graph.number_of_edges() < many.number_of_edges()


def test_attributes_of_nodes_are_kept() -> None:
    assert generate("karate_club", {}, 34, seed=0).nodes[0]["club"] == "Mr. Hi"


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("barabasi", {"m": 2}, "generator: there is no generator 'barabasi'"),
        ("barabasi_albert", {}, "m: is missing; barabasi_albert takes m"),
        ("barabasi_albert", {"m": 2.5}, "m: must be a whole number of at least 0 (got 2.5)"),
        ("barabasi_albert", {"m": True}, "m: must be a whole number"),
        ("barabasi_albert", {"m": 2, "n": 9}, "n: is the number of models"),
        ("watts_strogatz", {"k": 4, "P": 1}, "P: watts_strogatz takes no such argument"),
        ("gnp_random", {"p": 1.5}, "p: must be a number from 0 to 1 (got 1.5)"),
        ("circulant", {"offsets": 1}, "offsets: must be a list of whole numbers (got 1)"),
        ("stochastic_block", {"sizes": [1], "p": [1]}, "p: must be a list of lists"),
        ("complete", {"create_using": 1}, "create_using: complete takes no such argument; it takes none"),
    ],
)
def test_wrong_arguments(name: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        check(name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "nodes", "told"),
    [
        (
            "barabasi_albert",
            {"m": 20},
            12,
            "is refused by NetworkX: Barabási–Albert network must have m >= 1",
        ),
        ("random_regular", {"d": 3}, 11, "is refused by NetworkX"),
        ("karate_club", {}, 12, "karate_club made 34 nodes, but there are 12 models"),
        ("ladder", {}, 11, "ladder cannot have 11 nodes"),
        ("hypercube", {}, 11, "hypercube cannot have 11 nodes"),
    ],
)
def test_networks_that_cannot_be(name: str, arguments: dict[str, Any], nodes: int, told: str) -> None:
    with pytest.raises(EcosystemError) as caught:
        generate(name, arguments, nodes, seed=1)
    assert told in str(caught.value)
