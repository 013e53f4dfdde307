"""Memory that is used again is never somebody else's, and begins with a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.buffers import Buffers

CURATION: dict[str, Any] = {"method": "luce", "candidates": 3}
LIKE = torch.zeros(1, dtype=torch.float64)


def test_what_somebody_holds_is_not_lent_again_even_by_a_view() -> None:
    buffers = Buffers()
    first = buffers.take((2, 3), LIKE).fill_(1.0)
    row = first[0]
    del first
    other = buffers.take((2, 3), LIKE).fill_(2.0)
    assert row.tolist() == [1.0] * 3
    assert other.data_ptr() != row.data_ptr()


def test_what_nobody_holds_is_lent_again() -> None:
    buffers = Buffers()
    places = set()
    for _ in range(5):
        places.add(buffers.take((2, 3), LIKE).data_ptr())
    assert len(places) == 1


def test_what_was_lent_outlives_the_buffers() -> None:
    lent = Buffers().take((1000,), LIKE).fill_(3.0)
    others = [np.zeros(1000) for _ in range(10)]
    assert lent.tolist() == [3.0] * 1000
    assert not any(other.any() for other in others)


@pytest.mark.parametrize("precision", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (1, 700, 8, 64), (0, 4)])
def test_shape_precision_and_place_are_as_asked(shape: tuple[int, ...], precision: torch.dtype) -> None:
    buffers = Buffers()
    held = [buffers.take(shape, LIKE.to(precision)) for _ in range(3)] + [buffers.take((4, 4), LIKE)]
    for lent in held[:-1]:
        assert lent.shape == shape
        assert lent.dtype == precision
        assert lent.is_contiguous()
        assert lent.data_ptr() % 4096 == 0 or lent.numel() == 0


def curated(**curation: Any) -> Ecosystem:
    models = {
        "name": "m",
        "count": 9,
        "reward": {"draw": "normal"},
        "diet": {"real": 0.2, "curated": 0.5, "neighbours_curated": 0.3},
        "curation": CURATION | curation,
    }
    written: dict[str, Any] = {
        "name": "kept",
        "rounds": 5,
        "outputs": {"kind": "categorical", "size": 4, "contexts": 2},
        "real": {"draw": "dirichlet"},
        "models": [models],
        "network": {"generator": "gnp_random", "p": 0.5, "directed": True},
    }
    return Ecosystem(Scenario(**written))


@pytest.mark.parametrize("curation", [{}, {"method": "noisy", "noise": 0.25}], ids=["always", "sometimes"])
def test_states_and_offers_that_are_held_stay_what_they_were(curation: dict[str, Any]) -> None:
    model = curated(**curation)
    (turn,) = model.learner.turns  # type: ignore[attr-defined]
    held = []
    for _ in range(5):
        offer = turn.offer(model.state.p)
        held += [(part, part.clone()) for part in (model.state.p, offer.kept)]
        plain = turn.curation.kept(model.state.p).reshape(offer.kept.shape)
        torch.testing.assert_close(offer.kept, plain, rtol=0, atol=0)
        model.step()
    for now, then in held:
        torch.testing.assert_close(now, then, rtol=0, atol=0)
    assert len({part.data_ptr() for part, _ in held}) == len(held)
