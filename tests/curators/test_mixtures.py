"""Curators that choose by several rewards, or not always: pluralistic, adversarial, noisy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.choice import chances_to_win
from scipy.stats import chisquare

from ecosystem import Ecosystem, Scenario
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import blueprint

REWARDS = ("honest", "other", "third")


def scenario(
    models: Sequence[dict[str, Any]], size: int, rewards: dict[str, Any], contexts: int = 1, **changes: Any
) -> Scenario:
    return Scenario(
        name="mixtures",
        rounds=1,
        outputs={"kind": "categorical", "size": size, "contexts": contexts},
        rewards=rewards,
        models=list(models),
        **changes,
    )


def curated(name: str, p: Any, curation: dict[str, Any]) -> dict[str, Any]:
    """A model that learns nothing but what its curator kept."""
    return {"name": name, "initial": p, "diet": {"curated": 1}, "curation": curation}


def weights(curation: dict[str, Any]) -> tuple[list[tuple[str, float]], float]:
    """How often each reward chooses, and how often nobody does."""
    method = curation["method"]
    if method == "pluralistic":
        whole = math.fsum(curation["rewards"].values())
        return [(name, share / whole) for name, share in curation["rewards"].items()], 0.0
    if method == "adversarial":
        return [(curation["reward"], 1 - curation["attack"]), (curation["attack_reward"], curation["attack"])], 0.0
    noise = curation.get("noise", 0.0)
    return [(curation["reward"], 1 - noise)], noise


def kept(p: np.ndarray, curation: dict[str, Any], rewards: dict[str, np.ndarray]) -> np.ndarray:
    """The mixture of what each reward keeps by enumeration of all candidates."""
    by_reward, at_random = weights(curation)
    method = "best_of" if curation["method"] == "best_of" else "luce"
    temperature = curation.get("temperature", 1.0)
    parts = [
        weight * chances_to_win(p, rewards[name], curation["candidates"], method, temperature)
        for name, weight in by_reward
    ]
    return at_random * p + sum(parts)


@st.composite
def curations(draw: st.DrawFn, methods: Sequence[str] = ("pluralistic", "adversarial", "noisy")) -> dict[str, Any]:
    method = draw(st.sampled_from(methods))
    block: dict[str, Any] = {"method": method, "candidates": draw(st.integers(1, 4) | st.just(math.inf))}
    share = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)
    if method != "best_of":
        block["temperature"] = draw(st.floats(0.4, 3))
    if method == "pluralistic":
        return block | {"rewards": draw(st.dictionaries(st.sampled_from(REWARDS), st.floats(0.01, 5), min_size=1))}
    block["reward"] = draw(st.sampled_from(REWARDS))
    if method == "adversarial":
        return block | {"attack": draw(share), "attack_reward": draw(st.sampled_from(REWARDS[1:]))}
    return block | ({"noise": draw(share)} if method == "noisy" else {})


@settings(deadline=None, max_examples=120)
@given(size=st.integers(2, 4), contexts=st.integers(1, 2), data=st.data(), seed=st.integers(0, 2**32))
def test_a_mixture_keeps_what_its_parts_keep(size: int, contexts: int, data: st.DataObject, seed: int) -> None:
    # Curators of one scenario are gathered; plain ones stand among them.
    every = curations(["pluralistic", "adversarial", "noisy", "luce", "best_of"])
    blocks = [data.draw(curations()), *data.draw(st.lists(every, max_size=3))]
    g = np.random.default_rng(seed)
    p = g.dirichlet(np.ones(size), size=(len(blocks), contexts))
    rewards = {name: g.normal(size=(contexts, size)) for name in REWARDS}
    rewards["honest"] = np.broadcast_to(rewards["honest"][:1], (contexts, size))
    written = {name: rows.tolist() for name, rows in rewards.items()} | {"honest": rewards["honest"][0].tolist()}
    models = [curated(f"m{i}", p[i].tolist(), block) for i, block in enumerate(blocks)]
    model = Ecosystem(scenario(models, size, written, contexts))
    model.step()
    found = model.state.p[0].numpy()
    for i, block in enumerate(blocks):
        for c in range(contexts):
            expected = kept(p[i, c], block, {name: rows[c] for name, rows in rewards.items()})
            assert np.abs(found[i, c] - expected).max() < 1e-12


def test_neighbours_read_the_mixture_and_only_readers_do() -> None:
    rewards = {"honest": [0.0, 1.0, 2.0], "other": [2.0, 0.0, 0.0]}
    block = {"method": "pluralistic", "candidates": 2, "rewards": {"honest": 1, "other": 3}}
    p = [0.5, 0.3, 0.2]
    models = [
        {"name": "source", "initial": p, "diet": {"raw": 1}, "curation": block},
        {"name": "curated", "initial": [1, 0, 0], "diet": {"neighbours_curated": 1}},
        {"name": "raw", "initial": [1, 0, 0], "diet": {"neighbours_raw": 1}},
    ]
    edges = [{"from": "source", "to": "curated"}, {"from": "source", "to": "raw"}]
    model = Ecosystem(scenario(models, 3, rewards, network={"edges": edges}))
    model.step()
    expected = kept(np.array(p), block, {name: np.array(row) for name, row in rewards.items()})
    source, reader, raw = model.state.p[0, :, 0].numpy()
    assert reader == pytest.approx(expected, abs=1e-13)
    assert source == pytest.approx(p, abs=1e-15)
    assert raw == pytest.approx(p, abs=1e-15)


DRAWN: list[dict[str, Any]] = [
    {"method": "pluralistic", "candidates": 3, "rewards": {"honest": 1, "other": 2}},
    {"method": "adversarial", "candidates": 2, "temperature": 0.5, "reward": "honest"}
    | {"attack": 0.3, "attack_reward": "other"},
    {"method": "noisy", "candidates": math.inf, "reward": "honest", "noise": 0.4},
]


def test_drawn_examples_have_the_law_of_the_mixture() -> None:
    p = [0.1, 0.2, 0.3, 0.4]
    rewards = {"honest": [0.0, 2.0, 1.0, -1.0], "other": [2.0, -1.0, 0.0, 1.0]}
    examples, seeds = 20, 2000
    drawn = scenario(
        [curated(f"m{i}", p, block) for i, block in enumerate(DRAWN)],
        4,
        rewards,
        mode="sampled",
        learning={"examples": examples},
    )
    model = Ecosystem.together([blueprint(drawn, seed) for seed in range(seeds)])
    model.step()
    counts = np.rint(model.state.p[:, :, 0].numpy() * examples)
    named = {name: np.array(row) for name, row in rewards.items()}
    for i, block in enumerate(DRAWN):
        law = kept(np.array(p), block, named)
        assert chisquare(counts[:, i].sum(0), law * examples * seeds).pvalue > 1e-3
        # Examples are drawn one by one: counts vary as those of a multinomial do.
        spread = counts[:, i].var(0, ddof=1) / (examples * law * (1 - law))
        assert spread == pytest.approx(1, abs=5 * math.sqrt(2 / seeds))


def test_two_groups_agree_on_the_weighted_sum_of_their_logarithms() -> None:
    # p⁺ = q p e^{r1}/E e^{r1} + (1 − q) p e^{r2}/E e^{r2} ends where q log E e^{r1} + (1 − q) log E e^{r2} is largest.
    problems, size, rounds = 60, 5, 4000
    g = np.random.default_rng(0)
    values, shares = g.normal(size=(problems, 2, size)), g.uniform(0.1, 0.9, size=problems)
    initial = g.dirichlet(np.full(size, 2.0), size=problems)
    worlds = []
    for pair, q, p in zip(values.tolist(), shares.tolist(), initial.tolist(), strict=True):
        block = {"method": "pluralistic", "candidates": "inf", "rewards": {"first": q, "second": 1 - q}}
        worlds.append(
            blueprint(scenario([curated("m", p, block)], size, dict(zip(("first", "second"), pair, strict=True))), 0)
        )
    model = Ecosystem.together(worlds)
    with one_thread():
        for _ in range(rounds):
            model.step()
    p, appeal = model.state.p[:, 0, 0].numpy(), np.exp(values)
    q = np.stack([shares, 1 - shares], -1)
    expected = np.einsum("nx,nrx->nr", p, appeal)
    gradient = np.einsum("nr,nrx->nx", q / expected, appeal)
    # The objective is concave: where no gradient is above 1, which all are that are still written, it is largest.
    support = p > 1e-9
    assert (gradient <= 1 + 1e-12).all()
    assert (np.abs(gradient - 1)[support] < 1e-12).all()
    assert {1, 2} == set(support.sum(-1))  # a common favourite, or a compromise of two outputs
    best = (q * np.log(expected)).sum(-1)
    others = np.log(np.einsum("ox,nrx->nor", g.dirichlet(np.full(size, 0.3), size=200), appeal))
    assert ((q[:, None] * others).sum(-1) <= best[:, None] + 1e-12).all()


def test_worlds_that_are_mixed_and_worlds_that_are_not_give_the_same_bits() -> None:
    rewards = {"honest": [0.0, 2.0, 1.0], "other": [1.0, 0.0, 0.5]}

    def worlds(mode: str) -> list[Any]:
        blocks = [
            {"method": "noisy", "candidates": 2, "reward": "honest", "noise": noise} for noise in (0.0, 0.2, 1.0, 0.1)
        ]
        learning = {"examples": 10} if mode == "sampled" else {}
        models = [[curated("a", [0.2, 0.3, 0.5], block), {"name": "b", "diet": {"raw": 1}}] for block in blocks]
        return [
            blueprint(scenario(pair, 3, rewards, mode=mode, learning=learning), seed)
            for seed, pair in enumerate(models)
        ]

    def final(batch: list[Any]) -> torch.Tensor:
        model = Ecosystem.together(batch)
        for _ in range(4):
            model.step()
        return model.state.p

    for mode in ("exact", "sampled"):
        every = worlds(mode)
        assert len({world.shape for world in every}) == 1
        whole = final(every)
        for number, world in enumerate(every):
            assert torch.equal(final([world])[0], whole[number])
