"""The users of a run as arrays: groups, and the cohorts they are counted in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.outputs import Space
from ecosystem.plugins.plugin import Plugin
from ecosystem.scenario.fields.common import DirichletDraw, GaussianDraw, NormalDraw
from ecosystem.scenario.fields.users import Group
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.rewards import Rewards
from ecosystem.world.streams import stream

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Groups of users, in the order of the scenario, and their cohorts, group by group.

    A cohort is users who are alike and counted together: a whole group, or with ``individuals: true`` one user.

    Attributes
    ----------
    names : tuple of str
        The groups.
    group : ndarray
        Which group each cohort belongs to, ascending, ``[cohorts]``.
    size : ndarray
        N, users at the start, ``[cohorts]``.
    contexts : ndarray
        φ, each cohort's distribution over contexts, ``[cohorts, contexts]``.
    reward : ndarray
        Number of each cohort's reward, −1 for none, ``[cohorts]``.
    best : ndarray
        The largest satisfaction, NaN where it is not known, ``[cohorts]``.
    patience : ndarray
        Factor of the scale of retention, ``[cohorts]``.
    alike : ndarray
        Which cohorts like and ask what the rest of their group does, ``[cohorts]``.
    data : ndarray
        What they bring, ``[cohorts, contexts, numbers]``.
    choice : ndarray
        α_0, ``[cohorts, models]``.
    scores : ndarray
        ``[scores, contexts or 1, numbers]``
    score_names : tuple of str
        The scores.
    rules : tuple
        Each rule of feedback: its method, its group (−1 for none), and its numbers by name.
    chooses : tuple
        How models are chosen: method, and its numbers by name.
    sampled : bool
        Whether numbers of users are drawn.
    """

    names: tuple[str, ...]
    group: Ints
    size: Array
    contexts: Array
    reward: Ints
    best: Array
    patience: Array
    alike: NDArray[np.bool_]
    data: Array
    choice: Array
    scores: Array
    score_names: tuple[str, ...]
    rules: tuple[tuple[str, int, Mapping[str, float]], ...]
    chooses: tuple[str, Mapping[str, float]]
    sampled: bool

    @property
    def user_names(self) -> list[str]:
        """Names of the users, where each cohort is one: the group's, and a number."""
        _, first = np.unique(self.group, return_index=True)
        start = np.repeat(first, np.diff([*first, len(self.group)]))
        return [
            f"{self.names[group]}{place - begin}"
            for place, (group, begin) in enumerate(zip(self.group, start, strict=True))
        ]

    @cached_property
    def voices(self) -> Ints:
        """Numbers of the different rewards that cohorts have, ``[voices]``."""
        return np.unique(self.reward)

    @property
    def voice(self) -> Ints:
        """Which of `voices` each cohort speaks with, ``[cohorts]``."""
        return np.searchsorted(self.voices, self.reward)

    @property
    def shape(self) -> tuple[object, ...]:
        """What two runs must share to be worlds of one batch."""
        rules = tuple((method, group, *numbers) for method, group, numbers in self.rules)
        arrays = (self.group.tobytes(), self.reward.tobytes(), self.alike.tobytes())
        return (self.names, *arrays, self.score_names, self.scores.shape, rules, self.chooses[0], self.sampled)


def groups_of(
    scenario: Scenario, space: Space, rewards: Rewards, shared: Array, names: Sequence[str], seed: int
) -> Groups:
    """Return the groups of a scenario as arrays.

    `shared` is the shared real data, ``[contexts, numbers]``. Rewards that individuals have of their own are
    added to `rewards`.
    """
    users = scenario.users
    assert users is not None
    number = {group.name: index for index, group in enumerate(users.groups)}
    scores = Rewards(scenario.outputs.scores, space)
    rules = []
    for rule in users.rules:
        method, settings = _method(rule)
        rules.append((method, number[group] if (group := getattr(rule, "group", None)) else -1, settings))
    cohorts = [
        cohort
        for index, group in enumerate(users.groups)
        for cohort in _cohorts(group, index, len(number), users.individuals, space, rewards, shared, names, seed)
    ]
    return Groups(
        names=tuple(number),
        group=np.array([cohort.group for cohort in cohorts], dtype=np.int64),
        size=np.array([cohort.size for cohort in cohorts]),
        contexts=np.array([cohort.contexts for cohort in cohorts]),
        reward=np.array([cohort.reward for cohort in cohorts], dtype=np.int64),
        best=np.array([cohort.best for cohort in cohorts]),
        patience=np.array([cohort.patience for cohort in cohorts]),
        alike=np.array([_alike(users.groups[cohort.group], users.individuals) for cohort in cohorts]),
        data=np.array([cohort.data for cohort in cohorts]),
        choice=np.array([cohort.choice for cohort in cohorts]),
        scores=scores.table(),
        score_names=scores.names,
        rules=tuple(rules),
        chooses=_method(users.choice),
        sampled=users.mode == "sampled",
    )


