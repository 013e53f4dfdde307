"""What a lever does to a round while the state is held: the right-hand sides of influence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ecosystem.influence.linearise import Linearisation


class Push(Protocol):
    """∂F/∂λ of several levers."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the levers."""
        ...

    def data(self, linear: Linearisation) -> Tensor:
        """Return ∂D̃/∂λ at a held state, ``[models, contexts, numbers, levers]``."""
        ...

    def collect(self, linear: Linearisation, w: Tensor) -> Tensor:
        """Return Σ w · ∂F/∂λ for every lever, ``[levers]``; w is ``[models, contexts, numbers]``."""
        ...


@dataclass(frozen=True)
class DataPush:
    """Levers each of which changes what one model reads.

    Attributes
    ----------
    labels : tuple of str
        Names of the levers.
    models : Tensor
        Whose training data change, ``[levers]``.
    change : Tensor
        By how much, before sharing, ``[levers, contexts, numbers]``.
    """

    labels: tuple[str, ...]
    models: Tensor
    change: Tensor

    def data(self, linear: Linearisation) -> Tensor:
        """Return ∂D̃/∂λ, ``[models, contexts, numbers, levers]``."""
        total = torch.zeros((*linear.before.shape, len(self.labels)), dtype=self.change.dtype)
        shared = linear.share(self.change[..., None], self.models)[..., 0]
        total[self.models, :, :, torch.arange(len(self.labels))] = shared
        return total

    def collect(self, linear: Linearisation, w: Tensor) -> Tensor:
        """Return Σ w · ∂F/∂λ, ``[levers]``."""
        weight = linear.learned_back(w[..., None])[..., 0]
        return (weight[self.models] * self.change).sum((1, 2))


@dataclass(frozen=True)
class KeptPush:
    """Levers each of which changes what one model's curator keeps.

    Attributes
    ----------
    labels : tuple of str
        Names of the levers.
    models : Tensor
        Whose curator it is, ``[levers]``.
    change, change_after : Tensor
        ∂H/∂λ in the state that is read, and in the one that earlier models have reached (sequential
        order), ``[levers, contexts, numbers]``.
    """

    labels: tuple[str, ...]
    models: Tensor
    change: Tensor
    change_after: Tensor

    def data(self, linear: Linearisation) -> Tensor:
        """Return ∂D̃/∂λ, ``[models, contexts, numbers, levers]``."""
        kept, after = (self._spread(linear, change) for change in (self.change, self.change_after))
        return linear.share(linear.read_kept(kept, after))

    def collect(self, linear: Linearisation, w: Tensor) -> Tensor:
        """Return Σ w · ∂F/∂λ, ``[levers]``; both states are the same at a stable point."""
        weight = linear.read_kept_back(linear.learned_back(w[..., None]))[..., 0]
        return (weight[self.models] * self.change).sum((1, 2))

    def _spread(self, linear: Linearisation, change: Tensor) -> Tensor:
        total = torch.zeros((*linear.before.shape, len(self.labels)), dtype=change.dtype)
        total[self.models, :, :, torch.arange(len(self.labels))] = change
        return total


@dataclass(frozen=True)
class SettingsPush:
    """One lever that changes settings of any kind.

    Attributes
    ----------
    labels : tuple of str
        Its name.
    learned : Tensor
        ∂D̃/∂λ at a held state, ``[models, contexts, numbers]``.
    start : Tensor
        ∂p_0/∂λ, shaped alike.
    rate : float
        ∂η/∂λ.
    measured : Tensor
        ∂/∂λ of what alignment weighs numbers by, shaped alike.
    """

    labels: tuple[str, ...]
    learned: Tensor
    start: Tensor
    rate: float
    measured: Tensor

    def data(self, linear: Linearisation) -> Tensor:
        """Return ∂D̃/∂λ, ``[models, contexts, numbers, 1]``."""
        return self.learned[..., None]

    def collect(self, linear: Linearisation, w: Tensor) -> Tensor:
        """Return Σ w · ∂F/∂λ, ``[1]``."""
        corpus = linear.round.data(linear.before, linear.after)
        return (linear.mixed_back(w[..., None]) * beside(self, linear, corpus)).sum()[None]


def beside(push: Push, linear: Linearisation, corpus: Tensor, fresh: float = 1.0) -> Tensor:
    """Return ∂F/∂λ at a held state, ``[models, contexts, numbers, levers]``.

    Parameters
    ----------
    push : Push
        The levers.
    linear : Linearisation
        The round.
    corpus : Tensor
        What the corpus holds in the mean, ``[models, contexts, numbers]``.
    fresh : float
        What part of the corpus this round's data are.
    """
    total = push.data(linear) * (linear.rate * fresh)
    if isinstance(push, SettingsPush):
        start = linear.before if linear.incremental else linear.round.start
        total = total + (push.rate * (corpus - start))[..., None]
        if not linear.incremental:
            total = total + (1 - linear.rate) * push.start[..., None]
    return total
