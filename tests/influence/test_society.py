"""Influence where users answer back and remedies are at work: central differences of runs that came to rest."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecosystem import Ecosystem
from ecosystem.errors import EcosystemError
from ecosystem.influence import gradient, influence, stable_point
from ecosystem.influence.planner import plan
from ecosystem.scenario.scenario import Scenario

from .ecosystems import shares, written
from .test_influence import agrees, differences, levers, move_curation

MOST = 3000


def at_rest(written: dict[str, Any]) -> np.ndarray:
    """J of all models where plain rounds come to rest."""
    model = Ecosystem(Scenario(**written))
    for _ in range(MOST):
        before = model.state, model.crowd
        model.step()
        if float(model.now.moved(*before)[0]) < 1e-14:
            break
    return model.measure("alignment")[0].numpy()


def at_round(rounds: int) -> Callable[[dict[str, Any]], np.ndarray]:
    def measure(written: dict[str, Any]) -> np.ndarray:
        model = Ecosystem(Scenario(**written))
        for _ in range(rounds):
            model.step()
        return model.measure("alignment")[0].numpy()

    return measure


def society(seed: int) -> dict[str, Any]:
    """A random ecosystem that comes to rest, with users who come, leave and choose, and a remedy now and then."""
    g = np.random.default_rng([seed, 3])
    models, outputs, contexts = int(g.integers(1, 4)), int(g.integers(2, 4)), int(g.integers(1, 3))
    found = written(seed, models, outputs, contexts)
    found["outputs"]["scores"] = {"quality": g.random(outputs).tolist()}
    names = [model["name"] for model in found["models"]]
    for model in found["models"]:
        brought = float(g.uniform(0, 0.4))
        model["diet"] = {key: (1 - brought) * share for key, share in model["diet"].items()} | {"users": brought}
    found["learning"] |= {"corpus": "replace", "prompts": str(g.choice(["fresh", "fresh", "reused"]))}
    found["users"] = {
        "groups": [
            {
                "name": name,
                "size": float(g.uniform(1e3, 1e6)),
                "contexts": {c: float(g.uniform(0.1, 1)) for c in range(contexts)},
                "reward": str(g.choice(["flat", "split", "other"])),
                "data": [shares(g, outputs) for _ in range(contexts)],
                "models": dict(zip(names, g.uniform(0.1, 1, size=models).tolist(), strict=True)),
            }
            for name in ("A", "B", "C")
        ],
        "curate": bool(g.integers(2)),
        "choice": [
            {"method": "fixed"},
            {
                "method": "softmax",
                "temperature": float(g.uniform(0.5, 2)),
                "switching_cost": float(g.choice([0, g.random()])),
            },
        ][g.integers(2)],
        "feedback": [
            {"method": "static"},
            {"method": "retention", "scale": float(g.uniform(0.5, 2)), "arrivals": float(g.uniform(1e3, 1e5))},
            [{"method": "static"}, {"method": "linear", "group": "B", "step": 0.2, "cap": 0.9}],
        ][g.integers(3)],
    }
    remedy = [
        None,
        None,
        {"method": "rejection_sampling", "candidates": {"A": 2, "C": 4}, "accuracy": 0.9, "similarity": 0.3},
        {"method": "rejection_sampling", "candidates": 2, "disadvantaged": {"candidates": 3, "group": "B"}},
        {"method": "best_of_k", "candidates": 3, "accuracy": 0.8},
        {"method": "reweighting", "strength": 0.7},
    ][g.integers(6)]
    return found if remedy is None else found | {"remedy": remedy}


societies = st.integers(0, 2**32).map(society)


@settings(deadline=None, max_examples=8)
@given(written=societies, data=st.data())
def test_it_agrees_with_central_differences(written: dict[str, Any], data: st.DataObject) -> None:
    assume(any(levers(written)))
    lever, label, change = data.draw(st.sampled_from(levers(written)))
    point = stable_point(Scenario(**written))
    assume(point.attracts and point.spectral_radius < 0.9)
    found = influence(Scenario(**written), lever)[label].to_numpy()
    assert agrees(found, differences(written, change, at_rest))


@settings(deadline=None, max_examples=8)
@given(written=societies, data=st.data(), rounds=st.integers(0, 4))
def test_it_agrees_at_a_finite_round(written: dict[str, Any], data: st.DataObject, rounds: int) -> None:
    assume(any(levers(written)))
    written["learning"]["corpus"] = data.draw(st.sampled_from(["replace", "accumulate", {"window": 2}]))
    lever, label, change = data.draw(st.sampled_from(levers(written)))
    found = influence(Scenario(**written), lever, round=rounds)[label].to_numpy()
    assert agrees(found, differences(written, change, at_round(rounds)))


def one_model(feedback: Any, **changes: Any) -> dict[str, Any]:
    """One model, two contexts that mirror one another, a group in each."""
    return {
        "name": "mirrored",
        "rounds": 5,
        "parameters": {"cap": 0.7},
        "outputs": {"kind": "categorical", "size": 2, "contexts": 2, "scores": {"quality": [[1, 0], [0, 1]]}},
        "rewards": {"first": [1, 0], "second": [0, 1]},
        "models": [
            {
                "name": "m",
                "reward": "first",
                "initial": [[0.5, 0.5], [0.5, 0.5]],
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "luce", "candidates": 3},
            }
        ],
        "learning": {"sharing": 0.3},
        "users": {
            "groups": [
                {"name": "A", "size": 600, "contexts": [0], "reward": "first"},
                {"name": "B", "size": 600, "contexts": [1], "reward": "second"},
            ],
            "feedback": feedback,
            "curate": True,
        },
        **changes,
    }


def test_what_users_do_is_part_of_it() -> None:
    # Who leaves decides whose taste curates: held where they are, users would give another influence.
    stays = one_model({"method": "retention", "scale": 0.5, "arrivals": 10})
    model = Ecosystem(Scenario(**stays))
    for _ in range(300):
        model.step()
    held = one_model({"method": "static"})
    for group, cohort in zip(held["users"]["groups"], model.cohorts, strict=True):
        group["size"] = cohort.active
    for each in (stays, held):
        each["models"][0]["diet"] = {"real": 0.3, "curated": 0.7}
        each["real"] = [0.7, 0.3]
    found = [influence(Scenario(**each)).loc["m", "m"] for each in (stays, held)]
    expected = [float(differences(each, move_curation(0), at_rest)[0]) for each in (stays, held)]
    assert found == pytest.approx(expected, abs=1e-8)
    assert abs(found[0] - found[1]) > 1e-3


@pytest.mark.parametrize("strength", [-0.5, 0.4])
def test_the_performatively_stable_point_moves_as_its_formula_says(strength: float) -> None:
    # θ = μ/(1 − ε), so dθ/dε = μ/(1 − ε)²; after t rounds from 0, θ_t = μ (1 − ε^t)/(1 − ε).
    scenario = Scenario(
        name="drift",
        rounds=30,
        parameters={"eps": strength},
        outputs={"kind": "gaussian", "dimension": 1},
        rewards={"up": {"linear": [1.0]}},
        models=[{"name": "m", "reward": "up", "initial": {"mean": [0]}, "diet": {"users": 1}}],
        users={
            "groups": [{"name": "all", "size": 5, "contexts": [0], "data": {"mean": [3], "covariance": 1}}],
            "feedback": {"method": "drift", "strength": "= eps"},
        },
    )
    point = stable_point(scenario)
    assert point.p[0, 0, 1] == pytest.approx(3 / (1 - strength), abs=1e-10)
    assert point.spectral_radius == pytest.approx(abs(strength), abs=1e-9)
    assert influence(scenario, "parameter:eps").iloc[0, 0] == pytest.approx(3 / (1 - strength) ** 2, abs=1e-9)
    assert influence(scenario, "parameter:eps", round=3).iloc[0, 0] == pytest.approx(3 * (1 + 2 * strength), abs=1e-9)


RETAINED = {"method": "retention", "scale": 1.0, "arrivals": 9}


@pytest.mark.parametrize(
    ("choice", "feedback"),
    [
        ({"method": "multiplicative", "rate": 0.5, "switching_cost": 0.3}, RETAINED),
        ({"method": "softmax", "temperature": 0.3}, RETAINED | {"cap": 11.0}),
        ({"method": "softmax", "temperature": 0.3}, [RETAINED, {"method": "replicator", "rate": 0.2}]),
    ],
    ids=["multiplicative", "capped", "replicator"],
)
def test_every_rule_is_differentiated(choice: dict[str, Any], feedback: Any) -> None:
    written = one_model(feedback)
    # A second model that serves the other taste, so that neither is deserted.
    other = copy.deepcopy(written["models"][0]) | {"name": "n", "initial": [[0.3, 0.7], [0.6, 0.4]], "reward": "second"}
    other["diet"] = {"real": 0.4, "users": 0.2, "curated": 0.4}
    written["models"].append(other)
    written["users"]["choice"] = choice
    written["users"]["groups"][0]["data"] = [0.9, 0.1]
    scenario = Scenario(**written)
    point = stable_point(scenario)
    assert point.attracts, str(point)
    for model, name in enumerate("mn"):
        found = influence(scenario)[name].to_numpy()
        assert agrees(found, differences(written, move_curation(model), at_rest))


def test_where_a_rule_has_a_kink_it_says_so() -> None:
    # The share of A rests at its cap: curation does not move it, and the cap itself has no derivative there.
    written = one_model({"method": "linear", "group": "A", "step": 0.05, "cap": "= cap"})
    scenario = Scenario(**written)
    assert agrees(influence(scenario)["m"].to_numpy(), differences(written, move_curation(0), at_rest))
    with pytest.raises(EcosystemError, match="no derivative"):
        influence(scenario, "parameter:cap")
    # Both groups are worst off, and the least change makes it one of them.
    remedy = {"method": "rejection_sampling", "candidates": 1, "disadvantaged": {"candidates": 3}}
    with pytest.raises(EcosystemError, match="kink"):
        influence(Scenario(**one_model({"method": "static"}, remedy=remedy)))


def test_the_group_that_is_found_worst_off_is_helped_while_it_stays_so() -> None:
    remedy = {"method": "rejection_sampling", "candidates": 2, "disadvantaged": {"candidates": 4}}
    written = one_model({"method": "static"}, remedy=remedy, real=[[0.6, 0.4], [0.8, 0.2]])
    assert agrees(influence(Scenario(**written))["m"].to_numpy(), differences(written, move_curation(0), at_rest))


def test_a_remedy_without_users_is_part_of_it() -> None:
    written = one_model({"method": "static"}, remedy={"method": "best_of_k", "candidates": 3, "accuracy": 0.9})
    del written["users"]
    scenario = Scenario(**written)
    expected = differences(written, move_curation(0), at_rest)
    assert agrees(influence(scenario)["m"].to_numpy(), expected)
    assert gradient(scenario)["m"] == pytest.approx(expected[0], abs=1e-8)


def test_large_states_are_solved_without_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario(**society(6))
    small = influence(scenario)
    monkeypatch.setattr("ecosystem.influence.society_effects.DENSE", 0)
    monkeypatch.setattr("ecosystem.influence.spectrum.DENSE", 0)
    assert np.abs(influence(scenario) - small).to_numpy().max() < 1e-10


def test_precision_of_runs_is_not_that_of_derivatives() -> None:
    written = one_model({"method": "retention", "scale": 0.5, "arrivals": 10})
    found = [influence(Scenario(**written, precision=precision)) for precision in ("float64", "float32")]
    assert found[0].equals(found[1])


def test_planning_is_of_models_alone() -> None:
    with pytest.raises(EcosystemError, match="users: this is of models alone"):
        plan(Scenario(**one_model({"method": "static"})))
