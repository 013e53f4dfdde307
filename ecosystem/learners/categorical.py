"""The categorical learner: each model is a distribution over a finite set, for each context.

One round, for every model i at once (DESIGN, "The formal model"):

    H  = curate(p)                                     what each curator keeps
    D  = Σ_source diet[source] · source                the mixture that is learned
    D̃  = (1 − τ) D + τ Σ_c v[c] D[c]                    shared across contexts
    p⁺ = (1 − η) S + η · corpus(D̃_0 … D̃_t)             S = p (incremental) or p_0 (retrain)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.sampling import draw_counts
from ecosystem.scenario.fields.learning import WindowCorpus
from ecosystem.world.blueprint import SOURCES

_REAL, _RAW, _CURATED, _NEIGHBOURS_RAW, _NEIGHBOURS_CURATED = range(len(SOURCES))


@dataclass(frozen=True)
class State:
    """All that one round hands to the next.

    Attributes
    ----------
    round : int
        How many rounds have been run.
    p : Tensor
        What each model writes, ``[worlds, models, contexts, outputs]``.
    corpus : tuple of Tensor
        What is kept of earlier rounds' D̃, each shaped as `p`: nothing (`replace`), their sum
        (`accumulate`), or the last ones (`window`).
    """

    round: int
    p: Tensor
    corpus: tuple[Tensor, ...] = ()


class Categorical:
    """The learner of a batch of worlds with categorical outputs.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        everyone = np.arange(batch.models)
        sequential = batch.learning.order == "sequential"
        self._turns = [_Turn(batch, readers) for readers in (everyone[:, None] if sequential else [everyone])]
        self._seeds = [world.seed for world in batch.worlds]
        # What no world asks for is left out; a world that asks for it with a weight of 0 gets the same bits.
        self._shares = bool((batch.sharing > 0).any())
        self._starts = bool((batch.rate < 1).any())

    def start(self) -> State:
        """Return the state before the first round."""
        return State(round=0, p=self.batch.initial)

    def step(self, state: State) -> State:
        """Return the state one round later.

        Models of one turn read the same p; `order: sequential` gives every model a turn of its own.
        """
        p, learned = state.p, []
        for turn in self._turns:
            data = self._sample(turn, p, state.round) if self.batch.sampled else turn.mixture(p)
            shared = self._share(data, turn)
            corpus = self._corpus(shared, turn, state)
            p = self._learn(corpus, turn, p)
            learned.append(shared)
        return State(state.round + 1, p, self._remember(learned, state))

    def data(self, before: Tensor, after: Tensor) -> Tensor:
        """Return D̃, what every model learns in an exact round that leads from `before` to `after`.

        In sequential order a model reads what earlier ones have become.

        Returns
        -------
        Tensor
            ``[worlds, models, contexts, outputs]``
        """
        learned = []
        for turn in self._turns:
            done = 0 if turn.everyone else int(turn.models[0])
            reads = torch.cat([after[:, :done], before[:, done:]], dim=1)
            learned.append(self._share(turn.mixture(reads), turn))
        return torch.cat(learned, dim=1)

    def _share(self, data: Tensor, turn: _Turn) -> Tensor:
        """D̃[c] = (1 − τ) D[c] + τ Σ_c' v[c'] D[c']."""
        if not self._shares:
            return data
        tau, v = self.batch.sharing, turn.own(self.batch.context_weights)[..., None]
        return (1 - tau) * data + tau * (v * data).sum(-2, keepdim=True)

    def _corpus(self, shared: Tensor, turn: _Turn, state: State) -> Tensor:
        """Return the mean of what the corpus holds, this round's data included."""
        if self.batch.learning.corpus == "replace":
            return shared
        earlier = [turn.own(past) for past in state.corpus]
        kind = self.batch.learning.corpus
        held = state.round + 1 if kind == "accumulate" else len(earlier) + 1
        return sum(earlier, start=shared) / held

    def _learn(self, corpus: Tensor, turn: _Turn, p: Tensor) -> Tensor:
        """p⁺ = (1 − η) S + η · corpus, normalised; a row that learned nothing from nothing stays."""
        mixed = corpus
        if self._starts:
            start = p if self.batch.learning.regime == "incremental" else self.batch.initial
            mixed = (1 - self.batch.rate) * turn.own(start) + self.batch.rate * corpus
        total = mixed.sum(-1, keepdim=True)
        if self.batch.sampled:
            mixed = torch.where(total == 0, turn.own(p), mixed)
            total = torch.where(total == 0, 1.0, total)
        learned = mixed / total
        return learned if turn.everyone else p.index_copy(1, turn.models, learned)

    def _remember(self, learned: Sequence[Tensor], state: State) -> tuple[Tensor, ...]:
        kind = self.batch.learning.corpus
        if kind == "replace":
            return ()
        latest = torch.cat(tuple(learned), dim=1)
        if isinstance(kind, WindowCorpus):
            return (*state.corpus, latest)[-(kind.window - 1) :] if kind.window > 1 else ()
        return (state.corpus[0] + latest,) if state.corpus else (latest,)

    def _sample(self, turn: _Turn, p: Tensor, round_: int) -> Tensor:
        """Return D̂, the empirical mixture of a finite training set; a context without examples is 0.

        A model without any source reads nothing and learns what it has, p itself.
        """
        if self.batch.learning.pool is not None:
            return self._sample_pools(turn, p, round_, self.batch.learning.pool)
        counts = self._draw(turn.mixture(p), turn.models, "examples", round_, self.batch.learning.examples)
        return torch.where(turn.sourceless, turn.own(p), self._empirical(counts))

    def _draw(self, mixture: Tensor, models: Tensor, purpose: str, round_: int, draws: int | None) -> Tensor:
        """Draw contexts by v, then categories of each: counts shaped as `mixture`."""
        joint = mixture * self.batch.context_weights[:, models, :, None]
        counts = draw_counts(
            joint.flatten(-2), draws or 1, self._seeds, purpose, round_, models.tolist(), self.batch.models
        )
        return counts.reshape(mixture.shape)

    def _empirical(self, counts: Tensor) -> Tensor:
        n = counts.sum(-1, keepdim=True)
        smoothing = self.batch.smoothing
        whole = torch.where(n > 0, n + smoothing * counts.shape[-1], 1.0)
        return torch.where(n > 0, (counts + smoothing) / whole, 0.0)

    def _sample_pools(self, turn: _Turn, p: Tensor, round_: int, pool: int) -> Tensor:
        """Return D̂ where every reader of a source reads the same outputs of it.

        How many of a reader's examples come from which kind of source is drawn by its diet; those of
        `real` are its own draws, those of any other kind are that source's pool.
        """
        pools = [self._pool(turn, p, "pool.raw", round_, pool)]
        kept = self._pool(turn, turn.curation.keep(p), "pool.curated", round_, pool)
        pools.append(torch.where(self.batch.chosen, kept, pools[0]))
        there = [counts.sum(-1) > 0 for counts in pools]
        pools = [counts / counts.sum(-1, keepdim=True).clamp_min(1.0) for counts in pools]
        sources = [
            turn.own(pools[0]),
            turn.own(pools[1]),
            turn.exchange.gather(pools[0], there[0]),
            turn.exchange.gather(pools[1], there[1]),
        ]
        shares = turn.diet[:, :, None, 1:] * torch.stack([source.sum(-1) > 0 for source in sources], -1)
        real = turn.diet[:, :, None, :1].expand(*shares.shape[:-1], 1)
        whole = shares.sum(-1, keepdim=True) + real
        alone = (whole == 0) | turn.sourceless
        weight = torch.where(alone, 1.0, whole)
        # The last category stands for "no source left", whose rows are replaced below.
        categories = torch.cat([real / weight * turn.real, shares / weight, alone.to(p.dtype)], dim=-1)
        categories = categories / categories.sum(-1, keepdim=True)
        counts = self._draw(categories, turn.models, "examples", round_, self.batch.learning.examples)
        size = p.shape[-1]
        found = counts[..., :size]
        for index, source in enumerate(sources):
            found = found + counts[..., size + index, None] * source
        return torch.where(alone, turn.own(p), self._empirical(found))

    def _pool(self, turn: _Turn, written: Tensor, purpose: str, round_: int, pool: int) -> Tensor:
        """Return how often each output stands in each model's pool, ``[worlds, models, contexts, outputs]``.

        In sequential order a model that has learned writes a new pool.
        """
        everyone = torch.arange(self.batch.models, device=written.device)
        counts = self._draw(written, everyone, purpose, round_, pool)
        if turn.everyone:
            return counts
        again = self._draw(written, everyone, f"{purpose}.again", round_, pool)
        return torch.where((everyone < turn.models[0])[:, None, None], again, counts)


