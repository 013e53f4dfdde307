"""The categorical learner: each model is a distribution over a finite set, for each context."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import Learner
from ecosystem.learners.sampling import draw_counts, draw_given
from ecosystem.learners.turn import Turn
from ecosystem.measures import categorical
from ecosystem.users.crowd import Demand


class Categorical(Learner):
    """Models that are probabilities of outputs, ``[worlds, models, contexts, outputs]``."""

    measures = categorical.MEASURES

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._smooths = bool((batch.smoothing > 0).any())

    def mass(self, mixed: Tensor) -> Tensor:
        """Return the sum of each row."""
        return mixed.sum(-1, keepdim=True)

    def sample(self, turn: Turn, p: Tensor, round_: int, demand: Demand) -> Tensor:
        """Return D̂, the empirical mixture of a finite training set; a context without examples is 0.

        A model without any source reads nothing and learns what it has, p itself.
        """
        if self.batch.learning.pool is not None:
            return self._sample_pools(turn, p, round_, self.batch.learning.pool, demand)
        counts = self._draw(
            turn.mixture(p, demand), turn.models, "examples", round_, self.batch.learning.examples, demand.weights
        )
        found = self._empirical(counts)
        alone = turn.nothing(demand)
        return found if alone is None else torch.where(alone, turn.own(p), found)

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

    def _sample_pools(self, turn: Turn, p: Tensor, round_: int, pool: int, demand: Demand) -> Tensor:
        """Return D̂ where every reader of a source reads the same outputs of it.

        How many of a reader's examples come from which kind of source is drawn by its diet; those of
        `real` and `users` are its own draws, those of any other kind are that source's pool.
        """
        written = p if demand.filtered is None else demand.filtered
        pools = [self._pool(turn, written, "pool.raw", round_, pool, demand)]
        kept = self._pool(turn, turn.curation.keep(written, demand.heard), "pool.curated", round_, pool, demand)
        pools.append(torch.where(self.batch.chosen, kept, pools[0]))
        there = [counts.sum(-1) > 0 for counts in pools]
        pools = [counts / counts.sum(-1, keepdim=True).clamp_min(1.0) for counts in pools]
        sources = [
            turn.own(pools[0]),
            turn.own(pools[1]),
            turn.exchange.gather(pools[0], there[0]),
            turn.exchange.gather(pools[1], there[1]),
        ]
        shares = turn.diet[:, :, None, 1:5] * torch.stack([source.sum(-1) > 0 for source in sources], -1)
        real = turn.diet[:, :, None, :1].expand(*shares.shape[:-1], 1)
        own, users = real * turn.real, torch.zeros_like(real)
        if demand.brought is not None and demand.volume is not None:
            users = turn.diet[:, :, None, 5:] * (turn.own(demand.volume)[..., None] > 0)
            own = own + users * turn.own(demand.brought)
        whole = shares.sum(-1, keepdim=True) + real + users
        alone = (whole == 0) | turn.sourceless
        weight = torch.where(alone, 1.0, whole)
        # The last category stands for "no source left", whose rows are replaced below.
        categories = torch.cat([own / weight, shares / weight, alone.to(p.dtype)], dim=-1)
        categories = categories / categories.sum(-1, keepdim=True)
        counts = self._draw(categories, turn.models, "examples", round_, self.batch.learning.examples, demand.weights)
        size = p.shape[-1]
        found = counts[..., :size]
        for index, source in enumerate(sources):
            found = found + counts[..., size + index, None] * source
        return torch.where(alone, turn.own(p), self._empirical(found))

    def _pool(self, turn: Turn, written: Tensor, purpose: str, round_: int, pool: int, demand: Demand) -> Tensor:
        """Return how often each output stands in each model's pool, ``[worlds, models, contexts, outputs]``.

        In sequential order a model that has learned writes a new pool.
        """
        everyone = torch.arange(self.batch.models, device=written.device)
        counts = self._draw(written, everyone, purpose, round_, pool, demand.weights)
        if turn.everyone:
            return counts
        again = self._draw(written, everyone, f"{purpose}.again", round_, pool, demand.weights)
        return torch.where((everyone < turn.models[0])[:, None, None], again, counts)

    def look(self, row: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return numbers of outputs, ``[n]``."""
        return generator.choice(len(row), size=n, p=row / row.sum())
