"""The members that come along keep to the laws that everybody's must keep to, through the same door."""

from __future__ import annotations

from typing import Any

import pytest
from plain.tally import Tally

from ecosystem.scenario.fields.learning import LEARNERS
from ecosystem.scenario.fields.models import CURATORS
from ecosystem.scenario.fields.remedy import REMEDIES
from ecosystem.scenario.fields.users import CHOICES, RULES
from ecosystem.scenario.generators import GENERATORS
from ecosystem.testing import (
    check_choice,
    check_craft,
    check_curator,
    check_feedback,
    check_judge,
    check_learner,
    check_network,
    check_remedy,
)

CURATED: list[dict[str, Any]] = [
    {"method": "luce", "candidates": 3, "temperature": 0.5},
    {"method": "luce", "candidates": 200},
    {"method": "luce", "candidates": float("inf")},
    {"method": "best_of", "candidates": 4},
    {"method": "pluralistic", "candidates": 3, "rewards": {"first": 0.3, "second": 0.7}},
    {"method": "adversarial", "candidates": 3, "attack": 0.4, "attack_reward": "second"},
    {"method": "noisy", "candidates": 3, "noise": 0.3},
]
FEEDBACK: list[dict[str, Any]] = [
    {"method": "static"},
    {"method": "linear", "group": "B", "step": 0.07, "cap": 0.5},
    {"method": "retention", "scale": 1.0, "arrivals": 5, "cap": 650},
    {"method": "replicator", "rate": 0.7},
]
CHOSEN: list[dict[str, Any]] = [
    {"method": "fixed"},
    {"method": "softmax", "temperature": 0.3, "switching_cost": 0.1},
    {"method": "multiplicative", "rate": 2},
]
REMEDIED: list[dict[str, Any]] = [
    {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}, "similarity": 0.3, "accuracy": 0.9},
    {"method": "best_of_k", "candidates": 3},
    {"method": "reweighting"},
    {"method": "fresh_data", "share": 0.2},
    {"method": "accumulation"},
]
NETWORKS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"generator": "barabasi_albert", "m": 2}, (6, 20)),
    ({"generator": "watts_strogatz", "k": 4, "p": 0.3}, (6, 20)),
    ({"generator": "scale_free"}, (6, 20)),
    ({"generator": "random_geometric", "radius": 0.4}, (6, 20)),
    ({"generator": "planted_partition", "l": 3, "k": 4, "p_in": 0.8, "p_out": 0.1}, (12,)),
    ({"generator": "les_miserables"}, (77,)),
]
TALLY = {"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": 2}
VALUES = {"judge": "values", "values": [1, 0, 0.5]}


LEARNED: list[tuple[dict[str, Any], int]] = [
    ({"method": "categorical"}, 2),
    ({"method": "categorical"}, 5),
    ({"method": "gaussian"}, 1),
    ({"method": "gaussian"}, 3),
]


def named(block: dict[str, Any]) -> str:
    return " ".join(str(value) for value in list(block.values())[:2])


@pytest.mark.parametrize("block", CURATED, ids=named)
def test_curators(block: dict[str, Any]) -> None:
    check_curator(block)


@pytest.mark.parametrize("block", FEEDBACK, ids=named)
def test_rules_of_feedback(block: dict[str, Any]) -> None:
    check_feedback(block)


@pytest.mark.parametrize("block", CHOSEN, ids=named)
def test_ways_to_choose(block: dict[str, Any]) -> None:
    check_choice(block)


@pytest.mark.parametrize("block", REMEDIED, ids=named)
def test_remedies(block: dict[str, Any]) -> None:
    check_remedy(block)


@pytest.mark.parametrize(("block", "outputs"), LEARNED, ids=str)
def test_learners(block: dict[str, Any], outputs: int) -> None:
    check_learner(block, outputs=outputs)


@pytest.mark.parametrize(("block", "nodes"), NETWORKS, ids=lambda value: named(value) if value is dict else None)
def test_networks(block: dict[str, Any], nodes: tuple[int, ...]) -> None:
    check_network(block, nodes=nodes)


def test_a_craft() -> None:
    check_craft(TALLY, {"first": VALUES, "last": {"judge": "values", "values": [0, 0, 1]}}, craft=Tally)


def test_a_judge_of_a_craft() -> None:
    check_judge(VALUES, TALLY, craft=Tally)


@pytest.mark.parametrize("block", [{"judge": "hue", "target": 0.3}, {"judge": "brightness"}], ids=named)
def test_judges_of_images(block: dict[str, Any]) -> None:
    check_judge(block, {"kind": "images"})


def test_all_that_come_along_are_held_to_the_laws() -> None:
    assert {block["method"] for block in CURATED} == CURATORS
    assert {block["method"] for block in FEEDBACK} == RULES - {"drift"}  # moves Gaussian data, and nobody
    assert {block["method"] for block in CHOSEN} == CHOICES
    assert {block["method"] for block in REMEDIED} == REMEDIES
    assert {block["method"] for block, _ in LEARNED} == LEARNERS
    assert {block["generator"] for block, _ in NETWORKS} <= set(GENERATORS)
