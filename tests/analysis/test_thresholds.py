"""Tipping points recovered with an interval that holds them, and times to converge that are known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

import analysis
import ecosystem
from analysis.statistics import mean_interval
from analysis.thresholds import Crossing, _bounds, _nearest, _resampled_means, crossings
from ecosystem.errors import EcosystemError
from ecosystem.influence.of_results import influence_table
from tests.doubles.tables import MadeUp, runs_of

X = np.linspace(0, 1, 11)


def curves(truth: float, seeds: int, generator: np.random.Generator) -> pd.DataFrame:
    """Runs of a sweep whose mean crosses 0 at the truth; seeds have noise in common along it, and of their own."""
    mean = np.interp(X, [0, truth, 1], [-1, 0, 2])
    noise = generator.normal(0, 0.3, (seeds, 1)) + generator.normal(0, 0.2, (seeds, len(X)))
    rows = pd.DataFrame(mean + noise, columns=X).rename_axis("seed").reset_index()
    return rows.melt(id_vars="seed", var_name="lam", value_name="value").astype(float)


def test_a_tipping_point_is_recovered_with_an_interval_that_holds_it() -> None:
    generator, held, places = np.random.default_rng(1), 0, []
    trials = 200
    for _ in range(trials):
        found = analysis.tipping(curves(0.4, 20, generator), "lam")
        row = found.iloc[(found["location"] - 0.4).abs().argmin()]
        held += row["low"] <= 0.4 <= row["high"]
        places.append(row["location"])
    assert np.mean(places) == pytest.approx(0.4, abs=0.01)
    assert 0.92 <= held / trials <= 0.98
    assert row["direction"] == "up" and row["seeds"] == 20


def test_without_noise_it_is_exact_and_between_its_neighbours() -> None:
    table = pd.DataFrame({"lam": X, "value": (X - 0.33) * 4})
    row = analysis.tipping(table, "lam").iloc[0]
    assert row["location"] == pytest.approx(0.33)
    assert (row["above"], row["below"]) == pytest.approx((0.3, 0.4))
    assert row[["low", "high", "found"]].isna().all() and row["seeds"] == 1
    assert analysis.tipping(table, "lam", at=1.0)["location"].item() == pytest.approx(0.58)
    assert analysis.tipping(table, "lam", at=9.0).empty


@pytest.mark.parametrize("at", [0.0, 1.5, -0.7])
def test_a_level_is_crossed_where_what_is_above_it_crosses_0(at: float) -> None:
    table = curves(0.4, 8, np.random.default_rng(3))
    found = analysis.tipping(table.assign(value=table["value"] + at), "lam", at=at)
    assert found["found"].notna().all()
    pd.testing.assert_frame_equal(found, analysis.tipping(table, "lam"), rtol=1e-9)


def test_every_crossing_is_told_with_its_direction() -> None:
    table = pd.DataFrame({"lam": [0.0, 1.0, 2.0, 3.0, 4.0], "value": [-1.0, 1.0, 0.0, 0.0, -2.0]})
    found = analysis.tipping(table, "lam")
    assert found["location"].tolist() == [0.5, 2.5]
    assert found["direction"].tolist() == ["up", "down"]
    assert found[["above", "below"]].to_numpy().tolist() == [[0, 1], [2, 3]]


def test_resampled_means_are_those_of_resampled_seeds() -> None:
    generator = np.random.default_rng(5)
    y = generator.normal(size=(4, 3))
    y[1, 2] = y[0, 0] = np.nan
    found = _resampled_means(y)
    drawn = np.random.default_rng(0).multinomial(4, np.full(4, 0.25), size=len(found))
    for mean, counts in zip(found[:200], drawn[:200], strict=True):
        chosen = np.repeat(y, counts, axis=0)
        known = ~np.isnan(chosen)
        expected = [np.mean(chosen[known[:, k], k]) if known[:, k].any() else np.nan for k in range(3)]
        assert mean == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_the_crossing_that_is_nearest_is_where_its_line_is_0() -> None:
    x = np.array([0.0, 1.0, 3.0, 4.0])
    curves = np.array([[-1.0, 3.0, -1.0, 1.0], [-1.0, -2.0, 6.0, 6.0], [1.0, -4.0, -4.0, -4.0], [-2.0, 0.0, 1.0, -1.0]])
    up, down = (_nearest(x, curves, Crossing(at, way, 0, 4)) for at, way in ((2.9, "up"), (0.0, "down")))
    assert up == pytest.approx([3.5, 1.5, np.nan, 1.0], nan_ok=True)
    assert down == pytest.approx([2.5, np.nan, 0.2, 3.5], nan_ok=True)


@pytest.mark.parametrize("n", [3, 8, 40])
def test_bounds_of_resampled_means_are_those_of_the_t_interval(n: int) -> None:
    # Means of n resampled numbers of variance s² (as of a sample) are about N(mean, s² (n − 1)/n / n).
    numbers = np.random.default_rng(n).normal(2.0, 0.7, n)
    quantiles = norm.ppf(np.linspace(0, 1, 200_001).clip(1e-9, 1 - 1e-9))
    resampled = numbers.mean() + numbers.std() / np.sqrt(n) * quantiles
    expected = mean_interval(numbers, level=0.9)
    assert _bounds(resampled, n, 0.9) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_a_crossing_that_chance_alone_makes_has_no_interval() -> None:
    generator = np.random.default_rng(3)
    table = pd.concat(
        pd.DataFrame({"seed": seed, "lam": X, "value": 0.05 + generator.normal(0, 0.4, len(X))}) for seed in range(6)
    )
    found = analysis.tipping(table, "lam")
    assert len(found) > 0
    assert found["found"].between(0, 1).all()
    unsure = found[found["found"] < 0.95]
    assert unsure[["low", "high"]].isna().all(axis=None)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12))
def test_crossings_lie_between_opposite_signs(y: list[float]) -> None:
    x = np.arange(len(y), dtype=float)
    found = crossings(x, np.array(y))
    signs = [sign for sign in np.sign(y) if sign != 0]
    assert len(found) == sum(a != b for a, b in itertools.pairwise(signs))
    for one in found:
        assert one.above <= one.location <= one.below


def test_the_tipping_point_of_backfire_is_where_influence_is_nothing() -> None:
    data = dict(ecosystem.load_scenario("two_model_backfire").document.data) | {"expect": []}
    data["parameters"] = {"lam": 0.5, "c_p": 0.5, "c_q": 0.3}
    swept = ecosystem.Scenario(**data | {"sweep": {"grid": {"c_p": [0.42, 0.43, 0.44, 0.45]}}})
    rows = influence_table(ecosystem.run(swept))
    own = rows[(rows["affected"] == "p") & (rows["lever"] == "p")]
    row = analysis.tipping(own, "c_p", "influence").iloc[0]
    assert row["direction"] == "down"
    there = ecosystem.Scenario(**data | {"sweep": None}).with_({"c_p": float(row["location"])})
    assert (
        abs(ecosystem.influence(there).loc["p", "p"]) < 5e-5
    )  # influence falls by .0057 from one value of the sweep to the next


def test_a_parameter_without_numbers_has_no_tipping_point() -> None:
    with pytest.raises(EcosystemError, match="remedy holds no numbers"):
        analysis.tipping(pd.DataFrame({"remedy": ["a", "b"], "value": [-1.0, 1.0]}), "remedy")


def moving(curve: np.ndarray, seeds: int = 1, every: int = 1) -> MadeUp:
    rounds = np.arange(0, len(curve) * every, every)
    runs = runs_of(seeds)
    rows = {"run": runs["run"].repeat(len(curve)), "round": np.tile(rounds, seeds), "alignment": np.tile(curve, seeds)}
    return MadeUp(runs, rounds=pd.DataFrame(rows))


def test_the_time_to_converge_of_an_exponential_is_what_its_rate_says() -> None:
    """|x_t − x_T| ≤ tolerance · |x_0 − x_T| from t = −log(tolerance)/rate on (T far away)."""
    for tolerance in (0.5, 0.05, 0.01):
        found = analysis.convergence(moving(1 - np.exp(-0.2 * np.arange(100))), tolerance=tolerance).iloc[0]
        assert found["mean"] == np.ceil(-np.log(tolerance) / 0.2)
        assert (found["runs"], found["converged"]) == (1, 1)


def test_what_leaves_again_has_not_converged_before_it_is_back() -> None:
    found = analysis.convergence(moving(np.array([0.0, 1.0, 3.0, 1.0, 1.0, 1.0]), every=10)).iloc[0]
    assert found["mean"] == 30
    still = analysis.convergence(moving(np.arange(5.0), seeds=2)).iloc[0]
    assert (still["runs"], still["converged"], still["n"]) == (2, 0, 0) and np.isnan(still["mean"])
    late = analysis.convergence(moving(np.array([0.0, 1.0]))).iloc[0]  # moves until the end
    assert late["converged"] == 0 and np.isnan(late["mean"])
    alone = analysis.convergence(moving(np.array([0.3]))).iloc[0]  # nothing to move
    assert (alone["converged"], alone["mean"]) == (1, 0)
    constant = analysis.convergence(moving(np.full(4, 0.5))).iloc[0]
    assert constant["mean"] == 0


def test_times_of_models_have_an_interval_over_seeds() -> None:
    runs = runs_of(2, lam=[0.1])
    rows = {"run": runs["run"].repeat(8), "round": [0, 1, 2, 3] * 4, "model": (["p"] * 4 + ["q"] * 4) * 2}
    curves_ = [0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]
    results = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": np.array(curves_, dtype=float)}))
    found = analysis.convergence(results, table="models", by=["model"]).set_index("model")
    expected = analysis.mean_interval([1.0, 2.0])
    assert found.loc["p", ["mean", "low", "high"]].tolist() == pytest.approx([1.5, expected.low, expected.high])
    assert found.loc["q", ["mean", "low", "high"]].tolist() == [2.0, 2.0, 2.0]
    assert found["lam"].tolist() == [0.1, 0.1]
    with pytest.raises(EcosystemError, match="from 0 to 1"):
        analysis.convergence(results, tolerance=1.5)
