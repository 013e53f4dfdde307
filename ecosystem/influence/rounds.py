"""The exact round as a smooth map of one state, which is all that influence knows of a learner.

A learner can be differentiated here if it has coordinates in which training data mix linearly:
the probabilities of a categorical model; of a Gaussian one the mean and the second moments. A
mixture of sources, sharing across contexts, the corpus, the learning rate and channels are then
linear maps of those coordinates, and only the choice of curators has a derivative of its own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.learners.batch import Batch
from ecosystem.learners.categorical import Categorical, State
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import Blueprint, blueprint


class Round(Protocol):
    """One exact round of one world, corpus replaced, as a map of a state ``[models, contexts, numbers]``."""

    plan: Blueprint

    @property
    def start(self) -> Tensor:
        """The initial state."""
        ...

    @property
    def rate(self) -> float:
        """η, how far a round moves towards what is learned."""
        ...

    @property
    def real(self) -> Tensor:
        """Real data."""
        ...

    @property
    def measured(self) -> Tensor:
        """What alignment weighs each number of the state by; NaN without a reward."""
        ...

    def step(self, x: Tensor) -> Tensor:
        """Return the state one round later."""
        ...

    def data(self, before: Tensor, after: Tensor) -> Tensor:
        """Return what every model learns in the round that leads from one state to another."""
        ...

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return the valid state near to `x`; `plain` is a valid state that a plain round gave."""
        ...

    def tangent(self, change: Tensor) -> Tensor:
        """Return the part of changes that leads to valid states, ``[models, contexts, numbers, …]``."""
        ...

    def elsewhere(self, count: int, seed: int) -> list[Tensor]:
        """Return other states to start from: extreme ones first, then random ones."""
        ...

    def kept(self, x: Tensor) -> Tensor:
        """Return what curators keep; what models without one write."""
        ...

    def choice(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows (of models × contexts) with a curator, and ∂kept/∂x there, ``[rows, numbers, numbers]``."""
        ...

    def choice_by(self, x: Tensor, setting: str) -> Tensor:
        """Return ∂kept/∂(temperature or candidates), each model's own, shaped as `x`."""
        ...


class CategoricalRound:
    """The round of categorical models; numbers of the state are probabilities.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    seed : int
        The run's seed.

    Raises
    ------
    EcosystemError
        If the scenario is sampled or has a sweep.
    """

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        if scenario.sweep is not None:
            raise EcosystemError("stable points are of one variant; leave out the sweep, or take a point of it")
        if scenario.mode == "sampled":
            raise EcosystemError(
                "mode: a sampled scenario has no stable point and no derivative (got 'sampled'); use mode: exact"
            )
        self.plan = blueprint(scenario, seed)
        self._batch = Batch([self.plan])
        self._learner = Categorical(self._batch)

    @property
    def start(self) -> Tensor:
        """p_0, ``[models, contexts, outputs]``."""
        return self._batch.initial[0]

    @property
    def rate(self) -> float:
        """η, how far a round moves towards what is learned."""
        return float(self._batch.rate)

    @property
    def real(self) -> Tensor:
        """Real data, ``[models, contexts, outputs]``."""
        return self._batch.real[0]

    @cached_property
    def measured(self) -> Tensor:
        """∂J_i/∂p_i, the evaluation reward over the number of contexts, ``[models, contexts, outputs]``."""
        shape = self.start.shape
        if self._batch.rewards.shape[1] == 0:
            return torch.full(shape, torch.nan, dtype=self._batch.dtype)
        own = self._batch.rewards[0, self._batch.evaluation.clamp_min(0)].expand(shape) / shape[1]
        return own.masked_fill((self._batch.evaluation < 0)[:, None, None], torch.nan)

    def step(self, x: Tensor) -> Tensor:
        """Return p⁺; a first round's corpus holds that round only, so the corpus is one replaced."""
        return self._learner.step(State(0, x[None])).p[0]

    def data(self, before: Tensor, after: Tensor) -> Tensor:
        """Return D̃ of a round, ``[models, contexts, outputs]``."""
        return self._learner.data(before[None], after[None])[0]

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return the distribution near to `x`.

        What a plain round still writes keeps a part of its probability: at zero it would be lost for good.
        """
        clipped = torch.maximum(x, 0.1 * plain)
        return clipped / clipped.sum(-1, keepdim=True)

    def tangent(self, change: Tensor) -> Tensor:
        """Return changes without the part that adds to a distribution's sum."""
        return change - change.mean(2, keepdim=True)

    def elsewhere(self, count: int, seed: int) -> list[Tensor]:
        """Return states near one output for all models (as many as there are outputs), then Dirichlet draws."""
        outputs = self.start.shape[-1]
        generator = np.random.default_rng(seed)
        states = []
        for number in range(count):
            if number < outputs:
                state = torch.full_like(self.start, 0.01 / outputs)
                state[..., number] += 0.99
            else:
                state = torch.from_numpy(generator.dirichlet(np.ones(outputs), size=self.start.shape[:-1]))
            states.append(state)
        return states

    def kept(self, x: Tensor) -> Tensor:
        """Return H, ``[models, contexts, outputs]``."""
        return self._curation.keep(x[None])[0]

    def choice(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows with a curator and ∂H[y]/∂p[x] there, ``[rows, outputs (y), outputs (x)]``."""
        rows, blocks = self._curation.derivative(x[None])
        # Sums are kept on both sides: a change that adds to the sum neither enters nor leaves.
        blocks = blocks[0] - blocks[0].mean(-1, keepdim=True)
        return rows, blocks - blocks.mean(-2, keepdim=True)

    def choice_by(self, x: Tensor, setting: str) -> Tensor:
        """Return ∂H_i/∂T_i or ∂H_i/∂K_i (of the formula in which K is any real number), shaped as `x`."""

        def kept(by: Tensor) -> Tensor:
            return self._batch.curation(**{setting: by}).keep(x[None])[0]

        zero = torch.zeros((), dtype=x.dtype)
        derivative: Tensor = torch.func.jvp(kept, (zero,), (torch.ones_like(zero),))[1]
        return derivative

    @cached_property
    def _curation(self):  # type: ignore[no-untyped-def]
        return self._batch.curation()


def round_of(scenario: Scenario, seed: int = 0) -> Round:
    """Return the round of a scenario's learner."""
    return CategoricalRound(scenario, seed)
