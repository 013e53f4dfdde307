"""A world's numbers are the same bits alone, in any batch, and twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plain.random_ecosystems import random_ecosystem

from ecosystem import Ecosystem, Scenario
from ecosystem.linalg import bmm, pad_last, padded
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import Blueprint, blueprint

WORLDS = (1, 2, 3, 7, 64)


def worlds(models: int, outputs: int, mode: str, count: int) -> list[Blueprint]:
    """Worlds of one shape that differ in their numbers: seeds, shares, rewards, rates."""
    found = []
    for seed in range(count):
        written: dict[str, Any] = random_ecosystem(5, models, outputs, 2, mode)
        written["models"][0]["curation"] = {"method": "luce", "candidates": 3, "reward": "split"}
        other = random_ecosystem(100 + seed, models, outputs, 2, mode)
        for model, fresh in zip(written["models"], other["models"], strict=True):
            model["initial"] = fresh["initial"]
        diet = written["models"][0]["diet"] = {"real": 0.3, "curated": 0.3, "neighbours_curated": 0.2, "raw": 0.2}
        diet["real"], diet["raw"] = 0.3 + seed / 1000, 0.2 - seed / 1000
        written["learning"]["rate"] = 0.5 + seed / 1000
        written["learning"]["sharing"] = 0.3 * (seed % 2)  # some worlds share between contexts, and some do not
        if mode == "sampled":
            written["learning"] |= {"examples": 50, "smoothing": 0.01}
        found.append(blueprint(Scenario(**written), seed))
    return found


def final(batch: list[Blueprint]) -> torch.Tensor:
    model = Ecosystem.together(batch)
    with one_thread():
        for _ in range(5):
            model.step()
    return model.state.p


@pytest.mark.parametrize("mode", ["exact", "sampled"])
@pytest.mark.parametrize("outputs", [2, 3, 64])
@pytest.mark.parametrize("models", [1, 2, 3, 5])
def test_a_world_in_a_batch_is_the_world_alone(models: int, outputs: int, mode: str) -> None:
    every = worlds(models, outputs, mode, max(WORLDS))
    assert len({world.shape for world in every}) == 1
    whole = final(every)
    assert torch.isfinite(whole).all()
    assert not torch.equal(whole[0], whole[1])
    for size in WORLDS:
        for start in (0, 1, max(WORLDS) - size):
            part = final(every[start : start + size])
            assert torch.equal(part, whole[start : start + part.shape[0]])


def test_the_same_seed_gives_the_same_bits_twice() -> None:
    assert torch.equal(final(worlds(3, 5, "sampled", 2)), final(worlds(3, 5, "sampled", 2)))


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 8, 16), (2, 17, 33)])
def test_rows_are_filled_up_to_whole_lines_and_products_stay_what_they_are(
    kind: torch.dtype, shape: tuple[int, ...]
) -> None:
    g = torch.Generator().manual_seed(0)
    left = torch.randn(shape, dtype=kind, generator=g)
    right = torch.randn((shape[0], shape[2], 7), dtype=kind, generator=g)
    for dims in (1, 2):
        filled = pad_last(left, dims)
        for dim in range(1, 4):
            whole = -(-shape[-dim] * left.element_size() // 64) * 64 // left.element_size()
            assert filled.shape[-dim] == (whole if dim <= dims else shape[-dim])
        assert torch.equal(filled[:, : shape[1], : shape[2]], left)
        assert float(filled.abs().sum()) == pytest.approx(float(left.abs().sum()), rel=1e-6)
    assert padded(64) == 64 and padded(65) == 72
    expected = left.double() @ right.double()
    assert bmm(left, right).shape == expected.shape
    assert float((bmm(left, right) - expected).abs().max()) < 40 * torch.finfo(kind).eps * shape[2]
