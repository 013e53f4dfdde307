"""Quantities of categorical models: means over contexts, ``[worlds, models]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import own_rewards, without_reward


@dataclass(frozen=True)
class Log:
    """Logarithms of a distribution.

    Attributes
    ----------
    values : Tensor
        log q, ``[worlds, models or 1, contexts, outputs]``; what all models share is there once.
    zeros : bool
        Whether q has zeros.
    """

    values: Tensor
    zeros: bool

    def of(self, models: Tensor | slice) -> Log:
        """Return those of some models."""
        return self if self.values.shape[1] == 1 else Log(self.values[:, models], self.zeros)


def log_of(q: Tensor) -> Log:
    """Return log q of ``[worlds, models, contexts, outputs]``."""
    once = held(q)
    return Log(once.log(), bool((once == 0).any()))


def held(q: Tensor) -> Tensor:
    """Return a tensor ``[worlds, models, ...]`` as it is in memory: one model of it where all share what it says."""
    return q[:, :1] if q.stride(1) == 0 else q


class Reading:
    """What some models write, of which quantities are read off: what several of them need is computed once.

    Parameters
    ----------
    p : Tensor
        What they write, ``[worlds, models, contexts, outputs]``.
    batch : Batch
        Their settings.
    logs : mapping of str to Log, optional
        Logarithms of their `real` data and of their `initial` outputs where these are known; others are computed.
    room : callable, optional
        Gives places shaped as `p` to compute in; by default new ones.
    alike : bool
        Whether p_0 is known to be the real data.
    """

    def __init__(
        self,
        p: Tensor,
        batch: Batch,
        logs: Mapping[str, Log] | None = None,
        room: Callable[[], Tensor] | None = None,
        alike: bool = False,
    ) -> None:
        self._p, self._batch, self._logs, self._alike = p, batch, logs or {}, alike
        self._room = room or partial(p.new_empty, p.shape)

    @cached_property
    def _space(self) -> Tensor:
        """A place for what is needed no longer than it takes to add it up."""
        return self._room()

    @cached_property
    def _own(self) -> Tensor:
        return own_rewards(self._batch)

    @cached_property
    def _expected(self) -> Tensor:
        """E_p of the model's reward, ``[worlds, models, contexts]``; 0 where it has none."""
        return torch.mul(self._p, self._own, out=self._space).sum(-1)

    @cached_property
    def _known(self) -> Tensor:
        """The same; NaN where it has none."""
        return self._expected.masked_fill(without_reward(self._batch), torch.nan)

    @cached_property
    def _plogp(self) -> Tensor:
        """Return p log p."""
        return torch.xlogy(self._p, self._p, out=self._room())

    @cached_property
    def _divergence_real(self) -> Tensor:
        return self._divergence("real")

    @cached_property
    def _variation_real(self) -> Tensor:
        return self._total_variation(self._batch.real)

    def alignment(self) -> Tensor:
        """J_i, the mean over contexts of E_p r_i; NaN where a model has no reward."""
        return self._known.mean(-1)

    def alignment_served(self, weights: Tensor) -> Tensor:
        """Mean of E_p r_i over contexts, weighted by v, the model's share of volume in each."""
        return (self._known * weights).sum(-1)

    def reward_variance(self) -> Tensor:
        """Variance of the model's reward over its outputs; NaN where it has none."""
        away = torch.sub(self._own, self._expected[..., None], out=self._space)
        variance = away.square_().mul_(self._p).sum(-1).mean(-1)
        return variance.masked_fill(without_reward(self._batch)[..., 0], torch.nan)

    def entropy(self) -> Tensor:
        """−Σ p log p, in nats."""
        return -self._plogp.sum(-1).mean(-1)

    def divergence_real(self) -> Tensor:
        """KL(p‖real)."""
        return self._divergence_real

    def divergence_initial(self) -> Tensor:
        """KL(p‖p_0)."""
        return self._divergence_real if self._alike else self._divergence("initial")

    def distance_real(self) -> Tensor:
        """Total variation between p and the real data."""
        return self._variation_real.mean(-1)

    def displacement(self) -> Tensor:
        """Squared total variation between p and p_0."""
        moved = self._variation_real if self._alike else self._total_variation(self._batch.initial)
        return moved.square().mean(-1)

    def _divergence(self, other: str) -> Tensor:
        """KL(p‖q), infinite where p has what q has not."""
        log = self._logs[other] if other in self._logs else log_of(getattr(self._batch, other))
        plogq = torch.mul(self._p, log.values, out=self._space)
        if log.zeros:  # 0 log 0 is 0
            plogq = torch.where(self._p > 0, plogq, 0.0)
        return torch.sub(self._plogp, plogq, out=plogq).sum(-1).clamp_min_(0.0).mean(-1)

    def _total_variation(self, q: Tensor) -> Tensor:
        """Return ½ Σ |p − q|, ``[worlds, models, contexts]``."""
        return torch.sub(self._p, held(q), out=self._space).abs_().sum(-1) / 2


QUANTITIES: Mapping[str, Callable[[Reading], Tensor]] = {
    quantity.__name__: quantity
    for quantity in (
        Reading.alignment,
        Reading.reward_variance,
        Reading.entropy,
        Reading.divergence_real,
        Reading.divergence_initial,
        Reading.distance_real,
        Reading.displacement,
    )
}
"""Columns of the table `models` that are read off the state."""


def _alone(quantity: Callable[[Reading], Tensor], p: Tensor, batch: Batch) -> Tensor:
    return quantity(Reading(p, batch))


MEASURES: Mapping[str, Callable[[Tensor, Batch], Tensor]] = {
    name: partial(_alone, quantity) for name, quantity in QUANTITIES.items()
}
"""The same, each by itself."""
