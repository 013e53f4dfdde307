"""The exact round as a smooth map of one state, which is all that influence knows of a learner.

What a model writes in a context is a row of numbers that mixes: probabilities, or moments. A mixture of
sources, sharing across contexts, the corpus, the learning rate and channels are linear maps of rows;
only the choice of curators has a derivative of its own, and what a learner holds fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.curators.curation import Curation
from ecosystem.curators.differentiate import by_autograd
from ecosystem.errors import EcosystemError
from ecosystem.influence.frames import Frame, frame_of
from ecosystem.learners import row_learner_of
from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import State
from ecosystem.learners.rows import RowLearner
from ecosystem.learners.turn import Readers
from ecosystem.plugins.kinds import Learner
from ecosystem.scenario.fields.learning import RefreshCorpus
from ecosystem.scenario.fields.remedy import FreshData
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import Blueprint, blueprint


class Round:
    """One exact round of one world, its corpus replaced, as a map of states ``[models, contexts, numbers]``.

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
        refuse(scenario)
        for field in ("users", "remedy"):
            if getattr(scenario, field) is not None:
                raise EcosystemError(f"{field}: this is of models alone; leave it out, or ask for influence")
        if isinstance(scenario.learning.learner, Learner):
            raise EcosystemError("learning.learner: this knows no plug-ins; leave it out, or ask for influence")
        self._build(blueprint(scenario, seed))

    @classmethod
    def of(cls, plan: Blueprint) -> Round:
        """Return the round of a run whose arrays were changed."""
        made = cls.__new__(cls)
        made._build(plan)
        return made

    def _build(self, plan: Blueprint) -> None:
        self.plan = plan
        self._batch = Batch([plan], torch.float64, "cpu")
        self._learner: RowLearner = row_learner_of(self._batch)

    @property
    def start(self) -> Tensor:
        """The initial state, ``[models, contexts, numbers]``."""
        return self._batch.initial[0]

    @property
    def rate(self) -> float:
        """η, how far a round moves towards what is learned."""
        return float(self._batch.rate)

    @property
    def real(self) -> Tensor:
        """Real data, ``[models, contexts, numbers]``."""
        return self._batch.real[0]

    @property
    def weights(self) -> Tensor:
        """v, a model's share of volume per context, ``[models, contexts]``."""
        return self._batch.context_weights[0]

    @cached_property
    def measured(self) -> Tensor:
        """∂J_i/∂x_i, ``[models, contexts, numbers]``: the reward over the number of contexts; NaN without one."""
        shape = self.start.shape
        if self._batch.rewards.shape[1] == 0:
            return torch.full(shape, torch.nan, dtype=self._batch.dtype)
        own = self._batch.rewards[0, self._batch.evaluation.clamp_min(0)].expand(shape) / shape[1]
        return own.masked_fill((self._batch.evaluation < 0)[:, None, None], torch.nan)

    def step(self, x: Tensor) -> Tensor:
        """Return the state one round later.

        The corpus of a first round holds that round only, as one that is replaced does in every round.
        """
        return self._learner.step(State(0, x[None])).p[0]

    def path(self) -> Iterator[Tensor]:
        """Give the states of the scenario's own run, its corpus as it is, from the first on."""
        state = self._learner.start()
        while True:
            yield state.p[0]
            state = self._learner.step(state)

    def data(self, before: Tensor, after: Tensor) -> Tensor:
        """Return D̃ of the round that leads from one state to another, ``[models, contexts, numbers]``."""
        return self._learner.data(before[None], after[None])[0]

    def kept(self, x: Tensor) -> Tensor:
        """Return H, what curators keep; what models without one write."""
        return self._curation.keep(x[None])[0]

    def choice(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows (of models × contexts) with a curator and ∂H/∂x there, ``[rows, numbers (y), numbers (x)]``.

        A change that is not tangent neither enters nor leaves.
        """
        rows, blocks = self._curation.derivative(x[None])
        return rows, self.frame.tangent(self.frame.tangent(blocks[0], -1), -2)

    def choice_by(self, x: Tensor, setting: str) -> Tensor:
        """Return ∂H_i/∂T_i or ∂H_i/∂K_i (of the formula in which K is any real number), shaped as `x`.

        A central difference of order 8 in the setting alone.
        """
        width = _RELATIVE * (self.plan.temperature if setting == "temperature" else self.plan.candidates)
        total = torch.zeros_like(x)
        for offset, weight in CENTRAL.items():
            total += weight * self._tuned(setting, offset * width).keep(x[None])[0]
        each = torch.from_numpy(np.where(np.isfinite(width), width, 1.0))
        return total / each[:, None, None]

    def settling(self, x: Tensor) -> Tensor | None:
        """Return how a state follows the mixture it was learned from, ``[models · contexts, numbers, numbers]``.

        None where it is that mixture.
        """
        if self.plan.scenario.outputs.kind == "categorical" or self._batch.learning.covariance != "fixed":
            return None
        everyone = Readers(self._batch, np.arange(self._batch.models))
        return by_autograd(lambda learned: self._learner.settle(learned, everyone), x[None])[0].flatten(0, 1)

    @cached_property
    def frame(self) -> Frame:
        """What valid states are."""
        return frame_of(self.plan.scenario.outputs.kind)

    @cached_property
    def _curation(self) -> Curation:
        return self._batch.curation()

    def _tuned(self, setting: str, more: NDArray[np.float64]) -> Curation:
        """Return the curators with another temperature or number of candidates, ``[models]`` more."""
        tuned = replace(self.plan, **{setting: getattr(self.plan, setting) + np.where(np.isfinite(more), more, 0.0)})
        # The layout and nodes of the plan itself: equal curators stay equal, and so do the sizes.
        tuned.__dict__["nodes"] = self.plan.nodes
        return Batch([tuned], torch.float64, "cpu").curation()


def refuse(scenario: Scenario) -> None:
    """Refuse a scenario whose rounds have no stable point or no derivative.

    Raises
    ------
    EcosystemError
        If it is sampled, has a sweep or events, adds fresh real data to what its diets say, or has a learner
        without a derivative.
    """
    if scenario.sweep is not None:
        raise EcosystemError("stable points are of one variant; leave out the sweep, or take a point of it")
    if scenario.events:
        raise EcosystemError("events: influence is of rounds that stay as they are; leave the events out")
    for field, fresh in (
        ("remedy", isinstance(scenario.remedy, FreshData)),
        ("learning.corpus", isinstance(scenario.learning.corpus, RefreshCorpus)),
    ):
        if fresh:
            raise EcosystemError(
                f"{field}: influence does not know fresh data beside the diets; give the diets more `real` instead"
            )
    learner = scenario.learning.learner
    if isinstance(learner, Learner) and not learner.differentiable:
        raise EcosystemError(
            f"learning.learner: {learner.plugin_name} says that it has no derivative, so there is no influence; "
            f"compare runs with and without the lever instead"
        )
    if scenario.mode == "sampled":
        raise EcosystemError(
            "mode: a sampled scenario has no stable point and no derivative (got 'sampled'); use mode: exact"
        )
    if scenario.users is not None and scenario.users.mode == "sampled":
        raise EcosystemError(
            "users.mode: users who are drawn have no stable point and no derivative (got 'sampled'); use mode: expected"
        )


CENTRAL = {
    sign * k: sign * weight for k, weight in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)) for sign in (1, -1)
}
"""Weights of a central difference of order 8, by offset."""

_RELATIVE = 0.02
