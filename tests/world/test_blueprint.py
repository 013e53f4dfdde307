"""A run before it starts: what is drawn, what is filled in, what a missing source does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, chisquare, kstest

from ecosystem import Ecosystem, Scenario
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import SOURCES, Blueprint, blueprint

CURATION = {"method": "luce", "candidates": 3}


def scenario(*models: dict[str, Any], **changes: Any) -> Scenario:
    written: dict[str, Any] = {
        "name": "blueprint",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
        "real": [0.5, 0.3, 0.2],
        "rewards": {"up": [0, 1, 2], "down": [2, 1, 0], "split": [[1, 0, 0], [0, 0, 1]]},
        "models": list(models),
    }
    return Scenario(**written | changes)


def planned(*models: dict[str, Any], seed: int = 0, **changes: Any) -> Blueprint:
    return blueprint(scenario(*models, **changes), seed)


def diets(made: Blueprint) -> list[dict[str, float]]:
    """Each model's diet as written, without what it does not take."""
    return [
        {source: share for source, share in zip(SOURCES, row, strict=True) if share > 0} for row in made.diet.tolist()
    ]


def after_one_round(made: Scenario, seed: int = 0) -> np.ndarray:
    model = Ecosystem(made, seed)
    with one_thread():
        model.step()
    found: np.ndarray = model.state.p[0].numpy()
    return found


# Missing sources

INITIAL = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
SPLITS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "in proportion": ({"real": 0.2, "raw": 0.3, "neighbours_raw": 0.5}, {"real": 0.4, "raw": 0.6}),
    "both kinds": (
        {"real": 0.3, "raw": 0.1, "neighbours_raw": 0.2, "neighbours_curated": 0.4},
        {"real": 0.75, "raw": 0.25},
    ),
    "to one": ({"real": 0.01, "neighbours_curated": 0.99}, {"real": 1.0}),
    "nothing is missing": ({"real": 0.2, "raw": 0.8}, {"real": 0.2, "raw": 0.8}),
}


@pytest.mark.parametrize("case", SPLITS)
def test_the_share_of_missing_neighbours_is_split_over_the_other_sources(case: str) -> None:
    diet, expected = SPLITS[case]
    made = scenario(
        {"name": "alone", "initial": INITIAL, "diet": diet},
        {"name": "reader", "initial": INITIAL, "diet": diet},
        network={"edges": [{"from": "alone", "to": "reader"}]},
    )
    found = blueprint(made, 0)
    alone = dict(zip(SOURCES, found.effective_diet[0], strict=True))
    assert alone == pytest.approx({**dict.fromkeys(SOURCES, 0.0), **expected})
    assert found.effective_diet[1] == pytest.approx([diet.get(source, 0) for source in SOURCES])
    assert found.diet[0] == pytest.approx([diet.get(source, 0) for source in SOURCES])  # as written
    assert not found.sourceless.any()
    mixed = expected["real"] * np.array([0.5, 0.3, 0.2]) + expected.get("raw", 0) * np.array(INITIAL)
    assert after_one_round(made)[0] == pytest.approx(mixed, abs=1e-15)


@pytest.mark.parametrize("diet", [{"neighbours_raw": 1}, {"neighbours_raw": 0.5, "neighbours_curated": 0.5}])
@pytest.mark.parametrize(
    "learning", [{}, {"rate": 0.5, "corpus": "accumulate"}, {"regime": "incremental", "rate": 0.25}]
)
@pytest.mark.parametrize("mode", ["exact", "sampled", "pools"])
def test_a_model_without_any_source_stays_what_it_is(diet: Any, learning: Any, mode: str) -> None:
    sampling = {"exact": {}, "sampled": {"examples": 7, "smoothing": 0.5}, "pools": {"examples": 7, "pool": 3}}[mode]
    made = scenario(
        {"name": "alone", "initial": INITIAL, "diet": diet},
        {"name": "other", "diet": {"real": 1}},
        mode="exact" if mode == "exact" else "sampled",
        learning=learning | sampling,
    )
    assert blueprint(made, 0).sourceless.tolist() == [True, False]
    model = Ecosystem(made)
    for _ in range(3):
        model.step()
        assert np.abs(model.state.p[0, 0].numpy() - INITIAL).max() < 1e-15


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_what_a_model_without_any_source_keeps_is_shared_across_contexts(mode: str) -> None:
    made = scenario(
        {"name": "alone", "initial": INITIAL, "diet": {"neighbours_raw": 1}},
        mode=mode,
        learning={"sharing": 0.3, "examples": 5},
    )
    initial = np.array(INITIAL)
    assert after_one_round(made)[0] == pytest.approx(0.7 * initial + 0.3 * initial.mean(0), abs=1e-15)


# Rewards


