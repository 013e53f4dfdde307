"""A learner that another package brings: what a model becomes, given where it starts and what it has read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.turn import Readers
from ecosystem.plugins.kinds import Learner
from ecosystem.plugins.registry import PluginError, told


@dataclass(frozen=True)
class Training:
    """What a learner goes by.

    Attributes
    ----------
    start : Tensor
        S, where training starts, ``[worlds, models, contexts, numbers]``: what models write now, or before the first
        round, as `learning.regime` says.
    data : Tensor
        The corpus, shaped alike: what was read in each context, as the row that is the mean of it.
    rate : Tensor
        η, how far a round moves from the start to the data, ``[worlds, models, contexts, 1]``. Of drawn training sets
        it is less where fewer of a context's examples came: 0 where none did, and the engine sees to that row.
    now, first : Tensor
        What models write now, and before the first round, shaped as `start`.
    """

    start: Tensor
    data: Tensor
    rate: Tensor
    now: Tensor
    first: Tensor


class PluggedLearner:
    """A plug-in, as the engine trains by it.

    Parameters
    ----------
    plugin : Learner
        What learns.
    batch : Batch
        Settings of the worlds.
    mass : callable
        Gives the total weight of each row, ``[..., 1]``.
    """

    def __init__(self, plugin: Learner, batch: Batch, mass: Callable[[Tensor], Tensor]) -> None:
        self._plugin, self._batch, self._mass = plugin, batch, mass

    def learned(self, corpus: Tensor, readers: Readers, p: Tensor) -> Tensor:
        """Return what some models write after a round; rounding is divided out.

        Parameters
        ----------
        corpus : Tensor
            The mean of what the corpus holds, ``[worlds, readers, contexts, numbers]``.
        readers : Readers
            The models.
        p : Tensor
            What all models write now.
        """
        training = self.training(corpus, readers, p)
        learned = self.raw(training)
        learned = learned / self._mass(learned)
        if not self._batch.sampled:
            return learned
        nothing = self._mass(corpus) == 0
        stays = torch.where(self._batch.rate == 1, training.now, training.start)
        return torch.where(nothing, stays, learned)

    def training(self, corpus: Tensor, readers: Readers, p: Tensor) -> Training:
        """Return what a plug-in goes by; see `learned`.

        A row of mass m < 1 is one of which only so much was read: (1 − η) S + η·corpus is then a mixture with the rate
        ηm / (1 − η + ηm).
        """
        now, first = readers.own(p).contiguous(), readers.own(self._batch.initial).contiguous()
        start = now if self._batch.learning.regime == "incremental" else first
        mass = self._mass(corpus)
        rate = self._batch.rate.expand_as(mass)
        if not self._batch.sampled:
            return Training(start, corpus / mass, rate, now, first)
        there = mass > 0
        data = torch.where(there, corpus / torch.where(there, mass, 1.0), start)
        moved = torch.where(there, rate * mass, 0.0)
        rate = moved / torch.where(there, 1 - rate + moved, 1.0)
        return Training(start, data, rate, now, first)

    def raw(self, training: Training) -> Tensor:
        """Return what the plug-in says models have become.

        Raises
        ------
        PluginError
            It is no array like that of what models write, or autograd does not go through it where that is asked.
        """
        name = self._plugin.plugin_name
        learned = self._plugin.learn(training)
        if learned.shape != training.start.shape or learned.dtype != training.start.dtype:
            raise PluginError(f"learner {name}: must return {told(training.start)} (got {told(learned)})")
        if training.data.requires_grad and not learned.requires_grad:
            raise PluginError(f"learner {name}: autograd does not go through it; let it say differentiable = False")
        return learned
