"""Exact choice: published numbers, brute force, limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.choice import chances_to_win
from scipy.stats import binom

from ecosystem.curators.best_of import BestOf
from ecosystem.curators.curation import KINDS
from ecosystem.curators.differentiate import by_autograd
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


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("kind", "candidates"), [("luce", 3.0), ("luce_limit", math.inf), ("best_of", 3.0)])
def test_an_unwritten_output_however_good_leaves_numbers(kind: str, candidates: float, dtype: torch.dtype) -> None:
    p, k = torch.tensor([[[[0.5, 0.3, 0.2]]]], dtype=dtype), torch.tensor([[candidates]], dtype=dtype)
    rho = torch.tensor([[[0.0, 1.0, 2.0]]], dtype=dtype)
    kept = KINDS[kind](rho, k, nodes_needed(3, 2.0)).keep(p)
    for best in (10.0, 85.0, 120.0, 900.0):
        rewards = torch.cat([rho, torch.full((1, 1, 1), best, dtype=dtype)], -1)
        beside = KINDS[kind](rewards, k, nodes_needed(3, best)).keep(torch.nn.functional.pad(p, (0, 1)))
        assert float(beside[..., 3].abs().max()) == 0
        assert float((beside[..., :3] - kept).abs().max()) < (1e-11 if dtype == torch.float64 else 1e-5)


def test_choice_is_differentiable() -> None:
    rho = torch.tensor(R, dtype=torch.float64)[None, None]
    k = torch.tensor([[4.0]], dtype=torch.float64)
    p = torch.tensor(P, dtype=torch.float64)[None, None, None].requires_grad_()
    for curator in (Luce(rho, k, nodes_needed(4, 2.5)), LuceLimit(rho, k, 0)):
        assert torch.autograd.gradcheck(curator.keep, (p,))


def test_best_of_keeps_what_is_hardly_ever_written() -> None:
    # Of K candidates each is the rare best output with probability 1e-18: K times that is kept.
    assert keep("best_of", (0.5, 0.5, 1e-18), (0.0, 1.0, 2.0), 5)[2] == pytest.approx(5e-18, rel=1e-12, abs=0)


def test_best_of_few_beside_best_of_infinitely_many_has_its_own_derivative() -> None:
    rho = torch.tensor([0.0, 1.0, 1.0, 2.0, 0.5], dtype=torch.float64).expand(1, 3, -1)
    candidates = torch.tensor([[3.0, math.inf, 2.0]], dtype=torch.float64)
    p = torch.tensor([0.2, 0.3, 0.5, 0.0, 0.0], dtype=torch.float64).expand(1, 3, 1, -1)
    together = BestOf(rho, candidates, 0)
    assert float((by_autograd(together.keep, p)[0, 1]).abs().max()) < 10
    for curve in range(3):
        here = slice(curve, curve + 1)
        alone = BestOf(rho[:, here], candidates[:, here], 0)
        assert torch.equal(together.keep(p)[:, here], alone.keep(p[:, here]))
        assert torch.equal(by_autograd(together.keep, p)[:, here], by_autograd(alone.keep, p[:, here]))


def test_best_of_counts_ties_once() -> None:
    k = torch.tensor([[2.0]], dtype=torch.float64)
    curator = BestOf(torch.tensor([[[1.0, 1.0]]], dtype=torch.float64), k, 0)
    p = torch.tensor([[[[0.3, 0.7]]]], dtype=torch.float64)
    assert torch.allclose(curator.keep(p), p)


# Curators whose derivative is written down, with numbers of candidates on both sides of where the computation changes.
CURATORS = [("luce", k) for k in (2.0, 3.0, 3.5, 6.0, 64.0, 65.0, 200.0)]
CURATORS += [("luce_limit", math.inf), ("best_of", 1.0), ("best_of", 2.0), ("best_of", 5.0), ("best_of", math.inf)]


@pytest.mark.parametrize(("kind", "candidates"), CURATORS)
def test_the_derivative_is_that_of_what_is_kept(kind: str, candidates: float) -> None:
    generator = np.random.default_rng(3)
    rho = torch.from_numpy(generator.normal(size=(2, 3, 6)))
    p = torch.from_numpy(generator.dirichlet(np.ones(6), size=(2, 3, 4)))
    curator = KINDS[kind](rho, torch.full((2, 3), candidates, dtype=torch.float64), nodes_needed(66, 6.0))
    # Rows that keep their sum: only those changes are possible, and only for those a derivative is promised.
    change = torch.from_numpy(generator.normal(size=(2, 3, 4, 6)))
    change -= change.mean(-1, keepdim=True)
    found = (curator.derivative(p) @ change[..., None])[..., 0]
    by_passes = (by_autograd(curator.keep, p) @ change[..., None])[..., 0]
    assert float((found - by_passes).abs().max()) < 1e-10 * max(1.0, float(found.abs().max()))
    step = 1e-3 * float(p.min())
    differences = [curator.keep(p + k * step * change) - curator.keep(p - k * step * change) for k in (1, 2, 3)]
    expected = (45 * differences[0] - 9 * differences[1] + differences[2]) / (60 * step)
    assert float((found - expected).abs().max()) < 1e-8 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize(("kind", "candidates"), [("luce", 3.0), ("luce_limit", math.inf), ("best_of", 3.0)])
def test_the_derivative_where_the_best_outputs_are_not_written(kind: str, candidates: float) -> None:
    # What is never written does not count, however good: the rest has the derivative that it has alone.
    p, rho = (0.5, 0.3, 0.2), (0.0, 1.0, 0.5)
    k = torch.tensor([[candidates]], dtype=torch.float64)

    def derivative(p: tuple[float, ...], rho: tuple[float, ...]) -> torch.Tensor:
        best = torch.tensor(rho, dtype=torch.float64)[None, None]
        curator = KINDS[kind](best, k, nodes_needed(3, 900.0))
        return curator.derivative(torch.tensor(p, dtype=torch.float64)[None, None, None])[0, 0, 0]

    change = torch.tensor([0.3, -0.5, 0.2], dtype=torch.float64)
    alone = derivative(p, rho) @ change
    beside = derivative((*p, 0.0), (*rho, 900.0))[:3, :3] @ change
    assert float((alone - beside).abs().max()) < 1e-11
    assert float(alone.abs().max()) > 0.1


@pytest.mark.parametrize("unwritten", [2.0, 0.7, -1.0], ids=["the best", "one between", "the worst"])
@pytest.mark.parametrize(("kind", "candidates"), [("luce", 3.0), ("luce_limit", math.inf), ("best_of", 3.0)])
def test_the_derivative_towards_an_output_that_is_not_yet_written(
    kind: str, candidates: float, unwritten: float
) -> None:
    rho = torch.tensor([[[0.0, 1.0, 0.5, unwritten]]], dtype=torch.float64)
    k = torch.tensor([[candidates]], dtype=torch.float64)
    curator = KINDS[kind](rho, k, nodes_needed(3, 3.0))
    p = torch.tensor([[[[0.5, 0.3, 0.2, 0.0]]]], dtype=torch.float64)
    change = torch.tensor([-0.3, -0.5, -0.2, 1.0], dtype=torch.float64)
    step, start = 1e-3, curator.keep(p)
    ahead = [curator.keep(p + n * step * change) - start for n in (1, 2, 3, 4)]
    expected = (48 * ahead[0] - 36 * ahead[1] + 16 * ahead[2] - 3 * ahead[3])[0, 0, 0] / (12 * step)
    for found in (curator.derivative(p), by_autograd(curator.keep, p)):
        assert float((found[0, 0, 0] @ change - expected).abs().max()) < 1e-6


def test_curves_with_few_and_with_many_candidates_do_not_mix() -> None:
    generator = np.random.default_rng(5)
    candidates = torch.tensor([[2.0, 3.0, 2.5, 64.0], [65.0, 66.0, 500.0, 7.0]], dtype=torch.float64)
    rho = torch.from_numpy(generator.uniform(-2, 2, size=(2, 4, 5)))
    p = torch.from_numpy(generator.dirichlet(np.ones(5), size=(2, 4, 3)))
    nodes = nodes_needed(500, 4.0)
    together = Luce(rho, candidates, nodes).keep(p)
    for world in range(2):
        for curve in range(4):
            here = (slice(world, world + 1), slice(curve, curve + 1))
            alone = Luce(rho[here], candidates[here], nodes).keep(p[here])
            assert torch.equal(alone, together[here])
            # By the formula of few candidates (L multiplied) as by that of many (its logarithm).
            finer = Luce(rho[here], candidates[here] * (1 + 1e-13), 2 * nodes).keep(p[here])
            assert float((alone - finer).abs().max()) < 1e-11


@pytest.mark.parametrize("candidates", [2.0, 65.0, 1e4, 1e6])
@pytest.mark.parametrize("share", [1e-5, 0.3])
def test_two_outputs_by_the_binomial_number_of_candidates(candidates: float, share: float) -> None:
    # n of K candidates are the first output, which then wins with probability n a / (n a + K − n).
    appeal = 3.0
    n = np.arange(candidates + 1)
    law = binom(candidates, share)
    expected = math.fsum(law.pmf(n) * n * appeal / (n * appeal + candidates - n))
    found = keep("luce", (share, 1 - share), (math.log(appeal), 0.0), candidates)
    assert found[0] == pytest.approx(expected, rel=1e-11)
    assert abs(found.sum() - 1) < 3e-16


@pytest.mark.parametrize("candidates", [3.0, 2.5, 100.0])
def test_rewards_far_apart_have_derivatives(candidates: float) -> None:
    # Where the worst output is chosen from, all that the best would have won is beyond the smallest number.
    rho = torch.tensor([[[0.0, -4.0, -12.0]]], dtype=torch.float64)
    p = torch.tensor([[[[0.6, 0.3, 0.1]]]], dtype=torch.float64)
    curator = Luce(rho, torch.tensor([[candidates]], dtype=torch.float64), nodes_needed(candidates, 12.0))
    change = torch.tensor([0.4, -0.5, 0.1], dtype=torch.float64)
    by_formula, by_passes = curator.derivative(p) @ change, by_autograd(curator.keep, p) @ change
    assert bool(torch.isfinite(by_passes).all())
    assert float((by_formula - by_passes).abs().max()) < 1e-11
