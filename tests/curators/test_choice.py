"""Exact choice: published numbers, brute force, limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.choice import chances_to_win

from ecosystem.curators.best_of import BestOf
from ecosystem.curators.curation import KINDS
from ecosystem.curators.luce import Luce, LuceLimit, nodes_needed

P = (0.4, 0.3, 0.2, 0.1)
R = (0.0, 1.0, 1.0, 2.5)


def keep(kind: str, p, r, candidates: float, temperature: float = 1.0) -> np.ndarray:
    """Choose by one curator, one world, one row."""
    rho = torch.tensor(r, dtype=torch.float64)[None, None] / temperature
    nodes = nodes_needed(candidates, float(rho.max() - rho.min())) if kind == "luce" else 0
    curator = KINDS[kind](rho, torch.tensor([[float(candidates)]], dtype=torch.float64), nodes)
    return curator.keep(torch.tensor(p, dtype=torch.float64)[None, None, None])[0, 0, 0].numpy()


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (2, (0.273645, 0.336400, 0.224266, 0.165689)),
        (4, (0.203635, 0.331608, 0.221072, 0.243685)),
        (16, (0.150622, 0.294325, 0.196217, 0.358835)),
        (math.inf, (0.134346, 0.273892, 0.182595, 0.409167)),
    ],
)
def test_published_numbers(candidates: float, expected: tuple[float, ...]) -> None:
    kind = "luce_limit" if math.isinf(candidates) else "luce"
    assert keep(kind, P, R, candidates) == pytest.approx(expected, abs=5e-7)


distributions = st.lists(st.floats(0.001, 1.0), min_size=2, max_size=4).map(lambda x: np.array(x) / sum(x))


@settings(deadline=None, max_examples=60)
@given(p=distributions, data=st.data(), candidates=st.integers(2, 6), temperature=st.floats(0.3, 3.0))
def test_luce_equals_enumeration(p: np.ndarray, data: st.DataObject, candidates: int, temperature: float) -> None:
    r = np.array(data.draw(st.lists(st.floats(-3, 3), min_size=len(p), max_size=len(p))))
    expected = chances_to_win(p, r, candidates, "luce", temperature)
    assert np.abs(keep("luce", p, r, candidates, temperature) - expected).max() < 1e-12


@settings(deadline=None, max_examples=60)
@given(p=distributions, data=st.data(), candidates=st.integers(1, 6))
def test_best_of_equals_enumeration(p: np.ndarray, data: st.DataObject, candidates: int) -> None:
    r = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(p), max_size=len(p))), dtype=float)
    expected = chances_to_win(p, r, candidates, "best_of", 1.0)
    assert np.abs(keep("best_of", p, r, candidates) - expected).max() < 1e-13


@pytest.mark.parametrize("candidates", [10, 1_000, 1_000_000])
@pytest.mark.parametrize("spread", [0.5, 5.0, 20.0])
def test_a_finer_quadrature_changes_nothing(candidates: int, spread: float) -> None:
    generator = np.random.default_rng(candidates)
    p = torch.tensor(generator.dirichlet(np.ones(12), size=(1, 1, 3)), dtype=torch.float64)
    rho = torch.tensor(generator.uniform(-spread, 0, size=(1, 1, 12)), dtype=torch.float64)
    rho[..., 0], rho[..., 1] = 0.0, -spread
    k = torch.tensor([[float(candidates)]], dtype=torch.float64)
    nodes = nodes_needed(candidates, spread)
    coarse, fine = (Luce(rho, k, n).keep(p) for n in (nodes, 3 * nodes))
    assert float((coarse - fine).abs().max()) < 1e-12


def test_many_candidates_approach_the_limit() -> None:
    gaps = [np.abs(keep("luce", P, R, k) - keep("luce_limit", P, R, math.inf)).max() for k in (10, 100, 1000, 10_000)]
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3]
    assert gaps[3] == pytest.approx(gaps[2] / 10, rel=0.05)  # the error of K candidates is of order 1/K


def test_low_temperature_approaches_best_of() -> None:
    assert np.abs(keep("luce", P, R, 3, temperature=0.01) - keep("best_of", P, R, 3)).max() < 1e-12


def test_rewards_count_by_their_differences() -> None:
    shifted = [value + 1000.0 for value in R]
    for kind, candidates in (("luce", 4), ("luce_limit", math.inf), ("best_of", 4)):
        assert np.abs(keep(kind, P, R, candidates) - keep(kind, P, shifted, candidates)).max() < 1e-12


@pytest.mark.parametrize("kind", ["luce", "luce_limit", "best_of"])
def test_what_is_not_written_is_not_kept(kind: str) -> None:
    # The best output is never written; the rest must be chosen among as if it were not there.
    kept = keep(kind, (0.5, 0.3, 0.2, 0.0), (0.0, 1.0, 2.0, 30.0), 3 if kind != "luce_limit" else math.inf)
    assert kept[3] == 0
    smaller = keep(kind, (0.5, 0.3, 0.2), (0.0, 1.0, 2.0), 3 if kind != "luce_limit" else math.inf)
    assert np.abs(kept[:3] - smaller).max() < 1e-12


def test_best_of_infinitely_many_keeps_the_best_that_is_written() -> None:
    assert keep("best_of", (0.5, 0.3, 0.2, 0.0), (0.0, 1.0, 1.0, 2.0), math.inf) == pytest.approx((0, 0.6, 0.4, 0))


def test_the_limit_survives_rewards_far_apart() -> None:
    kept = keep("luce_limit", (0.5, 0.5, 0.0), (-2000.0, -2001.0, 0.0), math.inf)
    assert kept == pytest.approx((1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0.0))


def test_choice_is_differentiable() -> None:
    rho = torch.tensor(R, dtype=torch.float64)[None, None]
    k = torch.tensor([[4.0]], dtype=torch.float64)
    p = torch.tensor(P, dtype=torch.float64)[None, None, None].requires_grad_()
    for curator in (Luce(rho, k, nodes_needed(4, 2.5)), LuceLimit(rho, k, 0)):
        assert torch.autograd.gradcheck(curator.keep, (p,))


def test_best_of_counts_ties_once() -> None:
    k = torch.tensor([[2.0]], dtype=torch.float64)
    curator = BestOf(torch.tensor([[[1.0, 1.0]]], dtype=torch.float64), k, 0)
    p = torch.tensor([[[[0.3, 0.7]]]], dtype=torch.float64)
    assert torch.allclose(curator.keep(p), p)