def _method(rule: Any) -> tuple[str, Mapping[str, float]]:
    """Return the name of a rule, and its numbers; a plug-in has its own, and its identity is its name."""
    if isinstance(rule, Plugin):
        return rule.identity, {}
    return rule.method, rule.model_dump(exclude={"method", "group"}, exclude_none=True)


@dataclass(frozen=True)
class _Cohort:
    """One row of the arrays."""

    group: int
    size: float
    contexts: Array
    reward: int
    best: float
    patience: float
    data: Array
    choice: Array


def _cohorts(
    group: Group,
    index: int,
    count: int,
    individuals: bool,
    space: Space,
    rewards: Rewards,
    shared: Array,
    names: Sequence[str],
    seed: int,
) -> list[_Cohort]:
    """Return a group as one cohort, or as one cohort a user, with traits drawn from the run's seed."""
    contexts = np.array(shares_of(group.contexts, range(space.contexts)))
    reward = -1 if group.reward is None else rewards.number(group.reward)
    choice = np.array(shares_of(names if group.models is None else group.models, names))
    data = _data(group.data, space, shared, seed, index, count)
    whole = _Cohort(index, group.size, contexts, reward, _best(group, reward, rewards), 1.0, data, choice)
    if not individuals:
        return [whole]
    size, traits = int(group.size), group.traits
    mixes = np.tile(contexts, (size, 1))
    if traits.contexts is not None:
        held = contexts > 0
        drawn = stream(seed, "users.traits.contexts", 0, index).standard_gamma(
            traits.contexts * contexts[held], size=(size, int(held.sum()))
        )
        certain = drawn.sum(-1) > np.finfo(float).tiny  # so small a concentration that all underflow: the group's mix
        mixes[np.ix_(certain, held)] = drawn[certain] / drawn[certain].sum(-1, keepdims=True)
    numbers = np.full(size, reward)
    if traits.reward > 0 and reward >= 0:
        draw = NormalDraw(draw="normal", scale=traits.reward)
        added = space.drawn_rewards(draw, seed, f"users.traits.reward.{index}", size)
        numbers = np.array([rewards.add(rewards.row(reward) + own) for own in added])
    patience = np.exp(traits.patience * stream(seed, "users.traits.patience", 0, index).standard_normal(size))
    return [
        _Cohort(index, 1.0, mix, int(own), _best(group, int(own), rewards), float(patient), data, choice)
        for mix, own, patient in zip(mixes, numbers, patience, strict=True)
    ]


def _alike(group: Group, individuals: bool) -> bool:
    return not individuals or (group.traits.contexts is None and group.traits.reward == 0)


def shares_of(written: Sequence[Any] | Mapping[Any, float], of: Sequence[Any]) -> list[float]:
    """Return the share of each of some names: of those in a list evenly, of those in a map by weight."""
    weight = dict(written) if isinstance(written, Mapping) else dict.fromkeys(written, 1.0)
    total = sum(weight.values())
    return [weight.get(one, 0.0) / total for one in of]


def _best(group: Group, reward: int, rewards: Rewards) -> float:
    """Return the satisfaction that leaves nothing to wish: as stated, else the top of the reward."""
    if group.best is not None:
        return group.best
    return float("nan") if reward < 0 else rewards.space.top(rewards.row(reward))


def _data(written: Any, space: Space, shared: Array, seed: int, index: int, count: int) -> Array:
    if written is None:
        return shared
    if isinstance(written, (DirichletDraw, GaussianDraw)):
        return space.drawn(written, seed, "users.data", count)[index]
    return space.distribution(written)
