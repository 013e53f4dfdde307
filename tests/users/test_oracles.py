"""Groups, feedback and choice against published numbers and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecosystem import Ecosystem, Scenario
from ecosystem.world.blueprint import blueprint


def loop(regime: str, feedback: dict[str, Any], **learning: Any) -> dict[str, Any]:
    """The performative loop: two groups, a context each, one model trained on its own answers."""
    return {
        "name": "loop",
        "rounds": 5,
        "mode": "sampled" if "examples" in learning else "exact",
        "outputs": {
            "kind": "categorical",
            "size": 4,
            "contexts": 2,
            "scores": {"lean": [1, 1, 0, 0], "quality": [1, 0, 1, 0]},
        },
        "models": [{"name": "m", "initial": [[0.64, 0.16, 0.16, 0.04], [0.21, 0.14, 0.39, 0.26]], "diet": {"raw": 1}}],
        "learning": {"regime": regime, "rate": 0.5, "sharing": 0.3, **learning},
        "users": {
            "groups": [
                {"name": "A", "size": 600_000, "contexts": [0]},
                {"name": "B", "size": 400_000, "contexts": [1]},
            ],
            "feedback": feedback,
        },
    }


LINEAR = {"method": "linear", "group": "A", "step": 0.07, "cap": 0.95}
STATIC = {"method": "static"}


def rounds_of(written: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    import ecosystem

    table = ecosystem.run(Scenario(**written), seeds=[seed]).rounds
    return {name: table[name].to_numpy() for name in ("preference_bias", "disparate_bias", "representation_gap")}


@pytest.mark.parametrize(
    ("regime", "feedback", "preference", "disparate"),
    [
        ("incremental", LINEAR, ".075 .08175 .0915037 .103208 .116059 .129448",
         ".2 .17 .1445 .122825 .104401 .0887411"),
        ("retrain", LINEAR, ".075 .08175 .0881287 .0944839 .101045 .107842", ".2 .17 .1595 .155825 .154539 .154089"),
        ("incremental", STATIC, ".075 .08175 .0874875 .0923644 .0965097 .100033",
         ".2 .17 .1445 .122825 .104401 .0887411"),
    ],
)  # fmt: skip
def test_the_performative_loop(regime: str, feedback: dict[str, Any], preference: str, disparate: str) -> None:
    found = rounds_of(loop(regime, feedback))
    for column, published in (("preference_bias", preference), ("disparate_bias", disparate)):
        for value, digits in zip(found[column], published.split(), strict=True):
            # To every digit given, cut or rounded.
            assert abs(value - float(digits)) < 10.0 ** -len(digits.removeprefix(".")), (column, digits)


def test_even_groups_keep_preference_bias() -> None:
    written = loop("incremental", STATIC)
    for group in written["users"]["groups"]:
        group["size"] = 1000
    assert rounds_of(written)["preference_bias"] == pytest.approx([0.075] * 6, abs=1e-12)


def test_closed_forms_of_the_loop() -> None:
    eta, tau, shares = 0.5, 0.3, [0.6, 0.67, 0.74, 0.81, 0.88]
    found = rounds_of(loop("incremental", LINEAR))
    bias = 0.075
    for t, share in enumerate(shares):
        bias += eta * tau * (share - 0.5) * (1 - eta * tau) ** t * 0.45
        assert found["preference_bias"][t + 1] == pytest.approx(bias, abs=1e-12)
    assert found["representation_gap"] == pytest.approx([0, 0.07, 0.14, 0.21, 0.28, 0.35], abs=1e-12)


def test_a_share_stops_at_its_cap_and_is_not_moved_back() -> None:
    for cap, last in ((0.7, 0.7), (0.5, 0.6)):
        model = Ecosystem(Scenario(**loop("retrain", LINEAR | {"cap": cap})))
        for _ in range(5):
            model.step()
        assert model.cohorts[0].share == pytest.approx(last)
        assert sum(cohort.active for cohort in model.cohorts) == pytest.approx(1_000_000)


def test_sampled_spread_of_the_biases() -> None:
    scenario = Scenario(**loop("incremental", LINEAR, examples=2000))
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(1500)])
    for _ in range(5):
        model.step()
    values = model.group_values()
    preference = values["lean"].mean(-1).numpy() - 0.5
    disparate = (values["quality"].amax(-1) - values["quality"].amin(-1)).numpy()
    for found, spread in ((preference, 0.0127), (disparate, 0.0162)):
        # Four standard errors of a standard deviation over 1,500 seeds, and half a unit of the last digit.
        assert found.std(ddof=1) == pytest.approx(spread, abs=4 * spread / math.sqrt(2 * 1500) + 5e-5)


def hashimoto(scale: float) -> dict[str, Any]:
    total = 2 / (1 - math.exp(-1 / scale))
    groups = [
        {
            "name": name,
            "size": share * total,
            "contexts": [0],
            "reward": f"near_{name}",
            "data": {"mean": [place], "covariance": 0},
        }
        for name, share, place in (("A", 0.505, 1.0), ("B", 0.495, -1.0))
    ]
    return {
        "name": "retention",
        "rounds": 400,
        "outputs": {"kind": "gaussian", "dimension": 1},
        "rewards": {
            f"near_{name}": {"linear": [0], "centre": [place], "curvature": 2} for name, place in (("A", 1), ("B", -1))
        },
        "models": [{"name": "m", "initial": {"mean": [0.01], "covariance": 0}, "diet": {"users": 1}}],
        "learning": {"covariance": "fixed"},
        "users": {"groups": groups, "feedback": {"method": "retention", "scale": scale, "arrivals": 1}},
    }


@pytest.mark.parametrize(("scale", "share"), [(0.5, 0.5), (1.0, 0.996988)])
def test_retention(scale: float, share: float) -> None:
    model = Ecosystem(Scenario(**hashimoto(scale)))
    for _ in range(400):
        model.step()
    assert model.cohorts[0].share == pytest.approx(share, abs=5e-7)


def test_the_even_split_is_stable_below_its_threshold() -> None:
    # A small step away from the even split grows a round by a factor that is 1 at the threshold, .795905.
    factors = []
    for scale in (0.7959045, 0.7959055):
        written = hashimoto(scale)
        groups, total = written["users"]["groups"], 2 / (1 - math.exp(-1 / scale))
        groups[0]["size"], groups[1]["size"] = (0.5 + 1e-5) * total, (0.5 - 1e-5) * total
        written["models"][0]["initial"]["mean"] = [2e-5]
        model = Ecosystem(Scenario(**written))
        away = []
        for _ in range(20):
            model.step()
            away.append(model.cohorts[0].share - 0.5)
        factors.append((away[-1] / away[9]) ** 0.1)
    assert factors[0] < 1 < factors[1]
    assert factors[1] - factors[0] < 1e-5


@pytest.mark.parametrize("strength", [-0.8, 0.3, 0.9])
def test_repeated_retraining_contracts_at_the_strength_of_the_drift(strength: float) -> None:
    written = {
        "name": "drift",
        "rounds": 30,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "models": [{"name": "m", "initial": {"mean": [2, -1]}, "diet": {"users": 1}}],
        "users": {
            "groups": [{"name": "all", "size": 5, "contexts": [0], "data": {"mean": [1, 3], "covariance": 1}}],
            "feedback": {"method": "drift", "strength": strength},
        },
    }
    model = Ecosystem(Scenario(**written))
    stable = np.array([1, 3]) / (1 - strength)
    gap = np.array([2, -1]) - stable
    for _ in range(6):
        model.step()
        gap = strength * gap
        assert model.models[0].distribution[0, 1:3] == pytest.approx(stable + gap, abs=1e-9)


def test_a_drift_stronger_than_the_data_diverges() -> None:
    written = {
        "name": "drift",
        "rounds": 30,
        "outputs": {"kind": "gaussian", "dimension": 1},
        "models": [{"name": "m", "initial": {"mean": [0]}, "diet": {"users": 1}}],
        "users": {
            "groups": [{"name": "all", "size": 5, "contexts": [0], "data": {"mean": [1], "covariance": 1}}],
            "feedback": {"method": "drift", "strength": -1.1},
        },
    }
    model, stable = Ecosystem(Scenario(**written)), 1 / 2.1
    for t in range(1, 30):
        model.step()
        assert model.models[0].distribution[0, 1] - stable == pytest.approx(-stable * (-1.1) ** t, rel=1e-9)


def test_what_a_group_still_uses_serves_it_all_alike() -> None:
    # Dean et al.: in the limit a group stays split only between models that have become the same.
    written = dean({"A": [1.0, 0.0], "B": [-1.0, 0.2], "C": [0.0, 1.5]}, {"m0": 0.4, "m1": 0.3, "m2": 0.3})
    model = Ecosystem(Scenario(**written))
    for _ in range(400):
        model.step()
    means = np.array([agent.distribution[0, 1:3] for agent in model.models])
    for cohort, place in zip(model.cohorts, ([1.0, 0.0], [-1.0, 0.2], [0.0, 1.5]), strict=True):
        risks = ((means - place) ** 2).sum(-1)
        used = np.array(list(cohort.choice.values())) > 1e-6
        assert np.ptp(risks[used]) < 1e-6


def dean(places: dict[str, list[float]], models: dict[str, float]) -> dict[str, Any]:
    """Models that fit the mean of their users, users who move away from models of larger risk."""
    names = list(models)
    return {
        "name": "dean",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "rewards": {f"near_{name}": {"centre": place, "curvature": 2} for name, place in places.items()},
        "models": [
            {"name": name, "initial": {"mean": [0, 0], "covariance": 0}, "diet": {"users": 1}} for name in names
        ],
        "learning": {"covariance": "fixed"},
        "users": {
            "groups": [
                {
                    "name": name,
                    "size": 10 + number,
                    "contexts": [0],
                    "reward": f"near_{name}",
                    "data": {"mean": place, "covariance": 0},
                    # Each group prefers another model a little at first.
                    "models": dict(zip(names[number:] + names[:number], models.values(), strict=True)),
                }
                for number, (name, place) in enumerate(places.items())
            ],
            "choice": {"method": "multiplicative", "rate": 1.0},
        },
    }
