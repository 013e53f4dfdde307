"""Quantities of groups and biases against their definitions, group by group and model by model."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ecosystem.measures.groups import biases, group_values, systemic_failure, worst_served
from ecosystem.users.membership import Membership

WORLDS, MODELS, CONTEXTS, OUTPUTS = 4, 3, 3, 4
GROUP = np.array([0, 0, 1, 2, 2])
Array = NDArray[np.float64]


def society(seed: int, scores: tuple[str, ...] = ("lean", "quality")) -> tuple[Any, Any, Array, dict[str, Array]]:
    """A population and its crowd as the measures see them, what models write, and the numbers behind."""
    g = np.random.default_rng(seed)
    shape = (WORLDS, len(GROUP))
    numbers = {
        "size": g.uniform(1, 9, shape),
        "activity": g.uniform(0, 9, shape) * (g.random(shape) < 0.7) + 1e-3,
        "contexts": g.dirichlet(np.ones(CONTEXTS), shape),
        # Scores that leave models below ½ in about half of the contexts, and in a world everywhere or nowhere.
        "scores": g.uniform(0, 1, (WORLDS, len(scores), CONTEXTS, OUTPUTS)),
        "scored": g.normal(size=(WORLDS, 3, len(scores))),
        "satisfaction": g.normal(size=(WORLDS, 3)),
    }
    if seed % 3 == 0:
        numbers["scores"][1] = 0.1
        numbers["scores"][2] = 0.9
        numbers["satisfaction"][0, 1] = math.nan
        numbers["satisfaction"][3] = math.nan
    held = {name: torch.from_numpy(values) for name, values in numbers.items()}
    population = SimpleNamespace(
        members=Membership(GROUP, 3, held["size"]),
        size=held["size"],
        contexts=held["contexts"],
        scores=held["scores"],
        groups=SimpleNamespace(score_names=list(scores)),
        scored=lambda crowd, p: held["scored"],
        satisfaction=lambda crowd, p: held["satisfaction"],
    )
    p = g.dirichlet(np.ones(OUTPUTS), (WORLDS, MODELS, CONTEXTS))
    return population, SimpleNamespace(activity=held["activity"]), p, numbers


def of_groups(values: Array) -> Array:
    return np.array([math.fsum(values[group == GROUP]) for group in range(3)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scores", [("lean", "quality"), ("lean",), ("quality", "other"), ()])
def test_biases_are_what_their_names_say(seed: int, scores: tuple[str, ...]) -> None:
    population, crowd, p, numbers = society(seed, scores)
    values = group_values(population, crowd, torch.from_numpy(p))
    assert list(values) == ["active", "share", "satisfaction", *scores]
    found = biases(population, crowd, torch.from_numpy(p), values)
    for world in range(WORLDS):
        active, size = of_groups(numbers["activity"][world]), of_groups(numbers["size"][world])
        share = active / active.sum()
        assert values["active"][world].numpy() == pytest.approx(active, rel=1e-12)
        assert values["share"][world].numpy() == pytest.approx(share, rel=1e-12)
        by_name = {name: numbers["scored"][world, :, k] for k, name in enumerate(scores)}
        for name, expected in by_name.items():
            assert (values[name][world].numpy() == expected).all()
        quality = by_name.get("quality", numbers["satisfaction"][world])
        known = [value for value in quality if not math.isnan(value)]
        expected_biases = {
            "preference_bias": sum(by_name["lean"]) / 3 - 0.5 if "lean" in scores else math.nan,
            "disparate_bias": max(known) - min(known) if known else math.nan,
            "representation_gap": math.fsum(abs(share - size / size.sum())) / 2,
        }
        for name, expected in expected_biases.items():
            assert float(found[name][world]) == pytest.approx(expected, rel=1e-12, nan_ok=True)
        failure = float(systemic_failure(population, crowd, torch.from_numpy(p))[world])
        assert float(found["systemic_failure"][world]) == pytest.approx(failure, nan_ok=True)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("scores", [("quality",), ("lean", "quality")])
def test_systemic_failure_is_how_much_more_often_all_fail_than_by_chance(seed: int, scores: tuple[str, ...]) -> None:
    population, crowd, p, numbers = society(seed, scores)
    found = systemic_failure(population, crowd, torch.from_numpy(p))
    quality = scores.index("quality")
    for world in range(WORLDS):
        people = [
            (c, active * numbers["contexts"][world, k, c])
            for k, active in enumerate(numbers["activity"][world])
            for c in range(CONTEXTS)
        ]
        total = math.fsum(weight for _, weight in people)
        fails = [
            [float(p[world, i, c] @ numbers["scores"][world, quality, c]) < 0.5 for c in range(CONTEXTS)]
            for i in range(MODELS)
        ]
        together = math.fsum(weight for c, weight in people if all(fails[i][c] for i in range(MODELS))) / total
        apart = math.prod(math.fsum(weight for c, weight in people if fails[i][c]) / total for i in range(MODELS))
        expected = math.log(together / apart) if together > 0 and apart > 0 else math.nan
        assert float(found[world]) == pytest.approx(expected, rel=1e-11, abs=1e-13, nan_ok=True)


def test_of_a_thousand_models_that_fail_half_of_the_people_chance_is_no_number_but_its_logarithm_is() -> None:
    population, crowd, _, _ = society(0, ("quality",))
    population.contexts = torch.tensor([0.5, 0.5, 0.0]).double().expand(WORLDS, len(GROUP), -1)
    population.scores = torch.tensor([0.0, 1.0, 1.0]).double()[:, None].expand(WORLDS, 1, -1, OUTPUTS)
    p = torch.full((WORLDS, 2000, CONTEXTS, OUTPUTS), 1 / OUTPUTS, dtype=torch.float64)
    found = systemic_failure(population, crowd, p)
    assert found.numpy() == pytest.approx(np.full(WORLDS, 1999 * math.log(2)), rel=1e-12)


def test_half_is_no_failure() -> None:
    population, crowd, _, _ = society(0, ("quality",))
    population.scores = torch.full((WORLDS, 1, CONTEXTS, OUTPUTS), 0.5, dtype=torch.float64)
    p = torch.full((WORLDS, MODELS, CONTEXTS, OUTPUTS), 1 / OUTPUTS, dtype=torch.float64)
    assert systemic_failure(population, crowd, p).isnan().all()
    population.scores = population.scores - 1e-9
    assert systemic_failure(population, crowd, p).abs().max() < 1e-12


def test_the_worst_served_are_those_of_the_least_quality_and_those_who_differ_by_rounding() -> None:
    quality, expected = zip(
        ([0.3, 0.2, 0.2 + 1e-13], [False, True, True]),
        ([3e5, -2e5 + 1e-8, -2e5], [False, True, True]),
        ([math.nan, 1.0, 2.0], [False, True, False]),
        ([0.5, 0.5 + 1e-9, 0.7], [True, False, False]),
        ([0.0, 0.9e-12, 1.1e-12], [True, True, False]),
        strict=True,
    )
    satisfaction = torch.tensor([[0.0, 1.0, 2.0]]).expand(len(quality), -1)
    values = {"satisfaction": satisfaction, "quality": torch.tensor(quality, dtype=torch.float64)}
    assert worst_served(values).tolist() == list(expected)
    assert worst_served({"satisfaction": values["quality"]}).tolist() == list(expected)
