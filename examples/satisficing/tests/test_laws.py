"""The members keep to the laws of their kinds, and do what they say."""

import itertools

import networkx as nx
import pytest
import torch
from ecosystem_satisficing.curator import Satisficing
from ecosystem_satisficing.feedback import WordOfMouth
from ecosystem_satisficing.network import TwoCamps

from ecosystem.testing import check_curator, check_feedback, check_network

P, R = [0.1, 0.2, 0.3, 0.4], [1.0, 0.6, 0.2, 0.0]


def test_the_laws():
    check_curator(Satisficing, candidates=3, aspiration=0.2)
    check_curator(Satisficing, candidates=float("inf"), aspiration=0.2)
    check_feedback(WordOfMouth, rate=0.3, capacity=3000)
    check_network(TwoCamps, bridges=3)


def test_the_curator_equals_enumeration():
    expected = [0.0] * 4
    for candidates in itertools.product(range(4), repeat=3):
        kept = next((y for y in candidates if R[y] >= 0.5), candidates[-1])
        expected[kept] += P[candidates[0]] * P[candidates[1]] * P[candidates[2]]
    p, rho = torch.tensor(P, dtype=torch.float64), torch.tensor(R, dtype=torch.float64)
    curator = Satisficing(method="satisficing", candidates=3, aspiration=0.5)
    assert curator.keep(p, rho, torch.tensor(3.0, dtype=torch.float64)).tolist() == pytest.approx(expected, abs=1e-14)


def test_the_curator_keeps_what_there_is_where_nothing_is_good_enough():
    p, rho = torch.tensor(P, dtype=torch.float64), torch.tensor(R, dtype=torch.float64)
    curator = Satisficing(method="satisficing", candidates=3, aspiration=2)
    for k in (3.0, float("inf")):
        assert curator.keep(p, rho, torch.tensor(k, dtype=torch.float64)).tolist() == pytest.approx(P)


def test_the_camps_are_joined_by_as_many_edges():
    graph = TwoCamps(generator="two_camps", bridges=3).graph(10, 7)
    assert sum((a < 5) != (b < 5) for a, b in graph.edges) == 3
    assert nx.is_isomorphic(graph.subgraph(range(5)), nx.cycle_graph(5).to_directed())
