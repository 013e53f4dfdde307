"""What holds for any population."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.random_ecosystems import random_ecosystem, shares

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