class _Turn:
    """Models that learn at the same time, and what they read."""

    def __init__(self, batch: Batch, readers: np.ndarray) -> None:
        first = batch.worlds[0]
        self.everyone = len(readers) == batch.models
        self.models = torch.from_numpy(readers).to(batch.device)
        self.diet = self.own(batch.diet)
        self.exchange = batch.exchange(readers)
        # Whether any world asks for a source decides what is computed; a share of 0 adds exactly 0.
        self._asked = [bool((self.diet[..., source] > 0).any()) for source in range(len(SOURCES))]
        read = np.zeros(batch.models, dtype=bool)
        if self._asked[_CURATED]:
            read[readers] = True
        if self._asked[_NEIGHBOURS_CURATED]:
            read[first.edges.source[np.isin(first.edges.target, readers)]] = True
        self.curation = batch.curation(read)
        self.real = self.own(batch.real)
        self.sourceless = self.own(batch.sourceless)[..., None, None]

    def own(self, tensor: Tensor) -> Tensor:
        """Return the rows of these models of a tensor ``[worlds, models, ...]``."""
        return tensor if self.everyone else tensor[:, self.models]

    def mixture(self, p: Tensor) -> Tensor:
        """Return D, what the diets make of all sources, ``[worlds, readers, contexts, outputs]``."""
        kept = self.curation.keep(p)
        total = self._share(_REAL) * self.real
        if self._asked[_RAW]:
            total.addcmul_(self._share(_RAW), self.own(p))
        if self._asked[_CURATED]:
            total.addcmul_(self._share(_CURATED), self.own(kept))
        if self._asked[_NEIGHBOURS_RAW]:
            total.addcmul_(self._share(_NEIGHBOURS_RAW), self.exchange.gather(p))
        if self._asked[_NEIGHBOURS_CURATED]:
            total.addcmul_(self._share(_NEIGHBOURS_CURATED), self.exchange.gather(kept))
        return total

    def _share(self, source: int) -> Tensor:
        return self.diet[:, :, source, None, None]
