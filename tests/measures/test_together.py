"""Measures taken at once are what they are one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.learners import categorical
from ecosystem.learners.learner import Learner
from ecosystem.world.blueprint import blueprint

ZEROS = [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]


def ecosystem(**changes: Any) -> Ecosystem:
    """Models whose outputs, real data and first outputs have zeros here and there."""
    diet = {"raw": 0.6, "neighbours_raw": 0.4}
    models = [
        {"name": "p", "reward": "first", "diet": diet, "real": ZEROS, "initial": [0.0, 0.4, 0.6]},
        {"name": "q", "diet": diet, "initial": ZEROS},
        {"name": "m", "count": 3, "diet": diet, "reward": "first"},
    ]
    written = {
        "name": "zeros",
        "rounds": 2,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
        "rewards": {"first": [1, 0, 0]},
        "models": models,
        "network": {"edges": [{"from": "p", "to": "q"}, {"from": "q", "to": "m0"}]},
    }
    model = Ecosystem(Scenario(**written | changes))
    model.step()
    return model


@pytest.mark.parametrize("models", [None, [0, 2, 4]], ids=["all", "some"])
@pytest.mark.parametrize("real", [None, [0.0, 0.5, 0.5], [0.2, 0.3, 0.5]], ids=["even", "zeros", "uneven"])
def test_at_once_or_one_by_one(real: Any, models: list[int] | None) -> None:
    model = ecosystem(real=real)
    chosen = None if models is None else torch.tensor(models)
    names = list(model.learner.measures)
    some = slice(None) if chosen is None else chosen
    single = Learner.measured(model.learner, model.state.p[:, some], model.batch.of(some), names)
    found = model.measures([*names, "volume", "alignment_served"], chosen)
    assert torch.isinf(single["divergence_real"]).any()
    for name in names:
        torch.testing.assert_close(found[name], single[name], rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(model.measure(name, chosen), found[name], rtol=0, atol=0, equal_nan=True)
    assert found["volume"].shape == found["alignment_served"].shape == found["entropy"].shape


def test_what_is_too_large_to_be_kept_is_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ecosystem().measures(["entropy", "divergence_real", "divergence_initial"])
    monkeypatch.setattr(categorical, "_MOST_LOGS", 1)
    anew = ecosystem().measures(["entropy", "divergence_real", "divergence_initial"])
    for name, values in whole.items():
        torch.testing.assert_close(anew[name], values, rtol=0, atol=0)


@pytest.mark.parametrize("cacheful", [1, 12, 13, 24])
@pytest.mark.parametrize("worlds", [1, 2])
def test_how_many_are_measured_at_once_changes_no_bit(
    cacheful: int, worlds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = ecosystem().blueprint.scenario
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(worlds)])
    model.step()
    names = [*model.learner.measures, "volume", "alignment_served"]
    assert model.learner.together > len(model.models)
    whole = model.measures(names)
    monkeypatch.setattr(categorical, "_CACHEFUL", cacheful)
    for _ in range(2):  # in places that are new, and in places that were used
        model.put(model.state, None)
        for name, values in model.measures(names).items():
            torch.testing.assert_close(values, whole[name], rtol=0, atol=0, equal_nan=True)


def test_first_outputs_that_are_the_real_data_are_compared_with_once() -> None:
    models = [{"name": "m", "count": 4, "diet": {"raw": 1.0}, "reward": "first"}]
    network = {"generator": "gnp_random", "p": 0.5, "directed": True}
    model = ecosystem(models=models, real=[0.2, 0.3, 0.5], network=network)
    moved = torch.tensor([0.1, 0.0, 0.9], dtype=torch.float64).expand(1, 4, 2, 3).contiguous()
    model.put(replace(model.state, p=moved), None)
    found = model.measures(list(model.learner.measures))
    divergence = 0.1 * math.log(0.1 / 0.2) + 0.9 * math.log(0.9 / 0.5)
    for name, expected in {
        "divergence_real": divergence,
        "divergence_initial": divergence,
        "distance_real": 0.4,
        "displacement": 0.16,
        "entropy": -0.1 * math.log(0.1) - 0.9 * math.log(0.9),
        "alignment": 0.1,
        "reward_variance": 0.09,
    }.items():
        torch.testing.assert_close(found[name], torch.full((1, 4), expected, dtype=torch.float64), rtol=0, atol=1e-15)
