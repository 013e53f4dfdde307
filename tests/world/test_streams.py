"""Random numbers belong to a seed, a purpose and a round, and to nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from ecosystem import Ecosystem, Scenario
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.streams import BLOCK, Streams, derived_seed, normals, stream, uniforms

KEYS: list[dict[str, Any]] = [
    {"seed": 0, "purpose": "examples", "round_": 0, "block": 0},
    {"seed": 1, "purpose": "examples", "round_": 0, "block": 0},
    {"seed": 0, "purpose": "pool.raw", "round_": 0, "block": 0},
    {"seed": 0, "purpose": "examples", "round_": 1, "block": 0},
    {"seed": 0, "purpose": "examples", "round_": 0, "block": 1},
    {"seed": 0, "purpose": "examples", "round_": 1, "block": 1},
    {"seed": 2**63 - 1, "purpose": "examples", "round_": 0, "block": 0},
    {"seed": 0, "purpose": "0/examples", "round_": 0, "block": 0},
]


def test_equal_keys_give_equal_numbers() -> None:
    for key in KEYS:
        assert (stream(**key).random(100) == stream(**key).random(100)).all()


def test_different_keys_give_numbers_that_do_not_overlap() -> None:
    drawn = np.array([stream(**key).random(5000) for key in KEYS])
    assert len(np.unique(drawn)) == drawn.size
    worst = np.abs(np.corrcoef(drawn) - np.eye(len(KEYS))).max()
    assert worst < 5 / np.sqrt(5000)


def test_numbers_are_those_of_earlier_versions() -> None:
    # Results that are stored already would be made again differently, and seeds of papers would be lost.
    assert stream(0, "examples", 3).random(2).tolist() == [0.4483606554417898, 0.6756537580069055]
    assert uniforms(5, "x", 2, 300, 2)[[255, 256], 1].tolist() == [0.20261910902884406, 0.2043820336845994]
    assert normals(5, "x", 2, 1, 2)[0].tolist() == [-0.12333609290302781, -0.8464420276125156]
    assert derived_seed(0, "network") == 94882702


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_fewer_models_get_the_first_numbers_of_more(draw: Any) -> None:
    whole = draw(3, "examples", 2, 2 * BLOCK + 50, 4)
    for models in (1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 49):
        assert (draw(3, "examples", 2, models, 4) == whole[:models]).all()


def test_a_generator_that_is_moved_gives_the_numbers_of_a_new_one() -> None:
    moved = Streams()
    for key in [*KEYS, *KEYS[::-1]]:
        again = moved.at(**key)
        new = stream(**key)
        assert again.integers(2**31, dtype=np.uint32) == new.integers(2**31, dtype=np.uint32)  # leaves half a word
        assert (again.random(7) == new.random(7)).all()


def test_every_block_is_a_stream_of_its_own() -> None:
    whole = uniforms(3, "examples", 2, 2 * BLOCK + 50, 4)
    for block in (2, 0, 1):
        part = whole[block * BLOCK : (block + 1) * BLOCK]
        assert (stream(3, "examples", 2, block).random(part.shape) == part).all()
    assert len(np.unique(whole)) == whole.size
    gauss = normals(3, "examples", 2, BLOCK + 5, 4)
    assert (stream(3, "examples", 2, 1).standard_normal((5, 4)) == gauss[BLOCK:]).all()


def test_numbers_have_their_law() -> None:
    assert kstest(uniforms(0, "a", 0, 300, 40).ravel(), "uniform").pvalue > 0.001
    assert kstest(normals(0, "a", 0, 300, 40).ravel(), "norm").pvalue > 0.001


def test_seeds_for_libraries_are_spread_and_repeatable() -> None:
    seeds = [derived_seed(seed, "network") for seed in range(2000)]
    assert seeds == [derived_seed(seed, "network") for seed in range(2000)]
    assert len(set(seeds)) == 2000
    assert kstest(np.array(seeds) / 2**31, "uniform").pvalue > 0.001
    assert derived_seed(0, "network") != derived_seed(0, "other")


# Common random numbers: a chain a → b → c, d aside; what changes at b is seen by b and c alone.

CHAIN: dict[str, Any] = {
    "name": "chain",
    "rounds": 6,
    "mode": "sampled",
    "outputs": {"kind": "categorical", "size": 4, "contexts": 2},
    "real": {"draw": "dirichlet"},
    "rewards": {"r": [0, 1, 2, 1], "s": [1, 0, 0, 2]},
    "models": [
        {
            "name": "a",
            "reward": {"draw": "normal"},
            "real": {"draw": "dirichlet", "concentration": 0.5},
            "diet": {"real": 0.2, "curated": 0.8},
            "curation": {"method": "luce", "candidates": 3},
        },
        {
            "name": "b",
            "reward": "r",
            "diet": {"real": 0.25, "curated": 0.25, "neighbours_curated": 0.5},
            "curation": {"method": "best_of", "candidates": 4},
        },
        {"name": "c", "reward": "r", "diet": {"raw": 0.5, "neighbours_raw": 0.5}},
        {
            "name": "d",
            "reward": {"draw": "uniform"},
            "initial": {"draw": "dirichlet"},
            "diet": {"real": 0.5, "curated": 0.5},
            "curation": {"method": "luce", "candidates": 2, "reward": {"draw": "uniform"}},
        },
    ],
    "network": {"edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]},
}
LEARNING: dict[str, dict[str, Any]] = {
    "counts by inversion": {"examples": 60},
    "multinomial counts": {"examples": 1000},
    "pools": {"examples": 60, "pool": 30, "rate": 0.5, "corpus": "accumulate"},
    "one after another": {"examples": 60, "order": "sequential", "sharing": 0.25},
}
CHANGES: dict[str, dict[str, Any]] = {
    "diet": {"models.b.diet": {"real": 0.5, "raw": 0.25, "neighbours_raw": 0.25}},
    "curator": {"models.b.curation": {"method": "luce", "candidates": 2, "reward": "s"}},
    "drawn reward": {"models.b.reward": {"draw": "uniform"}},
    "drawn real data": {"models.b.real": {"draw": "dirichlet", "concentration": 0.5}},
    "initial": {"models.b.initial": [1, 0, 0, 0]},
}


def states(plan: Blueprint) -> np.ndarray:
    """p of every round, ``[rounds, models, contexts, outputs]``."""
    model, found = Ecosystem.together([plan]), []
    for _ in range(6):
        model.step()
        found.append(model.state.p[0].numpy())
    return np.array(found)


@pytest.mark.parametrize("learning", LEARNING)
def test_what_differs_at_one_model_moves_only_its_readers(learning: str) -> None:
    base = Scenario(**CHAIN, learning=LEARNING[learning])
    before = states(blueprint(base, 5))
    for change, settings in CHANGES.items():
        after = states(blueprint(base.with_(settings), 5))
        assert (after[:, [0, 3]] == before[:, [0, 3]]).all(), change
        if change != "drawn reward":  # b's curator does choose by it, but the best of four may be the same
            assert (after[:, 1] != before[:, 1]).any(), change
            assert (after[:, 2] != before[:, 2]).any(), change


@pytest.mark.parametrize("learning", LEARNING)
def test_another_seed_moves_everybody(learning: str) -> None:
    base = Scenario(**CHAIN, learning=LEARNING[learning])
    first, second = (states(blueprint(base, seed)) for seed in (5, 6))
    assert (first != second).any(axis=(2, 3)).all()


@pytest.mark.parametrize("examples", [100, 1000])
def test_rounds_and_models_draw_their_own(examples: int) -> None:
    # Models alike, each learning from real data alone: each of their training sets is new.
    alike = {
        "name": "alike",
        "rounds": 3,
        "mode": "sampled",
        "outputs": {"kind": "categorical", "size": 8},
        "models": [{"name": "m", "count": BLOCK + 50, "diet": {"real": 1}}],
        "learning": {"examples": examples},
    }
    model, found = Ecosystem(Scenario(**alike)), []
    for _ in range(3):
        model.step()
        found.append(model.state.p[0, :, 0].numpy())
    rows = np.concatenate(found)
    assert len(np.unique(rows, axis=0)) > 0.99 * len(rows)
