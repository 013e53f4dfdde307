"""Influence among Gaussian models: the closed forms of linear updates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecosystem import load_scenario
from ecosystem.influence import gradient, influence, stable_point
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.scenario.scenario import Scenario
from ecosystem.scenario.sweeps import variant


def scalar(c_p: float, c_q: float, lam: float = 0.5) -> Scenario:
    scenario = load_scenario("scalar_means")
    return variant(scenario, {"c_p": c_p, "c_q": c_q, "lam": lam})


@pytest.mark.parametrize(("c_p", "c_q"), [(0.2, 0.8), (0.3, 0.4), (0.7, 0.3), (0.2, 0.3)])
def test_scalar_means(c_p: float, c_q: float) -> None:
    # x⁺ = M x + …: dx_j*/dλ_i = [(I − M)⁻¹]_ji (C_i − x_i*)/(1 − λ_i), C_i the mean of i's curated data.
    lam = np.array([0.5, 0.5])
    across = np.array([c_p, c_q])
    m = np.array([[lam[0] * (1 - c_p), lam[0] * c_p], [lam[1] * c_q, lam[1] * (1 - c_q)]])
    shift = np.array([1.0, -1.0])
    x = np.linalg.solve(np.eye(2) - m, m @ shift)
    curated = (1 - across) * (x + shift) + across * (x + shift)[::-1]
    expected = np.linalg.inv(np.eye(2) - m) * ((curated - x) / (1 - lam))[None, :] * shift[:, None]
    found = influence(scalar(c_p, c_q))
    assert found.to_numpy() == pytest.approx(expected, abs=1e-10)
    assert gradient(scalar(c_p, c_q)).to_numpy() == pytest.approx(expected.mean(0), abs=1e-10)


@pytest.mark.parametrize(
    ("alpha", "own", "cross"), [(0, 0.173648, 0), (0.1, 0.0875592, -0.00951676), (0.6, -0.513378, -0.410223)]
)
def test_rotation(alpha: float, own: float, cross: float) -> None:
    scenario = variant(load_scenario("rotation"), {"alpha": alpha, "lam": 0.4})
    found = influence(scenario, "parameter:lam")["parameter:lam"]
    exact = (math.cos(math.radians(80)) - alpha * math.cos(math.radians(20))) / (1 - alpha + alpha**2)
    assert found["p"] == pytest.approx(exact, abs=1e-7)  # the scenario gives directions to 8 digits
    assert (found["p"], found["q"]) == (pytest.approx(own, abs=1e-6), pytest.approx(cross, abs=1e-6))
    assert influence(scenario, "neighbours_curated").loc["p", "p"] == pytest.approx(found["p"], abs=1e-10)


def learned(**curation: object) -> Scenario:
    return Scenario(
        name="learned",
        rounds=1,
        outputs={"kind": "gaussian", "dimension": 2},
        rewards={"r": {"linear": [1, 0.5]}, "s": {"linear": [-0.3, 1]}},
        models=[
            {
                "name": "p",
                "reward": "r",
                "diet": {"real": 0.5, "curated": 0.2, "neighbours_curated": 0.3},
                "curation": {"method": "luce", "candidates": 3, **curation},
            },
            {"name": "q", "reward": "s", "diet": {"real": 0.6, "neighbours_raw": 0.4}},
        ],
        network={
            "edges": [
                {"from": "p", "to": "q", "channel": {"matrix": [[0.5, -0.2], [0.1, 0.6]], "offset": [0.2, 0]}},
                {"from": "q", "to": "p"},
            ]
        },
    )


def test_learned_covariances_are_linearised() -> None:
    round_ = Round(learned())
    x = round_.step(round_.start)
    generator = np.random.default_rng(0)
    v = round_.frame.tangent(0.1 * x.new_tensor(generator.normal(size=(*x.shape, 1))))
    step = 1e-4
    moved = [round_.step(x + sign * step * v[..., 0]) for sign in (1, -1)]
    found = Linearisation(round_, x, round_.step(x)).advance(v)[0][..., 0]
    assert float((found - (moved[0] - moved[1]) / (2 * step)).abs().max()) < 1e-7


@pytest.mark.parametrize("lever", ["candidates", "temperature"])
def test_settings_of_a_curator(lever: str) -> None:
    scenario = learned(temperature=1.5)
    assert stable_point(scenario).verdict == "stable"
    found = influence(scenario, lever)["p"]
    if lever == "temperature":
        named = influence(scenario, "parameter:models.p.curation.temperature")
        assert found.to_numpy() == pytest.approx(named.iloc[:, 0].to_numpy(), abs=1e-9)
        assert found["p"] < 0
    else:
        assert found["p"] > 0
