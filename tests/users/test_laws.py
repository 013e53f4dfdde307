"""What holds for any population."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.random_ecosystems import random_ecosystem, shares
from plain.random_societies import societies

from ecosystem import Ecosystem, Scenario

RULES = (
    [{"method": "static"}],
    [{"method": "linear", "group": "g1", "step": 0.1, "cap": 0.8}],
    [{"method": "retention", "scale": 0.7, "arrivals": 3.0}],
    [{"method": "replicator", "rate": 1.5}],
    [{"method": "replicator", "rate": 0.5}, {"method": "linear", "group": "g0", "step": 0.02, "cap": 0.9}],
)
CHOICES = (
    {"method": "fixed"},
    {"method": "softmax", "temperature": 0.4},
    {"method": "multiplicative", "rate": 0.8},
)


def with_users(seed: int) -> dict[str, Any]:
    """A random ecosystem with a random population of three groups."""
    g = np.random.default_rng(seed)
    written = random_ecosystem(seed, int(g.integers(1, 4)), 3, 3)
    written["outputs"]["scores"] = {"lean": g.random(3).tolist(), "quality": g.random((3, 3)).tolist()}
    names = [model["name"] for model in written["models"]]
    for model in written["models"]:
        taken = float(g.choice([0.0, 0.3, 1.0]))
        model["diet"] = {key: share * (1 - taken) for key, share in model["diet"].items()} | {"users": taken}
    written["users"] = {
        "groups": [
            {
                "name": f"g{k}",
                "size": float(g.uniform(1, 100)),
                "contexts": {
                    int(c): float(g.uniform(0.1, 1)) for c in g.choice(3, size=g.integers(1, 4), replace=False)
                },
                "reward": str(g.choice(["flat", "split"])),
                "data": [shares(g, 3) for _ in range(3)],
                "models": dict(zip(names, g.uniform(0.1, 1, size=len(names)).tolist(), strict=True)),
            }
            for k in range(3)
        ],
        "choice": copy.deepcopy(CHOICES[g.integers(len(CHOICES))]),
        "feedback": copy.deepcopy(RULES[g.integers(len(RULES))]),
        "curate": bool(g.integers(2)),
    }
    return written


populations = st.integers(0, 2**32).map(with_users)


def steps(written: dict[str, Any], count: int = 4) -> Ecosystem:
    model = Ecosystem(Scenario(**written))
    for _ in range(count):
        model.step()
    return model


@settings(deadline=None, max_examples=80)
@given(populations)
def test_what_is_written_stays_a_distribution_and_nobody_is_lost(written: dict[str, Any]) -> None:
    model = Ecosystem(Scenario(**written))
    rules = {rule["method"] for rule in written["users"]["feedback"]}
    for _ in range(4):
        before = sum(cohort.active for cohort in model.cohorts)
        demand = model.demand
        assert demand.volume is not None
        assert float(demand.volume.sum()) == pytest.approx(before)  # every prompt is sent to some model
        model.step()
        p = model.state.p
        assert float((p.sum(-1) - 1).abs().max()) < 1e-12 and float(p.min()) >= 0
        for cohort in model.cohorts:
            assert sum(cohort.choice.values()) == pytest.approx(1)
        after = sum(cohort.active for cohort in model.cohorts)
        if "retention" in rules:
            assert after <= before + 3 * 3.0 + 1e-9  # at most the arrivals come
        else:
            assert after == pytest.approx(before)


@settings(deadline=None, max_examples=40)
@given(populations, st.permutations(range(3)))
def test_permuting_groups_permutes_results(written: dict[str, Any], order: list[int]) -> None:
    other = copy.deepcopy(written)
    other["users"]["groups"] = [written["users"]["groups"][k] for k in order]
    ours, theirs = steps(written), steps(other)
    assert float((ours.state.p - theirs.state.p).abs().max()) < 1e-12
    for name, values in ours.group_values().items():
        assert values[0, order].numpy() == pytest.approx(theirs.group_values()[name][0].numpy(), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(populations)
def test_identical_groups_stay_identical(written: dict[str, Any]) -> None:
    first = written["users"]["groups"][0]
    written["users"]["groups"] = [first | {"name": f"g{k}"} for k in range(3)]
    written["users"]["feedback"] = [{"method": "replicator", "rate": 1.0}]
    values = steps(written).group_values()
    for column in values.values():
        assert float((column - column[:, :1]).abs().max()) < 1e-12


@settings(deadline=None, max_examples=30)
@given(populations)
def test_users_curate_like_a_pluralistic_curator_of_their_volumes(written: dict[str, Any]) -> None:
    # One context, fixed choice: volumes are known beforehand, and so are the weights of the rewards.
    written = random_one_context(written)
    groups = written["users"]["groups"]
    plural = copy.deepcopy(written)
    plural["users"]["curate"] = False
    for index, model in enumerate(plural["models"]):
        if model.get("curation") is None:
            continue
        weights: dict[str, float] = {}
        for group in groups:
            name = group["reward"]
            share = list(group["models"].values())[index] / sum(group["models"].values())
            weights[name] = weights.get(name, 0.0) + group["size"] * share
        model["curation"] = {
            "method": "pluralistic",
            "candidates": model["curation"]["candidates"],
            "temperature": model["curation"].get("temperature", 1.0),
            "rewards": weights,
        }
    assert float((steps(written).state.p - steps(plural).state.p).abs().max()) < 1e-12


def random_one_context(written: dict[str, Any]) -> dict[str, Any]:
    written["outputs"]["contexts"] = 1
    written["outputs"]["scores"] = {}
    written["rewards"]["split"] = written["rewards"]["split"][:1]
    for model in written["models"]:
        for key in ("initial", "real"):
            if key in model:
                model[key] = model[key][:1]
        if (model.get("curation") or {}).get("method") == "best_of":
            model["curation"] = {"method": "luce", "candidates": model["curation"]["candidates"], "reward": "flat"}
    for group in written["users"]["groups"]:
        group["contexts"], group["data"] = [0], group["data"][:1]
    written["users"] |= {"choice": {"method": "fixed"}, "feedback": {"method": "static"}, "curate": True}
    return written


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_total_risk_never_rises_where_models_fit_their_users_and_users_choose(seed: int) -> None:
    g = np.random.default_rng(seed)
    places = g.normal(size=(4, 2))
    written = {
        "name": "dean",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "rewards": {f"r{k}": {"centre": place.tolist(), "curvature": 2} for k, place in enumerate(places)},
        "models": [{"name": "m", "count": 3, "initial": {"mean": [0, 0], "covariance": 0}, "diet": {"users": 1}}],
        "learning": {"covariance": "fixed"},
        "users": {
            "groups": [
                {
                    "name": f"g{k}",
                    "size": float(g.uniform(1, 9)),
                    "contexts": [0],
                    "reward": f"r{k}",
                    "data": {"mean": place.tolist(), "covariance": 0},
                    "models": dict(zip(("m0", "m1", "m2"), g.uniform(0.1, 1, size=3).tolist(), strict=True)),
                }
                for k, place in enumerate(places)
            ],
            "choice": {"method": "multiplicative", "rate": float(g.uniform(0.1, 3))},
        },
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    risk = np.inf
    for _ in range(40):
        # Row t is met with the α of before; with the α that follows, risk is lower still.
        now = -sum(cohort.active * cohort.satisfaction for cohort in model.cohorts)
        assert now <= risk + 1e-9 * abs(now)
        risk = now
        model.step()


def test_a_context_that_nobody_asks_keeps_what_it_has() -> None:
    written = {
        "name": "silence",
        "rounds": 2,
        "outputs": {"kind": "categorical", "size": 2, "contexts": 2},
        "models": [{"name": "m", "initial": [0.3, 0.7], "diet": {"users": 1}}],
        "users": {"groups": [{"name": "A", "size": 5, "contexts": [1], "data": [0.9, 0.1]}]},
    }
    p = steps(written, 2).models[0].distribution
    assert p == pytest.approx(np.array([[0.3, 0.7], [0.9, 0.1]]))


def test_the_share_of_absent_users_is_split_over_the_other_sources() -> None:
    written = {
        "name": "split",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2, "contexts": 2},
        "real": [1, 0],
        "models": [{"name": "m", "initial": [0, 1], "diet": {"users": 0.5, "real": 0.2, "raw": 0.3}}],
        "users": {"groups": [{"name": "A", "size": 5, "contexts": [1], "data": [0.5, 0.5]}]},
    }
    p = steps(written, 1).models[0].distribution
    assert p[0] == pytest.approx([0.4, 0.6])  # .2 and .3 of what is left, .5
    assert p[1] == pytest.approx([0.2 + 0.25, 0.3 + 0.25])


@settings(deadline=None, max_examples=60)
@given(societies)
def test_numbers_of_users_follow_arrivals_departures_and_preset_shares_alone(written: dict[str, Any]) -> None:
    for rules in (
        [{"method": "static"}],
        [{"method": "replicator", "rate": 1.0}],
        [{"method": "linear", "group": "B", "step": 0.1, "cap": 0.9}],
        [{"method": "retention", "scale": 1.0, "arrivals": 2.0}],
    ):
        written["users"]["feedback"] = rules
        model = Ecosystem(Scenario(**written))
        for _ in range(3):
            before = np.array([cohort.active for cohort in model.cohorts])
            model.step()
            after = np.array([cohort.active for cohort in model.cohorts])
            match rules[0]["method"]:
                case "static":
                    assert after.tolist() == before.tolist()
                case "replicator":
                    assert after.sum() == pytest.approx(before.sum(), rel=1e-12)
                case "linear":
                    assert after.sum() == pytest.approx(before.sum(), rel=1e-12)
                    assert after[0] / after[2] == pytest.approx(before[0] / before[2], rel=1e-9)
                case _:  # nobody comes but the arrivals, and nobody leaves twice
                    assert (after >= 2.0).all() and (after <= before + 2.0 + 1e-9).all()


@settings(deadline=None, max_examples=40)
@given(societies)
def test_drawn_users_are_whole_and_their_number_is_kept(written: dict[str, Any]) -> None:
    for group in written["users"]["groups"]:
        group["size"] = round(group["size"])
    written["users"] |= {"mode": "sampled"}
    arrives = sum(rule.get("arrivals", 0) for rule in written["users"]["feedback"])
    model = Ecosystem(Scenario(**written), seed=3)
    for _ in range(3):
        before = sum(cohort.active for cohort in model.cohorts)
        model.step()
        assert model.crowd is not None
        held = model.crowd.activity[..., None] * model.crowd.choice
        assert float((held - held.round()).abs().max()) < 1e-9 and float(held.min()) >= 0
        after = sum(cohort.active for cohort in model.cohorts)
        retains = any(rule["method"] == "retention" for rule in written["users"]["feedback"])
        # Shares that are preset are whole to within one user.
        assert after <= before + 3 * 60 + 6 * arrives if retains else abs(after - before) < 1.5
        assert model.demand.volume is not None and float(model.demand.volume.sum()) == pytest.approx(after)


@settings(deadline=None, max_examples=30)
@given(societies, st.sampled_from(["expected", "sampled"]))
def test_renaming_groups_renames_results(written: dict[str, Any], mode: str) -> None:
    for group in written["users"]["groups"]:
        group["size"] = round(group["size"])
    written["users"]["mode"] = mode
    names = {"A": "young", "B": "old", "C": "Ångström"}
    other = renamed(written, names)
    ours, theirs = steps(written), steps(other)
    assert [cohort.name for cohort in theirs.cohorts] == list(names.values())
    assert torch.equal(ours.state.p, theirs.state.p)
    for name, values in ours.group_values().items():
        assert torch.equal(values, theirs.group_values()[name])


def renamed(written: Any, names: dict[str, str]) -> Any:
    """The scenario with names of groups replaced, wherever they stand."""
    if isinstance(written, dict):
        return {names.get(key, key): renamed(value, names) for key, value in written.items()}
    if isinstance(written, list):
        return [renamed(value, names) for value in written]
    return names.get(written, written) if isinstance(written, str) else written


@settings(deadline=None, max_examples=40)
@given(societies)
def test_in_the_raw_loop_identical_groups_keep_their_bias(written: dict[str, Any]) -> None:
    first = written["users"]["groups"][0]
    written["users"]["groups"] = [first | {"name": name, "size": size} for name, size in (("A", 3), ("B", 5), ("C", 9))]
    written["users"]["choice"] = {"method": "fixed"}
    written["learning"].pop("corpus")
    written.pop("remedy", None)
    for model in written["models"]:
        model["diet"] = {"raw": 1}
    model = Ecosystem(Scenario(**written))
    lean = model.group_values()["lean"].clone()
    for _ in range(4):
        model.step()
        values = model.group_values()
        assert float((values["lean"] - lean).abs().max()) < 1e-12
        for name in ("lean", "quality", "satisfaction"):
            assert float(values[name].amax() - values[name].amin()) < 1e-12


@pytest.mark.parametrize("mode", ["expected", "sampled"])
@pytest.mark.parametrize("feedback", [{"method": "linear", "group": "A", "step": 0.1}, {"method": "replicator"}])
def test_where_nobody_is_left_nobody_comes_back(mode: str, feedback: dict[str, Any]) -> None:
    group = {"size": 5, "contexts": [0], "reward": "first", "data": [0, 1]}
    written = {
        "name": "deserted",
        "rounds": 3,
        "outputs": {"kind": "categorical", "size": 2},
        "rewards": {"first": [1, 0]},
        "models": [{"name": "m", "initial": [0.3, 0.7], "diet": {"raw": 0.5, "users": 0.5}}],
        "users": {
            "groups": [group | {"name": "A"}, group | {"name": "B"}],
            "feedback": [{"method": "retention", "scale": 1e-4}, feedback],
            "mode": mode,
        },
        "remedy": {"method": "reweighting"},
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    p = model.state.p.clone()
    assert [cohort.active for cohort in model.cohorts] == [0, 0]
    model.step()
    assert [cohort.active for cohort in model.cohorts] == [0, 0]
    assert torch.equal(model.state.p, p)  # without users the model has but its own outputs
    assert all(np.isnan(cohort.share) for cohort in model.cohorts)


def test_a_group_without_users_has_no_weight() -> None:
    written = copy.deepcopy(with_users(5))
    written["users"] |= {"feedback": {"method": "static"}, "choice": {"method": "fixed"}, "curate": True}
    written["remedy"] = {"method": "reweighting", "weights": {"g0": 1.0, "g1": 2.0, "g2": 5.0}, "strength": 0.5}
    written["users"]["groups"][2]["size"] = 1e-300
    gone = copy.deepcopy(written)
    gone["users"]["groups"][2]["size"] = 0
    gone["users"]["feedback"] = {"method": "retention", "scale": 1e9, "arrivals": 0}
    gone["events"] = [{"round": 7, "set": {"users.feedback.arrivals": 1}}]  # who is not there may come
    gone["rounds"] = 8
    two = copy.deepcopy(gone)
    del two["events"]
    two["users"]["groups"].pop()
    two["remedy"]["weights"].pop("g2")
    assert float((steps(gone).state.p - steps(two).state.p).abs().max()) < 1e-12
    assert float((steps(written).state.p - steps(two).state.p).abs().max()) > 1e-3


@pytest.mark.parametrize("pool", [None, 7])
def test_a_drawn_model_that_nobody_asks_keeps_what_it_has(pool: int | None) -> None:
    written = {
        "name": "silence",
        "rounds": 3,
        "mode": "sampled",
        "outputs": {"kind": "categorical", "size": 2, "contexts": 2},
        "models": [{"name": name, "initial": [0.3, 0.7], "diet": {"users": 1}} for name in ("silent", "asked")],
        "users": {"groups": [{"name": "A", "size": 5, "contexts": [1], "data": [0.9, 0.1], "models": ["asked"]}]},
        "learning": {"examples": 10} | ({"pool": pool} if pool else {}),
    }
    model = steps(written, 3)
    start = np.array([[0.3, 0.7], [0.3, 0.7]])
    assert model.models[0].distribution.tolist() == start.tolist()
    assert model.models[1].distribution[0].tolist() == [0.3, 0.7]
    assert model.models[1].distribution[1].tolist() != [0.3, 0.7]


def test_of_neighbours_with_pools_those_count_that_wrote_something() -> None:
    # In each context the reader has one neighbour that was asked: half is its, and half real.
    written = {
        "name": "pools",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
        "real": [1, 0, 0],
        "models": [
            {"name": "first", "initial": [0, 1, 0], "diet": {"raw": 1}},
            {"name": "second", "initial": [0, 0, 1], "diet": {"raw": 1}},
            {"name": "reader", "diet": {"real": 0.5, "neighbours_raw": 0.5}},
        ],
        "network": {"edges": [{"from": "first", "to": "reader"}, {"from": "second", "to": "reader"}]},
        "users": {
            "groups": [
                {"name": "A", "size": 5, "contexts": [0], "models": ["first", "reader"]},
                {"name": "B", "size": 5, "contexts": [1], "models": ["second", "reader"]},
            ]
        },
        "learning": {"examples": 40_000, "pool": 50},
    }
    found = steps(written, 1).models[2].distribution
    assert found == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0, 0.5]]), abs=0.02)


def test_what_users_bring_is_read_beside_a_pool() -> None:
    written = {
        "name": "brought",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "categorical", "size": 3},
        "real": [1, 0, 0],
        "models": [{"name": "m", "initial": [0, 1, 0], "diet": {"real": 0.3, "raw": 0.2, "users": 0.5}}],
        "users": {"groups": [{"name": "A", "size": 5, "contexts": [0], "data": [0, 0, 1]}]},
        "learning": {"examples": 40_000, "pool": 50},
    }
    assert steps(written, 1).models[0].distribution[0] == pytest.approx(np.array([0.3, 0.2, 0.5]), abs=0.02)


def test_a_billion_users_are_counted_to_the_last() -> None:
    written = with_users(8)
    for group in written["users"]["groups"]:
        group["size"] = 10**9 + 1
    written["users"] |= {
        "mode": "sampled",
        "feedback": [{"method": "replicator"}, {"method": "linear", "group": "g1", "step": 0.01}],
        "choice": CHOICES[1] | {"switching_cost": 0.2},
    }
    exact = copy.deepcopy(written)
    exact["users"]["mode"] = "expected"
    ours, theirs = steps(written), steps(exact)
    assert sum(cohort.active for cohort in ours.cohorts) == 3 * (10**9 + 1)
    assert ours.demand.volume is not None and float(ours.demand.volume.sum()) == 3 * (10**9 + 1)
    for cohort, expected in zip(ours.cohorts, theirs.cohorts, strict=True):
        assert cohort.active == pytest.approx(expected.active, rel=1e-3)
        assert list(cohort.choice.values()) == pytest.approx(list(expected.choice.values()), abs=1e-3)


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_a_thousand_groups_ask_a_thousand_models(mode: str) -> None:
    g = np.random.default_rng(0)
    written: dict[str, Any] = {
        "name": "many",
        "rounds": 1,
        "mode": mode,
        "outputs": {"kind": "categorical", "size": 4, "contexts": 3},
        "rewards": {f"r{k}": g.normal(size=4).tolist() for k in range(5)},
        "models": [{"name": "m", "count": 1000, "diet": {"real": 0.5, "raw": 0.3, "users": 0.2}}],
        "users": {
            "groups": [
                {"name": f"g{k}", "size": 1000 + k, "contexts": [k % 3], "reward": f"r{k % 5}"} for k in range(1000)
            ],
            "choice": {"method": "softmax", "temperature": 0.5},
            "feedback": {"method": "replicator"},
            "mode": "expected" if mode == "exact" else "sampled",
        },
        "learning": {"examples": 50} if mode == "sampled" else {},
    }
    model = steps(written, 1)
    total = sum(1000 + k for k in range(1000))
    assert sum(cohort.active for cohort in model.cohorts) == pytest.approx(total, rel=1e-12)
    assert model.demand.volume is not None and model.demand.volume.shape == (1, 1000, 3)
    assert float(model.demand.volume.sum()) == pytest.approx(total, rel=1e-12)
    assert float((model.state.p.sum(-1) - 1).abs().max()) < 1e-12


def test_users_curate_normal_laws_as_a_mixture_of_their_tastes() -> None:
    # K = inf shifts the mean of N(1, 2) by 2 w: with .8 by a user (6 of A for 4 of B), with .2 by the attacker.
    written = {
        "name": "tastes",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 1, "contexts": 2},
        "rewards": {"up": {"linear": [0.8]}, "down": {"linear": [-0.3]}, "attack": {"linear": [2]}},
        "models": [
            {
                "name": "m",
                "reward": "down",
                "initial": {"mean": [1], "covariance": 2},
                "diet": {"curated": 1},
                "curation": {
                    "method": "adversarial",
                    "candidates": float("inf"),
                    "attack": 0.2,
                    "attack_reward": "attack",
                },
            }
        ],
        "users": {
            "groups": [
                {"name": "A", "size": 6, "contexts": [0], "reward": "up"},
                {"name": "B", "size": 4, "contexts": [0], "reward": "down"},
            ],
            "curate": True,
        },
    }
    p = steps(written, 1).models[0].distribution
    for context, parts in (
        (0, {0.8: 0.48, -0.3: 0.32, 2.0: 0.2}),
        (1, {-0.3: 0.8, 2.0: 0.2}),  # nobody asks here, so the block's own reward chooses
    ):
        means = np.array([1 + 2 * w for w in parts])
        weights = np.array(list(parts.values()))
        assert p[context, 1] == pytest.approx(weights @ means, abs=1e-12)
        assert p[context, 2] == pytest.approx(2 + weights @ means**2, abs=1e-12)
