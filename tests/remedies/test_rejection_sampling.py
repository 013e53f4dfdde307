"""Rejection sampling: the published effect on the performative loop, and what it must not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners.test_agreement import chance_of_difference
from plain.choice import chances_to_win
from plain.society import Society
from users.test_oracles import LINEAR, loop
from users.test_society import CHOICE, counted

from ecosystem import Ecosystem, Scenario
from ecosystem.errors import InputError
from ecosystem.users.crowd import Demand
from ecosystem.users.prompts import Prompts
from ecosystem.world.blueprint import blueprint

WEIGHTS = {"quality": 0.7, "similarity": 0.3}
REMEDY = {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}, **WEIGHTS}


def after_five(regime: str, **more: Any) -> Ecosystem:
    written = loop(regime, LINEAR) | {key: value for key, value in more.items() if key != "real"}
    if more.get("real") == "initial":
        written["models"][0]["real"] = written["models"][0]["initial"]
    model = Ecosystem(Scenario(**written))
    for _ in range(5):
        model.step()
    return model


def preference_bias(model: Ecosystem) -> float:
    return float(model.group_values()["lean"].mean()) - 0.5


@pytest.mark.parametrize(
    ("regime", "real", "before", "after"),
    [
        ("incremental", "initial", 0.129, 0.083),
        ("retrain", "initial", 0.108, 0.087),
        ("incremental", "uniform", 0.129, 0.132),
        ("retrain", "uniform", 0.108, 0.112),
    ],
)
def test_the_published_effect(regime: str, real: str, before: float, after: float) -> None:
    assert preference_bias(after_five(regime, real=real)) == pytest.approx(before, abs=5e-4)
    assert preference_bias(after_five(regime, real=real, remedy=REMEDY)) == pytest.approx(after, abs=5e-4)


def test_it_lowers_bias_by_driving_the_groups_apart() -> None:
    plain = after_five("incremental", real="initial").group_values()["lean"][0].tolist()
    remedied = after_five("incremental", real="initial", remedy=REMEDY).group_values()["lean"][0].tolist()
    assert plain == pytest.approx([0.729, 0.530], abs=5e-4)
    assert remedied == pytest.approx([0.915, 0.251], abs=5e-4)


@pytest.mark.parametrize("remedy", [REMEDY, {"method": "best_of_k", "candidates": 5}], ids=lambda one: one["method"])
@pytest.mark.parametrize("drawn", [{}, {"examples": 200}], ids=["exact", "sampled"])
@pytest.mark.parametrize("regime", ["incremental", "retrain"])
def test_a_judge_who_guesses_is_no_remedy(regime: str, drawn: dict[str, Any], remedy: dict[str, Any]) -> None:
    model, guessing = (
        Ecosystem(Scenario(**loop(regime, LINEAR, **drawn) | more), seed=4)
        for more in ({}, {"remedy": remedy | {"accuracy": 0.5}})
    )
    for _ in range(5):
        model.step()
        guessing.step()
        assert torch.equal(guessing.state.p, model.state.p)  # not a bit of effect


def test_the_group_that_is_worst_off_is_found() -> None:
    found = {"method": "rejection_sampling", "candidates": 2, "disadvantaged": {"candidates": 4}} | WEIGHTS
    named = {
        "method": "rejection_sampling",
        "candidates": 2,
        "disadvantaged": {"candidates": 4, "group": "B"},
    } | WEIGHTS
    by_map = {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}} | WEIGHTS
    first, *others = (after_five("retrain", real="initial", remedy=one).state.p for one in (found, named, by_map))
    assert all(torch.equal(first, other) for other in others)
    # Served worse, A is the one that is found.
    worse = loop("retrain", LINEAR) | {"remedy": found}
    worse["models"][0]["initial"].reverse()
    model = Ecosystem(Scenario(**worse))
    model.step()
    other = Ecosystem(Scenario(**worse | {"remedy": named | {"disadvantaged": {"candidates": 4, "group": "A"}}}))
    other.step()
    assert torch.equal(model.state.p, other.state.p)


def test_readers_are_given_what_is_kept_and_users_what_is_written() -> None:
    written = {
        "name": "read",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2, "scores": {"quality": [0, 1]}},
        "models": [
            {"name": "asked", "initial": [0.6, 0.4], "diet": {"raw": 1}},
            {"name": "reader", "initial": [1, 0], "diet": {"neighbours_raw": 1}},
            {"name": "far", "initial": [1, 0], "diet": {"neighbours_raw": 1}},
        ],
        "network": {"edges": [{"from": "asked", "to": "reader"}, {"from": "reader", "to": "far"}]},
        "users": {"groups": [{"name": "A", "size": 10, "contexts": [0], "models": ["asked"]}]},
        "remedy": {"method": "rejection_sampling", "candidates": 2},
    }
    model = Ecosystem(Scenario(**written))
    assert model.cohorts[0].value("quality") == pytest.approx(0.4)  # what is served is not filtered
    model.step()
    best_of_two = 1 - 0.6**2
    asked, reader, far = (agent.distribution[0, 1] for agent in model.models)
    assert asked == pytest.approx(best_of_two)
    assert reader == pytest.approx(best_of_two)  # filtered for the users of its source
    assert far == 0  # whom nobody asks nothing is filtered
    assert model.cohorts[0].value("quality") == pytest.approx(best_of_two)
    model.step()
    assert model.models[2].distribution[0, 1] == pytest.approx(best_of_two)


def test_what_is_left_follows_who_asks() -> None:
    # Its derivative by what users send, also where some models are asked nothing by anybody.
    names = {"candidates": {"A": 2, "B": 3}, "quality": 1.0, "similarity": 0.5, "accuracy": 0.9}
    written = {
        "name": "asked",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2, "scores": {"quality": [0, 1, 2]}},
        "real": [0.3, 0.5, 0.2],
        "models": [{"name": "m", "diet": {"raw": 1}}, {"name": "n", "diet": {"raw": 1}}],
        "users": {"groups": [{"name": name, "size": 10, "contexts": [0], "models": ["m"]} for name in "AB"]},
        "remedy": {"method": "rejection_sampling"} | names,
    }
    model = Ecosystem(Scenario(**written))
    filtered = model.learner.remedy
    assert filtered is not None and model.population is not None and model.crowd is not None
    p = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(3), size=(1, 2, 2)))
    contexts = torch.tensor([[[1.0, 0.0], [0.4, 0.6]]], dtype=torch.float64)

    def left(users: torch.Tensor) -> torch.Tensor:
        prompts = Prompts(users, contexts)
        return filtered.filter(p, Demand(contexts, volume=prompts.volume, prompts=prompts))

    users = torch.tensor([[[3.0, 0.0], [5.0, 0.0]]], dtype=torch.float64)
    slopes = torch.autograd.functional.jacobian(left, users)
    assert isinstance(slopes, torch.Tensor)
    assert bool(torch.isfinite(slopes).all())
    change = torch.tensor([[[1.0, 0.0], [-0.5, 0.0]]], dtype=torch.float64)
    step = 1e-5
    expected = (left(users + step * change) - left(users - step * change)) / (2 * step)
    assert float((slopes * change).sum((-3, -2, -1)).sub(expected).abs().max()) < 1e-10
    assert float(expected[0, 0, 0].abs().max()) > 1e-3
    assert torch.equal(left(users)[0, 1], p[0, 1])  # whom nobody asks nothing is filtered
    torch.testing.assert_close(left(users / 1e3), left(users), rtol=0, atol=1e-15)  # it is their proportions that count


def test_what_is_like_the_real_data_is_best_where_no_score_is_quality() -> None:
    real, p = [0.3, 0.5, 0.2], [0.5, 0.2, 0.3]
    written = {
        "name": "alike",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
        "real": real,
        "models": [{"name": "m", "initial": p, "diet": {"raw": 1}}],
        "remedy": {"method": "best_of_k", "candidates": 3, "quality": 0, "similarity": 1},
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    expected = chances_to_win(p, real, 3, "best_of")
    assert model.models[0].distribution == pytest.approx(np.stack([expected, expected]), abs=1e-14)


METHODS: list[dict[str, Any]] = [
    {"method": "rejection_sampling", "candidates": {"A": 2, "B": 3}, "similarity": 0.4, "accuracy": 0.9},
    {"method": "rejection_sampling", "candidates": 1, "disadvantaged": {"candidates": 3}, "similarity": 0.4},
    {"method": "best_of_k", "candidates": 3, "accuracy": 0.8},
    {"method": "reweighting", "weights": {"A": 1, "B": 3}, "strength": 0.7},
    {"method": "fresh_data", "share": 0.4},
    {"method": "accumulation"},
]


@pytest.mark.parametrize("remedy", METHODS, ids=lambda one: one["method"])
def test_drawn_examples_have_the_law_of_the_plain_society(remedy: dict[str, Any]) -> None:
    written = counted(CHOICE[1], [{"method": "retention", "scale": 1.5, "arrivals": 2.0}]) | {"remedy": remedy}
    written["users"] |= {"mode": "expected"}
    written |= {"mode": "sampled", "learning": {"rate": 0.7, "sharing": 0.3, "examples": 6, "smoothing": 0.1}}
    seeds, scenario = 400, Scenario(**written)
    model = Ecosystem.together([blueprint(scenario, seed) for seed in range(seeds)])
    plains = [Society(written, seed) for seed in range(seeds)]
    for _ in range(2):
        model.step()
        for plain in plains:
            plain.step()
    ours = model.state.p.flatten(1).numpy()
    theirs = np.array([np.concatenate([member.p.ravel() for member in plain.members.values()]) for plain in plains])
    looks = [(column, None) for column in range(ours.shape[1])] + [(0, 3), (0, 6), (3, 9), (6, 14)]
    assert len(looks) * min(chance_of_difference(ours, theirs, *look) for look in looks) > 0.001


def test_one_round_by_hand() -> None:
    # Quality alone, perfect judge, two candidates: P(good) = 1 − (1 − q)². Nothing is shared, all is learned.
    written = loop("incremental", LINEAR) | {"remedy": {"method": "rejection_sampling", "candidates": {"B": 2}}}
    written["learning"] = {"regime": "incremental", "rate": 1.0, "sharing": 0.0}
    model = Ecosystem(Scenario(**written))
    model.step()
    p = np.array(written["models"][0]["initial"])
    good = np.array([True, False, True, False])
    q = p[1, good].sum()
    expected = np.where(good, p[1] * (1 - (1 - q) ** 2) / q, p[1] * (1 - q))
    assert model.models[0].distribution[0] == pytest.approx(p[0], abs=1e-14)  # A has one candidate: no filter
    assert model.models[0].distribution[1] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("candidates", [1, 3])
def test_the_best_of_several_needs_no_users(candidates: int) -> None:
    written = {
        "name": "verified",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2, "scores": {"quality": [0, 1]}},
        "models": [{"name": "m", "initial": [0.6, 0.4], "diet": {"raw": 1}}],
        "remedy": {"method": "best_of_k", "candidates": candidates, "accuracy": 0.9},
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    assert model.models[0].distribution[0, 1] == pytest.approx(0.8 * (1 - 0.6**candidates) + 0.2 * 0.4)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"candidates": {"C": 2}}, "remedy.candidates.C: there is no group 'C'"),
        ({"accuracy": 0.4}, "remedy.accuracy: must be at least 0.5 (got 0.4)"),
        ({"candidates": 0}, "remedy.candidates: must be at least 1 (got 0)"),
    ],
)
def test_wrong(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**loop("retrain", LINEAR) | {"remedy": REMEDY | changes})
    assert told in str(caught.value)
