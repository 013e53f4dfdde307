"""Behaviour: what is wrong with a scenario of Gaussian outputs is told, with its place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ecosystem.errors import InputError
from ecosystem.scenario import Scenario, load_scenario
from scenario.valid import SMALL

PAIR: dict[str, Any] = {
    "name": "pair",
    "rounds": 3,
    "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
    "rewards": {
        "straight": {"linear": [1, 0]},
        "near": {"centre": [0, 1], "curvature": 2},
        "split": [{"linear": [1, 0]}, {"linear": [0, 1], "curvature": 1}],
    },
    "models": [
        {
            "name": "p",
            "reward": "straight",
            "diet": {"real": 0.5, "curated": 0.5},
            "curation": {"candidates": 4},
            "initial": [{"mean": [0, 0]}, {"mean": [1, 1], "covariance": [[2, 1], [1, 2]]}],
        },
        {"name": "q", "reward": "near", "diet": {"neighbours_raw": 1}},
    ],
    "network": {"edges": [{"from": "p", "to": "q", "channel": {"matrix": [[1, 0], [0, 1]], "offset": [1, 2]}}]},
}

SAMPLED = {"mode": "sampled", "learning": {"examples": 5}}
DIMENSION = "outputs.dimension = 2"
CURVED = (
    "the choice among finitely many candidates is exact for linear rewards only, and this curator's reward is curved"
)

WRONG: list[tuple[dict[str, Any], str]] = [
    # Dimensions
    ({"real": {"mean": [0]}}, f"real.mean: must have 2 numbers, {DIMENSION} (got 1)"),
    (
        {"models.0.initial": [{"mean": [0, 0]}, {"mean": [0, 0, 0]}]},
        f"models[0].initial[1].mean: must have 2 numbers, {DIMENSION} (got 3)",
    ),
    (
        {"models.0.initial": [{"mean": [0, 0]}]},
        "models[0].initial: must have one entry per context, outputs.contexts = 2 (got 1)",
    ),
    ({"rewards.straight": {"linear": [1]}}, f"rewards.straight.linear: must have 2 numbers, {DIMENSION} (got 1)"),
    (
        {"rewards.near": {"centre": [1, 2, 3], "curvature": 1}},
        f"rewards.near.centre: must have 2 numbers, {DIMENSION} (got 3)",
    ),
    (
        {"rewards.split": [{"linear": [1, 0]}, {"linear": [1]}]},
        f"rewards.split[1].linear: must have 2 numbers, {DIMENSION} (got 1)",
    ),
    (
        {"rewards.split": [{"linear": [1, 0]}] * 3},
        "rewards.split: must have one entry per context, outputs.contexts = 2 (got 3)",
    ),
    (
        {"network.edges.0.channel": {"matrix": [[1, 0]]}},
        f"network.edges[0].channel.matrix: must have 2 rows of 2 numbers, {DIMENSION}",
    ),
    (
        {"network.edges.0.channel": {"matrix": [[1, 0, 0], [0, 1, 0]]}},
        f"network.edges[0].channel.matrix: must have 2 rows of 2 numbers, {DIMENSION}",
    ),
    (
        {"network.edges.0.channel": {"matrix": [[1, 0], [0, 1]], "offset": [1]}},
        f"network.edges[0].channel.offset: must have 2 numbers, {DIMENSION} (got 1)",
    ),
    (
        {"network": {"generator": "complete", "channel": {"matrix": [[1]]}}},
        f"network.channel.matrix: must have 2 rows of 2 numbers, {DIMENSION}",
    ),
    # Covariances
    (
        {"real": {"mean": [0, 0], "covariance": [[1, 0.5], [0.4, 1]]}},
        "real.covariance: a covariance must be symmetric",
    ),
    (
        {"models.1.real": {"mean": [0, 0], "covariance": [[1, 2], [2, 1]]}},
        "models[1].real.covariance: a covariance must be positive semidefinite (got the eigenvalue -1)",
    ),
    (
        {"real": {"mean": [0, 0], "covariance": [[1, 0]]}},
        f"real.covariance: must have 2 rows of 2 numbers, {DIMENSION}",
    ),
    ({"real": {"mean": [0, 0], "covariance": [1]}}, f"real.covariance: must have 2 variances, {DIMENSION} (got 1)"),
    (
        {"real": {"mean": [0, 0], "covariance": [1, -0.5]}},
        "real.covariance: a variance must not be negative (got -0.5)",
    ),
    ({"real": {"mean": [0, 0], "covariance": -1}}, "real.covariance: must be at least 0 (got -1)"),
    (
        {"real": {"draw": "normal", "covariance": [[1, 2], [2, 1]]}},
        "real.covariance: a covariance must be positive semidefinite (got the eigenvalue -1)",
    ),
    # Kinds of output
    (
        {"real": {"draw": "dirichlet"}},
        "real: a Gaussian cannot be drawn as dirichlet; {draw: normal, scale: 1.0} draws its mean",
    ),
    (
        {"models.1.initial": [0.5, 0.5]},
        "models[1].initial: is a list of probabilities, but the outputs are gaussian; a Gaussian is written as {mean:",
    ),
    (
        {"rewards.straight": [1, 0]},
        "rewards.straight: is a number per output, but the outputs are gaussian; a reward of Gaussian outputs is",
    ),
    # Curators
    (
        {"models.0.curation": {"method": "best_of", "candidates": "inf"}},
        "models[0].curation.candidates: the best of infinitely many normal draws is infinite; give a count",
    ),
    (
        {"models.0.curation": {"candidates": "inf", "temperature": 0}, **SAMPLED},
        "models[0].curation.candidates: the best of infinitely many normal draws is infinite; give a count",
    ),
    (
        {"models.0.curation": {"method": "best_of", "candidates": "inf", "reward": "near"}},
        "models[0].curation.candidates: the best of infinitely many normal draws is infinite; give a count",
    ),
    (
        {"models.0.reward": "near"},
        f"models[0].curation.candidates: {CURVED}; use candidates: inf, or mode: sampled",
    ),
    ({"models.0.curation": {"candidates": 2, "reward": "split"}}, f"models[0].curation.candidates: {CURVED}"),
    (
        {"models.0.curation": {"method": "best_of", "candidates": 2, "reward": "near"}},
        f"models[0].curation.candidates: {CURVED}; use mode: sampled",
    ),
    (
        {"models.0.curation": {"method": "adversarial", "candidates": 2, "attack": 0.1, "attack_reward": "near"}},
        f"models[0].curation.candidates: {CURVED}",
    ),
    (
        {"models.0.curation": {"method": "pluralistic", "candidates": 2, "rewards": {"straight": 1, "near": 1}}},
        f"models[0].curation.candidates: {CURVED}",
    ),
    (
        {"curated": {"models": ["q"], "curation": {"candidates": 2}}},
        f"curated.curation.candidates: {CURVED}",
    ),
    (
        {
            "users": {
                "groups": [{"name": "A", "size": 1, "contexts": [0], "reward": "near"}],
                "curate": True,
            }
        },
        f"models[0].curation.candidates: {CURVED}",
    ),
    # Settings of categorical outputs
    ({"mode": "sampled", "learning": {"examples": 5, "pool": 3}}, "learning.pool: applies to categorical outputs only"),
    (
        {"mode": "sampled", "learning": {"examples": 5, "smoothing": 0.1}},
        "learning.smoothing: applies to categorical outputs only",
    ),
]

CATEGORICAL: list[tuple[dict[str, Any], str]] = [
    (
        {"rewards.first": {"linear": [1, 0]}},
        "rewards.first: has a linear part, but the outputs are categorical; write a number per output",
    ),
    (
        {"rewards.first": [{"linear": [1, 0]}, {"linear": [0, 1]}]},
        "rewards.first: has a linear part, but the outputs are categorical; write a number per output",
    ),
    (
        {"real": {"mean": [0, 0]}},
        "real: is a normal law, but the outputs are categorical; write a number per output",
    ),
    (
        {"real": {"draw": "normal"}},
        "real: is a normal law, but the outputs are categorical; write a number per output",
    ),
    (
        {"network.edges.0.channel": {"matrix": [[1, 0], [0, 1]], "offset": [0, 1]}},
        "network.edges[0].channel.offset: applies to Gaussian outputs only",
    ),
    ({"learning": {"covariance": "fixed"}}, "learning.covariance: applies to Gaussian outputs only"),
]

EVERY = [(PAIR, changes, told) for changes, told in WRONG] + [(SMALL, changes, told) for changes, told in CATEGORICAL]


@pytest.mark.parametrize(("scenario", "changes", "told"), EVERY, ids=[told[:70] for _, _, told in EVERY])
def test_wrong(scenario: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**changed(scenario, changes))
    (line,) = str(caught.value).splitlines()
    assert told in line


RIGHT: list[dict[str, Any]] = [
    {},
    {"real": {"mean": [0, 0], "covariance": 0}},
    {"real": {"mean": [0, 0], "covariance": [[1, 1], [1, 1]]}},
    {"real": {"draw": "normal", "covariance": [1, 2]}},
    {"models.0.reward": "near", **SAMPLED},
    {"models.0.curation": {"candidates": 1, "reward": "near"}},
    {"models.0.curation": {"candidates": "inf", "reward": "split"}},
    {"models.0.curation": {"candidates": 2, "temperature": 0}},
    # The curator's reward counts, not the one by which the model is measured.
    {"models.0.reward": "near", "models.0.curation": {"candidates": 2, "reward": "straight"}},
    {
        "models.0.reward": "near",
        "models.0.curation": {"method": "pluralistic", "candidates": 2, "rewards": {"straight": 1}},
    },
    {"curated": {"models": ["p"], "curation": {"candidates": 2}}},
    {"curated": {"models": ["q"], "reward": "straight", "curation": {"candidates": 2}}},
    {"models.0.reward": {"draw": "normal"}},
    {"users": {"groups": [{"name": "A", "size": 1, "contexts": [0], "reward": "near"}]}},
]


@pytest.mark.parametrize("changes", RIGHT, ids=str)
def test_right(changes: dict[str, Any]) -> None:
    found = Scenario(**changed(PAIR, changes))
    assert Scenario(**found.settings()).settings() == found.settings()


YAML = """\
name: pair
rounds: 1
parameters: {k: 2}
outputs: {kind: gaussian, dimension: 2}
real:
  mean: [0, 1]
  covariance: [[1, 0], [0, 1]]
