"""Summaries of influence, against matrices that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import analysis
import ecosystem
from ecosystem.influence.of_results import influence_table

NAMES = ["p", "q", "r"]
BY_HAND = pd.DataFrame(
    [[2.0, -1.0, 0.0], [-0.5, -1.0, 0.25], [np.nan, np.nan, np.nan]], index=NAMES, columns=NAMES
)  # r has no reward: affected, but not known how


def numbers(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["quantity"], table["mean"], strict=True))


def test_a_matrix_counted_by_hand() -> None:
    found = analysis.influence_summary(BY_HAND)
    assert numbers(found) == pytest.approx(
        {
            "self": 0.5,
            "cross": -1.25 / 4,
            "self_negative": 1 / 2,
            "cross_negative": 2 / 4,
            "cross_felt": 3 / 4,
            "harm": -1.0,
            "total": (2.0 - 1.0 - 0.5 - 1.0 + 0.25) / 2,
        }
    )
    assert (found["n"] == 1).all() and found["low"].isna().all()


def test_rounding_is_no_harm() -> None:
    rounded = BY_HAND.fillna(0.0).replace(0.0, -1e-16)
    found = numbers(analysis.influence_summary(rounded))
    assert found["cross_felt"] == 3 / 6 and found["cross_negative"] == 2 / 6


def test_what_is_rounding_is_told_point_by_point() -> None:
    rows = BY_HAND.rename_axis(index="affected", columns="lever").reset_index()
    rows = rows.melt(id_vars="affected", value_name="influence")
    both = pd.concat(
        rows.assign(influence=rows["influence"] * factor, point=point, seed=0, run=f"r{point}", lam=factor)
        for point, factor in enumerate((1.0, 1e-13))
    )
    found = analysis.influence_summary(both)
    felt = found[found["quantity"] == "cross_felt"]
    assert felt["mean"].tolist() == [3 / 4, 3 / 4]


def test_others_are_counted_in_each_seed() -> None:
    rows = BY_HAND.rename_axis(index="affected", columns="lever").reset_index()
    rows = rows.melt(id_vars="affected", value_name="influence")
    both = pd.concat(rows.assign(seed=seed, point=0, run=f"r{seed}") for seed in (0, 1))
    found = analysis.lever_summary(both).set_index("lever")
    assert found["harmed"].to_dict() == {"q": 1, "p": 1, "r": 0}
    assert found["helped"].to_dict() == {"q": 0, "p": 0, "r": 1}


def test_levers_by_what_they_do_to_others() -> None:
    found = analysis.lever_summary(BY_HAND).set_index("lever")
    assert found.index.tolist() == ["q", "p", "r"]
    assert found["others"].tolist() == [-1.0, -0.5, 0.25]
    assert found["self"].tolist()[:2] == [-1.0, 2.0] and np.isnan(found.loc["r", "self"])
    assert found["harmed"].tolist() == [1, 1, 0] and found["helped"].tolist() == [0, 0, 1]
    assert found["most_harmed"].tolist()[:2] == ["p", "q"] and pd.isna(found.loc["r", "most_harmed"])
    assert found["harm"].tolist()[:2] == [-1.0, -0.5]


def test_seeds_are_what_is_counted() -> None:
    rows = BY_HAND.rename_axis(index="affected", columns="lever").reset_index()
    rows = rows.melt(id_vars="affected", value_name="influence")
    both = pd.concat(
        rows.assign(influence=rows["influence"] * factor, seed=seed, point=0, run=f"r{seed}", lam=0.5)
        for seed, factor in enumerate((1.0, 3.0))
    )
    found = analysis.influence_summary(both).set_index("quantity")
    expected = analysis.mean_interval([0.5, 1.5])
    assert found.loc["self", ["mean", "low", "high"]].tolist() == pytest.approx(
        [expected.mean, expected.low, expected.high]
    )
    assert (found["n"] == 2).all() and (found["lam"] == 0.5).all()
    levers = analysis.lever_summary(both).set_index("lever")
    expected = analysis.mean_interval([-1.0, -3.0])
    assert levers.loc["q", ["others", "low", "high"]].tolist() == pytest.approx(
        [expected.mean, expected.low, expected.high]
    )
    assert (levers.loc["q", "harmed"], levers.loc["q", "harm"]) == (1, -2.0)


def test_the_rows_and_the_matrix_of_a_scenario_say_the_same() -> None:
    scenario = ecosystem.load_scenario("mixed_tastes").with_({"models.m.count": 12, "expect": []})
    matrix = ecosystem.influence(scenario)
    found = numbers(analysis.influence_summary(matrix))
    off = matrix.to_numpy()[~np.eye(12, dtype=bool)]
    assert found["self"] == pytest.approx(np.diag(matrix).mean())
    assert found["cross_negative"] == pytest.approx((off < -1e-12 * np.abs(matrix.to_numpy()).max()).mean())
    assert found["total"] == pytest.approx(matrix.to_numpy().sum() / 12)
    rows = influence_table(ecosystem.run(scenario.with_({"rounds": 1})))
    assert numbers(analysis.influence_summary(rows)) == pytest.approx(found)
