"""Drawn training sets with users: what they bring, and what they choose, tends to the exact round."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from users.test_laws import with_users

from ecosystem import Ecosystem, Scenario
from ecosystem.users import sampled
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


@pytest.mark.parametrize(("cap", "expected"), [(20.7, 20), (80, 50)])
def test_a_group_has_no_more_users_than_its_cap(cap: float, expected: int) -> None:
    written = {
        "name": "capped",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2},
        "rewards": {"same": [1, 1]},
        "models": [{"name": "m", "count": 3, "diet": {"raw": 1}}],
        "users": {
            "mode": "sampled",
            "groups": [
                {"name": name, "size": size, "contexts": [0], "reward": "same"} for name, size in (("A", 50), ("B", 10))
            ],
            "feedback": {"method": "retention", "scale": 1e9, "arrivals": 0, "cap": cap},
        },
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    assert [cohort.active for cohort in model.cohorts] == [expected, 10]


def test_users_who_are_expected_come_to_the_models_that_others_use_or_choose() -> None:
    held, choice = ([[[3.0, 1.0], [0.0, 0.0]]], [[[0.5, 0.5], [0.2, 0.8]]])
    found = sampled._by_model(torch.tensor([[8.0, 5.0]]), torch.tensor(held), torch.tensor(choice))
    assert found.tolist() == [[pytest.approx([6, 2]), pytest.approx([1, 4])]]


def test_what_a_plug_in_expects_is_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "is_plugin", lambda method: method == "theirs")
    monkeypatch.setattr(sampled, "rule_of", lambda method: lambda activity, served, group, numbers: activity * group)
    preset = sampled.draw_of("theirs")
    assert preset is not None
    held = torch.tensor([[[3.0, 1.0]], [[2.0, 0.0]]])
    draw = preset(held, torch.full_like(held, 0.5), SimpleNamespace(), 2, {})
    draws = SimpleNamespace(preset=lambda expected, purpose: (expected.tolist(), purpose))
    assert draw(draws, 0, "users") == ([[6.0, 2.0]], "users.plug-in")
    assert draw(draws, 1, "users") == ([[4.0, 0.0]], "users.plug-in")
    assert sampled.draw_of("static") is None
    assert sampled.draw_of("linear") is sampled.linear