rewards: {r: {linear: [1, 0], curvature: = k - 2}}
models:
  - {name: p, reward: r, diet: {curated: 1}, curation: {candidates: 4}}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("mean: [0, 1]", "mean: [0, 1, 2]", "6:9: real.mean: must have 2 numbers, outputs.dimension = 2 (got 3)"),
        ("[[1, 0], [0, 1]]", "[[1, 3], [0, 1]]", "7:15: real.covariance: a covariance must be symmetric"),
        ("linear: [1, 0]", "linear: [1]", "8:23: rewards.r.linear: must have 2 numbers, outputs.dimension = 2 (got 1)"),
        ("k: 2", "k: 3", "10:69: models[0].curation.candidates: the choice among finitely many candidates is exact"),
    ],
)
def test_the_place_is_told(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "pair.yaml"
    path.write_text(YAML, encoding="utf-8")
    load_scenario(path)
    path.write_text(YAML.replace(right, wrong), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(f"{path}:{told}")


def changed(scenario: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    data: Any = copy.deepcopy(scenario)
    for key, value in changes.items():
        target, parts = data, key.split(".")
        for part in parts[:-1]:
            target = target[int(part)] if isinstance(target, list) else target[part]
        target[int(parts[-1]) if isinstance(target, list) else parts[-1]] = value
    return data


def test_a_reward_that_is_drawn_belongs_to_a_model() -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**changed(SMALL, {"rewards.first": {"draw": "uniform"}}))
    assert "rewards.first: is drawn: write `reward: {draw: …}` at a model" in str(caught.value).splitlines()
