"""Bias with every group beside it; a change split into what each part did: exact, and where known, in closed form."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
import ecosystem
from analysis.bias import _sign
from analysis.statistics import mean_interval
from ecosystem import Results, Scenario
from ecosystem.errors import EcosystemError
from ecosystem.scenario.sweeps import points
from tests.doubles import CHAIN
from tests.doubles.tables import MadeUp, runs_of

ETA, TAU, ROUNDS = 0.5, 0.3, 5
SHARES = {"static": [0.6] * 5, "linear": [0.6, 0.67, 0.74, 0.81, 0.88]}
QUALITY, LEAN = (0.8, 0.6), (0.8, 0.35)


@pytest.fixture(scope="module")
def feedbacks(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return ecosystem.run("performative_feedback", out=tmp_path_factory.mktemp("runs") / "feedbacks")


@pytest.fixture(scope="module")
def remedies(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return ecosystem.run("remedies", out=tmp_path_factory.mktemp("runs") / "remedies", seeds=5)


def recursion(start: tuple[float, float], shares: list[float], retrain: bool, sharing: float = TAU) -> np.ndarray:
    """The loop of Wang et al. (2026): what each of two groups is served, [rounds, groups]."""
    served = [np.array(start)]
    for share in shares:
        now = served[-1]
        mixed = share * now[0] + (1 - share) * now[1]
        kept = np.array(start) if retrain else now
        served.append((1 - ETA) * kept + ETA * ((1 - sharing) * now + sharing * mixed))
    return np.array(served)


def effects(table: pd.DataFrame, **where: Any) -> dict[str, float]:
    for name, value in where.items():
        table = table[table[name] == value]
    return dict(zip(table["part"], table["effect"], strict=True))


@pytest.mark.parametrize("feedback", ["static", "linear", "retention", "replicator"])
def test_the_fall_of_disparate_bias_is_sharings_whatever_the_feedback(feedbacks: Results, feedback: str) -> None:
    found = analysis.decomposition(feedbacks)
    for t in range(ROUNDS + 1):
        at = {"users.feedback": feedback, "round": t}
        fall = ((1 - ETA * TAU) ** t - 1) * 0.2
        parts = effects(found, **at, **{"learning.regime": "incremental"})
        assert parts == pytest.approx({"sharing": fall, "feedback": 0, "rest": 0, "change": fall}, abs=1e-12)
        retrained = recursion(QUALITY, [0.6] * ROUNDS, retrain=True)[t]
        fall = retrained[0] - retrained[1] - 0.2
        parts = effects(found, **at, **{"learning.regime": "retrain"})
        assert parts == pytest.approx({"sharing": fall, "feedback": 0, "rest": 0, "change": fall}, abs=1e-12)


@pytest.mark.parametrize("regime", ["incremental", "retrain"])
def test_preference_bias_is_moved_by_feedback_through_what_is_shared(feedbacks: Results, regime: str) -> None:
    """PB = PB_0 + ητ Σ (π − ½) d: without sharing nothing moves, so what both do together is halved."""
    found = analysis.decomposition(feedbacks, "preference_bias", round="last")
    at = {"users.feedback": "linear", "learning.regime": regime}
    still, moved = (recursion(LEAN, SHARES[name], regime == "retrain")[-1].mean() - 0.575 for name in SHARES)
    expected = {"sharing": (still + moved) / 2, "feedback": (moved - still) / 2, "rest": 0.0, "change": moved}
    assert effects(found, **at) == pytest.approx(expected, abs=1e-12)
    if regime == "incremental":  # the closed form itself
        d = [(1 - ETA * TAU) ** t * 0.45 for t in range(ROUNDS)]
        closed = sum(ETA * TAU * (share - 0.5) * each for share, each in zip(SHARES["linear"], d, strict=True))
        assert moved == pytest.approx(closed, abs=1e-12)
    rows = found[(found["users.feedback"] == "linear") & (found["learning.regime"] == regime)].set_index("part")
    assert rows.loc["feedback", "alone"] == pytest.approx(0, abs=1e-12)
    assert rows.loc["feedback", "added_last"] == pytest.approx(moved - still, abs=1e-12)


def test_a_change_is_split_group_by_group_too(feedbacks: Results) -> None:
    found = analysis.decomposition(feedbacks, "quality", table="groups", round="last")
    still = recursion(QUALITY, SHARES["static"], retrain=False)[-1]
    moved = recursion(QUALITY, SHARES["linear"], retrain=False)[-1]
    for number, group in enumerate("AB"):
        parts = effects(found, group=group, **{"users.feedback": "linear", "learning.regime": "incremental"})
        assert parts["feedback"] == pytest.approx((moved - still)[number] / 2, abs=1e-12)
        assert parts["change"] == pytest.approx(moved[number] - QUALITY[number], abs=1e-12)


def test_parts_sum_to_the_change_where_everything_interacts(remedies: Results) -> None:
    found = analysis.decomposition(remedies, parts=["sharing", "feedback", "remedy"])
    wide = found.pivot(index=["learning.regime", "remedy", "round"], columns="part", values="effect")
    total = wide[["sharing", "feedback", "remedy", "rest"]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(wide["change"].to_numpy(), abs=1e-12)
    rounds = remedies.table("rounds", parameters=True)
    changes = rounds.groupby(["learning.regime", "remedy", "round"])["disparate_bias"].mean()
    changes = changes - changes.groupby(["learning.regime", "remedy"]).transform("first")
    assert wide["change"].to_numpy() == pytest.approx(changes.reindex(wide.index).to_numpy(), abs=1e-12)
    assert (wide.loc[(slice(None), "none"), "remedy"] == 0).all()
    assert (found["n"] == 5).all()


def test_what_one_part_does_it_does_alone_and_last(remedies: Results) -> None:
    found = analysis.decomposition(remedies, parts=["sharing"], round="last")
    rows = found[found["part"] == "sharing"]
    assert (rows["effect"].abs() > 0.01).any() and (rows["n"] == 5).all()
    for way in ("alone", "added_last"):
        assert rows[way].to_numpy(float) == pytest.approx(rows["effect"].to_numpy(), abs=1e-12)


def test_shapley_values_are_the_mean_over_all_orders() -> None:
    parts = ("sharing", "feedback", "choice")
    generator = np.random.default_rng(1)
    runs = runs_of(3)
    quantity: dict[frozenset[str], np.ndarray] = {}
    made = {}
    for size in range(4):
        for off in itertools.combinations(parts, size):
            on = frozenset(parts) - set(off)
            quantity[on] = generator.normal(size=3)
            rows = {"run": [*runs["run"], *runs["run"]], "round": [0] * 3 + [9] * 3}
            rows["disparate_bias"] = [*([0.125] * 3), *quantity[on]]
            made[frozenset(off)] = MadeUp(runs, rounds=pd.DataFrame(rows))
    found = analysis.decomposition(made[frozenset()], parts=parts, runs=made, round="last").set_index("part")
    for part in parts:
        added = []
        for order in itertools.permutations(parts):
            before = frozenset(order[: order.index(part)])
            added.append(quantity[before | {part}] - quantity[before])
        expected = mean_interval(np.mean(added, axis=0))
        row = found.loc[part]
        assert (row["effect"], row["low"], row["high"]) == pytest.approx((expected.mean, expected.low, expected.high))
    assert found.loc["rest", "effect"] == pytest.approx((quantity[frozenset()] - 0.125).mean())
    with pytest.raises(EcosystemError, match="the run without choice and feedback is missing"):
        analysis.decomposition(
            made[frozenset()], parts=parts, runs={k: v for k, v in made.items() if k != {"choice", "feedback"}}
        )


def test_a_table_of_bias_shows_every_group_beside_the_differences(remedies: Results) -> None:
    found = analysis.bias_table(remedies, by="remedy")
    groups = remedies.last("groups", parameters=True)
    lean = groups[(groups["remedy"] == "best_of_k") & (groups["group"] == "B")].groupby("seed")["lean"].mean()
    row = found[(found["remedy"] == "best_of_k") & (found["group"] == "B") & (found["quantity"] == "lean")].iloc[0]
    expected = mean_interval(lean)
    assert row["n"] == 5  # both loops of a seed count once
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((expected.mean, expected.low, expected.high))
    measures = found[found["group"].isna()]
    assert set(measures["quantity"]) == {"preference_bias", "disparate_bias", "representation_gap"}
    assert len(found) == 6 * (3 + 2 * 4)
    pd.testing.assert_frame_equal(found, analysis.bias_table(remedies, by=["remedy"]))
    text = analysis.readable(found, ["remedy"], ["quantity", "group"])
    assert text.loc["best_of_k", ("lean", "B")].startswith(f"{row['mean']:.3g} [")
    assert text.index[0] == "none" and text.columns[0] == ("preference_bias", "")


def test_bias_over_rounds_begins_alike_everywhere(remedies: Results) -> None:
    found = analysis.biases(remedies)
    first = found[(found["round"] == 0) & (found["quantity"] == "preference_bias")]
    assert len(first) == 12
    assert first["mean"].to_numpy() == pytest.approx(0.075)
    assert set(found["round"]) == set(range(ROUNDS + 1))


def signs(table: pd.DataFrame, quantity: str, group: str | None = None) -> set[str]:
    of_group = table["group"].isna() if group is None else table["group"] == group
    return set(table.loc[(table["quantity"] == quantity) & of_group, "sign"])


def test_the_remedy_lowers_preference_bias_by_driving_the_groups_apart() -> None:
    """ORACLES.md 4, both loops: PB .129 → .083 and .108 → .087; lean_A up to .915, lean_B down to .251."""
    found = analysis.bias_changes(ecosystem.run("rejection_sampling"), "accuracy", 0.5)
    assert signs(found, "preference_bias") == {"falls"}
    assert signs(found, "lean", "A") == {"rises"} and signs(found, "lean", "B") == {"falls"}
    assert signs(found, "share", "A") == {"none"}  # linear feedback knows nothing of what is served
    best = found[(found["accuracy"] == 1) & (found["quantity"] == "preference_bias")].set_index("learning.regime")
    assert best["value"].tolist() == pytest.approx([0.083, 0.087], abs=5e-4)
    assert best["reference"].tolist() == pytest.approx([0.129448, 0.107842], abs=1e-6)
    leans = found[
        (found["accuracy"] == 1) & (found["learning.regime"] == "incremental") & (found["quantity"] == "lean")
    ]
    assert leans["value"].tolist() == pytest.approx([0.915, 0.251], abs=5e-4)
    assert found["n"].eq(1).all() and found["low"].isna().all()
    without_gain = analysis.bias_changes(ecosystem.run("rejection_sampling_without_gain"), "accuracy", 0.5)
    assert signs(without_gain, "preference_bias") == {"rises"}


def test_the_sign_of_a_drawn_difference_is_what_its_interval_says(remedies: Results) -> None:
    found = analysis.bias_changes(remedies, "remedy", adjust="bh")
    zero = (found["low"] <= 0) & (found["high"] >= 0)
    nothing = (found["low"] == 0) & (found["high"] == 0)
    assert set(found.loc[zero & ~nothing, "sign"]) == {"unclear"}
    assert set(found.loc[nothing, "sign"]) == {"none"}
    assert set(found.loc[found["low"] > 0, "sign"]) == {"rises"}
    assert set(found.loc[found["high"] < 0, "sign"]) == {"falls"}
    assert found["p_adjusted"].to_numpy() == pytest.approx(analysis.adjusted(found["p"], "bh"))
    row = found[(found["quantity"] == "lean") & (found["group"] == "B") & (found["remedy"] == "best_of_k")].iloc[0]
    alone = analysis.compare(remedies, "remedy", table="groups", columns="lean")
    same = alone[(alone["group"] == "B") & (alone["remedy"] == "best_of_k")].iloc[0]
    assert (row["difference"], row["low"]) == (same["difference"], same["low"])
    one = analysis.bias_changes(ecosystem.run("remedies", seeds=1), "remedy")
    assert set(one["sign"]) == {"unclear"}


@pytest.mark.parametrize(
    ("difference", "low", "high", "drawn", "sign"),
    [
        (0.2, 0.1, 0.3, True, "rises"),
        (-0.2, -0.3, -0.1, True, "falls"),
        (0.2, 0.0, 0.3, True, "unclear"),
        (-0.2, -0.3, 0.0, True, "unclear"),
        (-0.2, np.nan, np.nan, True, "unclear"),
        (0.0, 0.0, 0.0, True, "none"),
        (-0.2, np.nan, np.nan, False, "falls"),
    ],
)
def test_an_interval_that_holds_0_has_no_sign(
    difference: float, low: float, high: float, drawn: bool, sign: str
) -> None:
    assert _sign(difference, low, high, drawn) == sign


def test_a_change_is_split_of_rounds_and_groups_alone(feedbacks: Results) -> None:
    with pytest.raises(EcosystemError, match=r"table is rounds or groups \(got 'models'\)"):
        analysis.decomposition(feedbacks, "alignment", table="models")


def test_without_users_there_is_no_bias() -> None:
    with pytest.raises(EcosystemError, match="no users"):
        analysis.biases(ecosystem.run("collapse", seeds=1))


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_a_judge_who_is_right_half_the_time_does_exactly_nothing(mode: str) -> None:
    scenario = ecosystem.load_scenario("rejection_sampling")
    data = dict(scenario.document.data) | {"expect": [], "seeds": 3, "mode": mode}
    if mode == "sampled":
        data["learning"] = dict(data["learning"]) | {"examples": 500}
    results = ecosystem.run(Scenario(**data))
    found = analysis.compare_runs(results, analysis.counterfactual(results, "remedy"), table="groups")
    half = found["accuracy"] == 0.5
    assert (found.loc[half, ["difference", "low", "high"]].fillna(0) == 0).all(axis=None)
    assert (found.loc[~half & (found["quantity"] == "lean"), "difference"] != 0).all()


class TestWithout:
    def test_what_a_sweep_says_of_a_part_is_left_out(self, feedbacks: Results) -> None:
        off = analysis.without(feedbacks.scenario, "feedback", "sharing")
        assert points(off) == ({"learning.regime": "incremental"}, {"learning.regime": "retrain"})
        assert off.users is not None and off.users.rules[0].method == "static"
        assert off.learning.sharing == 0 and not off.expect
        assert feedbacks.scenario.learning.sharing == TAU

    def test_nothing_else_is_changed(self, feedbacks: Results) -> None:
        before, after = (
            analysis.without(feedbacks.scenario, *parts).settings()
            for parts in (("feedback",), ("feedback", "sharing"))
        )
        assert after["learning"] == before["learning"] | {"sharing": 0}
        assert {key: value for key, value in after.items() if key != "learning"} == {
            key: value for key, value in before.items() if key != "learning"
        }

    def test_the_points_of_a_design_stay_where_they_are(self) -> None:
        scenario = ecosystem.load_scenario("performative_loop")
        ranges = {"learning.sharing": [0, 0.5], "learning.rate": [0.1, 0.9], "step": [0, 0.1]}
        sweep = {"latin_hypercube": {"samples": 5, "ranges": ranges}}
        swept = Scenario(**dict(scenario.document.data) | {"sweep": sweep, "expect": []})
        expected = tuple({key: point[key] for key in ("learning.rate", "step")} for point in points(swept))
        assert points(analysis.without(swept, "sharing")) == expected
        assert points(analysis.without(swept, "feedback")) == points(swept)  # a parameter may be swept in vain
        results = ecosystem.run(swept)
        found = analysis.decomposition(results, round="last")
        assert len(found) == 5 * 4 and (found["n"] == 1).all()
        assert found.loc[found["part"] == "feedback", "effect"].abs().max() < 1e-12

    def test_without_what_is_swept_alone_there_is_no_sweep(self) -> None:
        scenario = ecosystem.load_scenario("performative_loop")
        data = dict(scenario.document.data) | {"expect": [], "sweep": {"grid": {"learning.sharing": [0.1, 0.2]}}}
        assert analysis.without(Scenario(**data), "sharing").sweep is None

    def test_what_an_event_says_of_a_part_is_left_out(self) -> None:
        scenario = ecosystem.load_scenario("performative_loop")
        events = [
            {"round": 2, "set": {"users.feedback": {"method": "linear", "group": "B", "step": 0.1}}},
            {"round": 3, "set": {"users.feedback.step": 0.01, "learning.rate": 0.4}},
        ]
        moved = scenario.with_({"events": events[:1]})
        assert analysis.without(moved, "feedback").events == ()
        both = Scenario(**dict(scenario.document.data) | {"events": events[1:], "expect": []})
        assert [event.set for event in analysis.without(both, "feedback").events] == [{"learning.rate": 0.4}]

    def test_edges_that_come_and_go_are_no_part(self) -> None:
        cut = {"round": 1, "cut": {"from": "a", "to": "b"}}
        events = Scenario(**CHAIN, events=[cut]).events
        assert analysis.without(Scenario(**CHAIN, events=[cut]), "curation").events == events

    def test_a_block_that_is_swept_as_a_whole_cannot_lose_a_part(self) -> None:
        scenario = ecosystem.load_scenario("performative_loop")
        sweep = {"grid": {"learning": [{"sharing": 0.1}, {"sharing": 0.2}]}}
        swept = Scenario(**dict(scenario.document.data) | {"sweep": sweep, "expect": []})
        with pytest.raises(EcosystemError, match=r"the sweep sets learning as a whole, so learning\.sharing"):
            analysis.without(swept, "sharing")
        with pytest.raises(EcosystemError, match=r"no part is called 'shareing'.*'sharing'"):
            analysis.without(scenario, "shareing")

    def test_without_curation_nothing_is_gained_and_the_network_is_the_same(self) -> None:
        scenario = ecosystem.load_scenario("scale_free_curated").with_({"models.m.count": 60, "rounds": 8})
        results = ecosystem.run(scenario)
        other = analysis.counterfactual(results, "curation")
        found = analysis.gains(results, other)
        assert found["reference"].to_numpy() == pytest.approx(np.full(60, 0.234375), abs=1e-12)
        assert found["gain"].to_numpy() == pytest.approx((found["value"] - 0.234375).to_numpy(), abs=1e-12)
        assert (found.loc[found["distance"] == 0, "gain"] > 0.05).all()
        pd.testing.assert_frame_equal(results.network, other.network)

    def test_without_a_remedy_is_the_same_as_never_having_had_it(self, remedies: Results) -> None:
        other = analysis.counterfactual(remedies, "remedy")
        found = analysis.compare_runs(remedies, other, table="groups")
        none = found[found["remedy"] == "none"]
        assert (none["difference"] == 0).all()
