"""The categorical learner: each model is a distribution over a finite set, for each context."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.buffers import Buffers
from ecosystem.learners.batch import Batch
from ecosystem.learners.rows import RowLearner
from ecosystem.learners.sampling import draw_counts, draw_given
from ecosystem.learners.turn import Mixture, Offer, Readers
from ecosystem.measures import categorical
from ecosystem.users.crowd import Demand

_MOST_LOGS = 1 << 23
"""Numbers of real data, or of what models wrote at first, of which logarithms are kept from round to round."""

_CACHEFUL, _PLENTY = 1 << 18, 1 << 24
"""Numbers of a state that are measured at once: on the CPU few enough for the cache, elsewhere enough to be busy."""


class Categorical(RowLearner):
    """Models that are probabilities of outputs, ``[worlds, models, contexts, outputs]``."""

    measures = categorical.MEASURES

    def __init__(self, batch: Batch) -> None:
        self.by_blocks = batch.learning.pool is None  # every reader of a pool needs it whole
        super().__init__(batch)
        self._smooths = bool((batch.smoothing > 0).any())
        self._places = Buffers()

    def measured(
        self,
        p: Tensor,
        batch: Batch,
        names: Collection[str],
        models: Tensor | slice = slice(None),
        weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return some of `measures` at once: they share expected rewards and logarithms; see `Learner.measured`."""
        logs = {part: log.of(models) for part, log in self._logs.items()}
        # Places for one number of models are few, so that they can be kept.
        room = partial(self._places.take, p.shape, p) if p.shape[1] == self.together else None
        reading = categorical.Reading(p, batch, logs, room, self._starts_real)
        found = {name: categorical.QUANTITIES[name](reading) for name in names}
        return found if weights is None else found | {"alignment_served": reading.alignment_served(weights)}

    @property
    def together(self) -> int:
        """How many models are measured at once; see `Learner.together`."""
        most = _CACHEFUL if self.batch.initial.device.type == "cpu" else _PLENTY
        return max(1, most // (self.batch.size * self.batch.contexts * self.batch.numbers))

    @cached_property
    def _starts_real(self) -> bool:
        """Whether what models wrote at first is their real data, as it is where nothing else is said."""
        one, other = categorical.held(self.batch.real), categorical.held(self.batch.initial)
        return one.shape == other.shape and torch.equal(one, other)

    @cached_property
    def _logs(self) -> dict[str, categorical.Log]:
        """Logarithms of what models are compared with, round after round, where they do not take too much memory."""
        compared = {"real": self.batch.real, "initial": self.batch.initial}
        return {
            part: categorical.log_of(q) for part, q in compared.items() if categorical.held(q).numel() <= _MOST_LOGS
        }

    def mass(self, mixed: Tensor) -> Tensor:
        """Return the sum of each row."""
        return mixed.sum(-1, keepdim=True)

    def sample(
        self, readers: Readers, p: Tensor, mixture: Mixture, offer: Offer, round_: int, demand: Demand
    ) -> Tensor:
        """Return D̂, the empirical mixture of a finite training set; a context without examples is 0.

        A model without any source reads nothing and learns what it has, p itself.
        """
        if self.batch.learning.pool is not None:
            return self._sample_pools(readers, p, offer, round_, self.batch.learning.pool, demand)
        counts = self._examples(mixture(), readers, round_, demand)
        found = self._empirical(counts)
        alone = readers.nothing(demand)
        return found if alone is None else torch.where(alone, readers.own(p), found)

    def _examples(self, mixture: Tensor, readers: Readers, round_: int, demand: Demand) -> Tensor:
        """Draw every reader's training set."""
        return self._draw(mixture, readers.models, "examples", round_, self.batch.learning.examples, demand.weights)

    def _draw(
        self, mixture: Tensor, models: Tensor, purpose: str, round_: int, draws: int | None, weights: Tensor
    ) -> Tensor:
        """Draw contexts by v, then categories of each: counts shaped as `mixture`.

        Where prompts are reused, the contexts are those drawn in the first round.
        """
        v = weights[:, models]
        if self.batch.learning.prompts == "reused":
            prompts = draw_counts(v, draws or 1, self.seeds, f"{purpose}.prompts", 0, models.tolist())
            return draw_given(mixture, prompts, self.seeds, purpose, round_, models.tolist())
        joint = mixture * v[..., None]
        counts = draw_counts(joint.flatten(-2), draws or 1, self.seeds, purpose, round_, models.tolist())
        return counts.reshape(mixture.shape)

    def _empirical(self, counts: Tensor) -> Tensor:
        n = counts.sum(-1, keepdim=True)
        smoothing = self.batch.smoothing * (n > 0)
        whole = torch.where(n > 0, n + smoothing * counts.shape[-1], 1.0)
        return (counts + smoothing if self._smooths else counts) / whole

    def _sample_pools(
        self, readers: Readers, p: Tensor, offer: Offer, round_: int, pool: int, demand: Demand
    ) -> Tensor:
        """Return D̂ where every reader of a source reads the same outputs of it.

        How many of a reader's examples come from which kind of source is drawn by its diet; those of
        `real` and `users` are its own draws, those of any other kind are that source's pool.
        """
        written = offer.written
        pools = [self._pool(readers, written, "pool.raw", round_, pool, demand)]
        kept = readers.curation.keep(written, demand.heard)
        kept = self._pool(readers, kept, "pool.curated", round_, pool, demand)
        pools.append(torch.where(self.batch.chosen, kept, pools[0]))
        there = [counts.sum(-1) > 0 for counts in pools]
        pools = [counts / counts.sum(-1, keepdim=True).clamp_min(1.0) for counts in pools]
        sources = [
            readers.own(pools[0]),
            readers.own(pools[1]),
            readers.exchange.gather(pools[0], there[0]),
            readers.exchange.gather(pools[1], there[1]),
        ]
        shares = readers.diet[:, :, None, 1:5] * torch.stack([source.sum(-1) > 0 for source in sources], -1)
        real = readers.diet[:, :, None, :1].expand(*shares.shape[:-1], 1)
        own, users = real * readers.real, torch.zeros_like(real)
        if demand.brought is not None and demand.volume is not None:
            users = readers.diet[:, :, None, 5:] * (readers.own(demand.volume)[..., None] > 0)
            own = own + users * readers.own(demand.brought)
        whole = shares.sum(-1, keepdim=True) + real + users
        alone = (whole == 0) | readers.sourceless
        weight = torch.where(alone, 1.0, whole)
        # The last category stands for "no source left", whose rows are replaced below.
        categories = torch.cat([own / weight, shares / weight, alone.to(p.dtype)], dim=-1)
        categories = categories / categories.sum(-1, keepdim=True)
        counts = self._examples(categories, readers, round_, demand)
        size = p.shape[-1]
        found = counts[..., :size]
        for index, source in enumerate(sources):
            found = found + counts[..., size + index, None] * source
        return torch.where(alone, readers.own(p), self._empirical(found))

    def _pool(self, readers: Readers, written: Tensor, purpose: str, round_: int, pool: int, demand: Demand) -> Tensor:
        """Return how often each output stands in each model's pool, ``[worlds, models, contexts, outputs]``.

        In sequential order a model that has learned writes a new pool.
        """
        everyone = torch.arange(self.batch.models, device=written.device)
        counts = self._draw(written, everyone, purpose, round_, pool, demand.weights)
        if readers.everyone:
            return counts
        again = self._draw(written, everyone, f"{purpose}.again", round_, pool, demand.weights)
        return torch.where((everyone < readers.models[0])[:, None, None], again, counts)

    def draw(self, row: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return numbers of outputs, ``[n]``."""
        return generator.choice(len(row), size=n, p=row / row.sum())
