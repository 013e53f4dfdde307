"""Rules of activity and of choice, each by itself, user group by user group as its definition says."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ecosystem.users import choice as choice_of_model
from ecosystem.users import feedback
from ecosystem.users.choice import CHOICES, Moves, moves_of
from ecosystem.users.feedback import RULES, Served, rule_of
from ecosystem.users.membership import Membership

WORLDS = 2
GROUPS = ([0, 1, 2], [0, 0, 1, 2, 2, 2])
"""Cohorts that are groups, and groups of several cohorts."""
Array = NDArray[np.float64]


class Case:
    """A population in two worlds, drawn anew with each seed: some cohorts are empty, in some a whole group is."""

    def __init__(self, group: list[int], seed: int) -> None:
        g = np.random.default_rng(seed)
        self.group = np.array(group)
        shape = (WORLDS, len(group))
        self.size = g.uniform(1, 9, shape)
        self.activity = g.uniform(0, 9, shape) * (g.random(shape) < 0.8)
        if seed % 3 == 0:
            self.activity[:, self.group == 1] = 0
        if seed % 7 == 0:
            self.activity[0] = 0
        self.satisfaction, self.best = g.normal(size=shape), g.normal(0.5, 1, shape)
        self.patience = g.uniform(0.5, 2, shape)

    @property
    def served(self) -> Served:
        members = Membership(self.group, 3, torch.from_numpy(self.size))
        return Served(*map(torch.from_numpy, (self.satisfaction, self.best, self.patience)), members)

    def after(self, method: str, group: int = 1, **numbers: Any) -> Array:
        given = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
        rule = rule_of(method)
        assert rule is RULES[method]
        return rule(torch.from_numpy(self.activity), self.served, group, given).numpy()


def cases() -> list[Case]:
    return [Case(group, seed) for group in GROUPS for seed in range(15)]


@pytest.mark.parametrize("group", [*GROUPS, [0, 0, 2]], ids=str)
def test_sums_and_means_are_over_the_users_of_a_group(group: list[int]) -> None:
    g, mine = np.random.default_rng(0), np.array(group)
    members = Membership(mine, 3, torch.ones((WORLDS, len(group)), dtype=torch.float64))
    users = g.uniform(1, 9, (WORLDS, len(group)))
    users[0, mine == 2] = 0  # of nobody the mean is that of the cohorts
    for more in ((), (4,), (4, 2)):
        values = g.normal(size=(WORLDS, len(group), *more))
        total, mean = (
            found.numpy()
            for found in (
                members.total(torch.from_numpy(values)),
                members.mean(torch.from_numpy(values), torch.from_numpy(users)),
            )
        )
        assert total.shape == mean.shape == (WORLDS, 3, *more)
        spread = members.spread(torch.from_numpy(total)).numpy()
        for world in range(WORLDS):
            for number in range(3):
                here = values[world, mine == number]
                assert total[world, number] == pytest.approx(here.sum(0), abs=1e-14)
                assert spread[world, mine == number] == pytest.approx(
                    np.broadcast_to(here.sum(0), here.shape), abs=1e-14
                )
                weights = users[world, mine == number]
                if len(here):
                    expected = np.average(here, 0, weights if weights.sum() > 0 else None)
                    assert mean[world, number] == pytest.approx(expected, abs=1e-14)


def test_nobody_comes_or_goes() -> None:
    for case in cases():
        assert (case.after("static") == case.activity).all()


@pytest.mark.parametrize("group", [0, 1, 2])
@pytest.mark.parametrize(
    ("step", "cap"), [([0.1, 0.4], [0.5, 0.9]), ([0.05, 0.0], [1.0, 1.0]), ([0.9, 0.9], [1.0, 0.2])]
)
def test_a_share_grows_by_a_step_up_to_a_cap(group: int, step: list[float], cap: list[float]) -> None:
    for case in cases():
        found = case.after("linear", group, step=step, cap=cap)
        for world in range(WORLDS):
            before = case.activity[world]
            total, mine = before.sum(), case.group == group
            share = before[mine].sum() / total if total else 0.0
            grown = min(share + step[world], cap[world])
            if total == 0 or grown <= share:
                assert (found[world] == before).all()
                continue
            assert found[world].sum() == pytest.approx(total, rel=1e-12)
            assert found[world][mine].sum() / total == pytest.approx(grown, rel=1e-12)
            for k in range(len(before)):
                if mine[k]:
                    there = before[mine].sum()
                    part = before[k] / there if there else 1 / mine.sum()
                    assert found[world, k] == pytest.approx(grown * total * part, rel=1e-12)
                else:
                    assert found[world, k] == pytest.approx(before[k] * (1 - grown) / (1 - share), rel=1e-12)


def test_a_share_of_one_stays() -> None:
    case = Case([0, 1, 2], 1)
    case.activity[:] = [[0, 5, 0], [0, 1, 0]]
    assert (case.after("linear", step=[0.1, 0.1], cap=[1.0, 1.0]) == case.activity).all()
    assert (case.after("linear", 0, step=[0.1, 1.0], cap=[1.0, 1.0]) == [[0.5, 4.5, 0], [1, 0, 0]]).all()


@pytest.mark.parametrize("cap", [None, [4.0, 7.0]])
def test_users_stay_by_their_risk_and_others_arrive(cap: list[float] | None) -> None:
    for case in cases():
        scale, arrivals = [0.7, 2.0], [1.5, 0.0]
        found = case.after("retention", scale=scale, arrivals=arrivals, **({} if cap is None else {"cap": cap}))
        for world in range(WORLDS):
            expected = np.empty(len(case.group))
            for k, group in enumerate(case.group):
                risk = max(case.best[world, k] - case.satisfaction[world, k], 0.0)
                stay = math.exp(-risk / (scale[world] * case.patience[world, k]))
                part = case.size[world, k] / case.size[world][case.group == group].sum()
                expected[k] = case.activity[world, k] * stay + arrivals[world] * part
            if cap is not None:
                for group in range(3):
                    mine = case.group == group
                    if expected[mine].sum() > cap[world]:
                        expected[mine] *= cap[world] / expected[mine].sum()
            assert found[world] == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("rate", [[0.0, 1.3], [5.0, -2.0], [900.0, 2000.0]])
def test_shares_grow_with_the_exponential_of_satisfaction(rate: list[float]) -> None:
    for case in cases():
        found = case.after("replicator", rate=rate)
        for world in range(WORLDS):
            before = case.activity[world]
            there = np.flatnonzero(before)
            if not len(there):
                assert (found[world] == 0).all()
                continue
            # Only differences of satisfaction count, so that nothing over- or underflows.
            most = max(rate[world] * case.satisfaction[world, k] for k in there)
            weights = {k: before[k] * math.exp(rate[world] * case.satisfaction[world, k] - most) for k in there}
            for k in range(len(before)):
                expected = before.sum() * weights.get(k, 0.0) / math.fsum(weights.values())
                assert found[world, k] == pytest.approx(expected, rel=1e-11, abs=1e-290)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_who_is_not_there_counts_for_nothing_however_well_served(dtype: torch.dtype) -> None:
    members = Membership(np.arange(3), 3, torch.ones((1, 3), dtype=dtype))
    alone = torch.tensor([[2.0, 6.0, 0.0]], dtype=dtype)
    for best in (1.0, 100.0, 1e4):
        served = Served(torch.tensor([[0.3, 0.1, best]], dtype=dtype), torch.ones((1, 3)), torch.ones((1, 3)), members)
        found = RULES["replicator"](alone, served, 0, {"rate": torch.tensor([2.0], dtype=dtype)})[0]
        grown = 2 * math.exp(0.4)  # beside 6 who grow by less
        expected = [8 * grown / (grown + 6), 8 * 6 / (grown + 6), 0]
        assert found.tolist() == pytest.approx(expected, rel=1e-14 if dtype == torch.float64 else 1e-6)


def moved(choice: Array, moves: Moves) -> Array:
    return moves.expected(torch.from_numpy(choice)).numpy()


def plain_moves(choice: Array, weight: Array, s: float) -> Array:
    """α⁺ of one cohort, by P(j → i) = s^[i ≠ j] w_i / Z_j for every pair of models."""
    models = range(len(choice))
    after = np.zeros(len(choice))
    for j in models:
        z = s * weight.sum() + (1 - s) * weight[j]
        for i in models:
            if z > 0:
                after[i] += choice[j] * (weight[i] if i == j else s * weight[i]) / z
            elif i == j:  # whom it costs too much to go stays, however bad the model
                after[i] += choice[j]
    return after / after.sum()


COHORTS = 12


def choices() -> tuple[Array, Array, Array]:
    """α, experience and best: cohorts and four models, some of which some do not use."""
    g = np.random.default_rng(0)
    shape = (WORLDS, COHORTS, 4)
    used = g.random(shape) < 0.8
    used[..., 0] = True
    choice = g.dirichlet(np.ones(4), size=shape[:2]) * used
    return choice / choice.sum(-1, keepdims=True), g.normal(size=shape), g.normal(0.5, 1, shape[:2])


@pytest.mark.parametrize("cost", [[0.0, 0.0], [0.3, 2.0], [math.inf, 0.1]])
def test_users_go_by_the_softmax_of_experience(cost: list[float]) -> None:
    choice, experience, best = choices()
    temperature = [0.4, 3.0]
    numbers = {
        "temperature": torch.tensor(temperature, dtype=torch.float64),
        "switching_cost": torch.tensor(cost, dtype=torch.float64),
    }
    moves = moves_of("softmax")
    assert moves is CHOICES["softmax"]
    found = moved(choice, moves(*map(torch.from_numpy, (choice, experience, best)), numbers))
    for world in range(WORLDS):
        for cohort in range(COHORTS):
            weight = np.exp(experience[world, cohort] / temperature[world])
            s = math.exp(-cost[world] / temperature[world])
            expected = plain_moves(choice[world, cohort], weight, s)
            assert found[world, cohort] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("cost", [[0.0, 0.0], [0.3, 2.0], [math.inf, 0.1]])
@pytest.mark.parametrize("rate", [[0.6, 2.0], [3000.0, 1e4]])
def test_users_go_by_what_their_risk_leaves_of_their_choice(cost: list[float], rate: list[float]) -> None:
    choice, experience, best = choices()
    numbers = {
        "rate": torch.tensor(rate, dtype=torch.float64),
        "switching_cost": torch.tensor(cost, dtype=torch.float64),
    }
    moves = moves_of("multiplicative")
    assert moves is CHOICES["multiplicative"]
    found = moved(choice, moves(*map(torch.from_numpy, (choice, experience, best)), numbers))
    for world in range(WORLDS):
        for cohort in range(COHORTS):
            alpha = choice[world, cohort]
            risk = np.maximum(best[world, cohort] - experience[world, cohort], 0)
            weight = np.zeros(4)
            for i in np.flatnonzero(alpha):
                weight[i] = alpha[i] * math.exp(-rate[world] * (risk[i] - risk[alpha > 0].min()))
            weight /= weight.sum()
            s = math.exp(-rate[world] * cost[world])
            expected = plain_moves(alpha, weight, s)
            assert found[world, cohort] == pytest.approx(expected, rel=1e-11, abs=1e-290)


def test_with_a_fixed_choice_there_are_no_moves() -> None:
    assert moves_of("fixed") is None
    assert rule_of("drift") is None


NUMBERS: dict[str, dict[str, list[float]]] = {
    "static": {},
    "linear": {"step": [0.1, 0.2], "cap": [0.9, 1.0]},
    "retention": {"scale": [0.7, 2.0], "arrivals": [1.5, 0.0], "cap": [4.0, 7.0]},
    "replicator": {"rate": [0.3, 1.3]},
}


@pytest.mark.parametrize("method", RULES)
def test_rules_have_derivatives_also_where_nobody_is(method: str) -> None:
    numbers = {name: torch.tensor(value, dtype=torch.float64) for name, value in NUMBERS[method].items()}
    everyone_in_one = Case([0, 1, 2], 1)
    everyone_in_one.activity[:] = [[0, 5, 0], [0, 0, 0]]
    for case in (*cases(), everyone_in_one):
        activity = torch.from_numpy(case.activity).requires_grad_()
        found = RULES[method](activity, case.served, 1, numbers)
        weights = torch.from_numpy(np.random.default_rng(0).normal(size=case.activity.shape))
        (slope,) = torch.autograd.grad((weights * found).sum(), activity)
        assert bool(torch.isfinite(slope).all())
        if (case.activity > 0).all():  # elsewhere users could only become more
            assert torch.autograd.gradcheck(lambda a, case=case: RULES[method](a, case.served, 1, numbers), (activity,))


def test_the_first_who_come_grow_as_others_do() -> None:
    # Of ε who appear in an empty cohort, ε e^{ru} weigh beside the others: so does the derivative where nobody is yet.
    case = Case([0, 1, 2], 1)
    case.activity[:] = [[2.0, 0.0, 6.0], [0.0, 3.0, 0.0]]
    numbers = {"rate": torch.tensor([0.7, -1.2], dtype=torch.float64)}

    def after(activity: torch.Tensor) -> torch.Tensor:
        return RULES["replicator"](activity, case.served, 0, numbers)

    start, step = torch.from_numpy(case.activity), 3e-4
    slopes = torch.autograd.functional.jacobian(after, start)
    assert isinstance(slopes, torch.Tensor)
    for world, cohort in ((0, 1), (1, 0), (1, 2)):
        come = torch.zeros_like(start)
        come[world, cohort] = step
        ahead = [after(start + k * come) - after(start) for k in (1, 2, 3, 4)]
        expected = (48 * ahead[0] - 36 * ahead[1] + 16 * ahead[2] - 3 * ahead[3]) / (12 * step)
        assert slopes[..., world, cohort].numpy() == pytest.approx(expected.numpy(), abs=1e-9)


@pytest.mark.parametrize("method", CHOICES)
def test_moves_have_derivatives_also_where_nobody_can_afford_to_go(method: str) -> None:
    choice, experience, best = map(torch.from_numpy, choices())
    for cost in (0.0, 0.4, math.inf):
        names = ("temperature", "rate")
        numbers = {name: torch.full((WORLDS,), 0.7, dtype=torch.float64) for name in names}
        numbers["switching_cost"] = torch.full((WORLDS,), cost, dtype=torch.float64)

        def after(experience: torch.Tensor, numbers: dict[str, torch.Tensor] = numbers) -> torch.Tensor:
            return CHOICES[method](choice, experience, best, numbers).expected(choice)

        assert torch.autograd.gradcheck(after, (experience.clone().requires_grad_(),))


def test_what_a_plug_in_weighs_and_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = SimpleNamespace(
        choose=lambda choice, experience, best: 7 * experience.exp(),
        respond=lambda activity, served, group: activity + group,
    )
    for module in (choice_of_model, feedback):
        monkeypatch.setattr(module, "is_plugin", lambda method: method == "theirs")
        monkeypatch.setattr(module, "revived", lambda method: plugin)
    choice, experience, best = map(torch.from_numpy, choices())
    moves, rule = moves_of("theirs"), rule_of("theirs")
    assert moves is not None and rule is not None
    found = moves(choice, experience, best, {})
    assert torch.allclose(found.goes, torch.softmax(experience, -1), rtol=1e-14)
    assert (found.leave == 1).all()
    case = cases()[1]
    after = rule(torch.from_numpy(case.activity), case.served, 2, {})
    assert (after.numpy() == case.activity + 2).all()
