"""Drawn training sets with users: what they bring, and what they choose, tends to the exact round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from users.test_laws import with_users

from ecosystem import Ecosystem, Scenario
from ecosystem.world.blueprint import blueprint


def gaussians() -> dict[str, Any]:
    """Two models, two groups that bring different data, users who curate."""
    return {
        "name": "users",
        "rounds": 2,
        "outputs": {"kind": "gaussian", "dimension": 1, "contexts": 2},
        "rewards": {"up": {"linear": [0.8]}, "down": {"linear": [-0.3]}},
        "models": [
            {
                "name": "m",
                "count": 2,
                "reward": "up",
                "diet": {"users": 0.5, "curated": 0.5},
                "curation": {"method": "adversarial", "candidates": 3, "attack": 0.2, "attack_reward": "down"},
            }
        ],
        "users": {
            "groups": [
                {"name": "A", "size": 6, "contexts": [0, 1], "reward": "up", "data": {"mean": [2]}, "models": ["m0"]},
                {"name": "B", "size": 4, "contexts": {0: 3, 1: 1}, "reward": "down", "data": {"mean": [-1]}},
            ],
            "curate": True,
        },
    }


@pytest.mark.parametrize("written", [gaussians(), with_users(11), with_users(12)], ids=["gaussian", "one", "two"])
def test_sampled_tends_to_exact(written: dict[str, Any]) -> None:
    if written["outputs"]["kind"] == "categorical":
        written["learning"].pop("order")
    exact = Ecosystem(Scenario(**written))
    exact.step()
    sizes, errors = [250, 1000, 4000], []
    for size in sizes:
        learning = written.get("learning", {}) | {"examples": size}
        scenario = Scenario(**written | {"mode": "sampled", "learning": learning})
        model = Ecosystem.together([blueprint(scenario, seed) for seed in range(48)])
        model.step()
        errors.append(float((model.state.p - exact.state.p).square().mean().sqrt()))
    assert np.polyfit(np.log(sizes), np.log(errors), 1)[0] == pytest.approx(-0.5, abs=0.06)