def test_a_drawn_reward_is_one_vector_a_model() -> None:
    made = planned(
        {"name": "m", "count": 400, "reward": {"draw": "normal", "mean": 1.0, "scale": 2.0}, "diet": {"raw": 1}},
        {"name": "u", "count": 400, "reward": {"draw": "uniform", "low": -1.0, "high": 3.0}, "diet": {"raw": 1}},
        {"name": "n", "reward": "up", "diet": {"raw": 1}},
        rewards={"up": [0, 1, 2]},
    )
    assert made.rewards.shape == (801, 1, 3)
    assert made.reward_names == ("up",)
    own = made.rewards[made.evaluation, 0]
    assert len(np.unique(own[:800], axis=0)) == 800
    assert own[800].tolist() == [0, 1, 2]
    assert kstest((own[:400].ravel() - 1) / 2, "norm").pvalue > 0.001
    assert kstest((own[400:800].ravel() + 1) / 4, "uniform").pvalue > 0.001


def test_a_drawn_reward_is_the_same_in_every_context_beside_one_that_is_not() -> None:
    made = planned({"name": "m", "count": 2, "reward": {"draw": "normal"}, "diet": {"raw": 1}})
    assert made.rewards.shape == (5, 2, 3)
    assert (made.rewards[3:, 0] == made.rewards[3:, 1]).all()
    assert made.rewards[2].tolist() == [[1, 0, 0], [0, 0, 1]]
    assert made.by_context == (False, False, True, False, False)


def test_a_drawn_reward_does_not_depend_on_who_else_draws() -> None:
    def drawn(first: Any, seed: int = 0) -> np.ndarray:
        made = planned(
            {"name": "a", "reward": first, "diet": {"raw": 1}},
            {"name": "b", "reward": {"draw": "normal"}, "diet": {"raw": 1}},
            seed=seed,
        )
        found: np.ndarray = made.rewards[made.evaluation[1]]
        return found

    alone = drawn("up")
    assert (drawn({"draw": "normal"}) == alone).all()
    assert (drawn({"draw": "normal", "scale": 3.0}) == alone).all()
    assert (drawn("up", seed=1) != alone).all()


def test_a_curator_has_its_own_reward_or_that_of_the_model() -> None:
    made = planned(
        {"name": "a", "reward": "up", "diet": {"curated": 1}, "curation": CURATION},
        {"name": "b", "reward": "up", "diet": {"curated": 1}, "curation": {**CURATION, "reward": "down"}},
        {"name": "c", "diet": {"curated": 1}, "curation": {**CURATION, "reward": {"draw": "normal"}}},
        {"name": "d", "reward": {"draw": "normal"}, "diet": {"curated": 1}, "curation": CURATION},
    )
    assert made.evaluation.tolist() == [0, 0, -1, 3]
    assert made.choice_model.tolist() == [0, 1, 2, 3]
    assert made.choice_reward.tolist() == [0, 1, 4, 3]
    assert made.choice_weight.tolist() == [1, 1, 1, 1]
    assert (made.rewards[3] != made.rewards[4]).all()


def test_curators_that_are_mixtures_choose_by_each_reward_so_often() -> None:
    made = planned(
        {
            "name": "a",
            "reward": "up",
            "diet": {"curated": 1},
            "curation": {"method": "pluralistic", "candidates": 2, "rewards": {"down": 3, "split": 1}},
        },
        {
            "name": "b",
            "reward": "up",
            "diet": {"curated": 1},
            "curation": {"method": "adversarial", "candidates": 2, "attack": 0.2, "attack_reward": "down"},
        },
        {
            "name": "c",
            "reward": "up",
            "diet": {"curated": 1},
            "curation": {"method": "noisy", "candidates": 2, "noise": 0.1},
        },
    )
    assert made.choice_model.tolist() == [0, 0, 1, 1, 2]
    assert made.choice_reward.tolist() == [1, 2, 0, 1, 0]
    assert made.choice_weight == pytest.approx([0.75, 0.25, 0.8, 0.2, 0.9])


# The block `curated`


def test_the_curated_block_replaces_diet_curation_and_reward_of_those_it_chooses() -> None:
    own = {
        "reward": "up",
        "real": [0.1, 0.1, 0.8],
        "initial": INITIAL,
        "diet": {"real": 0.5, "raw": 0.5},
        "curation": {"method": "best_of", "candidates": 5},
    }
    made = planned(
        {"name": "a", **own},
        {"name": "b", **own},
        curated={
            "models": ["b"],
            "reward": "down",
            "diet": {"real": 0.25, "curated": 0.75},
            "curation": {"method": "luce", "candidates": 7, "temperature": 0.5},
        },
    )
    assert diets(made) == [{"real": 0.5, "raw": 0.5}, {"real": 0.25, "curated": 0.75}]
    assert made.evaluation.tolist() == [0, 1]
    assert made.choice_reward.tolist() == [0, 1]
    assert made.candidates.tolist() == [5, 7]
    assert made.temperature.tolist() == [1, 0.5]
    assert made.kinds == ("best_of", "luce")
    assert made.curated.tolist() == [True, True]
    assert made.real == pytest.approx(np.broadcast_to([0.1, 0.1, 0.8], (2, 2, 3)), abs=1e-15)
    assert made.initial == pytest.approx(np.array([INITIAL] * 2), abs=1e-15)


