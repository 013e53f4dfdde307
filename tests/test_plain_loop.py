"""The plain per-agent loop reproduces closed forms and published numbers; only then is it a reference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from plain.choice import Vector, chances_to_win, draw_kept
from plain.loop import PlainCuration, PlainEcosystem, PlainEdge, PlainModel, PlainSetup

MENU, MENU_REWARD = (0.4, 0.3, 0.2, 0.1), (0.0, 1.0, 1.0, 2.5)


def one_context(
    name: str,
    initial: Sequence[float] | Vector,
    diet: dict[str, float],
    reward: Sequence[float] | None = None,
    candidates: float | None = None,
) -> PlainModel:
    """A model of one context, real data as its initial distribution, curated (Luce) by its own reward."""
    start = np.array([initial], dtype=float)
    own = None if reward is None else np.array([reward], dtype=float)
    curation = None if candidates is None or own is None else PlainCuration("luce", candidates, 1.0, own)
    return PlainModel(name, own, start, start, diet, curation)


def after(setup: PlainSetup, rounds: int, seed: int = 0) -> PlainEcosystem:
    ecosystem = PlainEcosystem(setup, seed)
    for _ in range(rounds):
        ecosystem.step()
    return ecosystem


# What is kept of K candidates


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (1, (0.4, 0.3, 0.2, 0.1)),
        (2, (0.273645, 0.336400, 0.224266, 0.165689)),
        (4, (0.203635, 0.331608, 0.221072, 0.243685)),
        (16, (0.150622, 0.294325, 0.196217, 0.358835)),
        (math.inf, (0.134346, 0.273892, 0.182595, 0.409167)),
    ],
)
def test_luce_of_finitely_many_candidates(candidates: float, expected: Sequence[float]) -> None:
    kept = chances_to_win(MENU, MENU_REWARD, candidates)
    np.testing.assert_allclose(kept, expected, rtol=0, atol=5.1e-7)
    assert math.fsum(kept) == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("candidates", [1, 2, 3, 7, math.inf])
@pytest.mark.parametrize("p", [MENU, (0.5, 0.2, 0.3, 0.0)])
def test_best_of_k_shares_ties(candidates: float, p: Sequence[float]) -> None:
    """P(y) = [F(≤r_y)^K − F(<r_y)^K] · p(y)/p(tie class)."""
    expected = []
    for mass, reward in zip(p, MENU_REWARD, strict=True):
        below = math.fsum(m for m, r in zip(p, MENU_REWARD, strict=True) if r < reward)
        tied = math.fsum(m for m, r in zip(p, MENU_REWARD, strict=True) if r == reward)
        above = math.fsum(m for m, r in zip(p, MENU_REWARD, strict=True) if r > reward)
        up_to = 1.0 if above == 0.0 else below + tied
        expected.append((up_to**candidates - below**candidates) * mass / tied if mass > 0.0 else 0.0)
    np.testing.assert_allclose(chances_to_win(p, MENU_REWARD, candidates, "best_of"), expected, atol=1e-14)


def test_a_cold_luce_choice_is_best_of_k() -> None:
    cold = chances_to_win(MENU, MENU_REWARD, 5, "luce", temperature=0.01)
    np.testing.assert_allclose(cold, chances_to_win(MENU, MENU_REWARD, 5, "best_of"), atol=1e-14)


@pytest.mark.parametrize("method", ["luce", "best_of"])
@pytest.mark.parametrize("candidates", [1, 3, math.inf])
def test_drawn_choices_follow_the_enumerated_ones(method: str, candidates: float) -> None:
    rng, draws = np.random.default_rng(1), 8000
    counts = np.zeros(4)
    for _ in range(draws):
        counts[draw_kept(rng, MENU, MENU_REWARD, candidates, method, 0.7)] += 1.0
    expected = chances_to_win(MENU, MENU_REWARD, candidates, method, 0.7)
    error = np.sqrt(expected * (1.0 - expected) / draws)
    assert np.all(np.abs(counts / draws - expected) <= 4.0 * error + 1e-12)


# Exact mode


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.2, (0.441196, 0.283670, 0.275135)), (0.8, (0.126856, 0.0921712, 0.780973))],
)
def test_one_curated_model_settles(share: float, expected: Sequence[float]) -> None:
    """p* = (1−s) p_ref Z/(Z − s e^r) at K = inf (Ferbach et al. 2024)."""
    model = one_context("m", (0.5, 0.3, 0.2), {"real": 1.0 - share, "curated": share}, (0.0, 0.5, 1.5), math.inf)
    settled = after(PlainSetup(3, 1, [model]), 300)
    np.testing.assert_allclose(settled.members["m"].p[0], expected, atol=6e-7)


@pytest.mark.parametrize("order", ["synchronous", "sequential"])
@pytest.mark.parametrize(
    ("curated", "across_p", "across_q", "expected"),
    [
        (0.5, 0.0, 0.0, (0.609943, 0.609943)),
        (0.6, 0.0, 0.0, (0.656349, 0.609943)),
        (0.5, 0.0, 0.3, (0.609943, 0.511432)),
        (0.6, 0.0, 0.3, (0.656349, 0.502073)),
        (0.5, 0.7, 0.3, (0.454176, 0.545824)),
        (0.6, 0.7, 0.3, (0.441384, 0.548847)),
    ],
)
def test_curating_one_of_two_models_backfires(
    order: str, curated: float, across_p: float, across_q: float, expected: tuple[float, float]
) -> None:
    """Two items (Wei, Zhang & Zhang 2026); the stable point does not depend on the order of updates."""

    def member(name: str, reward: Sequence[float], share: float, across: float) -> PlainModel:
        diet = {"real": 1.0 - share, "curated": share * (1.0 - across), "neighbours_curated": share * across}
        return one_context(name, (0.5, 0.5), diet, reward, 2)

    models = [member("p", (1.0, 0.0), curated, across_p), member("q", (0.0, 1.0), 0.5, across_q)]
    edges = [PlainEdge("q", "p"), PlainEdge("p", "q", weight=3.0)]
    settled = after(PlainSetup(2, 1, models, edges, order=order), 200)
    assert settled.members["p"].alignment() == pytest.approx(expected[0], abs=6e-7)
    assert settled.members["q"].alignment() == pytest.approx(expected[1], abs=6e-7)


CHANNEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
INVERTED = [
    (0.2, 0.0, 0.0665900),
    (0.4, 0.0, 0.183723),
    (0.6, 0.0, 0.626733),
    (0.2, 0.9, -0.00640732),
    (0.4, 0.9, -0.0200031),
    (0.7, 0.9, 0.258637),
]


@pytest.mark.parametrize("through", ["itself", "another"])
@pytest.mark.parametrize(("curated", "read", "expected"), INVERTED)
def test_own_curation_inverts_through_a_channel(through: str, curated: float, read: float, expected: float) -> None:
    """p⁺ = (1−λ)[(1−ρ) p_ref + ρ pT] + λ H⁴(p), the channel on an edge to itself or by way of a model q."""
    start = (0.97, 0.03, 0.0)
    rest = 1.0 - curated
    diet = {"real": rest * (1.0 - read), "neighbours_raw": rest * read, "curated": curated}
    models = [one_context("p", start, diet, (0.0, 1.5, -4.0), 4)]
    edges = [PlainEdge("p", "p", 1.0, CHANNEL)]
    if through == "another":
        models.append(one_context("q", start, {"neighbours_raw": 1.0}))
        edges = [PlainEdge("p", "q", 1.0, CHANNEL), PlainEdge("q", "p")]
    settled = after(PlainSetup(3, 1, models, edges), 300)
    assert settled.members["p"].alignment() == pytest.approx(expected, abs=6e-7)


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        ("incremental", [0.2 * 0.85**t for t in range(6)]),
        ("retrain", [0.2, 0.17, 0.1595, 0.155825, 0.154539, 0.154089]),
    ],
)
def test_sharing_lowers_disparate_bias(regime: str, expected: Sequence[float]) -> None:
    """The performative loop at 50/50, one context a group (Wang et al. 2026): DB falls, PB stays."""
    start = np.array([[0.64, 0.16, 0.16, 0.04], [0.21, 0.14, 0.39, 0.26]])
    model = PlainModel("m", None, start, start, {"raw": 1.0})
    ecosystem = PlainEcosystem(PlainSetup(4, 2, [model], regime=regime, rate=0.5, sharing=0.3))
    for value in expected:
        lean = ecosystem.members["m"].p @ [1.0, 1.0, 0.0, 0.0]
        quality = ecosystem.members["m"].p @ [1.0, 0.0, 1.0, 0.0]
        assert quality[0] - quality[1] == pytest.approx(value, abs=6e-7)
        assert lean.mean() - 0.5 == pytest.approx(0.075, abs=1e-12)
        ecosystem.step()


@pytest.mark.parametrize(
    ("corpus", "of_p"), [("replace", 0.0), ("accumulate", 0.5), (("window", 2), 0.75), (("window", 1), 0.0)]
)
def test_corpus_remembers(corpus: str | tuple[str, int], of_p: float) -> None:
    """Two models that read each other: D_p is q_0, then p_0, then what is left of both."""
    p, q = np.array([0.9, 0.1]), np.array([0.2, 0.8])
    models = [one_context("p", p, {"neighbours_raw": 1.0}), one_context("q", q, {"neighbours_raw": 1.0})]
    edges = [PlainEdge("q", "p"), PlainEdge("p", "q")]
    settled = after(PlainSetup(2, 1, models, edges, corpus=corpus), 3)
    np.testing.assert_allclose(settled.members["p"].p[0], of_p * p + (1.0 - of_p) * q)


def test_sequential_order_reads_what_is_already_updated() -> None:
    p, q = np.array([0.9, 0.1]), np.array([0.2, 0.8])
    models = [one_context("p", p, {"neighbours_raw": 1.0}), one_context("q", q, {"neighbours_raw": 1.0})]
    setup = PlainSetup(2, 1, models, [PlainEdge("q", "p"), PlainEdge("p", "q")])
    together, one_by_one = after(setup, 1), after(dataclasses.replace(setup, order="sequential"), 1)
    np.testing.assert_allclose([together.members[name].p[0] for name in "pq"], [q, p])
    np.testing.assert_allclose([one_by_one.members[name].p[0] for name in "pq"], [q, q])


@pytest.mark.parametrize("pool", [None, 5])
def test_sequential_order_reads_what_was_written_since(pool: int | None) -> None:
    """Sampled: a model that has just learned is read as it is now, a later one as it was."""
    old, new = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    writer = PlainModel("writer", None, new, old, {"real": 1.0})
    before, behind = (PlainModel(name, None, new, old, {"neighbours_raw": 1.0}) for name in ("before", "behind"))
    edges = [PlainEdge("writer", "before"), PlainEdge("writer", "behind")]
    setup = PlainSetup(2, 1, [before, writer, behind], edges, order="sequential", mode="sampled", examples=3, pool=pool)
    members = after(setup, 1).members
    np.testing.assert_array_equal(members["before"].p, old)
    np.testing.assert_array_equal(members["behind"].p, new)


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_a_source_that_does_not_exist_is_left_out(mode: str) -> None:
    """Its share goes to the others in proportion; if none is left, what was learned is p_t."""
    start, real = np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    some = PlainModel("some", None, real, start, {"real": 0.3, "raw": 0.1, "neighbours_raw": 0.6})
    none = PlainModel("none", None, real, start, {"neighbours_raw": 0.5, "neighbours_curated": 0.5})
    settled = after(PlainSetup(3, 1, [some, none], mode=mode, examples=4000), 1, seed=2)
    exact = [0.125, 0.125, 0.75]
    np.testing.assert_allclose(settled.members["some"].p[0], exact, atol=1e-15 if mode == "exact" else 0.03)
    np.testing.assert_array_equal(settled.members["none"].p, start)


def test_curated_without_a_curator_is_refused() -> None:
    with pytest.raises(ValueError, match="curated"):
        PlainSetup(2, 1, [one_context("m", (0.5, 0.5), {"curated": 1.0})])


def test_measures() -> None:
    start = np.array([[0.5, 0.5], [1.0, 0.0]])
    reward = np.array([[2.0, 4.0], [1.0, 0.0]])
    (row,) = PlainEcosystem(PlainSetup(2, 2, [PlainModel("m", reward, start, start, {"raw": 1.0})])).rows()
    assert row == {
        "round": 0,
        "model": "m",
        "alignment": pytest.approx(2.0),
        "reward_variance": pytest.approx(0.5),
        "entropy": pytest.approx(math.log(2.0) / 2.0),
    }


# Sampled mode


@pytest.mark.parametrize("corpus", ["replace", "accumulate"])
def test_diversity_is_lost_as_in_wright_fisher(corpus: str) -> None:
    """E h_t = h_0 (1 − 1/n)^t (replace), h_0 Π_{k≤t} (1 − 1/(n k²)) (accumulate), h = 1 − Σp²."""
    examples, rounds, seeds = 6, 4, 3000
    model = one_context("m", (0.5, 0.3, 0.2), {"raw": 1.0})
    setup = PlainSetup(3, 1, [model], corpus=corpus, mode="sampled", examples=examples)
    diversity = np.zeros((seeds, rounds))
    for seed in range(seeds):
        ecosystem = PlainEcosystem(setup, seed)
        for t in range(rounds):
            ecosystem.step()
            diversity[seed, t] = 1.0 - np.sum(ecosystem.members["m"].p ** 2)
    power = 0 if corpus == "replace" else 2
    kept = [1.0 - 1.0 / (examples * k**power) for k in range(1, rounds + 1)]
    expected = 0.62 * np.cumprod(kept)
    error = diversity.std(axis=0, ddof=1) / math.sqrt(seeds)
    assert np.all(np.abs(diversity.mean(axis=0) - expected) <= 4.0 * error)


def crossed(examples: int, pool: int | None) -> PlainSetup:
    """Two contexts, three models, every kind of source, both methods, channels, a self-edge, weights."""
    rng = np.random.default_rng(3)

    def rows(number: int) -> NDArray[np.float64]:
        return rng.dirichlet(np.ones(3), size=number)

    def member(name: str, diet: dict[str, float], curation: PlainCuration | None) -> PlainModel:
        return PlainModel(name, None, rows(2), rows(2), diet, curation)

    everything = {"real": 0.2, "raw": 0.1, "curated": 0.2, "neighbours_raw": 0.2, "neighbours_curated": 0.3}
    rewards = np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 0.0]])
    models = [
        member("a", everything, PlainCuration("luce", 3, 0.8, rewards)),
        member("b", everything, PlainCuration("best_of", 2, 1.0, rewards)),
        member("c", {"raw": 0.25, "neighbours_raw": 0.25, "neighbours_curated": 0.5}, None),
    ]
    edges = [
        PlainEdge("a", "a", 0.5),
        PlainEdge("b", "a", 2.0, rows(3)),
        PlainEdge("c", "a", 1.0),
        PlainEdge("a", "b", 1.0, rows(3)),
        PlainEdge("b", "c", 3.0, rows(3)),
        PlainEdge("a", "c", 1.0),
    ]
    return PlainSetup(3, 2, models, edges, "incremental", 0.7, 0.3, mode="sampled", examples=examples, pool=pool)


@pytest.mark.parametrize("pool", [None, 25])
def test_one_sampled_round_is_exact_on_average(pool: int | None) -> None:
    """E D̂ = D where every context has examples, whether readers draw their own or share a pool."""
    setup, seeds = crossed(25, pool), 1200
    exact = after(dataclasses.replace(setup, mode="exact"), 1)
    for_model: dict[str, list[Vector]] = {name: [] for name in exact.members}
    for seed in range(seeds):
        for name, agent in after(setup, 1, seed).members.items():
            for_model[name].append(agent.p)
    for name, agent in exact.members.items():
        drawn = np.array(for_model[name])
        error = drawn.std(axis=0, ddof=1) / math.sqrt(seeds)
        assert np.all(np.abs(drawn.mean(axis=0) - agent.p) <= 4.0 * error), name


def test_sampled_tends_to_exact() -> None:
    """Over three rounds the distance falls like 1/√n: sixteen times the examples, a quarter of it."""
    exact = after(dataclasses.replace(crossed(1, None), mode="exact"), 3).members

    def distance(examples: int, seeds: int) -> float:
        squares = []
        for seed in range(seeds):
            drawn = after(crossed(examples, None), 3, seed).members
            squares += [np.sum((drawn[name].p - exact[name].p) ** 2) for name in exact]
        return math.sqrt(np.mean(squares))

    assert 3.0 < distance(50, 80) / distance(800, 20) < 5.3


def test_readers_of_a_pool_read_the_same_outputs() -> None:
    start = (0.3, 0.3, 0.2, 0.2)
    models = [one_context(name, start, {"neighbours_raw": 1.0}) for name in ("x", "y")]
    models.append(one_context("writer", start, {"real": 1.0}))
    edges = [PlainEdge("writer", "x"), PlainEdge("writer", "y")]
    setup = PlainSetup(4, 1, models, edges, mode="sampled", examples=50)
    apart, together = after(setup, 1).members, after(dataclasses.replace(setup, pool=10), 1).members
    assert not np.allclose(apart["x"].p, apart["y"].p)
    np.testing.assert_allclose(together["x"].p, together["y"].p, atol=1e-14)
    np.testing.assert_allclose(10.0 * together["x"].p, np.round(10.0 * together["x"].p), atol=1e-12)


def test_a_pool_empty_in_a_context_counts_as_absent() -> None:
    """One pooled output in two contexts: where there is none, the neighbour's share goes to the real data."""
    start, real = np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    reader = PlainModel("reader", None, real, start, {"real": 0.5, "neighbours_raw": 0.5})
    writer = PlainModel("writer", None, start, start, {"neighbours_raw": 1.0})
    edges = [PlainEdge("writer", "reader"), PlainEdge("reader", "writer")]
    setup = PlainSetup(2, 2, [reader, writer], edges, mode="sampled", examples=4000, pool=1)
    for seed in range(6):
        members = after(setup, 1, seed).members
        read = sorted(members["reader"].p[:, 0])
        assert read[0] == pytest.approx(0.5, abs=0.05)
        assert read[1] == 1.0
        np.testing.assert_array_equal(members["writer"].p, start)


def test_a_context_without_examples_is_kept_and_smoothing_counts_elsewhere() -> None:
    start = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    model = PlainModel("m", None, start, start, {"raw": 1.0})
    setup = PlainSetup(3, 2, [model], mode="sampled", examples=1, smoothing=0.1)
    for seed in range(6):
        agent = after(setup, 1, seed).members["m"]
        (kept,) = [c for c in range(2) if np.array_equal(agent.p[c], start[c])]
        (learned,) = agent.corpus
        np.testing.assert_array_equal(learned[kept], np.zeros(3))
        np.testing.assert_allclose(np.sort(learned[1 - kept]), [0.1 / 1.3, 0.1 / 1.3, 1.1 / 1.3])


def test_a_seed_decides_a_sampled_run() -> None:
    first, again, other = (after(crossed(20, 10), 2, seed).members["a"].p for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
