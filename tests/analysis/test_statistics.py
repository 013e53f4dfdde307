"""Intervals that hold what they say, at the rate they say, and p values of many questions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.significance import adjusted, p_value, p_values
from analysis.statistics import intervals, mean_interval
from ecosystem.errors import EcosystemError

TRIALS = 2000


def coverage(trials: np.ndarray, truth: float, method: str) -> float:
    """How often the interval of a row of trials, [trials, n], holds the truth."""
    n = trials.shape[1]
    table = pd.DataFrame({"trial": np.repeat(np.arange(len(trials)), n), "x": trials.ravel()})
    found = intervals(table, "x", by=["trial"], method=method)
    assert len(found) == len(trials)
    return float(((found["low"] <= truth) & (truth <= found["high"])).mean())


@pytest.mark.parametrize("n", [3, 20])
def test_a_t_interval_holds_the_mean_95_times_of_100(n: int) -> None:
    drawn = np.random.default_rng(1).normal(3.0, 2.0, size=(TRIALS, n))
    assert 0.93 <= coverage(drawn, 3.0, "t") <= 0.97


@pytest.mark.parametrize("law", ["normal", "gamma"])
def test_a_bootstrap_interval_holds_the_mean_95_times_of_100(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.statistics.RESAMPLES", 999)
    generator = np.random.default_rng(2)
    drawn = generator.normal(3.0, 2.0, (TRIALS, 20)) if law == "normal" else generator.gamma(3.0, 1.0, (TRIALS, 20))
    assert 0.93 <= coverage(drawn, 3.0, "bootstrap") <= 0.97


def test_an_unexpanded_bootstrap_of_twenty_would_not_hold_it() -> None:
    drawn = np.random.default_rng(2).normal(3.0, 2.0, (TRIALS, 20))
    found = stats.bootstrap((drawn,), np.mean, axis=1, n_resamples=999, method="BCa", rng=0).confidence_interval
    assert ((found.low <= 3.0) & (found.high >= 3.0)).mean() < 0.94


def test_the_same_bootstrap_gives_the_same_interval_in_any_table() -> None:
    drawn = np.random.default_rng(3).normal(size=(4, 10))
    table = pd.DataFrame({"trial": np.repeat(np.arange(4), 10), "x": drawn.ravel()})
    alone = mean_interval(drawn[2], "bootstrap")
    row = intervals(table, "x", by=["trial"], method="bootstrap").iloc[2]
    assert (row["low"], row["high"], row["method"]) == (alone.low, alone.high, "BCa bootstrap")


@pytest.mark.parametrize("n", [5, 30])
def test_a_bootstrap_interval_is_that_of_efron_at_the_level_of_hesterberg(n: int) -> None:
    x = np.random.default_rng(n).gamma(1.5, 1.0, n)
    means = np.random.default_rng(7).choice(x, (100_000, n)).mean(-1)
    alone = np.array([np.delete(x, i).mean() for i in range(n)])
    lean = alone.mean() - alone
    acceleration = (lean**3).sum() / (6 * (lean**2).sum() ** 1.5)
    bias = stats.norm.ppf((means < x.mean()).mean())
    reach = np.sqrt(n / (n - 1)) * stats.t.ppf(0.95, n - 1)  # in place of z, for 90%
    ends = [bias + (bias + z) / (1 - acceleration * (bias + z)) for z in (-reach, reach)]
    found = mean_interval(x, "bootstrap", level=0.9)
    expected = np.quantile(means, stats.norm.cdf(ends))
    # What is left is the chance in 4,999 resamples at the far end of a few numbers.
    assert [found.low, found.high] == pytest.approx(expected, abs=0.05 * np.ptp(expected))
    assert found.mean == x.mean()


def test_a_bootstrap_of_two_numbers_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert mean_interval([1.0, 2.0], "bootstrap").mean == 1.5
    assert not list(recwarn)


def test_a_t_interval_is_that_of_student() -> None:
    x = np.array([2.0, 4.0, 4.5, 7.0, 9.0])
    low, high = stats.t.interval(0.9, 4, loc=x.mean(), scale=stats.sem(x))
    found = mean_interval(x, level=0.9)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_one_number_has_no_interval_and_equal_numbers_one_of_no_width(method: str) -> None:
    one, none, equal = (mean_interval(values, method) for values in ([5.0], [np.nan], [0.1, 0.1, 0.1, np.nan]))
    assert (one.n, one.mean) == (1, 5.0) and np.isnan([one.low, one.high]).all()
    assert none.n == 0 and np.isnan([none.mean, none.low, none.high]).all()
    assert (equal.n, equal.mean, equal.low, equal.high) == (3, 0.1, 0.1, 0.1)


def test_rows_of_a_seed_are_averaged_before_seeds_are_counted() -> None:
    table = pd.DataFrame(
        {
            "lam": [0.5] * 6,
            "run": list("aabbcc"),
            "seed": [0, 0, 1, 1, 2, 2],
            "model": list("pqpqpq"),
            "x": [1.0, 3.0, 2.0, 4.0, np.nan, 6.0],
        }
    )
    row = intervals(table, "x", by=["lam"]).iloc[0]
    expected = mean_interval([2.0, 3.0, 6.0])
    assert (row["n"], row["mean"], row["low"]) == pytest.approx((3, expected.mean, expected.low))
    # two points that ran with the same seeds are not six independent runs
    twice = pd.concat([table, table.assign(lam=0.6, run=list("ddeeff"))])
    assert intervals(twice, "x").iloc[0]["n"] == 3


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_many_groups_at_once_are_as_each_alone(method: str) -> None:
    generator = np.random.default_rng(6)
    table = pd.DataFrame({"g": generator.integers(0, 12, 60), "x": generator.normal(size=60), "y": 0.1})
    table.loc[::7, "x"] = np.nan
    table.loc[table["g"] == 3, "x"] = np.inf
    table.loc[table["g"] == 5, "x"] = np.nan
    table = pd.concat([table, pd.DataFrame({"g": [99], "x": [1.5], "y": [0.1]})])
    found = intervals(table, ["x", "y"], by=["g"], method=method)
    assert found["quantity"].tolist() == ["x", "y"] * table["g"].nunique()
    for (g, column), row in found.groupby(["g", "quantity"]):
        alone = mean_interval(table.loc[table["g"] == g, column], method)
        assert row["n"].item() == alone.n
        expected = pytest.approx([alone.mean, alone.low, alone.high], nan_ok=True)
        assert row[["mean", "low", "high"]].to_numpy()[0].tolist() == expected
    constant = found[(found["quantity"] == "y") & (found["n"] > 1)]
    assert len(constant) > 5 and (constant[["mean", "low", "high"]] == 0.1).all(axis=None)
    table.loc[table["g"] == 7, "x"] = 0.0
    alone_p = [p_value(each, method) for _, each in table.groupby("g", sort=False)["x"]]
    assert p_values(table, "x", ["g"], method) == pytest.approx(alone_p, nan_ok=True)


def test_groups_stand_in_the_order_of_the_table_with_their_missing_values() -> None:
    table = pd.DataFrame({"g": ["b", None, "a"], "x": [1.0, 2.0, 3.0]})
    found = intervals(table, "x", by=["g"])
    assert found["mean"].tolist() == [1.0, 2.0, 3.0]
    assert found["g"].isna().tolist() == [False, True, False]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(EcosystemError, match=r"no column 'alignmnet'.*alignment"):
        intervals(pd.DataFrame({"alignment": [1.0]}), "alignmnet")
    with pytest.raises(EcosystemError, match=r"no method 'z'"):
        mean_interval([1.0, 2.0], "z")  # type: ignore[arg-type]
    with pytest.raises(EcosystemError, match=r"level.*got 95"):
        mean_interval([1.0, 2.0], level=95)
    for wrong in ({"method": "z"}, {"level": 95}):
        with pytest.raises(EcosystemError, match=r"no method 'z'|level.*got 95"):
            intervals(pd.DataFrame({"alignment": [1.0, 2.0]}), "alignment", **wrong)


@pytest.mark.parametrize("level", [0, 1, -0.5, 1.5])
def test_a_level_is_a_chance_that_is_neither_none_nor_certain(level: float) -> None:
    with pytest.raises(EcosystemError, match=rf"between 0 and 1 \(got {level}\)"):
        mean_interval([1.0, 2.0], level=level)


def test_only_groups_that_have_rows_are_told() -> None:
    kinds = pd.Categorical(["b", "a", "b"], categories=["a", "b", "never"])
    found = intervals(pd.DataFrame({"g": kinds, "x": [1.0, 2.0, 3.0]}), "x", by=["g"])
    assert found["g"].tolist() == ["b", "a"]
    assert found["n"].tolist() == [2, 1]


def test_a_table_without_seeds_counts_its_runs_and_without_runs_its_rows() -> None:
    table = pd.DataFrame({"run": list("aab"), "x": [1.0, 3.0, 4.0]})
    assert intervals(table, "x").iloc[0][["n", "mean"]].tolist() == [2, 3.0]
    assert intervals(table.assign(seed=0), "x").iloc[0]["n"] == 1
    assert intervals(table.assign(seed=0), "x", unit="run").iloc[0]["n"] == 2
    assert intervals(table[["x"]], ["x"]).iloc[0][["n", "mean"]].tolist() == [3, pytest.approx(8 / 3)]


def test_p_values_of_student_and_of_numbers_that_do_not_vary() -> None:
    drawn = np.random.default_rng(8).normal(0.3, 1.0, 7)
    assert p_value(drawn) == pytest.approx(stats.ttest_1samp(drawn, 0).pvalue)
    several = {"varied": drawn, "zeros": [0.0, 0.0], "same": [2.0, 2.0], "one": [1.0], "infinite": [1.0, np.inf]}
    table = pd.concat([pd.DataFrame({"g": name, "x": values}) for name, values in several.items()])
    expected = [p_value(drawn), 1.0, 0.0, np.nan, np.nan]
    assert p_values(table, "x", ["g"]) == pytest.approx(expected, nan_ok=True)
    assert [p_value(values) for values in several.values()] == pytest.approx(expected, nan_ok=True)
    with pytest.raises(EcosystemError, match="no method 'z'"):
        p_value(drawn, "z")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_a_p_value_is_evenly_spread_where_nothing_is_there(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.significance.RESAMPLES", 499)
    drawn = np.random.default_rng(4).normal(size=(600, 12))
    found = np.array([p_value(row, method) for row in drawn])
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_a_few_signs_are_all_tried() -> None:
    # Of the 8 signs of three numbers two give a mean as far from 0.
    assert p_value([1.0, 2.0, 3.0], "bootstrap") == pytest.approx(2 / 8)
    assert p_value([0.0, 0.0, 3.0], "bootstrap") == 1.0
    assert p_value([0.0, 1.0, 5.0]) == pytest.approx(stats.ttest_1samp([0.0, 1.0, 5.0], 0).pvalue)
    assert p_value([2.0, 2.0]) == 0.0
    assert np.isnan(p_value([2.0]))


def closed_tests(p: list[float]) -> list[float]:
    """Holm's procedure is the closure of Bonferroni's: a question's p is the largest over all sets it is in."""
    sets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), size)]
    return [max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(len(p))]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closure_of_bonferroni(p: list[float]) -> None:
    assert adjusted(p, "holm") == pytest.approx(closed_tests(p))


def test_benjamini_and_hochberg_by_hand_and_what_was_not_asked_is_not_counted() -> None:
    p = [0.01, np.nan, 0.02, 0.04, 0.5]
    assert adjusted(p, "bh") == pytest.approx([0.04, np.nan, 0.04, 0.04 * 4 / 3, 0.5], nan_ok=True)
    assert adjusted(p, "holm") == pytest.approx([0.04, np.nan, 0.06, 0.08, 0.5], nan_ok=True)
    assert adjusted(p, "none") == pytest.approx(p, nan_ok=True)
    with pytest.raises(EcosystemError, match=r"no adjustment 'hom'.*holm"):
        adjusted(p, "hom")  # type: ignore[arg-type]


def test_any_false_finding_among_twenty_questions_is_as_rare_as_said() -> None:
    drawn = np.random.default_rng(5).uniform(size=(TRIALS, 20))
    assert np.mean([(adjusted(row, "holm") < 0.05).any() for row in drawn]) < 0.06
    assert np.mean([(row < 0.05).any() for row in drawn]) > 0.5
