"""Groups that are reweighted, held against the shares that they shall have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.remedies.reweighting import Reweigh

SIZES = {"A": 60.0, "B": 30.0, "C": 10.0}


def society(remedy: dict[str, Any]) -> Scenario:
    """Three groups who ask one model and bring an output of their own each; it learns what they bring."""
    return Scenario(
        name="reweighted",
        rounds=1,
        outputs={"kind": "categorical", "size": 3},
        models=[{"name": "m", "diet": {"users": 1}}],
        users={
            "groups": [
                {"name": name, "size": size, "contexts": [0], "data": np.eye(3)[place].tolist()}
                for place, (name, size) in enumerate(SIZES.items())
            ]
        },
        remedy={"method": "reweighting"} | remedy,
    )


@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ("equal", [1, 1, 1]),
        ("population", [60, 30, 10]),
        ({"A": 0.1, "C": 0.3}, [0.1, 0, 0.3]),
        ({"C": 2.0}, [0, 0, 2]),
    ],
)
@pytest.mark.parametrize("users", [[60, 30, 10], [5, 0, 45], [7, 3, 0], [0.5, 0.25, 9], [0, 0, 0]])
def test_groups_that_are_there_get_the_share_of_their_weight(
    weights: Any, wanted: list[float], strength: float, users: list[float]
) -> None:
    model = Ecosystem(society({"weights": weights, "strength": strength}))
    assert model.population is not None
    activity = torch.tensor([users], dtype=torch.float64)
    found = Reweigh(model.batch, model.population.members).factor(activity)[0].numpy()
    there = [place for place, count in enumerate(users) if count > 0]
    whole = sum(wanted[place] for place in there)
    for place, count in enumerate(users):
        if place in there and whole > 0:
            share = count / sum(users)
            assert found[place] * share == pytest.approx((1 - strength) * share + strength * wanted[place] / whole)
        else:
            assert found[place] == 1


def test_a_model_learns_what_reweighted_groups_bring() -> None:
    model = Ecosystem(society({"weights": {"A": 1, "B": 3}, "strength": 0.5}))
    model.step()
    assert model.models[0].distribution[0] == pytest.approx([(0.6 + 0.25) / 2, (0.3 + 0.75) / 2, 0.1 / 2])
