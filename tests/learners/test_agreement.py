"""The vectorised engine against the plain loop: one agent, one neighbour, one sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from plain.loop import PlainEcosystem
from plain.random_ecosystems import ecosystems, random_ecosystem
from plain.translate import translate
from scipy.stats import chi2_contingency

from ecosystem import Ecosystem, Scenario
from ecosystem.world.blueprint import blueprint

MEASURES = ("alignment", "reward_variance", "entropy")


@settings(deadline=None, max_examples=150)
@given(ecosystems)
def test_exact_rounds_are_those_of_the_plain_loop(written: dict[str, Any]) -> None:
    plain, model = PlainEcosystem(translate(written)), Ecosystem(Scenario(**written))
    for _ in range(4):
        for agent in model.models:
            member = plain.members[agent.name]
            assert np.abs(agent.distribution - member.p).max() < 1e-12
            for measure in MEASURES:
                assert abs(getattr(agent, measure) - getattr(member, measure)()) < 1e-12
        plain.step()
        model.step()


CASES: dict[str, dict[str, Any]] = {
    "everything": {"examples": 8, "smoothing": 0.1, "sharing": 0.3, "rate": 0.7, "corpus": "accumulate"},
    "window": {"examples": 5, "corpus": {"window": 2}, "regime": "incremental", "rate": 0.5},
    "sequential": {"examples": 6, "order": "sequential"},
    "pool": {"examples": 6, "pool": 5, "sharing": 0.2},
    "sequential pool": {"examples": 5, "pool": 4, "order": "sequential", "smoothing": 0.05},
}


def sampled_ecosystem(case: str) -> dict[str, Any]:
    """Three models with curators of three kinds, two contexts, a channel, missing neighbours."""
    written = random_ecosystem(seed=7, models=3, outputs=3, contexts=2, mode="sampled")
    a, b, c = written["models"]
    a |= {
        "diet": {"real": 0.2, "curated": 0.3, "neighbours_raw": 0.3, "neighbours_curated": 0.2},
        "curation": {"method": "luce", "candidates": 3, "temperature": 0.5, "reward": "split"},
    }
    b |= {
        "diet": {"raw": 0.4, "curated": 0.2, "neighbours_curated": 0.4},
        "curation": {"method": "best_of", "candidates": 2, "reward": "ties"},
    }
    c |= {"diet": {"real": 0.3, "raw": 0.2, "neighbours_raw": 0.5}}
    c.pop("curation", None)
    written["network"]["edges"] = [
        {"from": "m1", "to": "m0", "weight": 2.0},
        {"from": "m2", "to": "m0", "channel": {"matrix": [[0.5, 0.5, 0], [0, 1, 0], [0.2, 0, 0.8]]}},
        {"from": "m0", "to": "m1"},
    ]
    written["learning"] = CASES[case]
    return written


@pytest.mark.parametrize("case", CASES)
def test_sampled_rounds_have_the_law_of_the_plain_loop(case: str) -> None:
    written, seeds, rounds = sampled_ecosystem(case), 1500, 2
    scenario, setup = Scenario(**written), translate(written)
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(seeds)])
    plains = [PlainEcosystem(setup, seed) for seed in range(seeds)]
    for _ in range(rounds):
        model.step()
        for plain in plains:
            plain.step()
    ours = model.state.p.numpy()
    theirs = np.array([[member.p for member in plain.members.values()] for plain in plains])
    # Single numbers, and pairs of models and of contexts, so that dependence shows as well.
    first, second = ours.reshape(seeds, -1), theirs.reshape(seeds, -1)
    looks = [(column, None) for column in range(first.shape[1])] + [(0, 6), (0, 12), (6, 12), (0, 3), (7, 13)]
    worst = min(chance_of_difference(first, second, *look) for look in looks)
    assert worst > 0.001 / len(looks)


def chance_of_difference(first: np.ndarray, second: np.ndarray, one: int, other: int | None) -> float:
    """p-value of a chi-square test that two samples of a number, or of a pair of numbers, have one law."""
    both = np.concatenate([first, second])
    label = _bins(both[:, one])
    if other is not None:
        label = label * 100 + _bins(both[:, other])
    values, index = np.unique(label, return_inverse=True)
    table = np.zeros((2, len(values)))
    np.add.at(table, (np.repeat([0, 1], [len(first), len(second)]), index), 1)
    common = table.sum(0) >= 20
    if common.sum() < 2:
        return 1.0
    return float(chi2_contingency(np.column_stack([table[:, common], table[:, ~common].sum(1) + 1])).pvalue)


def _bins(values: np.ndarray) -> np.ndarray:
    return np.digitize(np.round(values, 9), np.unique(np.quantile(np.round(values, 9), [0.2, 0.4, 0.6, 0.8])))


@pytest.mark.parametrize("case", ["everything", "pool"])
def test_sampled_tends_to_exact_at_the_rate_of_one_over_root_n(case: str) -> None:
    written = sampled_ecosystem(case)
    exact = Ecosystem(Scenario(**written | {"mode": "exact", "learning": _without_sampling(written["learning"])}))
    for _ in range(3):
        exact.step()
    sizes, errors = [100, 400, 1600, 6400], []
    for size in sizes:
        learning = CASES[case] | {"examples": size, "smoothing": 0.0} | ({"pool": size} if case == "pool" else {})
        scenario = Scenario(**written | {"learning": learning})
        model = Ecosystem.together([blueprint(scenario, seed) for seed in range(64)])
        for _ in range(3):
            model.step()
        errors.append(float((model.state.p - exact.state.p).square().mean().sqrt()))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.04)


def _without_sampling(learning: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in learning.items() if key not in ("examples", "smoothing", "pool")}
