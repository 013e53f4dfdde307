"""Who has which lever, what a lever changes of a diet, and gradients that reach what a lever does directly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecosystem.errors import EcosystemError
from ecosystem.influence import gradient, influence
from ecosystem.influence.implicit import alignment, weights
from ecosystem.influence.levers import curation
from ecosystem.influence.rounds import Round
from ecosystem.influence.shares import curated_shares, with_shares
from ecosystem.influence.stable import settle
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import SOURCES, Blueprint, blueprint

from .ecosystems import two_models

LUCE = {"method": "luce", "candidates": 3, "reward": "r"}


def plan_of(*models: dict[str, Any], **more: Any) -> Blueprint:
    return blueprint(scenario_of(*models, **more), 0)


def scenario_of(*models: dict[str, Any], **more: Any) -> Scenario:
    written: dict[str, Any] = {
        "name": "levers",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 3},
        "rewards": {"r": [0, 1, 3]},
        "models": [{"name": f"m{k}", **model} for k, model in enumerate(models)],
        "network": {"edges": [{"from": f"m{k}", "to": f"m{k + 1}"} for k in range(len(models) - 1)]},
    }
    return Scenario(**written | more)


SEVERAL = (
    {"diet": {"real": 0.7, "curated": 0.3}, "curation": LUCE},
    {"diet": {"real": 0.2, "raw": 0.4, "neighbours_curated": 0.4}},
    {"diet": {"real": 1, "neighbours_curated": 0}},
    {"diet": {"real": 0.5, "neighbours_raw": 0.5}},
    {"diet": {"real": 1, "curated": 0}, "curation": LUCE},
    {"diet": {"real": 0.4, "curated": 0.15, "neighbours_curated": 0.45}, "curation": LUCE},
)


def test_curated_shares_are_those_of_the_diets() -> None:
    shares = curated_shares(plan_of(*SEVERAL))
    assert shares.models.tolist() == [0, 1, 2, 4, 5]
    assert shares.share == pytest.approx([0.3, 0.4, 0, 0, 0.6])
    assert shares.across == pytest.approx([0, 1, 1, 0, 0.75])


def test_the_diet_of_the_chosen_counts_as_theirs() -> None:
    # Who is chosen reads as `curated` says; that `neighbours_curated` stood in a diet before does not matter.
    before = [{"diet": {"real": 1, "neighbours_curated": 0}}, {"diet": {"real": 1}}, {"diet": {"real": 1}}]
    chosen = {"models": ["m0", "m1"], "curation": LUCE}
    for diet, across in (
        ({"real": 1, "neighbours_curated": 0}, [0, 0]),
        ({"real": 0.4, "curated": 0.6}, [0, 0]),
        ({"real": 0.5, "curated": 0.1, "neighbours_curated": 0.4}, [0.8, 0.8]),
    ):
        shares = curated_shares(plan_of(*before, curated=chosen | {"diet": diet}))
        assert shares.models.tolist() == [0, 1]
        assert shares.across == pytest.approx(across)
    kept = curated_shares(plan_of(*before[::-1], curated={"models": ["m0"], "curation": LUCE}))
    assert kept.models.tolist() == [0, 2]
    assert kept.across.tolist() == [0, 1]


def test_other_shares_leave_the_rest_in_proportion() -> None:
    plan = plan_of(*SEVERAL)
    shares = curated_shares(plan)
    wanted = np.array([0.5, 0.1, 0.25, 0.2, 0.0])
    changed = with_shares(plan, shares, wanted)
    assert changed.diet.sum(-1) == pytest.approx(np.ones(len(SEVERAL)))
    found = curated_shares(changed)
    assert found.share[:4] == pytest.approx(wanted[:4])
    assert found.across[:4] == pytest.approx(shares.across[:4])
    others = [SOURCES.index(source) for source in ("real", "raw", "neighbours_raw")]
    for place, model in enumerate(shares.models):
        ratio = (1 - wanted[place]) / (1 - shares.share[place])
        assert changed.diet[model, others] == pytest.approx(plan.diet[model, others] * ratio)
    assert changed.diet[3].tolist() == plan.diet[3].tolist()


def test_one_lever_of_several_is_taken_alone() -> None:
    every = curation(plan_of(*SEVERAL))
    for number, name in enumerate(every.names):
        only = every.only(number)
        assert only.names == (name,)
        assert only.models.tolist() == [every.models[number]]
        assert only.change.tolist() == [every.change[number].tolist()]


def test_who_has_which_setting() -> None:
    models = [
        {"reward": "r", "diet": {"real": 0.5, "curated": 0.5}, "curation": curator}
        for curator in (LUCE, LUCE | {"candidates": math.inf}, LUCE | {"method": "best_of"})
    ]
    scenario = scenario_of(*models, {"reward": "r", "diet": {"real": 0.5, "neighbours_raw": 0.5}})
    assert influence(scenario, "temperature").columns.tolist() == ["m0", "m1"]
    assert influence(scenario, "candidates").columns.tolist() == ["m0", "m2"]
    assert influence(scenario, "curated").columns.tolist() == ["m0", "m1", "m2"]
    assert influence(scenario, "neighbours_raw").columns.tolist() == ["m1", "m2", "m3"]
    assert influence(scenario, "raw").columns.tolist() == ["m0", "m1", "m2", "m3"]


def test_what_is_curated_more_comes_from_where_it_is_said() -> None:
    plan = blueprint(two_models(), 0)
    shares = curated_shares(plan)
    for across in (None, np.array([0.25, 1.0])):
        c = shares.across if across is None else across
        change = curation(plan, across).change
        own, others = (change[:, SOURCES.index(name)] for name in ("curated", "neighbours_curated"))
        assert own == pytest.approx(1 - c) and others == pytest.approx(c)
        assert change.sum(-1) == pytest.approx(0)


def test_a_share_of_one_is_no_lever_and_refused_where_there_is_no_other() -> None:
    whole, half = {"reward": "r", "diet": {"raw": 1}}, {"reward": "r", "diet": {"real": 0.5, "raw": 0.5}}
    assert influence(scenario_of(whole, half, half, network={}), "raw", round=2).columns.tolist() == ["m1", "m2"]
    assert influence(scenario_of(whole, half, network={}), "raw", round=2).columns.tolist() == ["m1"]
    with pytest.raises(EcosystemError, match=r"'m0': its share of raw is 1, so no other share can make room"):
        influence(scenario_of(whole, whole, network={}), "raw", round=2)


def test_the_worst_is_one_that_has_a_reward() -> None:
    diet = {"real": 0.5, "raw": 0.5}
    models = [{"diet": diet}, {"diet": diet, "reward": "r"}, {"diet": diet, "reward": "least"}, {"diet": diet}]
    round_ = Round(scenario_of(*models, rewards={"r": [0, 1, 3], "least": [-1, 0, -2]}))
    assert weights(round_, round_.start, "worst").tolist() == [0, 0, 1, 0]
    assert weights(round_, round_.start, "mean").tolist() == [0, 0.5, 0.5, 0]


def test_an_edge_with_a_channel_among_edges_without() -> None:
    # Weights into m2 of the scenario's two channels and of one edge without, by differences of converged runs.
    swap, blur = [[0, 1, 0], [1, 0, 0], [0, 0, 1]], [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0, 0.3, 0.7]]
    models = [
        {"name": "a", "initial": [0.7, 0.2, 0.1], "real": [0.7, 0.2, 0.1], "diet": {"real": 0.5, "raw": 0.5}},
        {"name": "b", "initial": [0.1, 0.3, 0.6], "real": [0.1, 0.3, 0.6], "diet": {"real": 0.5, "raw": 0.5}},
        {"name": "c", "reward": "r", "diet": {"real": 0.3, "neighbours_raw": 0.7}},
    ]
    edges: list[dict[str, Any]] = [
        {"from": "a", "to": "c", "weight": 1.0, "channel": {"matrix": swap}},
        {"from": "b", "to": "c", "weight": 2.0, "channel": {"matrix": blur}},
        {"from": "c", "to": "c", "weight": 0.5},
    ]
    scenario = scenario_of(models=models, network={"edges": edges})
    found = influence(scenario, "edges").loc["c"]
    for number, edge in enumerate(edges):
        at = []
        for step in (1e-4, -1e-4):
            moved = [other | {"weight": other["weight"] + step * (k == number)} for k, other in enumerate(edges)]
            round_ = Round(scenario_of(models=models, network={"edges": moved}))
            at.append(float(alignment(round_, settle(round_, round_.start, 1e-14))[2]))
        assert found[f"edge:{edge['from']}->c"] == pytest.approx((at[0] - at[1]) / 2e-4, abs=1e-7)


@pytest.mark.parametrize("aim", ["mean", "worst", {"p": 2.5, "q": -1.0}])
def test_a_gradient_holds_what_a_setting_does_directly(aim: Any) -> None:
    # A reward that is rewritten changes alignment even where nobody moves.
    data = two_models().settings()
    data["parameters"] = data.get("parameters", {}) | {"z": 0.4}
    data["rewards"]["first"] = ["= 1 + z", "= z ** 2"]
    scenario = Scenario(**data)
    matrix = influence(scenario, "parameter:z")["parameter:z"]
    levels = [float(value) for value in alignment(Round(scenario), settle(Round(scenario), Round(scenario).start))]
    each = {"mean": [0.5, 0.5], "worst": np.eye(2)[int(np.argmin(levels))]}.get(aim if isinstance(aim, str) else "")
    each = [aim[name] for name in matrix.index] if each is None else each
    found = gradient(scenario, aim, "parameter:z")
    assert found["parameter:z"] == pytest.approx(float(np.dot(each, matrix.to_numpy())), abs=1e-11)
    assert abs(matrix["p"]) > 0.1
