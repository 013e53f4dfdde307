"""Choice among draws of a normal law: numerical integration, order statistics, sampling, limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.integrate import dblquad, quad
from scipy.stats import norm

from ecosystem.curators.curation import KINDS
from ecosystem.curators.gaussian import MOST_BETA, largest_of, luce_moments, sharp_moments
from ecosystem.outputs.gaussian import GaussianSpace, moments
from ecosystem.scenario.fields.rewards import QuadraticReward

KIND_OF = {"limit": "gaussian_limit", "luce": "gaussian_luce", "best_of": "gaussian_best_of"}


def curator(kind: str, d: int, reward: dict, candidates: float = math.inf, temperature: float = 1.0):
    rho = GaussianSpace(d, 1).reward(QuadraticReward(**reward)) / temperature
    k = torch.tensor([[float(candidates)]], dtype=torch.float64)
    return KINDS[KIND_OF[kind]](torch.from_numpy(rho)[None], k, 0)


def row(mean: ArrayLike, covariance: ArrayLike) -> torch.Tensor:
    mean = np.atleast_1d(np.asarray(mean, dtype=float))
    covariance = np.asarray(covariance, dtype=float)
    covariance = covariance if covariance.ndim == 2 else np.diag(np.full(len(mean), covariance))
    return torch.from_numpy(moments(mean, covariance))[None, None, None]


def keep(kind: str, mean: ArrayLike, covariance: ArrayLike, reward: dict, candidates=math.inf, temperature=1.0):
    """Mean and covariance of what is kept."""
    p = row(mean, covariance)
    d = np.atleast_1d(mean).shape[0]
    kept = curator(kind, d, reward, candidates, temperature).keep(p)[0, 0, 0].numpy()
    m = kept[1 : 1 + d]
    assert kept[0] == 1
    return m, kept[1 + d :].reshape(d, d) - np.outer(m, m)


# Infinitely many candidates


@settings(deadline=None, max_examples=60)
@given(d=st.integers(1, 4), seed=st.integers(0, 2**32), rank=st.integers(0, 4), temperature=st.floats(0.1, 10))
def test_a_linear_reward_shifts_the_mean(d: int, seed: int, rank: int, temperature: float) -> None:
    g = np.random.default_rng(seed)
    root, mean, w = g.normal(size=(d, min(rank, d))), g.normal(size=d), g.normal(size=d)
    covariance = root @ root.T
    found, spread = keep("limit", mean, covariance, {"linear": w.tolist()}, temperature=temperature)
    shift = covariance @ w / temperature
    size = 1 + np.abs(shift).max()
    assert np.abs(found - mean - shift).max() < 1e-14 * size
    assert np.abs(spread - covariance).max() < 1e-13 * size**2 * (1 + np.abs(covariance).max())


@pytest.mark.parametrize("curvature", [0.0, 0.7, 4.0, -0.2])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_curved_reward_tilts_the_density(curvature: float, temperature: float) -> None:
    m, s, w, c = 0.6, 1.3, 0.8, -1.5

    def tilted(x: float) -> float:
        reward = w * x - curvature / 2 * (x - c) ** 2
        return math.exp(reward / temperature - ((x - m) / s) ** 2 / 2)

    whole, first, second = (
        quad(lambda x, n=n: x**n * tilted(x), -60, 60, epsabs=1e-14, epsrel=1e-13, limit=500, points=[0])[0]
        for n in range(3)
    )
    mean, variance = keep(
        "limit", m, s**2, {"linear": [w], "curvature": curvature, "centre": [c]}, temperature=temperature
    )
    assert mean[0] == pytest.approx(first / whole, abs=1e-10)
    assert variance[0, 0] == pytest.approx(second / whole - (first / whole) ** 2, abs=1e-10)


def test_a_curved_reward_tilts_a_plane() -> None:
    mean, covariance = np.array([0.3, -0.8]), np.array([[1.5, 0.6], [0.6, 0.7]])
    w, c, k, temperature = np.array([0.5, -1.0]), np.array([1.0, 2.0]), 1.4, 0.7
    axis = np.arange(-12, 12, 0.05)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    away = x - mean
    exponent = -np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away) / 2
    density = np.exp(exponent + (x @ w - k / 2 * ((x - c) ** 2).sum(-1)) / temperature)
    density /= density.sum()
    expected = density @ x
    spread = (x - expected).T @ ((x - expected) * density[:, None])
    found, found_spread = keep(
        "limit", mean, covariance, {"linear": w.tolist(), "curvature": k, "centre": c.tolist()}, temperature=temperature
    )
    assert found == pytest.approx(expected, abs=1e-10)
    assert found_spread == pytest.approx(spread, abs=1e-10)


def test_a_curved_reward_moves_along_the_line_that_is_written() -> None:
    # All outputs lie on mean + z·direction, so that the choice is one about z.
    mean, direction = np.array([1.0, 0.5]), np.array([2.0, -1.0])
    z = np.arange(-12, 12, 0.01)
    x = mean + z[:, None] * direction
    density = np.exp(-z * z / 2 + x @ [0.3, 0.4] - 0.6 / 2 * ((x - [0.0, 3.0]) ** 2).sum(-1))
    density /= density.sum()
    at = density @ z
    reward = {"linear": [0.3, 0.4], "curvature": 0.6, "centre": [0.0, 3.0]}
    found, spread = keep("limit", mean, np.outer(direction, direction), reward)
    assert found == pytest.approx(mean + at * direction, abs=1e-12)
    assert spread == pytest.approx(np.outer(direction, direction) * (density @ (z - at) ** 2), abs=1e-12)


def test_a_reward_that_outgrows_the_normal_law_is_nobodys_choice() -> None:
    for variance, finite in ((0.49, True), (0.51, False), (5.0, False)):
        mean, spread = keep("limit", [1.0, 0.0], [[0.2, 0.0], [0.0, variance]], {"linear": [1, 1], "curvature": -2.0})
        assert np.isfinite(mean).all() == np.isfinite(spread).all() == finite


@pytest.mark.parametrize("kind", KIND_OF)
def test_a_single_point_stays(kind: str) -> None:
    candidates = math.inf if kind == "limit" else 3
    for mean in ([0.3, -1.7], [1000.3, 0.1]):
        found, spread = keep(kind, mean, 0.0, {"linear": [1.0, 2.0]}, candidates)
        assert found.tolist() == mean
        assert not spread.any()


@pytest.mark.parametrize("far", [1e-4, 1.0, 1e4])
def test_the_rounding_of_a_single_point_is_no_spread(far: float) -> None:
    # A variance is read off as E x² − (E x)²: what the last bits of these leave is none, however far out the point is.
    p = row([0.3 * far, -1.7 * far], 0.0)
    p[..., 3:] *= 1 + 4e-16
    kept = curator("best_of", 2, {"linear": [1.0, 2.0]}, 3).keep(p)
    assert torch.equal(kept[..., 1:3], p[..., 1:3])
    assert torch.allclose(kept[..., 3:], p[..., 3:], rtol=1e-15, atol=0)
    sharply = curator("best_of", 2, {"linear": [1.0, 2.0]}, 3, temperature=1e-9).keep(p)
    assert torch.allclose(sharply, p, rtol=1e-15, atol=0)
    wide = curator("best_of", 2, {"linear": [1.0, 2.0]}, 3).keep(row([0.3 * far, -1.7 * far], (0.1 * far) ** 2))
    shift = 0.1 * far * largest_of(3)[0] * np.array([1.0, 2.0]) / math.sqrt(5)
    assert wide[0, 0, 0, 1:3].numpy() == pytest.approx(far * np.array([0.3, -1.7]) + shift, rel=1e-12)


def test_what_is_no_number_does_not_keep_others_from_being_chosen() -> None:
    nan, many = math.nan, 0.2 * np.eye(3)
    for broken in (row([nan, 0, 0], many), row([0, 0, 0], [[1, 0, nan], [0, 1, 0], [nan, 0, 1]]), row([nan] * 3, nan)):
        chooser = curator("limit", 3, {"linear": [1.0, 0.5, -0.2], "curvature": -0.5})
        whole = row([0.3, -1.0, 0.1], 0.7)
        kept = chooser.keep(torch.cat([whole, broken], dim=2))
        assert torch.equal(kept[:, :, 0], chooser.keep(whole)[:, :, 0])
        assert kept[:, :, 1, 1:].isnan().all()


# Finitely many candidates


def test_rows_that_are_chosen_from_sharply_do_not_change_those_beside_them() -> None:
    widths = (0.5, 0.999 * MOST_BETA, 1.001 * MOST_BETA, 5 * MOST_BETA, 0.0)
    chooser = curator("luce", 1, {"linear": [1.0]}, 4)
    rows = [row([0.2], width**2) for width in widths]
    together = chooser.keep(torch.cat(rows, dim=2))
    for number, alone in enumerate(rows):
        assert torch.equal(together[:, :, number], chooser.keep(alone)[:, :, 0])


def two_candidates(beta: float) -> tuple[float, float]:
    """Mean and variance of the kept of two standard normal draws, by integration over both."""

    def density(y: float, x: float) -> float:
        return math.exp(-(x * x + y * y) / 2) / math.pi / (1 + math.exp(beta * (y - x)))

    moment = [dblquad(lambda y, x, n=n: x**n * density(y, x), -8, 8, -8, 8, epsabs=1e-8)[0] for n in (1, 2)]
    return moment[0], moment[1] - moment[0] ** 2


def several_candidates(beta: float, candidates: int) -> tuple[float, float]:
    """The same for a few candidates, by a sum over a grid of all of them."""
    z = np.arange(-8.5, 8.51, 0.25)
    p = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    grids = np.meshgrid(*[z] * candidates, indexing="ij", sparse=True)
    weight = math.prod(np.meshgrid(*[p] * candidates, indexing="ij", sparse=True))
    appeal = [np.exp(beta * grid) for grid in grids]
    chance = weight * appeal[0] * candidates / sum(appeal)
    mean = float((chance * grids[0]).sum())
    return mean, float((chance * (grids[0] - mean) ** 2).sum())


def test_two_candidates_by_double_integration() -> None:
    assert luce_moments(1.3, 2) == pytest.approx(two_candidates(1.3), abs=1e-7)


@pytest.mark.parametrize("beta", [0.01, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("candidates", [2, 3, 4])
def test_a_few_candidates_by_integration_over_all_of_them(beta: float, candidates: int) -> None:
    assert luce_moments(beta, candidates) == pytest.approx(several_candidates(beta, candidates), abs=1e-11)


@pytest.mark.parametrize("beta", [1e-6, 0.1, 1.0, 7.0, 20.0])
def test_two_candidates_by_single_integration(beta: float) -> None:
    # Of two, with u their difference over √2: μ = E[u tanh(βu/√2)]/√2, and E z² of the kept is that of both, 1.
    def integrand(u: float) -> float:
        return u * math.tanh(beta * u / math.sqrt(2)) * norm.pdf(u)

    mean = quad(integrand, -12, 12, epsabs=1e-14, epsrel=1e-14, limit=500)[0] / math.sqrt(2)
    assert luce_moments(beta, 2) == pytest.approx((mean, 1 - mean**2), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(beta=st.floats(0, MOST_BETA) | st.floats(0, 0.01), candidates=st.sampled_from([2, 7, 1000]))
def test_tables_hold_what_was_tabulated(beta: float, candidates: int) -> None:
    mean, variance = luce_moments(beta, candidates)
    found, spread = keep("luce", 0.0, 1.0, {"linear": [beta]}, candidates)
    assert abs(found[0] - mean) < 1e-10
    assert abs(spread[0, 0] - variance) < 1e-10


@pytest.mark.parametrize("beta", [20.0, 20.5, 31.0, 77.0, 400.0, 1e4, 1e8])
def test_sharp_choices_of_two_by_single_integration(beta: float) -> None:
    # E u tanh(βu/√2) by parts of the difference to E|u|, which lies within a few √2/β of 0.
    def lost(x: float) -> float:
        u = x * math.sqrt(2) / beta
        return 2 * u * 2 * math.exp(-2 * x) / (1 + math.exp(-2 * x)) * norm.pdf(u) * math.sqrt(2) / beta

    mean = (math.sqrt(2 / math.pi) - quad(lost, 0, 40, epsabs=0, epsrel=1e-13, limit=500)[0]) / math.sqrt(2)
    found, spread = keep("luce", 0.0, 1.0, {"linear": [beta]}, 2)
    assert found[0] == pytest.approx(mean, abs=1e-12)
    assert spread[0, 0] == pytest.approx(1 - mean**2, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(beta=st.floats(MOST_BETA, 2000), candidates=st.sampled_from([2, 3, 7, 1000]))
def test_sharp_tables_hold_what_was_tabulated(beta: float, candidates: int) -> None:
    found, spread = keep("luce", 0.0, 1.0, {"linear": [beta]}, candidates)
    assert (found[0], spread[0, 0]) == pytest.approx(sharp_moments(beta, candidates), abs=1e-11)


@pytest.mark.parametrize("candidates", [2, 5, 64, 1000])
def test_both_ways_of_integration_agree(candidates: int) -> None:
    for beta in (8.0, MOST_BETA, 45.0):
        assert sharp_moments(beta, candidates) == pytest.approx(luce_moments(beta, candidates), abs=1e-12)


@pytest.mark.parametrize(("kind", "candidates"), [("luce", 6), ("best_of", 6), ("luce", 2)])
def test_vectors_that_are_drawn_and_chosen(kind: str, candidates: int) -> None:
    g, draws, temperature = np.random.default_rng(0), 200_000, 0.6
    mean, covariance = np.array([0.5, -1.0]), np.array([[1.4, -0.5], [-0.5, 0.8]])
    w = np.array([1.0, 0.7])
    x = g.multivariate_normal(mean, covariance, size=(draws, candidates))
    appeal = x @ w / temperature
    if kind == "luce":
        appeal = appeal + g.gumbel(size=appeal.shape)
    kept = np.take_along_axis(x, appeal.argmax(1)[:, None, None], 1)[:, 0]
    found, spread = keep(kind, mean, covariance, {"linear": w.tolist()}, candidates, temperature)
    error = kept.std(0) / math.sqrt(draws)
    assert (np.abs(kept.mean(0) - found) < 5 * error).all()
    products = (kept - found)[:, :, None] * (kept - found)[:, None, :]
    error = products.std(0) / math.sqrt(draws)
    assert (np.abs(products.mean(0) - spread) < 5 * error).all()


def test_one_candidate_more_and_more_of_them() -> None:
    # With β small, curation by K is (K − 1)/K of that by infinitely many.
    for candidates in (2, 5, 1000):
        assert luce_moments(1e-3, candidates)[0] == pytest.approx(1e-3 * (candidates - 1) / candidates, rel=1e-5)
    limit = keep("limit", 0.0, 1.0, {"linear": [0.8]})
    gaps = [abs(keep("luce", 0.0, 1.0, {"linear": [0.8]}, k)[0][0] - limit[0][0]) for k in (100, 1000, 10_000)]
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.1)
    assert gaps[2] == pytest.approx(gaps[1] / 10, rel=0.1)


# The best of K


@pytest.mark.parametrize(
    ("candidates", "mean", "variance"),
    [
        (2, 1 / math.sqrt(math.pi), 1 - 1 / math.pi),
        (3, 1.5 / math.sqrt(math.pi), 1 + math.sqrt(3) / (2 * math.pi) - 2.25 / math.pi),
        (4, 1.02937537300, 0.49171524),
        (5, 1.16296447364, 0.44753407),
        (100, 2.50759363644, None),
    ],
)
def test_order_statistics(candidates: int, mean: float, variance: float | None) -> None:
    found = largest_of(candidates)
    assert found[0] == pytest.approx(mean, abs=1e-10)
    if variance is not None:
        assert found[1] == pytest.approx(variance, abs=1e-8 if candidates > 3 else 1e-12)


def test_the_best_lies_further_on_along_the_reward() -> None:
    # s² = wᵀSw = 5.2: the mean moves by S w/s times that of the largest, and only along it the spread shrinks.
    covariance, w = np.array([[2.0, 0.4], [0.4, 1.0]]), np.array([1.0, 1.0]) * 2
    along = covariance @ w / math.sqrt(w @ covariance @ w)
    for length in (1.0, 1e-3, 50.0):
        found, spread = keep("best_of", [3.0, 4.0], covariance, {"linear": (w * length).tolist()}, 3)
        assert found == pytest.approx([3.0, 4.0] + along * 1.5 / math.sqrt(math.pi), abs=1e-12)
        shrunk = 1 + math.sqrt(3) / (2 * math.pi) - 2.25 / math.pi - 1
        assert spread == pytest.approx(covariance + np.outer(along, along) * shrunk, abs=1e-12)


def test_low_temperature_approaches_the_best() -> None:
    best = largest_of(4)
    gaps = [abs(luce_moments(beta, 4)[0] - best[0]) for beta in (5.0, 10.0, 20.0)]
    assert gaps[1] == pytest.approx(gaps[0] / 4, rel=0.15)  # the error is of order 1/β²
    assert gaps[2] == pytest.approx(gaps[1] / 4, rel=0.05)
    # Where T is all but 0, what is kept is the best.
    found, spread = keep("luce", 1.0, 4.0, {"linear": [3.0]}, 4, temperature=1e-9)
    assert (found[0], spread[0, 0]) == pytest.approx((1 + 2 * best[0], 4 * best[1]), abs=1e-12)


# Derivatives

CURATORS = [
    ("limit", {"linear": [0.7, -0.4]}, math.inf),
    ("limit", {"linear": [0.7, -0.4], "curvature": 1.5, "centre": [1.0, 0.0]}, math.inf),
    ("luce", {"linear": [0.7, -0.4]}, 3),
    ("luce", {"linear": [25.0, -11.0]}, 3),
    ("best_of", {"linear": [0.7, -0.4]}, 3),
]


@pytest.mark.parametrize(("kind", "reward", "candidates"), CURATORS)
def test_choice_is_differentiable(kind: str, reward: dict, candidates: float) -> None:
    p = row([0.3, -0.2], [[1.2, 0.4], [0.4, 0.6]]).requires_grad_()
    chooses = curator(kind, 2, reward, candidates)
    assert torch.autograd.gradcheck(chooses.keep, (p,))
    slopes = chooses.derivative(p.detach())[0, 0, 0]
    for x in range(1, p.shape[-1]):
        step = torch.zeros_like(p)
        step[..., x] = 1e-6
        slope = (chooses.keep(p + step) - chooses.keep(p - step))[0, 0, 0] / 2e-6
        assert slopes[:, x].detach().numpy() == pytest.approx(slope.detach().numpy(), abs=1e-8)


@pytest.mark.parametrize(("kind", "reward", "candidates"), CURATORS)
def test_a_single_point_has_finite_derivatives(kind: str, reward: dict, candidates: float) -> None:
    slopes = curator(kind, 2, reward, candidates).derivative(row([0.3, -0.2], 0.0))
    assert torch.isfinite(slopes).all()


@pytest.mark.parametrize("candidates", [2, 3, 7, math.inf])
def test_a_point_that_spreads_moves_by_what_any_small_spread_does(candidates: float) -> None:
    # With S = dM − dm mᵀ − m dmᵀ the mean of K moves by dm + S b (K − 1)/K, and S itself shrinks by its square only.
    g = np.random.default_rng(0)
    mean, w = np.array([0.3, -0.2]), np.array([0.7, -0.4])
    chooser = curator("limit" if candidates == math.inf else "luce", 2, {"linear": w.tolist()}, candidates)
    slopes = chooser.derivative(row(mean, 0.0))[0, 0, 0].numpy()
    for _ in range(3):
        dm, root = g.normal(size=2), g.normal(size=(2, 2))
        spread = root @ root.T
        second = spread + np.outer(dm, mean) + np.outer(mean, dm)
        moved = dm + spread @ w * (1 if candidates == math.inf else (candidates - 1) / candidates)
        expected = spread + np.outer(moved, mean) + np.outer(mean, moved)
        found = slopes @ np.concatenate([[0.0], dm, second.ravel()])
        assert found == pytest.approx(np.concatenate([[0.0], moved, expected.ravel()]), abs=1e-9)


def test_curves_and_worlds_are_chosen_for_one_by_one() -> None:
    # [worlds, curves] of different rewards and K, [rows] of different laws.
    g, space = np.random.default_rng(1), GaussianSpace(2, 1)
    rewards = [[{"linear": g.normal(size=2).tolist()} for _ in range(3)] for _ in range(2)]
    rho = np.stack([np.concatenate([space.reward(QuadraticReward(**r)) for r in rows]) for rows in rewards])
    k = np.array([[2, 3, 7], [7, 2, 2]])
    laws = [[[(g.normal(size=2), np.diag(g.uniform(0.1, 2, 2))) for _ in range(4)] for _ in range(3)] for _ in range(2)]
    p = torch.from_numpy(np.array([[[moments(*law) for law in rows] for rows in curves] for curves in laws]))
    for kind in ("luce", "best_of"):
        together = KINDS[KIND_OF[kind]](torch.from_numpy(rho), torch.from_numpy(k).double(), 0).keep(p)
        for w, c, n in itertools.product(range(2), range(3), range(4)):
            alone = curator(kind, 2, rewards[w][c], k[w, c]).keep(p[w, c, n][None, None, None])
            assert torch.equal(together[w, c, n], alone[0, 0, 0])
    # Some rewards are curved, either way, and some are not.
    curved = [
        [reward | {"curvature": k} for reward, k in zip(rewards[w], (0.0, 0.8, -0.2), strict=True)] for w in (0, 1)
    ]
    rho = np.stack([np.concatenate([space.reward(QuadraticReward(**r)) for r in rows]) for rows in curved])
    together = KINDS["gaussian_limit"](torch.from_numpy(rho), torch.full((2, 3), math.inf).double(), 0).keep(p)
    for w, c, n in itertools.product(range(2), range(3), range(4)):
        alone = curator("limit", 2, curved[w][c]).keep(p[w, c, n][None, None, None])
        assert together[w, c, n].numpy() == pytest.approx(alone[0, 0, 0].numpy(), abs=1e-13)
