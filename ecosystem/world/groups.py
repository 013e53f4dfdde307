"""The groups of a run as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.outputs import Space
from ecosystem.scenario.fields.common import DirichletDraw, GaussianDraw, QuadraticReward
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.rewards import Rewards

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """Groups of users, in the order of the scenario.

    Attributes
    ----------
    names : tuple of str
        The groups.
    size : ndarray
        N, users at the start, ``[groups]``.
    contexts : ndarray
        φ, each group's distribution over contexts, ``[groups, contexts]``.
    reward : ndarray
        Number of each group's reward, −1 for none, ``[groups]``.
    best : ndarray
        The largest satisfaction, NaN where it is not known, ``[groups]``.
    data : ndarray
        What they bring, ``[groups, contexts, numbers]``.
    choice : ndarray
        α_0, ``[groups, models]``.
    scores : ndarray
        ``[scores, contexts or 1, numbers]``
    score_names : tuple of str
        The scores.
    rules : tuple
        Each rule of feedback: its method, its group (−1 for none), and its numbers by name.
    chooses : tuple
        How models are chosen: method, and its numbers by name.
    """

    names: tuple[str, ...]
    size: Array
    contexts: Array
    reward: NDArray[np.int64]
    best: Array
    data: Array
    choice: Array
    scores: Array
    score_names: tuple[str, ...]
    rules: tuple[tuple[str, int, Mapping[str, float]], ...]
    chooses: tuple[str, Mapping[str, float]]

    @property
    def shape(self) -> tuple[object, ...]:
        """What two runs must share to be worlds of one batch."""
        rules = tuple((method, group) for method, group, _ in self.rules)
        return (self.names, self.reward.tobytes(), self.score_names, self.scores.shape, rules, self.chooses[0])


def groups_of(
    scenario: Scenario, space: Space, rewards: Rewards, shared: Array, names: Sequence[str], seed: int
) -> Groups:
    """Return the groups of a scenario as arrays; `shared` is the shared real data, ``[contexts, numbers]``."""
    users = scenario.users
    assert users is not None
    number = {group.name: index for index, group in enumerate(users.groups)}
    scores = Rewards(scenario.outputs.scores, space)
    rules = []
    for rule in users.rules:
        settings = rule.model_dump(exclude={"method", "group"}, exclude_none=True)
        rules.append((rule.method, number[group] if (group := getattr(rule, "group", None)) else -1, settings))
    return Groups(
        names=tuple(number),
        size=np.array([group.size for group in users.groups], dtype=np.float64),
        contexts=np.array([_weights(group.contexts, range(space.contexts)) for group in users.groups]),
        reward=np.array(
            [-1 if group.reward is None else rewards.number(group.reward) for group in users.groups], dtype=np.int64
        ),
        best=np.array([_best(group.best, scenario.rewards.get(str(group.reward))) for group in users.groups]),
        data=np.array(
            [
                _data(group.data, space, shared, seed, index, len(number))
                for group, index in zip(users.groups, range(len(number)), strict=True)
            ]
        ),
        choice=np.array([_weights(names if group.models is None else group.models, names) for group in users.groups]),
        scores=scores.table(),
        score_names=scores.names,
        rules=tuple(rules),
        chooses=(users.choice.method, users.choice.model_dump(exclude={"method"})),
    )


def _weights(written: Sequence[Any] | Mapping[Any, float], of: Sequence[Any]) -> list[float]:
    weight = dict(written) if isinstance(written, Mapping) else dict.fromkeys(written, 1.0)
    total = sum(weight.values())
    return [weight.get(one, 0.0) / total for one in of]


def _best(stated: float | None, reward: Any) -> float:
    """Return the largest entry of a reward; w·centre + ‖w‖²/2k for one of curvature k > 0; NaN if there is none."""
    if stated is not None:
        return stated
    if reward is None:
        return float("nan")
    each = reward if isinstance(reward, tuple) and isinstance(reward[0], QuadraticReward) else (reward,)
    if isinstance(each[0], QuadraticReward):
        return max(_top(one) for one in each)
    return float(np.max([np.max(row) for row in np.atleast_2d(np.array(reward, dtype=np.float64))]))


def _top(reward: QuadraticReward) -> float:
    if reward.curvature <= 0:
        return float("nan")
    linear = np.array(reward.linear or (0.0,))
    centre = np.array(reward.centre or (0.0,))
    return float((linear * centre).sum() + (linear**2).sum() / (2 * reward.curvature))


def _data(written: Any, space: Space, shared: Array, seed: int, index: int, count: int) -> Array:
    if written is None:
        return shared
    if isinstance(written, (DirichletDraw, GaussianDraw)):
        return space.drawn(written, seed, "users.data", count)[index]
    return space.distribution(written)
