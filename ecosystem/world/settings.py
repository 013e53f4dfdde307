"""Every model's settings: the entries of a scenario spelled out, draws made, names turned into numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from ecosystem.outputs import Space
from ecosystem.plugins.kinds import Curator
from ecosystem.scenario.fields.common import DirichletDraw, GaussianDraw, NormalDraw, UniformDraw
from ecosystem.scenario.fields.models import Curation, Diet, FromRun
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.choose import curated_models
from ecosystem.world.rewards import Rewards

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

AnyCuration: TypeAlias = Curation | Curator

ALWAYS, UNASKED = -1, -2
"""Voices that are no users': of a choice made whoever asks, and of one made where nobody asks."""


def choices_of(
    curation: AnyCuration, honest: int, rewards: Rewards, voters: Sequence[int]
) -> list[tuple[int, float, int]]:
    """Return which rewards choose, how often, and whose voice they are.

    Where users curate, each group's reward stands in place of the block's own, which serves where nobody asks.
    """
    shares, attack = {honest: 1.0}, 0.0
    attacker: list[int] = []
    if isinstance(curation, Curation) and curation.rewards is not None:
        whole = sum(curation.rewards.values())
        shares = {rewards.number(name): share / whole for name, share in curation.rewards.items()}
    if isinstance(curation, Curation) and curation.attack_reward is not None:
        attack, attacker = curation.attack or 0.0, [rewards.number(curation.attack_reward)]
    left = 1.0 - attack - ((curation.noise or 0.0) if isinstance(curation, Curation) else 0.0)
    own = [(reward, left * share, UNASKED if voters else ALWAYS) for reward, share in shares.items()]
    groups = [(reward, left, voice) for voice, reward in enumerate(voters)]
    return [*own, *groups, *((reward, attack, ALWAYS) for reward in attacker)]


def kind_of(curation: AnyCuration, space: Space) -> str | None:
    """Return the kind of choice of a curator, None where nothing is chosen; a plug-in is a kind of its own."""
    if isinstance(curation, Curator):
        return None if curation.candidates == 1 else curation.identity
    temperature = 1.0 if curation.temperature is None else curation.temperature
    return space.kind_of(curation.method, curation.candidates, temperature)


@dataclass(frozen=True)
class Settings:
    """One model's settings, the `curated` block applied."""

    reward: Any
    real: Any
    initial: Any
    diet: Diet
    curation: AnyCuration | None


def settings_of(scenario: Scenario, graph: nx.DiGraph[str], names: tuple[str, ...], seed: int) -> list[Settings]:
    """Return the settings of every model, in order."""
    chosen = scenario.curated
    curated = set(curated_models(chosen, graph, names, seed)) if chosen is not None else set()
    found = []
    for block in scenario.models:
        plain = Settings(block.reward, block.real, block.initial, block.diet, block.curation)
        for name in block.names:
            settings = plain
            if chosen is not None and name in curated:
                settings = Settings(
                    reward=plain.reward if chosen.reward is None else chosen.reward,
                    real=plain.real,
                    initial=plain.initial,
                    diet=plain.diet if chosen.diet is None else chosen.diet,
                    curation=chosen.curation,
                )
            found.append(settings)
    return found


def reward_numbers(written: list[Any], rewards: Rewards, seed: int, purpose: str) -> Ints:
    """Return each model's row of the reward table.

    A draw is made for all models, so that who uses it moves nobody else's.
    """
    numbers = np.full(len(written), -1, dtype=np.int64)
    made: dict[Any, Array] = {}
    for index, value in enumerate(written):
        if isinstance(value, str):
            numbers[index] = rewards.number(value)
        elif isinstance(value, (NormalDraw, UniformDraw)):
            if value not in made:
                made[value] = rewards.space.drawn_rewards(value, seed, purpose, len(written))
            numbers[index] = rewards.add(made[value][index])
    return numbers


def shared_real(scenario: Scenario, space: Space, seed: int) -> Array:
    """Return the real data that models share, ``[models, contexts, numbers]``."""
    if scenario.real is None:
        shared = space.default()
    elif isinstance(scenario.real, (DirichletDraw, GaussianDraw)):
        shared = space.drawn(scenario.real, seed, "real.shared", 1)[0]
    else:
        shared = space.distribution(scenario.real)
    return np.broadcast_to(shared, (len(scenario.model_names), *shared.shape))


def known_before(written: Any, name: str, scenario: Scenario, seed: int) -> Any:
    """Return what was written of a model's first distribution; the numbers themselves, of an earlier run."""
    if not isinstance(written, FromRun):
        return written
    from ecosystem.store.earlier import earlier  # results are read only where they are asked for

    return earlier(scenario.base / written.source).distribution(name, scenario.outputs, seed, written.run)


def distributions(written: list[Any], default: Array, seed: int, purpose: str, space: Space) -> Array:
    """Return each model's distribution, ``[models, contexts, numbers]``; one draw serves all models that ask for it."""
    if all(value is None for value in written):
        return default
    result = np.array(default, order="C")
    made: dict[Any, Array] = {}
    for index, value in enumerate(written):
        if value is None:
            continue
        if isinstance(value, np.ndarray):
            result[index] = value
            continue
        drawn = isinstance(value, (DirichletDraw, GaussianDraw))
        if value not in made:
            made[value] = space.drawn(value, seed, purpose, len(written)) if drawn else space.distribution(value)
        result[index] = made[value][index] if drawn else made[value]
    return result
