"""Published numbers and closed forms that the categorical learner must give, to the digits printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ecosystem import Ecosystem, Scenario
from ecosystem.world.blueprint import blueprint

Written = dict[str, Any]


def scenario(*models: Written, **changes: Any) -> Scenario:
    written: Written = {
        "name": "oracle",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2},
        "models": list(models),
    }
    return Scenario(**written | changes)


def stable(made: Scenario, most: int = 5000) -> Ecosystem:
    """Run until nothing moves by more than rounding."""
    model = Ecosystem(made)
    for _ in range(most):
        before = model.state.p
        model.step()
        if float((model.state.p - before).abs().max()) < 1e-15:
            return model
    raise AssertionError("the model did not come to rest")


# One curated model (Ferbach et al. 2024)


def problems() -> Iterator[tuple[np.ndarray, np.ndarray, int, float]]:
    """200 random problems: p_ref, r, K, λ; every other λ below 1/(K − 1)."""
    generator = np.random.default_rng(2407)
    for number in range(200):
        size, candidates = int(generator.integers(2, 7)), int(generator.integers(2, 9))
        reach = 1 / (candidates - 1) if number % 2 else 5.0
        p_ref = generator.dirichlet(np.full(size, 0.7))
        yield p_ref, generator.normal(0, 1.5, size), candidates, float(generator.uniform(0.02, 0.98)) * reach


def trajectory(p_ref: np.ndarray, r: np.ndarray, candidates: int, lam: float) -> np.ndarray:
    """p_t of p⁺ = [p_ref + λ H(p)]/(1 + λ), ``[rounds, outputs]``; λ = ∞ is curated data alone."""
    curated = 1.0 if lam == np.inf else lam / (1 + lam)
    made = scenario(
        {
            "name": "m",
            "reward": "r",
            "diet": {"real": 1 - curated, "curated": curated},
            "curation": {"method": "luce", "candidates": candidates},
        },
        outputs={"kind": "categorical", "size": len(r)},
        rewards={"r": r.tolist()},
        real=p_ref.tolist(),
    )
    model = Ecosystem(made)
    found = [model.state.p[0, 0, 0].numpy()]
    for _ in range(10):
        model.step()
        found.append(model.state.p[0, 0, 0].numpy())
    return np.array(found)


def test_the_four_laws_of_one_curated_model_hold_in_random_problems() -> None:
    slack = 1e-12
    tried = 0
    for p_ref, r, candidates, lam in problems():
        x = np.exp(r)
        c, largest = (candidates - 1) / candidates, x.max()

        def moments(p: np.ndarray, x: np.ndarray = x) -> tuple[np.ndarray, np.ndarray]:
            mean = p @ x
            return mean, p @ x**2 - mean**2

        mean, variance = moments(trajectory(p_ref, r, candidates, np.inf))
        assert (mean[1:] >= mean[:-1] + c * variance[:-1] / largest - slack * largest).all()

        p = trajectory(p_ref, r, candidates, lam)
        mean, variance = moments(p)
        bound = (mean[0] + lam * (mean[:-1] + c * variance[:-1] / largest)) / (1 + lam)
        assert (mean[1:] >= bound - slack * largest).all()
        assert (mean[1:] >= mean[0] + lam / (1 + lam) ** 2 * c * variance[0] / largest - slack * largest).all()
        if lam < 1 / (candidates - 1):
            tried += 1
            divergence = (p * np.log(np.where(p > 0, p, 1) / p_ref)).sum(-1)
            assert (divergence <= -np.log(1 - lam * (candidates - 1)) + slack).all()
    assert tried >= 100


def test_the_laws_of_one_curated_model_are_not_idle() -> None:
    # With two candidates and two outputs H is known: p + p(1 − p) tanh(r/2). The round is that and no more.
    p_ref, r, lam = np.array([0.8, 0.2]), np.array([0.0, 1.2]), 0.7
    p = 0.2
    for found in trajectory(p_ref, r, 2, lam):
        assert found[1] == pytest.approx(p, abs=1e-13)
        p = (0.2 + lam * (p + p * (1 - p) * np.tanh(0.6))) / (1 + lam)


@pytest.mark.parametrize(
    ("share", "z", "expected"),
    [
        (0.2, 2.14196, (0.441196, 0.283670, 0.275135)),
        (0.8, 3.77890, (0.126856, 0.0921712, 0.780973)),
    ],
)
def test_the_stable_point_of_one_curated_model(share: float, z: float, expected: tuple[float, ...]) -> None:
    p_ref, r = np.array([0.5, 0.3, 0.2]), np.array([0, 0.5, 1.5])
    made = scenario(
        {
            "name": "m",
            "reward": "r",
            "diet": {"real": 1 - share, "curated": share},
            "curation": {"method": "luce", "candidates": float("inf")},
        },
        outputs={"kind": "categorical", "size": 3},
        rewards={"r": r.tolist()},
        real=p_ref.tolist(),
    )
    p = stable(made).state.p[0, 0, 0].numpy()
    found = float(p @ np.exp(r))
    assert found == pytest.approx(z, abs=5e-6)
    assert p == pytest.approx(expected, abs=5e-7)
    assert p == pytest.approx((1 - share) * p_ref * found / (found - share * np.exp(r)), abs=1e-13)


# Two models: curation backfires (Wei, Zhang & Zhang 2026)


@pytest.mark.parametrize(
    ("c_p", "c_q", "j_p", "j_q"),
    [
        (0.0, 0.0, (0.609943, 0.656349), (0.609943, 0.609943)),
        (0.0, 0.3, (0.609943, 0.656349), (0.511432, 0.502073)),
        (0.7, 0.3, (0.454176, 0.441384), (0.545824, 0.548847)),
    ],
)
def test_two_items(c_p: float, c_q: float, j_p: tuple[float, float], j_q: tuple[float, float]) -> None:
    for lam, first, second in zip((0.5, 0.6), j_p, j_q, strict=True):
        curation = {"method": "luce", "candidates": 2}
        made = scenario(
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 1 - lam, "curated": lam * (1 - c_p), "neighbours_curated": lam * c_p},
                "curation": curation,
            },
            {
                "name": "q",
                "reward": "second",
                "diet": {"real": 0.5, "curated": 0.5 * (1 - c_q), "neighbours_curated": 0.5 * c_q},
                "curation": curation,
            },
            rewards={"first": [1, 0], "second": [0, 1]},
            network={"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
        )
        p, q = stable(made).models
        assert (p.alignment, q.alignment) == pytest.approx((first, second), abs=5e-7)


CHANNEL = [[1, 0, 0], [0, 0, 1], [1, 0, 0]]  # 0 → 0, 1 → 2, 2 → 0


def echoing(lam: float, rho: float, second: bool) -> Scenario:
    """p reads itself through a channel, or a second model q that does."""
    p = {
        "name": "p",
        "reward": "r",
        "diet": {"real": (1 - lam) * (1 - rho), "neighbours_raw": (1 - lam) * rho, "curated": lam},
        "curation": {"method": "luce", "candidates": 4},
    }
    q = {"name": "q", "reward": "r", "diet": {"neighbours_raw": 1}}
    channel = {"matrix": CHANNEL}
    behind = [{"from": "p", "to": "q", "channel": channel}, {"from": "q", "to": "p"}]
    return scenario(
        *([p, q] if second else [p]),
        outputs={"kind": "categorical", "size": 3},
        real=[0.97, 0.03, 0],
        rewards={"r": [0, 1.5, -4]},
        network={"edges": behind if second else [{"from": "p", "to": "p", "channel": channel}]},
    )


@pytest.mark.parametrize("second", [False, True], ids=["own echo", "second model"])
@pytest.mark.parametrize(
    ("rho", "lam", "expected"),
    [
        (0, 0, 0.045),
        (0, 0.2, 0.0665900),
        (0, 0.4, 0.183723),
        (0, 0.6, 0.626733),
        (0, 0.7, 0.863049),
        (0.9, 0, -0.0063),
        (0.9, 0.2, -0.00640732),
        (0.9, 0.4, -0.0200031),
        (0.9, 0.6, 0.0202105),
        (0.9, 0.7, 0.258637),
    ],
)
def test_own_curation_inverts_through_a_channel(rho: float, lam: float, expected: float, second: bool) -> None:
    model = stable(echoing(lam, rho, second))
    p = model.models[0]
    digits = 5 - np.floor(np.log10(abs(expected)))  # six are printed
    assert p.alignment == pytest.approx(expected, abs=0.501 * 10**-digits)
    infinite = rho > 0  # outputs arrive that real data never have
    assert np.isinf(float(model.measure("divergence_real")[0, 0])) == infinite
    if second:
        assert model.models[1].distribution == pytest.approx(p.distribution @ np.array(CHANNEL, dtype=float))


def test_a_second_model_behind_the_channel_is_one_round_later() -> None:
    echo, behind = Ecosystem(echoing(0.4, 0.9, False)), Ecosystem(echoing(0.4, 0.9, True))
    before = echo.models[0].distribution
    for _ in range(5):
        echo.step()
        behind.step()
        assert behind.models[1].distribution == pytest.approx(before @ np.array(CHANNEL, dtype=float), abs=1e-14)
        before = behind.models[0].distribution
    assert np.abs(echo.models[0].distribution - behind.models[0].distribution).max() > 1e-3


# Sharing across contexts (Wang et al. 2026, without users: half of the queries from each group)


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        ("incremental", (0.2, 0.17, 0.1445, 0.122825, 0.104401, 0.0887411)),
        ("retrain", (0.2, 0.17, 0.1595, 0.155825, 0.154539, 0.154089)),
    ],
)
def test_sharing_lowers_the_difference_between_contexts(regime: str, expected: tuple[float, ...]) -> None:
    # Lean .80 and .35, quality .80 and .60, independent of each other.
    made = scenario(
        {"name": "m", "initial": [[0.64, 0.16, 0.16, 0.04], [0.21, 0.14, 0.39, 0.26]], "diet": {"raw": 1}},
        outputs={"kind": "categorical", "size": 4, "contexts": 2},
        learning={"regime": regime, "rate": 0.5, "sharing": 0.3},
    )
    model = Ecosystem(made)
    for found in expected:
        p = model.models[0].distribution
        lean, quality = p @ [1, 1, 0, 0], p @ [1, 0, 1, 0]
        assert quality[0] - quality[1] == pytest.approx(found, abs=5e-7)
        assert lean.mean() - 0.5 == pytest.approx(0.075, abs=1e-14)
        assert (lean[0] - lean[1]) * 0.2 == pytest.approx((quality[0] - quality[1]) * 0.45, abs=1e-14)
        model.step()


# Collapse and accumulation

START = np.array([0.5, 0.3, 0.2])


def diversities(learning: Written, rounds: int, seeds: int = 3000, **changes: Any) -> np.ndarray:
    """h = 1 − Σ p² of every round and seed, ``[rounds + 1, seeds]``, of a model that reads itself."""
    made = scenario(
        {"name": "m", "initial": START.tolist(), "diet": {"raw": 1}},
        mode="sampled",
        outputs={"kind": "categorical", "size": 3},
        learning=learning,
        **changes,
    )
    model = Ecosystem.together([blueprint(made, seed) for seed in range(seeds)])
    found = []
    for _ in range(rounds + 1):
        found.append(1 - (model.state.p[:, 0, 0].numpy() ** 2).sum(-1))
        model.step()
    return np.array(found)


def agrees(found: np.ndarray, expected: np.ndarray) -> None:
    """The means are as expected, to within four standard errors, each of which is small."""
    error = found.std(1, ddof=1) / np.sqrt(found.shape[1])
    assert (error[1:] < 0.01 * expected[0]).all()
    assert (np.abs(found.mean(1) - expected) <= 4 * error + 1e-12).all()


H0 = 1 - float((START**2).sum())


def recalled(n: int, rounds: int, held: Any) -> np.ndarray:
    """E h_t of a model that learns the mean of `held(t)` of its own training sets of n examples.

    With D_t the t-th training set, E D_t = E p_t given what came before, so that the products E D_s·D_t
    follow one another: E D_t·D_s = E p_t·D_s for s < t, and E D_t·D_t = E p_t·p_t + (1 − E p_t·p_t)/n.
    """
    square = np.zeros((rounds, rounds))  # E D_s·D_t
    expected = [H0]
    own = 1 - H0  # E p_t·p_t
    weights = np.zeros(rounds)  # p_t as a mean of earlier training sets; none in round 0
    for t in range(rounds):
        for s in range(t):
            square[t, s] = square[s, t] = weights @ square[:, s]
        square[t, t] = own + (1 - own) / n
        weights = np.zeros(rounds)
        weights[held(t)] = 1 / len(held(t))
        own = weights @ square @ weights
        expected.append(1 - own)
    return np.array(expected)


@pytest.mark.parametrize("n", [4, 20, 150])  # counts of 150 are drawn as a multinomial
def test_replaced_data_lose_diversity_as_in_genetic_drift(n: int) -> None:
    expected = H0 * (1 - 1 / n) ** np.arange(9)
    assert recalled(n, 8, lambda t: [t]) == pytest.approx(expected)
    agrees(diversities({"examples": n}, 8), expected)


@pytest.mark.parametrize("n", [4, 20, 150])
def test_accumulated_data_keep_diversity(n: int) -> None:
    k = np.arange(1, 9)
    expected = H0 * np.concatenate([[1], np.cumprod(1 - 1 / (n * k**2))])
    assert recalled(n, 8, lambda t: list(range(t + 1))) == pytest.approx(expected)
    agrees(diversities({"examples": n, "corpus": "accumulate"}, 8), expected)


@pytest.mark.parametrize("window", [2, 3])
def test_a_window_of_data_lies_between(window: int) -> None:
    expected = recalled(5, 8, lambda t: list(range(max(0, t - window + 1), t + 1)))
    assert H0 * (1 - 1 / 5) ** 8 < expected[-1] < recalled(5, 8, lambda t: list(range(t + 1)))[-1]
    agrees(diversities({"examples": 5, "corpus": {"window": window}}, 8), expected)


def test_a_slow_rate_keeps_diversity() -> None:
    # p⁺ = (1 − η) p + η D: what is lost in a round is the variance of η D, η² h/n.
    n, eta = 4, 0.4
    expected = H0 * (1 - eta**2 / n) ** np.arange(9)
    agrees(diversities({"examples": n, "regime": "incremental", "rate": eta}, 8), expected)


@pytest.mark.parametrize("smoothing", [0.1, 1.0])
def test_smoothing_adds_to_every_output_of_every_training_set(smoothing: float) -> None:
    # p⁺ = (counts + s)/(n + 3s), and E counts² = n p (1 − p) + n² p².
    n = 6
    square, expected = 1 - H0, [H0]
    for _ in range(8):
        counts = n * (1 - square) + n**2 * square
        square = (counts + 2 * n * smoothing + 3 * smoothing**2) / (n + 3 * smoothing) ** 2
        expected.append(1 - square)
    agrees(diversities({"examples": n, "smoothing": smoothing}, 8), np.array(expected))


def test_smoothing_is_of_sampled_training_sets_alone() -> None:
    made = scenario(
        {"name": "m", "initial": [0.9, 0.1], "diet": {"raw": 1}}, learning={"smoothing": 5.0, "examples": 10}
    )
    model = Ecosystem(made)
    model.step()
    assert model.models[0].distribution[0] == pytest.approx([0.9, 0.1], abs=1e-15)


def test_examples_are_those_of_all_contexts_together() -> None:
    # n = 1: one context learns one output in a round, the other stays what it is; each is as likely.
    made = scenario(
        {"name": "m", "initial": START.tolist(), "diet": {"raw": 1}},
        mode="sampled",
        outputs={"kind": "categorical", "size": 3, "contexts": 2},
        learning={"examples": 1},
    )
    model = Ecosystem.together([blueprint(made, seed) for seed in range(2000)])
    model.step()
    p = model.state.p[:, 0].numpy()
    learned = p.max(-1) == 1
    assert (learned.sum(-1) == 1).all()
    assert p[~learned] == pytest.approx(np.broadcast_to(START, (2000, 3)))
    assert abs(learned[:, 0].mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)
    assert np.abs(p[learned].mean(0) - START).max() < 4 * 0.5 / np.sqrt(2000)
    model.step()
    after = model.state.p[:, 0].numpy()
    assert (after[learned] == p[learned]).all()  # what is one output stays it, read again or not
    assert abs((after[~learned].max(-1) == 1).mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)


def test_a_context_without_examples_starts_again_where_retraining_does() -> None:
    # p⁺ = (1 − η) S + η D̂, and D̂ is nothing in one of the two contexts: that one is S.
    made = {
        regime: scenario(
            {"name": "m", "initial": [1, 0], "real": [0, 1], "diet": {"real": 1}},
            mode="sampled",
            outputs={"kind": "categorical", "size": 2, "contexts": 2},
            learning={"examples": 1, "rate": 0.25, "regime": regime},
        )
        for regime in ("retrain", "incremental")
    }
    for regime, here in made.items():
        model = Ecosystem(here)
        before = np.ones(2)
        for _ in range(12):
            model.step()
            p = model.state.p[0, 0, :, 0].numpy()
            start = np.ones(2) if regime == "retrain" else before
            assert sorted(p / start) == pytest.approx([0.75, 1])
            before = p
