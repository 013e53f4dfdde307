"""Who is curated: by name, at random, or by a ranking of the graph."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import plan
from ecosystem.scenario.fields.models import Curated
from ecosystem.scenario.load import load_scenario
from ecosystem.world.blueprint import blueprint
from ecosystem.world.choose import curated_models
from ecosystem.world.simulation import simulate

CURATION = {"method": "luce", "candidates": 2}

# a writes for three and reads nobody; e reads everybody and writes for one; c lies on every way through.
EDGES = [("a", "b"), ("a", "c"), ("a", "e"), ("b", "c"), ("b", "e"), ("c", "d"), ("c", "e"), ("d", "e"), ("e", "f")]
NAMES = tuple("abcdef")


def graph() -> nx.DiGraph[str]:
    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(NAMES)
    made.add_edges_from(EDGES, weight=1.0)
    return made


def chosen(seed: int = 0, on: nx.DiGraph[str] | None = None, **settings: Any) -> str:
    block = Curated(curation=CURATION, **settings)
    return "".join(curated_models(block, graph() if on is None else on, NAMES, seed))


def test_by_name_in_the_order_of_the_models() -> None:
    assert chosen(models=["d", "a"]) == "ad"
    assert chosen(models=[]) == ""


@pytest.mark.parametrize(
    ("ranking", "highest", "lowest"),
    [
        # Out-degrees a 3, b 2, c 2, d 1, e 1, f 0: in-degrees would give e first.
        ("degree", ["a", "ab", "abc", "abcd"], ["f", "df", "def", "bdef"]),
        # Shortest ways through c: 2 (a and b to d); through e: 4 (a, b, c and d to f); through the others: none.
        ("betweenness", ["e", "ce", "ace", "abce"], ["a", "ab", "abd", "abdf"]),
        # Whoever reads most: f takes all of e's weight, e that of four others.
        ("pagerank", ["f", "ef", "cef", "cdef"], ["a", "ab", "abd", "abcd"]),
    ],
)
def test_by_a_ranking_of_the_graph(ranking: str, highest: list[str], lowest: list[str]) -> None:
    for count in range(1, 5):
        assert chosen(count=count, by=ranking) == highest[count - 1]
        assert chosen(count=count, by=ranking, order="lowest") == lowest[count - 1]


def test_ways_through_a_model_follow_the_edges() -> None:
    star: nx.DiGraph[str] = nx.DiGraph()
    star.add_nodes_from(NAMES)
    star.add_edges_from([("a", "b"), ("b", "c"), ("d", "c"), ("e", "c"), ("f", "c")])
    assert chosen(on=star, count=1, by="betweenness") == "b"  # c reads four, and nothing leads on from it


def test_pagerank_is_that_of_a_random_reader() -> None:
    # Power iteration in full: with 0.85 follow an edge, else (or where none leads on) start anywhere.
    step = np.zeros((6, 6))
    for source, target in EDGES:
        step[NAMES.index(source), NAMES.index(target)] = 1.0
    leads = step.sum(1, keepdims=True)
    step = np.where(leads > 0, step / np.where(leads > 0, leads, 1), 1 / 6)
    rank = np.full(6, 1 / 6)
    for _ in range(200):
        rank = 0.85 * rank @ step + 0.15 / 6
    order = [NAMES[index] for index in np.argsort(-rank, kind="stable")]
    for count in range(7):
        assert chosen(count=count, by="pagerank") == "".join(sorted(order[:count]))


@pytest.mark.parametrize("order", ["highest", "lowest"])
def test_ties_fall_by_the_order_of_the_models(order: str) -> None:
    ring = nx.relabel_nodes(nx.cycle_graph(6, create_using=nx.DiGraph), dict(enumerate(NAMES)))
    for ranking in ("degree", "betweenness"):
        assert chosen(on=ring, count=2, by=ranking, order=order) == "ab"


def attributed(**values: Any) -> nx.DiGraph[str]:
    made = graph()
    nx.set_node_attributes(made, values, "score")
    return made


def test_by_an_attribute_of_the_graph() -> None:
    numbers = attributed(a=1, b=2.5, c=-3, d=2.5, e=0, f=1e6)
    assert chosen(on=numbers, count=2, by="attribute", attribute="score") == "bf"
    assert chosen(on=numbers, count=3, by="attribute", attribute="score") == "bdf"
    assert chosen(on=numbers, count=2, by="attribute", attribute="score", order="lowest") == "ce"
    yes_and_no = attributed(a=False, b=True, c=False, d=True, e=True, f=False)
    assert chosen(on=yes_and_no, count=3, by="attribute", attribute="score") == "bde"
    assert chosen(on=yes_and_no, count=3, by="attribute", attribute="score", order="lowest") == "acf"


def test_an_attribute_of_a_generated_network_counts() -> None:
    made = Scenario(
        name="blocks",
        rounds=0,
        outputs={"kind": "categorical", "size": 2},
        rewards={"r": [0, 1]},
        models=[{"name": "m", "count": 5, "reward": "r", "diet": {"raw": 1}}],
        network={"generator": "random_partition", "sizes": [3, 2], "p_in": 1, "p_out": 0},
        curated={"fraction": 0.4, "by": "attribute", "attribute": "block", "curation": CURATION},
    )
    assert blueprint(made, 0).curated.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, r"model 'f' needs a number as its graph attribute 'score'.*None"),
        ({name: str(index) for index, name in enumerate(NAMES)}, r"model 'a' needs a number.*got '0'"),
        ({}, r"model 'a' needs a number as its graph attribute 'score'"),
    ],
)
def test_a_model_without_the_attribute_is_an_error(values: dict[str, Any], told: str) -> None:
    with pytest.raises(EcosystemError, match=told):
        chosen(on=attributed(**values), count=1, by="attribute", attribute="score")


def test_a_missing_attribute_fails_the_run_that_asks_for_it(tmp_path: Any) -> None:
    file_graph = nx.DiGraph([("a", "b")])
    file_graph.nodes["a"]["trusted"] = True
    nx.write_graphml(file_graph, tmp_path / "net.graphml")
    (tmp_path / "s.yaml").write_text(
        "name: s\n"
        "rounds: 1\n"
        "outputs: {kind: categorical, size: 2}\n"
        "rewards: {r: [0, 1]}\n"
        "models: [{name: a, reward: r, diet: {raw: 1}}, {name: b, reward: r, diet: {raw: 1}}]\n"
        "network: {file: net.graphml}\n"
        "curated: {count: 1, by: attribute, attribute: trusted, curation: {candidates: 2}}\n"
        "sweep: {grid: {curated.by: [attribute]}}\n"
    )
    runs = plan(load_scenario(tmp_path / "s.yaml")).runs
    outcome = simulate(runs)
    assert list(outcome.errors) == [runs[0].id]
    assert "model 'b' needs a number as its graph attribute 'trusted'" in outcome.errors[runs[0].id]
    assert outcome.tables == {}


@pytest.mark.parametrize(
    ("fraction", "count"),
    [(0.0, 0), (0.08, 0), (0.09, 1), (0.24, 1), (0.26, 2), (0.5, 3), (0.74, 4), (0.76, 5), (1.0, 6)],
)
def test_a_fraction_is_rounded_to_the_nearest_count(fraction: float, count: int) -> None:
    assert len(chosen(fraction=fraction)) == count
    assert len(chosen(fraction=fraction, by="degree")) == count


def test_more_than_there_are_is_an_error() -> None:
    assert chosen(count=6) == "abcdef"
    with pytest.raises(EcosystemError, match=r"curated\.count: must be at most the number of models, 6 \(got 7\)"):
        chosen(count=7)


# At random


def test_a_random_choice_depends_on_the_seed_alone() -> None:
    base: dict[str, Any] = {
        "name": "random",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2},
        "rewards": {"r": [0, 1]},
        "models": [{"name": "m", "count": 30, "reward": "r", "diet": {"raw": 1}}],
        "curated": {"fraction": 0.4, "curation": CURATION},
    }
    others = [
        {"mode": "sampled", "learning": {"examples": 5}},
        {"network": {"generator": "gnp_random", "p": 0.5}},
        {"models": [{"name": "n", "count": 30, "reward": {"draw": "normal"}, "diet": {"real": 1}}]},
        {"curated": {"count": 12, "diet": {"curated": 1}, "curation": {"method": "best_of", "candidates": 9}}},
    ]
    first = blueprint(Scenario(**base), 3).curated
    assert first.sum() == 12
    for change in others:
        assert (blueprint(Scenario(**base | change), 3).curated == first).all()
    assert (blueprint(Scenario(**base), 4).curated != first).any()


def test_a_larger_random_choice_contains_the_smaller() -> None:
    for seed in range(20):
        picks = [set(chosen(seed, count=count)) for count in range(7)]
        assert all(small < large for small, large in pairwise(picks))


def test_a_random_choice_is_even() -> None:
    seeds = 3000
    picks = [chosen(seed, count=2) for seed in range(seeds)]
    pairs = [first + second for i, first in enumerate(NAMES) for second in NAMES[i + 1 :]]
    assert chisquare([picks.count(pair) for pair in pairs]).pvalue > 0.001
    assert binomtest(sum("a" in pick for pick in picks), seeds, 1 / 3).pvalue > 0.001
