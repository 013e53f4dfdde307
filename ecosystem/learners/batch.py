"""The settings of several worlds as tensors, one row a world."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.curators.buckets import Bucket
from ecosystem.curators.curation import Curation
from ecosystem.devices import usable
from ecosystem.learners.exchange import Exchange
from ecosystem.world.blueprint import Blueprint
from ecosystem.world.settings import ALWAYS


class Batch:
    """Worlds of one shape, ready to be computed together.

    Parameters
    ----------
    worlds : sequence of Blueprint
        Runs whose `shape` is equal.
    dtype : torch.dtype
        Precision of the state; that of the scenario by default.
    device : str
        Where the state lies; where the scenario says by default.

    Raises
    ------
    EcosystemError
        The scenario asks for a device that is not there.
    """

    def __init__(
        self, worlds: Sequence[Blueprint], dtype: torch.dtype | None = None, device: str | None = None
    ) -> None:
        self.worlds = tuple(worlds)
        first = worlds[0]
        self.dtype = dtype or getattr(torch, first.scenario.precision)
        self.device = device or usable(first.scenario.device)
        self.models, self.contexts, self.numbers = first.initial.shape
        self.initial = self._stack_rows([world.initial for world in worlds])
        self.real = self._stack_rows([world.real for world in worlds])
        self.diet = self.stack([world.effective_diet for world in worlds])
        self.sourceless = torch.from_numpy(np.stack([world.sourceless for world in worlds])).to(self.device)
        self.rewards = self.stack([world.rewards for world in worlds])
        learning = [world.scenario.learning for world in worlds]
        self.rate = self.stack([np.array(block.rate) for block in learning])[:, None, None, None]
        self.sharing = self.stack([np.array(block.sharing) for block in learning])[:, None, None, None]
        self.smoothing = self.stack([np.array(block.smoothing) for block in learning])[:, None, None, None]
        self.learning = learning[0]
        self.sampled = first.scenario.mode == "sampled"
        self.context_weights = self.initial.new_full((len(worlds), self.models, self.contexts), 1.0 / self.contexts)

    def stack(self, arrays: Sequence[NDArray[np.float64]]) -> Tensor:
        """Return one array a world as a tensor, ``[worlds, ...]``."""
        return torch.from_numpy(np.ascontiguousarray(np.stack(arrays))).to(self.device, self.dtype)

    def _stack_rows(self, arrays: Sequence[NDArray[np.float64]]) -> Tensor:
        """Return the same; what all models share is held once."""
        if all(array.strides[0] == 0 for array in arrays):
            return self.stack([array[:1] for array in arrays]).expand(-1, self.models, -1, -1)
        return self.stack(arrays)

    @cached_property
    def choice_weight(self) -> Tensor:
        """How often each choice chooses, ``[worlds, choices]``."""
        return self.stack([world.choice_weight for world in self.worlds])

    @cached_property
    def choice_rho(self) -> Tensor:
        """Reward over temperature of each choice, ``[worlds, choices, contexts, numbers]``."""
        rows = [
            np.broadcast_to(
                world.rewards[world.choice_reward] / _scale(world, np.arange(len(world.choice_model)))[:, None],
                (len(world.choice_model), self.contexts, self.numbers),
            )
            for world in self.worlds
        ]
        return self.stack(rows)

    def of(self, models: Tensor | slice) -> Batch:
        """Return the same for some models alone, as far as what is measured of them needs it."""
        made = copy(self)
        made.initial, made.real = self.initial[:, models], self.real[:, models]
        made.evaluation = self.evaluation[models]
        made.models = made.initial.shape[1]
        return made

    @property
    def size(self) -> int:
        """How many worlds there are."""
        return len(self.worlds)

    @cached_property
    def chosen(self) -> Tensor:
        """Which models' outputs a curator really chooses among, ``[models, 1, 1]``."""
        kinds = self.worlds[0].kinds
        return torch.tensor([kind is not None for kind in kinds], device=self.device)[:, None, None]

    @cached_property
    def evaluation(self) -> Tensor:
        """Number of each model's evaluation reward, −1 for none, ``[models]``."""
        return torch.from_numpy(self.worlds[0].evaluation).to(self.device)

    def exchange(self, readers: NDArray[np.int64]) -> Exchange:
        """Return what some models read from the network."""
        return Exchange([world.edges for world in self.worlds], readers, self.models, self.initial)

    def curation(self, models: NDArray[np.bool_] | None = None) -> Curation:
        """Return the curators of some models (all by default)."""
        layout = self.worlds[0].buckets(models)
        return Curation(
            layout,
            [self.stack([_rho(world, bucket) for world in self.worlds]) for bucket in layout],
            [self.stack([_candidates(world, bucket) for world in self.worlds]) for bucket in layout],
            [self.stack([world.choice_weight[bucket.owners] for world in self.worlds]) for bucket in layout],
            self.worlds[0].nodes,
            [self._voice[bucket.owners] for bucket in layout]
            if (self.worlds[0].choice_voice != ALWAYS).any()
            else None,
        )

    @cached_property
    def _voice(self) -> NDArray[np.int64]:
        """Row of `Demand.heard` of each choice: the voices of users, then `ALWAYS`, then `UNASKED`."""
        world = self.worlds[0]
        voices = 0 if world.groups is None else len(world.groups.voices)
        voice = world.choice_voice
        return np.where(voice >= 0, voice, np.where(voice == ALWAYS, voices, voices + 1))

    @cached_property
    def choice_voice(self) -> list[int]:
        """As a list, one a choice."""
        return [int(voice) for voice in self._voice]


def _rho(world: Blueprint, bucket: Bucket) -> NDArray[np.float64]:
    """Reward over temperature of each curve, ``[curves, outputs]``; the reward alone at temperature 0."""
    contexts = bucket.contexts if world.rewards.shape[1] > 1 else np.zeros_like(bucket.contexts)
    values = world.rewards[world.choice_reward[bucket.choices], contexts]
    return np.asarray(values / _scale(world, bucket.choices))


def _scale(world: Blueprint, choices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Temperature of some choices, 1 in place of 0, ``[choices, 1]``."""
    temperature = world.temperature[world.choice_model[choices]][:, None]
    return np.where(temperature > 0, temperature, 1.0)


def _candidates(world: Blueprint, bucket: Bucket) -> NDArray[np.float64]:
    """K of each curve, ``[curves]``."""
    return world.candidates[world.choice_model[bucket.choices]]
