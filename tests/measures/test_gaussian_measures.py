"""Quantities of Gaussian models against integrals, closed forms and drawn outputs, singular ones too."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import sqrtm
from scipy.stats import multivariate_normal, norm

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.measures import gaussian
from ecosystem.measures.rewards import named_alignments

Law = tuple[Any, Any]


def measured(measure: str, model: Law, other: Law, reward: dict[str, Any] | None = None) -> float:
    """One quantity of a model that was one law while its real data are another."""
    d = len(model[0])
    written = {
        "name": "measured",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": d},
        "rewards": {} if reward is None else {"r": reward},
        "models": [
            {
                "name": "m",
                "real": {"mean": list(other[0]), "covariance": other[1]},
                "initial": {"mean": list(model[0]), "covariance": model[1]},
                "diet": {"raw": 1},
            }
            | ({} if reward is None else {"reward": "r"})
        ],
    }
    return float(Ecosystem(Scenario(**written)).measure(measure)[0, 0])


def random_law(g: np.random.Generator, d: int) -> Law:
    root = g.normal(size=(d, d + 1))
    return g.normal(size=d).tolist(), (root @ root.T).tolist()


# Entropy and divergence


@pytest.mark.parametrize("d", [1, 2, 4])
def test_entropy(d: int) -> None:
    g = np.random.default_rng(d)
    mean, covariance = random_law(g, d)
    expected = multivariate_normal(mean, covariance).entropy()
    assert measured("entropy", (mean, covariance), random_law(g, d)) == pytest.approx(expected, abs=1e-12)


def test_divergence_by_integration() -> None:
    (m, s), (n, r) = (0.7, 0.8), (-1.1, 1.9)

    def integrand(x: float) -> float:
        return norm.pdf(x, m, s) * (norm.logpdf(x, m, s) - norm.logpdf(x, n, r))

    expected = quad(integrand, m - 12 * s, m + 12 * s, epsabs=1e-13, epsrel=1e-13)[0]
    assert measured("divergence_real", ([m], s**2), ([n], r**2)) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("d", [2, 3])
def test_divergence_in_the_mean_of_drawn_outputs(d: int) -> None:
    g = np.random.default_rng(d)
    p, q = random_law(g, d), random_law(g, d)
    x = g.multivariate_normal(*p, size=200_000)
    logs = multivariate_normal(*p).logpdf(x) - multivariate_normal(*q).logpdf(x)
    found = measured("divergence_real", p, q)
    assert abs(logs.mean() - found) < 5 * logs.std() / math.sqrt(len(x))
    assert found > 0.1


@pytest.mark.parametrize("mean", [[0.0, 0.0], [0.1, -3.7], [1234.5, 0.3]])
def test_divergence_of_single_points(mean: list[float]) -> None:
    moved = [mean[0] + 1e-3, mean[1]]
    assert measured("divergence_real", (mean, 0.0), (mean, 0.0)) == 0
    assert measured("divergence_real", (mean, 0.0), (moved, 0.0)) == math.inf
    assert measured("divergence_real", (mean, 0.0), (mean, 1.0)) == math.inf
    assert measured("divergence_real", (mean, 1.0), (mean, 0.0)) == math.inf


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e4])
def test_divergence_of_laws_on_a_line_is_that_along_it(unit: float) -> None:
    # Both on the line (1, 2) + z·(2, −1), of which z is N(0, 1) and N(½, 4); √5 a unit of z.
    line = np.outer([2.0, -1.0], [2.0, -1.0]) * unit**2
    p, q = ([1.0 * unit, 2.0 * unit], line.tolist()), ([2.0 * unit, 1.5 * unit], (4 * line).tolist())
    assert measured("divergence_real", p, q) == pytest.approx(math.log(2) + (1 + 0.25) / 8 - 0.5, abs=1e-9)
    off_the_line, across = ([2.0 * unit, 1.6 * unit], q[1]), (q[0], (4 * line + 0.01 * unit**2 * np.eye(2)).tolist())
    assert measured("divergence_real", p, off_the_line) == math.inf
    assert measured("divergence_real", p, across) == math.inf
    assert measured("divergence_real", across, p) == math.inf


@pytest.mark.parametrize("narrow", [1.0, 1e-3, 1e-5])
def test_divergence_of_a_narrow_law_along_the_line_of_a_wide_one(narrow: float) -> None:
    # In three dimensions, where a rounded matrix has a little spread across its line: KL(N(0, a²)‖N(0, 1)).
    line = np.random.default_rng(0).normal(size=3)
    wide = np.outer(line, line)
    law, other = ([0.0, 0.0, 0.0], (narrow**2 * wide).tolist()), ([0.0, 0.0, 0.0], wide.tolist())
    assert measured("divergence_real", law, other) == pytest.approx(narrow**2 / 2 - 0.5 - math.log(narrow), abs=1e-9)


def test_a_point_stays_the_same_point_through_rounding() -> None:
    # .3 m + .7 m is not m to the last digit, nor is the variance then exactly 0.
    for covariance in ("fixed", "learned"):
        for mean in np.random.default_rng(0).normal(size=(20, 2)) * 30:
            written = {
                "name": "still",
                "rounds": 1,
                "outputs": {"kind": "gaussian", "dimension": 2},
                "rewards": {"r": {"linear": [1.0, 1.0]}},
                "models": [
                    {
                        "name": "m",
                        "reward": "r",
                        "real": {"mean": mean.tolist(), "covariance": 0},
                        "diet": {"real": 0.2, "raw": 0.1, "curated": 0.7},
                        "curation": {"method": "best_of", "candidates": 3},
                    }
                ],
                "learning": {"covariance": covariance, "rate": 0.7},
            }
            model = Ecosystem(Scenario(**written))
            for _ in range(20):
                model.step()
            found = {name: float(model.measure(name)) for name in model.learner.measures}
            assert found["entropy"] == -math.inf
            assert found["divergence_real"] == found["divergence_initial"] == 0
            assert found["displacement"] < 1e-25
            assert found["alignment"] == pytest.approx(mean.sum(), abs=1e-11)


def test_divergence_of_a_law_from_itself_is_never_below_0() -> None:
    g = np.random.default_rng(0)
    found = []
    for d in (1, 2, 4) * 10:
        law = random_law(g, d)
        found.append(measured("divergence_real", law, law))
    assert 0 <= min(found) <= max(found) < 1e-13


def test_models_and_contexts_are_measured_one_by_one() -> None:
    # Three dimensions, two models, two contexts, of which one is a single point; means over the contexts.
    g = np.random.default_rng(1)
    laws = [[random_law(g, 3), random_law(g, 3)], [random_law(g, 3), (g.normal(size=3).tolist(), 0.0)]]
    real = [random_law(g, 3), random_law(g, 3)]
    written = {
        "name": "several",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 3, "contexts": 2},
        "real": [{"mean": mean, "covariance": covariance} for mean, covariance in real],
        "models": [
            {
                "name": f"m{k}",
                "initial": [{"mean": mean, "covariance": covariance} for mean, covariance in of_model],
                "diet": {"raw": 1},
            }
            for k, of_model in enumerate(laws)
        ],
    }
    model = Ecosystem(Scenario(**written))
    for measure in ("entropy", "divergence_real", "distance_real"):
        alone = [np.mean([measured(measure, *pair) for pair in zip(each, real, strict=True)]) for each in laws]
        assert model.measure(measure)[0].tolist() == pytest.approx(alone, rel=1e-12)
    assert model.measure("divergence_real")[0].isinf().tolist() == [False, True]
    # As if they wrote the real data now, which other contexts hold against other beginnings.
    alone = [np.mean([measured("divergence_real", *pair) for pair in zip(real, each, strict=True)]) for each in laws]
    assert gaussian.divergence_initial(model.batch.real, model.batch)[0].tolist() == pytest.approx(alone, rel=1e-12)
    assert np.isfinite(alone).tolist() == [True, False]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_a_law_that_is_no_number_has_no_measures_and_leaves_others_alone(d: int, broken: float) -> None:
    g = np.random.default_rng(d)
    law, real = random_law(g, d), random_law(g, d)
    written = {
        "name": "broken",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": d},
        "real": {"mean": real[0], "covariance": real[1]},
        "rewards": {"r": {"linear": [1.0] * d}},
        "models": [
            {
                "name": "m",
                "count": 3,
                "reward": "r",
                "diet": {"raw": 1},
                "initial": {"mean": law[0], "covariance": law[1]},
            }
        ],
    }
    model = Ecosystem(Scenario(**written))
    sound = {measure: model.measure(measure)[0, 0] for measure in gaussian.MEASURES}
    # Everything of one model, and of another what its first and its last number have in common.
    p = model.state.p.clone()
    p[:, 1, :, 1:], p[:, 2, :, d + d], p[:, 2, :, 1 + d * d] = broken, broken, broken
    for measure, function in gaussian.MEASURES.items():
        found = function(p, model.batch)[0]
        assert found[0] == pytest.approx(float(sound[measure]), rel=1e-12, abs=1e-12)
        assert not found[1].isfinite(), measure
        if measure in ("reward_variance", "entropy", "divergence_real", "divergence_initial", "distance_real"):
            assert found[2].isnan(), measure


# Distance


@pytest.mark.parametrize(("one", "other"), [((0.4, 0.25), (-1.0, 4.0)), ((2.0, 0.0), (-1.0, 4.0)), ((1, 0), (3, 0))])
def test_distance_of_scalars(one: tuple[float, float], other: tuple[float, float]) -> None:
    (m, variance), (n, spread) = one, other
    expected = math.hypot(m - n, math.sqrt(variance) - math.sqrt(spread))
    assert measured("distance_real", ([m], variance), ([n], spread)) == pytest.approx(expected, abs=1e-12)


def test_distance_of_a_known_pair() -> None:
    # For 2 × 2 matrices tr (S^½ R S^½)^½ = √(tr SR + 2 √det SR).
    s, r = np.array([[2.0, 1.0], [1.0, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    cross = math.sqrt(np.trace(s @ r) + 2 * math.sqrt(np.linalg.det(s @ r)))
    expected = math.sqrt(3**2 + 4**2 + np.trace(s + r) - 2 * cross)
    found = measured("distance_real", ([1.0, 1.0], s.tolist()), ([4.0, 5.0], r.tolist()))
    assert found == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(d=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_distance_by_the_usual_formula(d: int, seed: int) -> None:
    g = np.random.default_rng(seed)
    (m, s), (n, r) = random_law(g, d), random_law(g, d)
    root = sqrtm(np.array(s))
    square = np.sum((np.array(m) - n) ** 2) + np.trace(np.array(s) + r) - 2 * np.trace(sqrtm(root @ r @ root).real)
    assert measured("distance_real", (m, s), (n, r)) == pytest.approx(math.sqrt(square), abs=1e-7)
    assert measured("distance_real", (m, s), (m, s)) < 1e-13 * (1 + np.trace(s))


@pytest.mark.parametrize("step", [1e-4, 1e-8])
def test_distance_of_laws_that_are_close(step: float) -> None:
    covariance = np.array([[2.0, 1.0], [1.0, 1.0]])
    near = covariance * (1 + step) ** 2
    expected = step * math.sqrt(3.0)  # ‖((1 + ε) − 1) S^½‖ = ε √tr S
    found = measured("distance_real", ([0, 0], covariance.tolist()), ([0, 0], near.tolist()))
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_distance_of_laws_on_lines_that_are_not_along_an_axis(d: int) -> None:
    # What is no spread at all is, of a matrix that is rounded, a number a little above 0 or below.
    g = np.random.default_rng(d)
    for _ in range(5):
        one, other = g.normal(size=(2, d))
        laws = [(np.zeros(d).tolist(), np.outer(line, line).tolist()) for line in (one, other)]
        expected = math.sqrt(one @ one + other @ other - 2 * abs(one @ other))
        assert measured("distance_real", *laws) == pytest.approx(expected, abs=1e-6)
        root = gaussian.symmetric_root(torch.from_numpy(np.outer(one, one))).numpy()
        assert root @ root == pytest.approx(np.outer(one, one), abs=1e-13)


def test_distance_of_flat_laws() -> None:
    # Along two lines at an angle: tr S + tr R − 2 |cos|·√(tr S tr R).
    one, other = np.array([2.0, 0.0]), np.array([3.0, 3.0])
    expected = math.sqrt(4 + 18 - 2 * 6)
    laws = [([1.0, 1.0], np.outer(line, line).tolist()) for line in (one, other)]
    assert measured("distance_real", *laws) == pytest.approx(expected, abs=1e-12)
    assert measured("distance_real", laws[0], laws[0]) < 1e-13
    assert measured("distance_real", laws[0], ([1.0, 1.0], 0.0)) == pytest.approx(2.0, abs=1e-12)


def test_displacement_is_that_of_the_mean() -> None:
    written = {
        "name": "moved",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
        "models": [
            {
                "name": "m",
                "initial": [{"mean": [1, 1]}, {"mean": [0, 0], "covariance": 4.0}],
                "real": [{"mean": [4, 5], "covariance": 2.0}, {"mean": [0, 1]}],
                "diet": {"real": 1},
            }
        ],
    }
    model = Ecosystem(Scenario(**written))
    assert float(model.measure("displacement")) == 0
    model.step()
    assert float(model.measure("displacement")) == pytest.approx((25 + 1) / 2, abs=1e-12)


# Rewards


@pytest.mark.parametrize("curvature", [0.0, 1.7, -0.4])
def test_rewards_of_drawn_outputs(curvature: float) -> None:
    g = np.random.default_rng(0)
    mean, covariance = [0.4, -0.9], [[1.3, 0.5], [0.5, 0.6]]
    linear, centre = np.array([0.8, -0.3]), np.array([1.0, 2.0])
    x = g.multivariate_normal(mean, covariance, size=400_000)
    r = x @ linear - curvature / 2 * ((x - centre) ** 2).sum(-1)
    reward = {"linear": linear.tolist(), "curvature": curvature, "centre": centre.tolist()}
    law = (mean, covariance)
    assert abs(measured("alignment", law, law, reward) - r.mean()) < 5 * r.std() / math.sqrt(len(r))
    squares = (r - r.mean()) ** 2
    assert abs(measured("reward_variance", law, law, reward) - r.var()) < 5 * squares.std() / math.sqrt(len(r))


def test_rewards_by_integration() -> None:
    m, s, w, k, c = 0.6, 1.3, 0.8, 2.1, -1.5

    def reward(x: float) -> float:
        return w * x - k / 2 * (x - c) ** 2

    mean, square = (
        quad(lambda x, n=n: reward(x) ** n * norm.pdf(x, m, s), m - 14 * s, m + 14 * s, epsabs=1e-12)[0] for n in (1, 2)
    )
    law, written = ([m], s**2), {"linear": [w], "curvature": k, "centre": [c]}
    assert measured("alignment", law, law, written) == pytest.approx(mean, abs=1e-10)
    assert measured("reward_variance", law, law, written) == pytest.approx(square - mean**2, abs=1e-9)


def test_the_variance_of_a_reward_is_never_below_0() -> None:
    # Of a single point whose moments are rounded to less than its mean's square.
    mean = [1.3, -0.7, 2.9]
    written = {
        "name": "rounded",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 3},
        "rewards": {"r": {"linear": [1.0, 2.0, 3.0]}},
        "models": [{"name": "m", "reward": "r", "initial": {"mean": mean, "covariance": 0}, "diet": {"raw": 1}}],
    }
    model = Ecosystem(Scenario(**written))
    p = model.state.p.clone()
    p[..., 4:] *= 1 - 4e-16
    assert float(gaussian.reward_variance(p, model.batch)) == 0


def test_rewards_are_means_over_contexts() -> None:
    g = np.random.default_rng(3)
    laws = [[random_law(g, 2) for _ in range(2)] for _ in range(2)]
    reward = {"linear": [0.7, -1.1], "curvature": 0.6, "centre": [1.0, 0.5]}
    written = {
        "name": "several",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
        "rewards": {"r": reward},
        "models": [
            {
                "name": f"m{k}",
                "reward": "r",
                "initial": [{"mean": mean, "covariance": covariance} for mean, covariance in each],
                "diet": {"raw": 1},
            }
            for k, each in enumerate(laws)
        ],
    }
    model = Ecosystem(Scenario(**written))
    for measure in ("alignment", "reward_variance"):
        alone = [np.mean([measured(measure, law, law, reward) for law in each]) for each in laws]
        assert model.measure(measure)[0].tolist() == pytest.approx(alone, rel=1e-12)


def test_without_a_reward_there_is_no_alignment() -> None:
    law = ([0.0], 1.0)
    for measure in ("alignment", "alignment_served", "reward_variance"):
        assert math.isnan(measured(measure, law, law))
    written = {
        "name": "unrewarded",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 1, "contexts": 3},
        "models": [{"name": "m", "count": 2, "diet": {"raw": 1}}],
    }
    model = Ecosystem(Scenario(**written))
    for measure in ("alignment", "reward_variance"):
        assert model.measure(measure).isnan().tolist() == [[True, True]]
    assert named_alignments(model.state.p, model.batch).shape == (1, 2, 0)


def test_every_model_is_held_against_every_named_reward() -> None:
    # E of b·x is b·μ.
    g = np.random.default_rng(2)
    means = g.normal(size=(2, 3, 2))
    one, two = g.normal(size=2), g.normal(size=2)
    written = {
        "name": "named",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 3},
        "rewards": {"one": {"linear": one.tolist()}, "two": {"linear": two.tolist()}},
        "models": [
            {"name": f"m{k}", "initial": [{"mean": mean.tolist()} for mean in each], "diet": {"raw": 1}}
            for k, each in enumerate(means)
        ],
    }
    model = Ecosystem(Scenario(**written))
    found = named_alignments(model.state.p, model.batch)
    assert found.shape == (1, 2, 2)
    assert found[0].numpy() == pytest.approx(np.stack([means @ one, means @ two], -1).mean(1), abs=1e-14)


# In the tables


def test_tables_hold_infinities_and_no_numbers_in_place_of_nothing(tmp_path: Path) -> None:
    scenario = Scenario(
        name="tables",
        rounds=1,
        outputs={"kind": "gaussian", "dimension": 2},
        models=[
            {"name": "point", "initial": {"mean": [3, 4], "covariance": 0}, "diet": {"raw": 1}},
            {
                "name": "wide",
                "initial": {"mean": [1, 2], "covariance": [[2.0, 0.5], [0.5, 1.0]]},
                "diet": {"raw": 1},
            },
        ],
        record={"states": True},
    )
    results = ecosystem.run(scenario, out=tmp_path / "out")
    point = results.models[results.models["model"] == "point"]
    assert (point["entropy"] == -math.inf).all()
    assert (point["divergence_real"] == math.inf).all()
    assert (point["divergence_initial"] == 0).all()
    assert point["alignment"].isna().all()
    # From N((3, 4), 0) to N(0, I): √(25 + 2).
    assert point["distance_real"].tolist() == pytest.approx([math.sqrt(27)] * 2)
    states = results.table("states")
    wide = states[(states["model"] == "wide") & (states["round"] == 1)].sort_values("output")
    assert wide["mean"].tolist() == [1, 2]
    assert wide[["covariance_0", "covariance_1"]].to_numpy().tolist() == [[2.0, 0.5], [0.5, 1.0]]


def test_looking_draws_from_the_law_and_moves_nothing() -> None:
    covariance = np.array([[2.0, 0.8], [0.8, 0.5]])
    scenario = Scenario(
        name="look",
        rounds=1,
        mode="sampled",
        outputs={"kind": "gaussian", "dimension": 2},
        real={"mean": [1.0, -2.0], "covariance": covariance.tolist()},
        models=[{"name": "m", "diet": {"raw": 1}}],
        learning={"examples": 10},
    )
    model, other = Ecosystem(scenario, seed=1), Ecosystem(scenario, seed=1)
    x = model.models[0].sample(100_000)
    assert (np.abs(x.mean(0) - [1, -2]) < 5 * np.sqrt(covariance.diagonal() / len(x))).all()
    assert np.cov(x.T) == pytest.approx(covariance, abs=0.05)
    assert not np.array_equal(x[:10], model.models[0].sample(10))
    model.step()
    other.step()
    assert model.state.p.equal(other.state.p)
