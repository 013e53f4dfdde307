"""Rejection sampling of drawn outputs: whose prompt it is, what is liked best, which numbers are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.remedies.drawn_rejection import DrawnRejection, lot_uniforms
from ecosystem.world.streams import uniforms

LOTS = 4000


def society(**remedy: Any) -> Ecosystem:
    """Three groups, two contexts, three models, of which nobody asks the last."""
    contexts: tuple[Any, ...] = ({0: 0.9, 1: 0.1}, [1], [0, 1])
    written = {
        "name": "asked",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2, "scores": {"quality": [0, 1, 0.5]}},
        "models": [{"name": name, "diet": {"raw": 1}} for name in "pqr"],
        "users": {
            "groups": [
                {"name": name, "size": size, "contexts": asked, "models": models}
                for name, size, asked, models in zip(
                    "ABC", (50, 30, 20), contexts, ({"p": 0.7, "q": 0.3}, ["p"], {"p": 0.5, "q": 0.5}), strict=True
                )
            ]
        },
        "remedy": {"method": "rejection_sampling"} | remedy,
    }
    return Ecosystem(Scenario(**written), seed=5)


def volumes() -> np.ndarray:
    """Prompts of each group to each model about each context, ``[groups, models, contexts]``."""
    sizes, uses = np.array([50, 30, 20]), np.array([[0.7, 0.3, 0], [1, 0, 0], [0.5, 0.5, 0]])
    asks = np.array([[0.9, 0.1], [0, 1], [0.5, 0.5]])
    return sizes[:, None, None] * uses[:, :, None] * asks[:, None, :]


def test_prompts_are_of_groups_by_their_volume() -> None:
    model = society(candidates={"A": 2, "B": 3, "C": 4})
    seen = DrawnRejection(model.batch)._seen(model.demand, torch.Size((1, 3, 2, LOTS)), 0, 2).numpy()
    volume = volumes()
    for place in range(2):
        for context in range(2):
            share = volume[:, place, context] / volume[:, place, context].sum()
            counts = [(seen[0, place, context] == k).mean() for k in (2, 3, 4)]
            error = np.sqrt(share * (1 - share) / (2 * LOTS))
            assert (np.abs(counts - share) <= 5 * error).all()
    assert (seen[0, 2] == 1).all()  # whom nobody asks is not filtered


@pytest.mark.parametrize("similar", [True, False])
def test_the_best_by_quality_and_similarity_is_left(similar: bool) -> None:
    model = society(candidates=4, quality=0.6, similarity=0.4 * similar, accuracy=1.0)
    remedy = DrawnRejection(model.batch)
    assert remedy.similar == similar and remedy.candidates == 4
    g = np.random.default_rng(0)
    judged, typical = g.normal(size=(1, 3, 2, 7, 8, 3)), g.normal(size=(1, 3, 2, 7, 8))
    remedy._quality = torch.tensor([[0.0, 0.0, 1.0, 0.5]], dtype=torch.float64)  # of a row's judges, behind its 1
    found = remedy.filter(torch.from_numpy(judged), torch.from_numpy(typical) if similar else None, model.demand, 0, 2)
    score = 0.6 * (judged @ [0.0, 1.0, 0.5]) + 0.4 * typical * similar
    best = score.reshape(1, 3, 2, 7, 2, 4).argmax(-1) + np.array([0, 4])
    best[:, 2] = [0, 4]  # whom nobody asks is not filtered
    assert found.numpy().tolist() == best.tolist()


def test_every_output_that_is_kept_has_numbers_of_its_own() -> None:
    model = society(candidates=4)
    found = lot_uniforms(model.batch, "test", 3, torch.Size((1, 3, 2, 5)), 4)
    assert found.shape == (1, 3, 2, 5, 4)
    for number in range(4):
        expected = uniforms(5, f"test.{number}", 3, 3, 10).reshape(3, 2, 5)
        assert found[0, ..., number].numpy().tolist() == expected.tolist()
