"""Gaussian models: published means, laws of collapse, and the vectorised engine against the plain loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plain.gaussian import PlainGaussians
from scipy.stats import chi2_contingency, ks_2samp

from ecosystem import Ecosystem, Scenario
from ecosystem.moments import mean_and_covariance
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import Blueprint, blueprint

SOURCES = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated")


def run(written: dict[str, Any], rounds: int, seeds: int = 1) -> Ecosystem:
    scenario = Scenario(**written)
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(seeds)])
    for _ in range(rounds):
        model.step()
    return model


def means(model: Ecosystem) -> np.ndarray:
    """[worlds, models, contexts, d]"""
    return mean_and_covariance(model.state.p)[0].numpy()


# Published numbers


def scalar_means(c_p: float, c_q: float, lam: float) -> dict[str, Any]:
    """Two scalar models, curated up by 1 and down by 1; λ_q = ½."""

    def model(name: str, reward: str, share: float, crossing: float) -> dict[str, Any]:
        diet = {"real": 1 - share, "curated": share * (1 - crossing), "neighbours_curated": share * crossing}
        return {"name": name, "reward": reward, "diet": diet, "curation": {"candidates": "inf"}}

    return {
        "name": "scalar-means",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 1},
        "rewards": {"up": {"linear": [1]}, "down": {"linear": [-1]}},
        "models": [model("p", "up", lam, c_p), model("q", "down", 0.5, c_q)],
        "network": {"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
        "learning": {"covariance": "fixed"},
    }


@pytest.mark.parametrize(
    ("c_p", "c_q", "lam", "j_p", "j_q"),
    [
        (0.2, 0.8, 0.5, 0.6, -0.6),
        (0.2, 0.8, 0.6, 0.857143, -0.714286),
        (0.3, 0.4, 0.5, 0.294118, 0.058824),
        (0.3, 0.4, 0.6, 0.405405, 0.027027),
        (0.7, 0.3, 0.5, -0.4, 0.4),
        (0.7, 0.3, 0.6, -0.510638, 0.425532),
        (0.2, 0.3, 0.5, 0.466667, 0.2),
        (0.2, 0.3, 0.6, 0.65625, 0.15625),
    ],
)
def test_scalar_means(c_p: float, c_q: float, lam: float, j_p: float, j_q: float) -> None:
    p, q = run(scalar_means(c_p, c_q, lam), 200).models
    assert (p.alignment, q.alignment) == pytest.approx((j_p, j_q), abs=5.1e-7)


def rotation(alpha: float, lam: float) -> dict[str, Any]:
    """p learns from q, a share lam curated to the right; q learns from p turned by −60° and shrunk by alpha."""
    cosine, sine = alpha / 2, alpha * math.sqrt(3) / 2
    towards_80, towards_30 = [math.radians(80), math.radians(30)]
    return {
        "name": "rotation",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "rewards": {
            "right": {"linear": [1, 0]},
            "up_p": {"linear": [math.cos(towards_80), math.sin(towards_80)]},
            "up_q": {"linear": [math.cos(towards_30), math.sin(towards_30)]},
        },
        "models": [
            {"name": "p", "reward": "up_p", "diet": {"neighbours_raw": 1 - lam, "neighbours_curated": lam}},
            {
                "name": "q",
                "reward": "up_q",
                "diet": {"neighbours_raw": 1},
                "curation": {"candidates": "inf", "reward": "right"},
            },
        ],
        "network": {
            "edges": [
                {"from": "q", "to": "p"},
                {"from": "p", "to": "q", "channel": {"matrix": [[cosine, sine], [-sine, cosine]]}},
            ]
        },
        "learning": {"covariance": "fixed"},
    }


@pytest.mark.parametrize(
    ("alpha", "slope_p", "slope_q"),
    [
        (0.0, 0.173648, 0.0),
        (0.1, 0.0875592, -0.00951676),
        (0.1847925, 0.0, -0.0348185),
        (0.6, -0.513378, -0.410223),
    ],
)
@pytest.mark.parametrize("lam", [0.4, 0.9])
def test_rotation(alpha: float, slope_p: float, slope_q: float, lam: float) -> None:
    # Without real data the stable point is proportional to lam, so that J/lam is the published slope.
    p, q = run(rotation(alpha, lam), 200).models
    assert p.alignment / lam == pytest.approx(slope_p, abs=5e-7)
    assert q.alignment / lam == pytest.approx(slope_q, abs=5e-7)


def test_a_mixture_is_the_gaussian_of_its_mean_and_covariance() -> None:
    own = {"mean": [1.0, -2.0], "covariance": [[2.0, 0.5], [0.5, 1.0]]}
    real = {"mean": [-3.0, 4.0], "covariance": [0.25, 4.0]}
    written = {
        "name": "mixture",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "models": [{"name": "m", "real": real, "initial": own, "diet": {"real": 0.25, "raw": 0.75}}],
    }
    mean, covariance = mean_and_covariance(run(written, 1).state.p[0, 0, 0])
    assert mean.tolist() == pytest.approx([0.0, -0.5])
    # ¾ S + ¼ R + ¾·¼ (m − n)(m − n)ᵀ, with m − n = (4, −6)
    expected = 0.75 * np.array(own["covariance"]) + 0.25 * np.diag([0.25, 4.0])
    expected += 0.1875 * np.outer([4, -6], [4, -6])
    assert covariance.numpy() == pytest.approx(expected)


# Against the plain loop


def shares(g: np.random.Generator, size: int) -> list[float]:
    values = g.gamma(1.0, size=size) * (g.random(size) < 0.7)
    values[g.integers(size)] += 0.2
    return (values / values.sum()).tolist()


def random_law(g: np.random.Generator, d: int) -> dict[str, Any]:
    root = g.normal(size=(d, d)) * 0.7
    forms = [0.0, float(g.uniform(0, 1.5)), g.uniform(0, 1.5, size=d).tolist(), (root @ root.T).tolist()]
    return {"mean": g.normal(size=d).tolist(), "covariance": forms[g.choice(4, p=[0.1, 0.2, 0.2, 0.5])]}


def random_curation(g: np.random.Generator, rewards: list[str], learned_exactly: bool = True) -> dict[str, Any]:
    """A curator; of finitely many candidates by a linear reward only, if it must be exact."""
    method = str(g.choice(["luce", "best_of", "pluralistic", "adversarial", "noisy"]))
    infinite = method != "best_of" and g.random() < 0.5
    known = rewards if infinite or not learned_exactly else [name for name in rewards if "curved" not in name]
    block: dict[str, Any] = {"method": method, "candidates": math.inf if infinite else int(g.integers(1, 4))}
    if method != "best_of":
        block["temperature"] = float(g.uniform(0.7, 2.0))
    if method == "pluralistic":
        chosen = g.choice(known, size=2, replace=False)
        return block | {"rewards": {str(name): float(g.uniform(0.2, 2)) for name in chosen}}
    block["reward"] = str(g.choice(known))
    if method == "adversarial":
        block |= {"attack": float(g.random()), "attack_reward": str(g.choice(known))}
    return block | ({"noise": float(g.random())} if method == "noisy" else {})


def random_gaussians(seed: int, models: int, dimension: int, contexts: int, exact: bool = True) -> dict[str, Any]:
    """Return a scenario as a dictionary; the same for the same arguments."""
    g, d = np.random.default_rng([seed, models, dimension, contexts]), dimension

    def reward(curvature: float) -> dict[str, Any]:
        centre = {"centre": g.normal(size=d).tolist()} if g.random() < 0.5 else {}
        return {"linear": (g.normal(size=d) * 0.7).tolist(), "curvature": curvature, **centre}

    rewards: dict[str, Any] = {
        "straight": {"linear": (g.normal(size=d) * 0.7).tolist()},
        "split": [reward(0.0) for _ in range(contexts)],
        "curved": reward(float(g.uniform(0.2, 2))),
        "curved split": [reward(float(curvature)) for curvature in g.uniform(0, 2, size=contexts)],
    }
    written = []
    for name in [f"m{number}" for number in range(models)]:
        model: dict[str, Any] = {
            "name": name,
            "reward": str(g.choice(list(rewards))),
            "initial": [random_law(g, d) for _ in range(contexts)],
        }
        if g.random() < 0.5:
            model["real"] = [random_law(g, d) for _ in range(contexts)]
        diet = dict(zip(SOURCES, shares(g, len(SOURCES)), strict=True))
        if g.random() < 0.75:
            model["curation"] = random_curation(g, list(rewards), exact)
        else:
            diet["raw"] += diet.pop("curated")
        written.append(model | {"diet": diet})
    edges = []
    for source in range(models):
        for target in range(models):
            if g.random() < 0.5:
                edge: dict[str, Any] = {"from": f"m{source}", "to": f"m{target}", "weight": float(g.uniform(0.2, 3.0))}
                if g.random() < 0.5:
                    edge["channel"] = {"matrix": (g.normal(size=(d, d)) * 0.5).tolist()}
                    if g.random() < 0.7:
                        edge["channel"]["offset"] = g.normal(size=d).tolist()
                edges.append(edge)
    return {
        "name": "random",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": d, "contexts": contexts},
        "real": random_law(g, d),
        "rewards": rewards,
        "models": written,
        "network": {"edges": edges},
        "learning": {
            "regime": str(g.choice(["retrain", "incremental"])),
            "rate": float(g.choice([1.0, g.uniform(0.1, 1.0)])),
            "sharing": float(g.choice([0.0, g.uniform(0.0, 1.0)])),
            "corpus": [{"window": int(g.integers(1, 4))}, "replace", "accumulate"][g.integers(3)],
            "order": str(g.choice(["synchronous", "sequential"])),
            "covariance": str(g.choice(["learned", "fixed"])),
        },
    }


@settings(deadline=None, max_examples=120)
@given(
    st.builds(
        random_gaussians,
        seed=st.integers(0, 2**32),
        models=st.integers(1, 3),
        dimension=st.integers(1, 3),
        contexts=st.integers(1, 2),
    )
)
def test_exact_rounds_are_those_of_the_plain_loop(written: dict[str, Any]) -> None:
    plain, model = PlainGaussians(written), Ecosystem(Scenario(**written))
    for _ in range(4):
        mean, covariance = (part[0].numpy() for part in mean_and_covariance(model.state.p))
        for agent, member in zip(model.models, plain.members.values(), strict=True):
            for c, law in enumerate(member.laws):
                assert np.abs(mean[agent.index, c] - law.mean).max() < 1e-10 * (1 + np.abs(law.mean).max())
                scale = 1 + np.abs(law.covariance).max() + law.mean @ law.mean
                assert np.abs(covariance[agent.index, c] - law.covariance).max() < 1e-10 * scale
            size = 1 + abs(member.alignment()) + member.reward_variance()
            assert abs(agent.alignment - member.alignment()) < 1e-10 * size
            assert abs(agent.reward_variance - member.reward_variance()) < 1e-9 * size
        model.step()
        try:
            plain.step()
        except OverflowError:  # an ecosystem that has grown beyond what can be enumerated
            assume(False)


LAW_CASES: dict[str, dict[str, Any]] = {
    "learned": {"examples": 8, "sharing": 0.3, "rate": 0.7, "corpus": "accumulate"},
    "fixed": {"examples": 5, "corpus": {"window": 2}, "regime": "incremental", "rate": 0.5, "covariance": "fixed"},
    "sequential": {"examples": 6, "order": "sequential"},
}


def sampled_ecosystem(learning: dict[str, Any]) -> dict[str, Any]:
    """Curators of every kind, one of them with a curved reward; two contexts, channels, a model without neighbours."""
    g = np.random.default_rng(3)
    laws = [{"mean": g.normal(size=2).tolist(), "covariance": [[1.2, 0.4], [0.4, 0.6]]} for _ in range(8)]
    wide, narrow = {"mean": [0.5, -1.0], "covariance": [2.0, 0.3]}, {"mean": [1.0, 1.0], "covariance": 0.2}
    return {
        "name": "sampled",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
        "real": wide,
        "rewards": {
            "right": {"linear": [3.0, 0.5]},
            "split": [{"linear": [0.0, 3.0]}, {"linear": [-2.0, -2.0]}],
            "near": {"linear": [0.5, 0.0], "centre": [2.0, 1.0], "curvature": 3.0},
        },
        "models": [
            {
                "name": "m0",
                "initial": laws[0:2],
                "diet": {"real": 0.2, "curated": 0.4, "neighbours_raw": 0.2, "neighbours_curated": 0.2},
                "curation": {"method": "adversarial", "candidates": 4, "temperature": 0.5, "reward": "split"}
                | {"attack": 0.3, "attack_reward": "near"},
            },
            {
                "name": "m1",
                "initial": laws[2:4],
                "diet": {"raw": 0.1, "curated": 0.3, "neighbours_curated": 0.6},
                "curation": {"method": "best_of", "candidates": 2, "reward": "right"},
            },
            {
                "name": "m2",
                "real": [narrow, wide],
                "initial": laws[4:6],
                "diet": {"real": 0.3, "raw": 0.2, "curated": 0.3, "neighbours_raw": 0.2},
                "curation": {"method": "pluralistic", "candidates": "inf", "rewards": {"near": 3, "right": 1}},
            },
            {
                "name": "m3",
                "initial": laws[6:8],
                "diet": {"curated": 0.8, "neighbours_curated": 0.2},
                "curation": {"method": "noisy", "candidates": 3, "reward": "near", "noise": 0.4},
            },
        ],
        "network": {
            "edges": [
                {"from": "m1", "to": "m0", "weight": 3.0},
                {"from": "m2", "to": "m0", "channel": {"matrix": [[0.0, 1.0], [-2.0, 0.5]], "offset": [1.0, -1.0]}},
                {"from": "m0", "to": "m1", "channel": {"matrix": [[0.5, 0.0], [0.3, 1.0]]}},
                {"from": "m3", "to": "m1", "weight": 0.5},
                {"from": "m0", "to": "m2"},
            ]
        },
        "learning": learning,
    }


@pytest.mark.parametrize("case", LAW_CASES)
def test_sampled_rounds_have_the_law_of_the_plain_loop(case: str) -> None:
    written, seeds, rounds = sampled_ecosystem(LAW_CASES[case]), 500, 2
    model = run(written, rounds, 5 * seeds)
    theirs = np.empty((seeds, 4, 2, 6))
    for seed in range(seeds):
        plain = PlainGaussians(written, seed)
        for _ in range(rounds):
            plain.step()
        for number, member in enumerate(plain.members.values()):
            for c, law in enumerate(member.laws):
                second = law.covariance + np.outer(law.mean, law.mean)
                theirs[seed, number, c] = [*law.mean, *second.ravel()]
    ours = model.state.p[..., 1:].numpy()
    first, second = ours.reshape(5 * seeds, -1), theirs.reshape(seeds, -1)
    single = [float(ks_2samp(first[:, k], second[:, k]).pvalue) for k in range(first.shape[1])]
    # Means of two models, of two contexts, and of two coordinates, so that dependence shows as well.
    pairs = [(0, 12), (0, 36), (12, 37), (0, 6), (13, 19), (24, 25), (0, 24)]
    both = [chance_of_difference(first, second, *pair) for pair in pairs]
    assert min(single + both) > 0.001 / (len(single) + len(both))


def chance_of_difference(first: np.ndarray, second: np.ndarray, one: int, other: int) -> float:
    """p-value of a chi-square test that two samples of a pair of numbers have one law."""
    label = np.concatenate([first, second])
    cells = sum(
        scale * np.digitize(label[:, k], np.quantile(label[:, k], [0.2, 0.4, 0.6, 0.8]))
        for scale, k in ((1, one), (5, other))
    )
    groups = np.repeat([0, 1], [len(first), len(second)])
    table = np.array([[np.sum((groups == group) & (cells == cell)) for cell in range(25)] for group in (0, 1)])
    return float(chi2_contingency(table[:, table.sum(0) > 0]).pvalue)


@pytest.mark.parametrize(
    "curation",
    [
        {"candidates": 2},
        {"candidates": 5, "temperature": 0.5},
        {"method": "best_of", "candidates": 3},
        {"method": "noisy", "candidates": "inf", "noise": 0.3},
        {"method": "adversarial", "candidates": 2, "attack": 0.2, "attack_reward": "other"},
        {"method": "pluralistic", "candidates": 3, "rewards": {"own": 1, "other": 3}},
    ],
    ids=str,
)
def test_many_examples_are_kept_as_the_exact_choice_keeps_them(curation: dict[str, Any]) -> None:
    examples = 200_000
    written = {
        "name": "many",
        "rounds": 1,
        "outputs": {"kind": "gaussian", "dimension": 2},
        "real": {"mean": [0.3, -0.5], "covariance": [[1.5, 0.5], [0.5, 0.8]]},
        "rewards": {"own": {"linear": [1.0, 0.5]}, "other": {"linear": [-1.0, 0.4]}},
        "models": [{"name": "m", "reward": "own", "diet": {"curated": 1}, "curation": curation}],
        "learning": {"examples": examples},
    }
    exact = run(written | {"mode": "exact"}, 1).state.p[0, 0, 0]
    drawn = run(written | {"mode": "sampled"}, 1).state.p[0, 0, 0]
    x, y = exact[3].sqrt(), exact[6].sqrt()
    scale = torch.stack([x, y, x * x, x * y, x * y, y * y])  # √3 and less of it is a deviation of normal moments
    assert ((drawn - exact)[1:].abs() < 4 * math.sqrt(3 / examples) * scale).all()


@pytest.mark.parametrize("covariance", ["learned", "fixed"])
def test_sampled_tends_to_exact_at_the_rate_of_one_over_root_n(covariance: str) -> None:
    written = sampled_ecosystem({"covariance": covariance, "sharing": 0.2, "rate": 0.8})
    # Exact choice among finitely many wants a linear reward.
    written["models"][0]["curation"]["attack_reward"] = "right"
    written["models"][3]["curation"]["reward"] = "split"
    exact = run(written | {"mode": "exact"}, 2).state.p
    sizes, errors = [400, 1600, 6400], []
    for size in sizes:
        drawn = run(written | {"learning": written["learning"] | {"examples": size}}, 2, 24).state.p
        errors.append((drawn - exact).square().mean((0, 2)).sqrt())
    found = torch.stack(errors)
    # Each model's mean and second moments on their own, means first.
    for part in (slice(1, 3), slice(3, 7)):
        error = found[..., part].square().mean(-1).sqrt().numpy()
        slopes = np.polyfit(np.log(sizes), np.log(error), 1)[0]
        assert slopes == pytest.approx(-0.5, abs=0.15)
        assert slopes.mean() == pytest.approx(-0.5, abs=0.06)


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_what_users_do_not_bring_comes_from_the_other_sources(mode: str) -> None:
    point = {"mean": [5.0], "covariance": 0.0}
    written = {
        "name": "unasked",
        "rounds": 1,
        "mode": mode,
        "outputs": {"kind": "gaussian", "dimension": 1},
        "real": point,
        "models": [
            {"name": "unasked", "initial": {"mean": [1.0]}, "diet": {"real": 0.25, "users": 0.75}},
            {"name": "alone", "initial": {"mean": [1.0]}, "diet": {"users": 1}},
            {"name": "asked", "diet": {"users": 1}},
        ],
        "users": {"groups": [{"name": "A", "size": 1, "contexts": [0], "models": ["asked"], "data": {"mean": [-2.0]}}]},
        "learning": {"examples": 4000},
    }
    unasked, alone, asked = run(written, 1).state.p[0, :, 0].numpy()
    assert unasked == pytest.approx([1, 5, 25], abs=1e-12)
    assert alone.tolist() == [1, 1, 2]
    assert asked[1] == pytest.approx(-2, abs=0.1)


# Collapse and accumulation

ALONE: dict[str, Any] = {
    "name": "alone",
    "rounds": 1,
    "mode": "sampled",
    "outputs": {"kind": "gaussian", "dimension": 2},
    "real": {"mean": [1.0, -2.0], "covariance": [[2.0, 0.6], [0.6, 1.0]]},
    "models": [{"name": "m", "diet": {"raw": 1}}],
}
SEEDS, N, TRACE = 4000, 20, 3.0


def displacements(rounds: int, **changes: Any) -> np.ndarray:
    """`displacement` of rounds 1 to `rounds`, [rounds, seeds]."""
    scenario = Scenario(**ALONE | changes)
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(SEEDS)])
    rows = []
    for _ in range(rounds):
        model.step()
        rows.append(model.measure("displacement")[:, 0].numpy())
    return np.array(rows)


def within_four_errors(found: np.ndarray, expected: np.ndarray) -> bool:
    error = found.std(1, ddof=1) / math.sqrt(found.shape[1])
    return bool((np.abs(found.mean(1) - expected) < 4 * error).all())


def test_replaced_data_let_the_mean_wander() -> None:
    found = displacements(6, learning={"examples": N, "covariance": "fixed"})
    assert within_four_errors(found, TRACE / N * np.arange(1, 7))


def test_accumulated_data_bound_the_mean() -> None:
    found = displacements(6, learning={"examples": N, "covariance": "fixed", "corpus": "accumulate"})
    assert within_four_errors(found, TRACE / N * np.cumsum(1 / np.arange(1, 7) ** 2))


def test_a_share_of_real_data_bounds_the_mean() -> None:
    # A part .7 of the displacement is passed on; that each example picks its source adds .21 of it over n.
    found = displacements(
        12, models=[{"name": "m", "diet": {"real": 0.3, "raw": 0.7}}], learning={"examples": N, "covariance": "fixed"}
    )
    kept = 0.49 + 0.21 / N
    assert within_four_errors(found, TRACE / N * (1 - kept ** np.arange(1, 13)) / (1 - kept))


def test_a_learned_covariance_collapses_by_one_nth_a_round() -> None:
    scenario = Scenario(**ALONE | {"learning": {"examples": N}})
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(SEEDS)])
    for t in range(1, 6):
        model.step()
        covariance = mean_and_covariance(model.state.p)[1][:, 0, 0].numpy()
        expected = np.array([[2.0, 0.6], [0.6, 1.0]]) * (1 - 1 / N) ** t
        error = covariance.std(0, ddof=1) / math.sqrt(SEEDS)
        assert (np.abs(covariance.mean(0) - expected) < 4 * error).all()


# The same bits

WORLDS = (1, 2, 3, 7, 64)


def worlds(models: int, dimension: int, mode: str) -> list[Blueprint]:
    """Worlds of one shape that differ in their numbers: seeds, laws, shares, rewards, channels, K, T, rates."""
    found = []
    for seed in range(max(WORLDS)):
        written = random_gaussians(5, models, dimension, 2, exact=mode == "exact")
        fresh = random_gaussians(100 + seed, models, dimension, 2)
        written |= {"mode": mode, "real": fresh["real"], "rewards": fresh["rewards"]}
        written["models"][0] |= {
            "curation": {"method": "adversarial", "candidates": 2 + seed % 3, "temperature": 1 + seed / 50}
            | {"reward": "straight", "attack": seed / 64, "attack_reward": "split"},
            "diet": {"real": 0.3 + seed / 1000, "curated": 0.3, "neighbours_curated": 0.2, "raw": 0.2 - seed / 1000},
        }
        written["models"][-1] |= {
            "curation": {"candidates": "inf", "reward": "curved"},
            "diet": {"real": 0.5, "curated": 0.3, "neighbours_raw": 0.2},
        }
        for model, other in zip(written["models"], fresh["models"], strict=True):
            model["initial"] = other["initial"]
        matrix = (np.random.default_rng(seed).normal(size=(dimension, dimension)) * 0.4).tolist()
        edges = [{"from": f"m{(i + 1) % models}", "to": f"m{i}"} for i in range(models)]
        edges[0]["channel"] = {"matrix": matrix, "offset": [0.1 * seed] * dimension}
        written["network"] = {"edges": edges}
        written["learning"] |= {
            "rate": 0.5 + seed / 1000,
            "sharing": 0.2,
            "corpus": "accumulate",
            "order": "synchronous",
        }
        written["learning"] |= {"covariance": "learned", "examples": 30}
        found.append(blueprint(Scenario(**written), seed))
    return found


def final(batch: list[Blueprint]) -> tuple[torch.Tensor, torch.Tensor]:
    model = Ecosystem.together(batch)
    with one_thread():
        for _ in range(3):
            model.step()
        return model.state.p, torch.stack([model.measure(name) for name in model.learner.measures], -1)


@pytest.mark.parametrize("mode", ["exact", "sampled"])
@pytest.mark.parametrize(("models", "dimension"), [(1, 1), (2, 2), (3, 3), (5, 2)])
def test_a_world_in_a_batch_is_the_world_alone(models: int, dimension: int, mode: str) -> None:
    every = worlds(models, dimension, mode)
    assert len({world.shape for world in every}) == 1
    whole, measures = final(every)
    assert torch.isfinite(whole).all()
    assert not torch.equal(whole[0], whole[1])
    for size in WORLDS:
        for start in {0, 1, max(WORLDS) - size}:
            part, measured = final(every[start : start + size])
            assert torch.equal(part, whole[start : start + part.shape[0]])
            assert torch.equal(measured, measures[start : start + part.shape[0]])


def test_one_more_candidate_moves_nobody_else() -> None:
    def final_of(candidates: int) -> torch.Tensor:
        written = sampled_ecosystem({"examples": 40})
        written["models"][3]["curation"]["candidates"] = candidates
        written["network"]["edges"] = [edge for edge in written["network"]["edges"] if edge["from"] != "m3"]
        return run(written, 2).state.p[0]

    few, many = final_of(3), final_of(9)
    assert torch.equal(few[:3], many[:3])
    assert not torch.equal(few[3], many[3])


def test_a_world_that_breaks_leaves_the_others_alone() -> None:
    # A reward that grows faster than a normal law falls off cannot be chosen by among infinitely many.
    def world(curvature: float, mode: str) -> Blueprint:
        written = scalar_means(0.7, 0.3, 0.5) | {"mode": mode}
        written["rewards"]["up"] = {"linear": [1], "curvature": curvature}
        return blueprint(Scenario(**written | {"learning": {"examples": 20}}), 0)

    for mode in ("exact", "sampled"):
        whole, measures = final([world(0.5, mode), world(-3.0, mode)])
        alone, measured = final([world(0.5, mode)])
        assert torch.equal(whole[:1], alone)
        assert torch.equal(measures[:1], measured)
        assert not torch.isfinite(whole[1]).all()
