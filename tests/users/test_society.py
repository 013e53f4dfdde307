"""The engine with users against the plain one: group by group, and person by person."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from learners.test_agreement import chance_of_difference
from plain.random_societies import societies
from plain.society import Kind, Society

from ecosystem import Ecosystem, Scenario
from ecosystem.measures.groups import biases
from ecosystem.world.blueprint import blueprint

TOLERANCE = 1e-12


@settings(deadline=None, max_examples=120)
@given(societies)
def test_exact_rounds_are_those_of_the_plain_society(written: dict[str, Any]) -> None:
    plain, model = Society(copy.deepcopy(written)), Ecosystem(Scenario(**written))
    for _ in range(4):
        compare(model, plain)
        plain.step()
        model.step()
    compare(model, plain)


def compare(model: Ecosystem, plain: Society) -> None:
    """What models write, how many users there are, what they choose, and every measure of them."""
    assert model.crowd is not None and model.population is not None
    for agent in model.models:
        assert np.abs(agent.distribution - plain.members[agent.name].p).max() < TOLERANCE
    active = model.crowd.activity[0].numpy()
    assert np.abs(active - plain.active).max() < TOLERANCE * sum(plain.active)
    alpha = np.array([kind.alpha for kind in plain.kinds])
    assert np.abs(model.crowd.choice[0].numpy() - alpha).max() < TOLERANCE
    values = model.group_values()
    for name, theirs in (
        ("satisfaction", plain.satisfaction()),
        ("lean", plain.score("lean")),
        ("quality", plain.score("quality")),
        ("share", list(np.array(plain.active) / sum(plain.active))),
    ):
        assert np.abs(values[name][0].numpy() - theirs).max() < TOLERANCE, name
    found = biases(model.population, model.crowd, model.state.p, values)
    for name, value in plain.biases().items():
        assert float(found[name]) == pytest.approx(value, abs=10 * TOLERANCE, nan_ok=True), name


# Counted one by one

FEEDBACK = (
    [{"method": "retention", "scale": 1.5, "arrivals": 2.0}],
    [{"method": "replicator", "rate": 2.0}],
    [{"method": "retention", "scale": 2.0, "arrivals": 1.5}, {"method": "replicator", "rate": 1.0}],
)
CHOICE = (
    {"method": "fixed"},
    {"method": "softmax", "temperature": 0.4, "switching_cost": 0.3},
    {"method": "multiplicative", "rate": 1.5, "switching_cost": 0.2},
)
PATIENT = {"patience": 0.8}
DIFFERENT = {"patience": 0.5, "reward": 0.7, "contexts": 2.0}


def counted(choice: dict[str, Any], feedback: list[dict[str, Any]], traits: dict[str, float] | None = None) -> Any:
    """Three models, two contexts, two groups of a few users who bring data, curate and are helped."""
    group: dict[str, Any] = {} if traits is None else {"traits": traits}
    return {
        "name": "counted",
        "rounds": 3,
        "outputs": {"kind": "categorical", "size": 3, "contexts": 2, "scores": {"quality": [1, 0, 0.5]}},
        "rewards": {"up": [0, 1, 2], "split": [[1, 0, 0.2], [0, 0.3, 1.5]]},
        "models": [
            {
                "name": "x",
                "reward": "up",
                "initial": [0.5, 0.3, 0.2],
                "diet": {"users": 0.5, "curated": 0.5},
                "curation": {"method": "luce", "candidates": 3},
            },
            {"name": "y", "initial": [0.1, 0.2, 0.7], "diet": {"raw": 0.6, "users": 0.4}},
            {"name": "z", "initial": [0.8, 0.1, 0.1], "diet": {"real": 0.3, "neighbours_raw": 0.7}},
        ],
        "network": {"edges": [{"from": "x", "to": "z"}]},
        "learning": {"regime": "incremental", "rate": 0.7, "sharing": 0.3},
        "users": {
            "mode": "sampled",
            "groups": [
                {
                    "name": "A",
                    "size": 7,
                    "contexts": {0: 0.8, 1: 0.2},
                    "reward": "up",
                    "data": [0.1, 0.2, 0.7],
                    "models": {"x": 0.5, "y": 0.3, "z": 0.2},
                    **group,
                },
                {"name": "B", "size": 5, "contexts": [0, 1], "reward": "split", "data": [0.7, 0.2, 0.1], **group},
            ],
            "choice": choice,
            "feedback": feedback,
            "curate": True,
            "individuals": traits is not None,
        },
        "remedy": {"method": "rejection_sampling", "candidates": {"B": 3}},
    }


SEEDS, ROUNDS = 500, 2


def ours(written: dict[str, Any]) -> np.ndarray:
    """What comes of many seeds: users by group and model, and what models write, ``[seeds, numbers]``."""
    scenario = Scenario(**written)
    plans = [blueprint(scenario, seed) for seed in range(SEEDS)]
    batches: dict[Any, list[Any]] = {}
    for plan in plans:
        batches.setdefault(plan.shape, []).append(plan)
    rows = []
    for batch in batches.values():
        model = Ecosystem.together(batch)
        for _ in range(ROUNDS):
            model.step()
        assert model.crowd is not None and model.population is not None
        users = (model.crowd.activity[..., None] * model.crowd.choice).round()
        by_group = model.population.members.total(users)
        rows.append(np.concatenate([by_group.flatten(1).numpy(), model.state.p.flatten(1).numpy()], axis=1))
    return np.concatenate(rows)


def theirs(written: dict[str, Any], kinds: bool = False) -> np.ndarray:
    """The same, person by person; `kinds`: each with the traits that the engine drew."""
    rows = []
    for seed in range(SEEDS):
        plain = Society(written, 10_000 + seed, kinds_of(written, seed) if kinds else None)
        for _ in range(ROUNDS):
            plain.step()
        users = np.zeros((2, 3))
        for person in plain.people:
            users[plain.kinds[person.kind].group, person.model] += 1
        p = np.array([member.p for member in plain.members.values()])
        rows.append(np.concatenate([users.ravel(), p.ravel()]))
    return np.array(rows)


def kinds_of(written: dict[str, Any], seed: int) -> list[Kind]:
    plan = blueprint(Scenario(**written), seed)
    groups = plan.groups
    assert groups is not None
    contexts = written["outputs"]["contexts"]
    return [
        Kind(
            group=int(groups.group[k]),
            size=1.0,
            phi=groups.contexts[k],
            reward=np.broadcast_to(plan.rewards[groups.reward[k]], (contexts, plan.rewards.shape[-1])),
            best=float(plan.rewards[groups.reward[k]].max()),
            patience=float(groups.patience[k]),
            data=groups.data[k],
            alpha=groups.choice[k],
            alike=bool(groups.alike[k]),
        )
        for k in range(len(groups.group))
    ]


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """Least p-value that two samples have one law, of each number and of some pairs, times their number."""
    pairs = [(0, 1), (0, 3), (1, 4), (0, 6), (4, 9), (5, 14)]
    looks = [(column, None) for column in range(first.shape[1])] + pairs
    return len(looks) * min(chance_of_difference(first, second, *look) for look in looks)


CASES = [*zip(CHOICE, FEEDBACK, strict=True), (CHOICE[1], FEEDBACK[0]), (CHOICE[0], FEEDBACK[2])]
NAMES = [f"{c['method']}-{'+'.join(rule['method'] for rule in f)}" for c, f in CASES]


@pytest.mark.parametrize(("choice", "feedback"), CASES, ids=NAMES)
def test_a_cohort_has_the_law_of_its_users_one_by_one(choice: dict[str, Any], feedback: list[dict[str, Any]]) -> None:
    cohorts = ours(counted(choice, feedback))
    assert alike(cohorts, theirs(counted(choice, feedback))) > 0.001
    assert alike(cohorts, ours(counted(choice, feedback, {}))) > 0.001


@pytest.mark.parametrize(
    ("choice", "traits"),
    [
        (CHOICE[0], DIFFERENT),
        (CHOICE[2], PATIENT),
        pytest.param(CHOICE[1], DIFFERENT, marks=pytest.mark.slow),
        pytest.param(CHOICE[1], PATIENT, marks=pytest.mark.slow),
        pytest.param(CHOICE[2], DIFFERENT, marks=pytest.mark.slow),
    ],
    ids=["fixed-tastes", "multiplicative-patience", "softmax-tastes", "softmax-patience", "multiplicative-tastes"],
)
def test_users_who_differ_have_the_law_of_persons_who_differ(choice: dict[str, Any], traits: dict[str, float]) -> None:
    written = counted(choice, FEEDBACK[2], traits)
    assert alike(ours(written), theirs(written, kinds=True)) > 0.001
