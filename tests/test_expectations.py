"""Expectations are compared with the right rows, and never pass for want of data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecosystem.errors import EcosystemError
from ecosystem.expectations import Verdict, compare
from ecosystem.scenario.fields.sweep import Expect

MODELS = pd.DataFrame(
    [
        # two runs; the first ends at round 2, the second at round 1
        ("a", 0, "p", 0.1, 0.5, "s"),
        ("a", 1, "p", 0.2, 0.5, "s"),
        ("a", 2, "p", 0.4, 0.5, "s"),
        ("a", 2, "q", -1.0, 0.5, "s"),
        ("b", 0, "p", 0.3, 0.1 + 0.2, "t"),
        ("b", 1, "p", 0.8, 0.1 + 0.2, "t"),
        ("b", 1, "q", math.nan, 0.1 + 0.2, "t"),
    ],
    columns=["run", "round", "model", "alignment", "lam", "kind"],
)


def tables(name: str) -> pd.DataFrame:
    if name != "models":
        raise EcosystemError(f"there is no table {name!r}")
    return MODELS


def tried(**item: Any) -> Verdict:
    expect = Expect(**{"table": "models", "column": "alignment", "source": "me", **item})
    (verdict,) = compare(tables, [expect], "pair")
    return verdict


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ({"where": {"model": "p"}}, 0.36),
        ({"where": {"model": "p"}, "round": "last"}, 0.6),
        ({"where": {"model": "p"}, "round": 1}, 0.5),
        ({"where": {"model": "p", "lam": 0.3}, "round": 0}, 0.3),
        ({"where": {"model": "p", "lam": 0.5}, "round": "last"}, 0.4),
        ({"where": {"kind": "t", "model": "p"}, "statistic": "max"}, 0.8),
        ({"where": {"kind": "t", "model": "p"}, "statistic": "min"}, 0.3),
        ({"where": {"kind": "t", "model": "p"}, "statistic": "var"}, 0.125),
        ({"where": {"kind": "t", "model": "p"}, "statistic": "std"}, math.sqrt(0.125)),
        ({"where": {"model": "q"}}, -1.0),
    ],
    ids=str,
)
def test_the_statistic_is_taken_over_the_rows_that_match(item: dict[str, Any], value: float) -> None:
    verdict = tried(value=value, tolerance=1e-12, **item)
    assert verdict.verdict == "pass"
    assert float(verdict.found) == pytest.approx(value)
    assert tried(value=value + 0.01, tolerance=0.009, **item).verdict == "fail"
    assert tried(value=value - 0.01, tolerance=0.009, **item).verdict == "fail"


@pytest.mark.parametrize(
    ("claim", "passes"),
    [
        ({"sign": "positive"}, True),
        ({"sign": "negative"}, False),
        ({"at_least": 0.61}, False),
        ({"at_least": 0.59}, True),
        ({"at_most": 0.61}, True),
        ({"at_most": 0.59}, False),
        ({"at_least": 0.5, "at_most": 0.55}, False),
        ({"at_least": 0.7, "at_most": 0.8}, False),
        ({"value": 0.6, "tolerance": 0.001, "sign": "negative"}, False),
    ],
    ids=str,
)
def test_every_part_of_a_claim_counts(claim: dict[str, Any], passes: bool) -> None:
    assert tried(where={"model": "p"}, round="last", **claim).passed is passes


def test_zero_has_no_sign() -> None:
    frame = pd.DataFrame({"run": ["a"], "round": [0], "alignment": [0.0]})
    for sign in ("positive", "negative"):
        item = Expect(table="models", column="alignment", sign=sign, source="me")
        assert not compare(lambda _: frame, [item])[0].passed


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"where": {"model": "z"}}, "no row matches"),
        ({"where": {"lam": "0.5"}}, "no row matches"),
        ({"where": {"model": 1}}, "no row matches"),
        ({"where": {"lam": True}}, "no row matches"),
        ({"where": {"lam": 0.3 + 1e-9}}, "no row matches"),
        ({"round": 7}, "no row matches"),
        ({"where": {"model": "z"}, "round": "last"}, "no row matches"),
        ({"where": {"modle": "p"}}, "no column 'modle'; did you mean 'model'?"),
        ({"column": "aligment"}, "did you mean 'alignment'?"),
        ({"column": "model"}, "holds no numbers"),
        ({"where": {"model": "q", "kind": "t"}}, "null"),
        ({"where": {"model": "q"}, "statistic": "var"}, "no var of 2 rows, 1 of them null"),
        ({"table": "influence"}, "no table 'influence'"),
    ],
    ids=str,
)
def test_where_there_is_no_number_the_verdict_is_fail(item: dict[str, Any], said: str) -> None:
    verdict = tried(at_least=-100, at_most=100, **item)
    assert verdict.verdict == "fail"
    assert said in verdict.found


def test_infinity_and_larger_values_match() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "k": [2.0, math.inf], "corpus": ["replace", '{"window":2}'], "x": [1, 2]})
    for where, value in (
        ({"k": "inf"}, 2),
        ({"k": math.inf}, 2),
        ({"k": 2}, 1),
        ({"corpus": {"window": 2}}, 2),
        ({"corpus": "replace"}, 1),
    ):
        item = Expect(table="t", where=where, column="x", value=value, tolerance=0, source="me")
        assert compare(lambda _: frame, [item])[0].passed, where


def test_a_verdict_says_what_was_asked() -> None:
    verdict = tried(
        where={"model": "p", "lam": 0.5},
        round="last",
        statistic="max",
        value=0.4542,
        tolerance=1e-4,
        at_most=1,
    )
    assert verdict.scenario == "pair"
    assert verdict.quantity == "models.alignment, model=p, lam=0.5, last round, max"
    assert verdict.expected == "0.4542 ± 0.0001, ≤ 1"
    assert verdict.source == "me"


SEEDS = pd.DataFrame(
    [
        (f"{seed}{lam}", 1, lam, seed, seed + gain)
        for seed in range(4)
        for lam, gain in ((0.5, 0.0), (0.6, 0.1 + seed / 50))
    ],
    columns=["run", "round", "lam", "seed", "alignment"],
)
"""Seeds differ by far more than what the share changes, which is .1, .12, .14, .16."""


def of_seeds(rows: pd.DataFrame = SEEDS, **item: Any) -> Verdict:
    written = {"table": "models", "column": "alignment", "source": "me", "where": {"lam": 0.6}, **item}
    (verdict,) = compare(lambda name: rows, [Expect(**written)], "seeds")
    return verdict


def test_a_difference_is_taken_seed_by_seed() -> None:
    assert of_seeds(minus={"lam": 0.5}, value=0.13, tolerance=1e-12).passed
    shuffled = SEEDS.sample(frac=1, random_state=1)
    half = float(stats.t.ppf(0.975, 3) * np.std([0.1, 0.12, 0.14, 0.16], ddof=1) / 2)
    assert of_seeds(shuffled, minus={"lam": 0.5}, at_least=0.13 - half - 1e-9, certain=True).passed
    assert not of_seeds(shuffled, minus={"lam": 0.5}, at_least=0.13 - half + 1e-9, certain=True).passed
    assert of_seeds(minus={"lam": 0.5}, sign="positive", certain=True).passed
    # Not paired, the seeds' own differences hide it.
    assert not of_seeds(at_least=1.5, certain=True).passed
    assert of_seeds(at_least=1.5).passed
    assert "models.alignment, lam=0.6, minus that at lam=0.5" in of_seeds(minus={"lam": 0.5}, sign="negative").quantity


def test_a_difference_never_holds_for_want_of_seeds() -> None:
    alone = SEEDS[SEEDS["seed"] == 0]
    assert "no interval of one seed" in of_seeds(alone, minus={"lam": 0.5}, sign="positive", certain=True).found
    apart = SEEDS[(SEEDS["lam"] == 0.6) == (SEEDS["seed"] < 2)]
    assert of_seeds(apart, minus={"lam": 0.5}, sign="positive").found == "no seed has both"
    assert "no row matches" in of_seeds(minus={"lam": 0.7}, sign="positive").found
    with pytest.raises(ValueError, match="minus and certain go with statistic: mean"):
        of_seeds(minus={"lam": 0.5}, sign="positive", statistic="std")