def test_what_the_curated_block_does_not_say_stays() -> None:
    made = planned(
        {"name": "m", "count": 3, "reward": "up", "diet": {"real": 0.5, "raw": 0.5}},
        curated={"models": ["m1"], "curation": CURATION},
    )
    assert made.curated.tolist() == [False, True, False]
    assert diets(made) == [{"real": 0.5, "raw": 0.5}] * 3
    assert made.evaluation.tolist() == [0, 0, 0]
    assert (made.choice_model.tolist(), made.choice_reward.tolist()) == ([1], [0])


# Real data and first distributions


def test_real_data_are_shared_or_the_model_s_own_and_initial_ones_are_real_by_default() -> None:
    made = planned(
        {"name": "a", "diet": {"raw": 1}},
        {"name": "b", "real": [[1, 0, 0], [0, 1, 0]], "diet": {"raw": 1}},
        {"name": "c", "initial": [0.2, 0.2, 0.6], "diet": {"raw": 1}},
        {"name": "d", "real": [0, 0, 1], "initial": INITIAL, "diet": {"raw": 1}},
    )
    shared = [[0.5, 0.3, 0.2]] * 2
    assert made.real.tolist() == [shared, [[1, 0, 0], [0, 1, 0]], shared, [[0, 0, 1]] * 2]
    assert made.initial == pytest.approx(
        np.array([shared, [[1, 0, 0], [0, 1, 0]], [[0.2, 0.2, 0.6]] * 2, INITIAL]), abs=1e-15
    )


def test_real_data_are_uniform_by_default() -> None:
    made = planned({"name": "a", "diet": {"raw": 1}}, real=None)
    assert made.real == pytest.approx(np.full((1, 2, 3), 1 / 3))
    assert (made.initial == made.real).all()


def test_one_draw_is_shared_and_a_model_s_own_is_its_own() -> None:
    draw = {"draw": "dirichlet", "concentration": 2.0}
    shared = planned({"name": "m", "count": 4, "diet": {"raw": 1}}, real=draw)
    assert (shared.real == shared.real[0]).all()
    assert (shared.real[0, 0] != shared.real[0, 1]).all()  # a draw for each context
    assert (shared.initial == shared.real).all()
    own = planned({"name": "m", "count": 4, "real": draw, "initial": draw, "diet": {"raw": 1}})
    every = np.concatenate([shared.real[:1], own.real, own.initial]).reshape(-1, 3)
    assert len(np.unique(every, axis=0)) == 18
    assert every.sum(-1) == pytest.approx(1)
    assert (planned({"name": "m", "count": 4, "diet": {"raw": 1}}, real=draw, seed=1).real != shared.real).all()


@pytest.mark.parametrize("concentration", [0.5, 1.0, 4.0])
def test_draws_have_the_dirichlet_law(concentration: float) -> None:
    draw = {"draw": "dirichlet", "concentration": concentration}
    made = planned({"name": "m", "count": 1500, "real": draw, "diet": {"raw": 1}})
    for output in range(3):  # each is Beta(a, 2a)
        law = beta(concentration, 2 * concentration)
        assert kstest(made.real[:, :, output].ravel(), law.cdf).pvalue > 0.001


@pytest.mark.parametrize("concentration", [1e-2, 1e-4, 1e-300])
def test_a_draw_of_small_concentration_is_nearly_one_output(concentration: float) -> None:
    draw = {"draw": "dirichlet", "concentration": concentration}
    made = planned({"name": "m", "count": 1500, "real": draw, "diet": {"raw": 1}})
    rows = made.real.reshape(-1, 3)
    assert np.isfinite(rows).all()
    assert rows.sum(-1) == pytest.approx(1)
    # E max is about 1 − 2·ln 2·a for three outputs; every output is the large one equally often.
    assert rows.max(-1).mean() > 1 - 4 * concentration - 1e-9
    assert chisquare(np.bincount(rows.argmax(-1), minlength=3)).pvalue > 0.001


# What may be computed together


def test_runs_that_differ_in_numbers_alone_have_one_shape() -> None:
    base = scenario(
        {"name": "m", "reward": "up", "diet": {"real": 0.5, "curated": 0.5}, "curation": CURATION},
        learning={"rate": 0.5},
    )
    same: list[dict[str, Any]] = [
        {"models.m.diet": {"real": 0.25, "curated": 0.75}},
        {"learning.rate": 0.25},
        {"learning.sharing": 0.5},
        {"real": [0.2, 0.2, 0.6]},
        {"models.m.initial": [0, 0, 1]},
        {"models.m.curation.reward": "down"},
    ]
    other: list[dict[str, Any]] = [
        {"learning.regime": "incremental"},
        {"learning.corpus": "accumulate"},
        {"learning.corpus": {"window": 3}},
        {"learning.order": "sequential"},
        {"models.m.curation.method": "best_of"},
        {"models.m.curation.candidates": 10**6},
        {"models.m.curation.reward": "split"},
        {"models.m.reward": "split"},
        {"rounds": 2},
        {"record.every": 2},
        {"mode": "sampled", "learning.examples": 5},
    ]
    shape = blueprint(base, 0).shape
    assert all(blueprint(base.with_(change), seed).shape == shape for seed, change in enumerate(same))
    for change in other:
        assert blueprint(base.with_(change), 0).shape != shape, change
