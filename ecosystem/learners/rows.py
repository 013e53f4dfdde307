"""One round of learning of models that write rows which mix, for every model i at once.

H  = curate(p)                                     what each curator keeps
D  = Σ_source diet[source] · source                the mixture that is learned
D̃  = (1 − τ) D + τ Σ_c v[c] D[c]                    shared across contexts
p⁺ = (1 − η) S + η · corpus(D̃_0 … D̃_t)             S = p (incremental) or p_0 (retrain)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.buffers import Buffers
from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import Learner, State
from ecosystem.learners.plugged import PluggedLearner
from ecosystem.learners.turn import Mixture, Offer, Readers, Turn
from ecosystem.plugins import kinds
from ecosystem.remedies.plugged import PluggedFilter
from ecosystem.remedies.rejection_sampling import Rejection
from ecosystem.scenario.fields.learning import WindowCorpus
from ecosystem.scenario.fields.remedy import BestOfK, RejectionSampling
from ecosystem.threads import each
from ecosystem.users.crowd import Demand

_BLOCK = 256
"""Models that are taught together; the streams of random numbers have blocks of as many."""
_NUMBERS_ON_A_GPU = 1 << 27
"""About how many numbers of the state are made together on a GPU, which is idle while it is told of a few."""


class RowLearner(Learner):
    """How models learn of which all that counts is a row of numbers that mixes: probabilities, or moments.

    A kind of learner says how its rows are normalised, how a finite training set is drawn, and what is measured.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    """

    by_blocks = True
    """Whether models are taught block by block."""
    mixes = True
    """Whether training sets are made of what curators keep, not of what is chosen one by one."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        everyone = np.arange(batch.models)
        sequential = batch.learning.order == "sequential"
        block = _block(batch) if self.by_blocks else batch.models
        self.turns = [Turn(batch, models, block) for models in (everyone[:, None] if sequential else [everyone])]
        self.seeds = [world.seed for world in batch.worlds]
        self.remedy: Rejection | PluggedFilter | None = _filter_of(batch)
        # What no world asks for is left out; a world that asks for it with a weight of 0 gets the same bits.
        self._shares = bool((batch.sharing > 0).any())
        self._starts = bool((batch.rate < 1).any())
        self._forgets = batch.learning.corpus == "replace"
        self._buffers = Buffers()
        plugin = batch.learning.learner
        self.plugged = PluggedLearner(plugin, batch, self.mass) if isinstance(plugin, kinds.Learner) else None

    def start(self) -> State:
        """Return the state before the first round."""
        first = self.batch.initial
        if not first.is_contiguous():  # shared by all models
            first = self._buffers.take(first.shape, first).copy_(first)
        return State(round=0, p=first)

    def step(self, state: State, demand: Demand | None = None) -> State:
        """Return the state one round later; see `Learner.step`.

        Models of one turn read the same p; `order: sequential` gives every model a turn of its own.
        """
        asked = Demand(self.batch.context_weights) if demand is None else demand
        p, learned = state.p, []
        for turn in self.turns:
            if self.remedy is not None:
                asked = replace(asked, filtered=self.remedy.filter(p, asked))
            p, shared = self._taught(turn, p, state, asked)
            learned += shared
        return self._remember(learned, replace(state, round=state.round + 1, p=p))

    def _taught(self, turn: Turn, p: Tensor, state: State, asked: Demand) -> tuple[Tensor, list[Tensor]]:
        """Return what all models write after a turn, and D̃ of each block where the corpus wants it."""
        offer = turn.offer(p, asked) if self.mixes else Offer(p)
        after = self._buffers.take(p.shape, p) if turn.everyone and not p.requires_grad else None

        def taught(readers: Readers) -> tuple[Tensor, Tensor]:
            room = None if after is None else readers.own(after)
            # What a later round needs must not be where this round ends.
            into = room if self._forgets and room is not None and room.is_contiguous() else None
            mixture = partial(readers.mixture, p, offer, asked, into)
            sampled = self.batch.sampled
            data = self.sample(readers, p, mixture, offer, state.round, asked) if sampled else mixture()
            shared = self._share(data, readers, asked.weights)
            learned = self._learn(self._corpus(shared, readers, state), readers, p)
            if room is None or learned.data_ptr() == room.data_ptr():
                return learned, shared
            return room.copy_(learned), shared

        blocks = each(taught, turn.blocks)
        shared = [] if self._forgets else [block[1] for block in blocks]
        if after is not None:
            return after, shared
        learned = torch.cat([block[0] for block in blocks], dim=1)
        return learned if turn.everyone else p.index_copy(1, turn.models, learned), shared

    def save(self, state: State) -> dict[str, Tensor]:
        """Return all that a state holds; see `Learner.save`."""
        held = torch.full((len(state.p),), state.held)
        return {"p": state.p, "held": held} | {f"corpus.{number}": past for number, past in enumerate(state.corpus)}

    def load(self, round_: int, saved: Mapping[str, Tensor]) -> State:
        """Return a state that was saved; see `Learner.load`."""
        corpus = tuple(saved[f"corpus.{number}"] for number in range(len(saved) - 2))
        return State(round=round_, p=saved["p"], corpus=corpus, held=int(saved["held"][0]))

    def restarted(self, state: State, worlds: Tensor) -> State:
        """Return the state with some worlds put back; see `Learner.restarted`."""

        def chosen(now: Tensor) -> Tensor:
            return torch.where(worlds.reshape(-1, *[1] * (now.dim() - 1)), self.batch.initial, now)

        return replace(state, p=chosen(state.p), corpus=tuple(map(chosen, state.corpus)))

    def take_over(self, state: State) -> State:
        """Return a state that was reached under other settings; see `Learner.take_over`.

        A corpus that was accumulated becomes an empty window, for its rounds can no longer be told apart.
        """
        if self.batch.learning.corpus == "accumulate":
            return replace(state, corpus=(torch.stack(state.corpus).sum(0),) if state.corpus else ())
        corpus = self._last(state.corpus) if state.held == len(state.corpus) else ()
        return replace(state, corpus=corpus, held=len(corpus))

    def data(self, before: Tensor, after: Tensor) -> Tensor:
        """Return D̃, what every model learns in an exact round that leads from `before` to `after`.

        In sequential order a model reads what earlier ones have become.

        Returns
        -------
        Tensor
            ``[worlds, models, contexts, numbers]``
        """
        learned = []
        for turn in self.turns:
            done = int(turn.blocks[0].models[0])
            reads = torch.cat([after[:, :done], before[:, done:]], dim=1)
            offer = turn.offer(reads)
            for readers in turn.blocks:
                learned.append(self._share(readers.mixture(reads, offer), readers, self.batch.context_weights))
        return torch.cat(learned, dim=1)

    def _share(self, data: Tensor, readers: Readers, weights: Tensor) -> Tensor:
        """D̃[c] = (1 − τ) D[c] + τ Σ_c' v[c'] D[c']."""
        if not self._shares:
            return data
        tau, v = self.batch.sharing, readers.own(weights)[..., None]
        return (1 - tau) * data + tau * (v * data).sum(-2, keepdim=True)

    def _corpus(self, shared: Tensor, readers: Readers, state: State) -> Tensor:
        """Return the mean of what the corpus holds, this round's data included."""
        if self.batch.learning.corpus == "replace":
            return shared
        return sum((readers.own(past) for past in state.corpus), start=shared) / (state.held + 1)

    def _learn(self, corpus: Tensor, readers: Readers, p: Tensor) -> Tensor:
        """p⁺ = (1 − η) S + η · corpus, normalised, or what a plug-in makes of them; who read nothing stays."""
        if self.plugged is not None:
            return self.settle(self.plugged.learned(corpus, readers, p), readers)
        mixed = corpus
        if self._starts:
            start = p if self.batch.learning.regime == "incremental" else self.batch.initial
            mixed = (1 - self.batch.rate) * readers.own(start) + self.batch.rate * corpus
        mass = self.mass(mixed)
        if self.batch.sampled and bool((mass == 0).any()):
            mixed = torch.where(mass == 0, readers.own(p), mixed)
            mass = torch.where(mass == 0, 1.0, mass)
        # What no later round needs is not copied: at 1,000 models a new array costs as much as filling it.
        whole = mixed.div_(mass) if self._forgets else mixed / mass
        return self.settle(whole, readers)

    def _remember(self, learned: Sequence[Tensor], state: State) -> State:
        """Return the state with what its round learned put into the corpus."""
        if self.batch.learning.corpus == "replace":
            return state
        latest = torch.cat(tuple(learned), dim=1)
        if self.batch.learning.corpus == "accumulate":
            corpus = (state.corpus[0] + latest,) if state.corpus else (latest,)
            return replace(state, corpus=corpus, held=state.held + 1)
        window = self._last((*state.corpus, latest))
        return replace(state, corpus=window, held=len(window))

    def _last(self, corpus: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the rounds of a corpus that the next one still holds in a window, none without a window."""
        kind = self.batch.learning.corpus
        kept = kind.window - 1 if isinstance(kind, WindowCorpus) else 0
        return corpus[-kept:] if kept else ()

    @abstractmethod
    def sample(
        self, readers: Readers, p: Tensor, mixture: Mixture, offer: Offer, round_: int, demand: Demand
    ) -> Tensor:
        """Return D̂, the empirical mixture of a finite training set, for some readers, given D.

        A context without examples is 0; a model without any source learns what it has, p itself.
        """

    @abstractmethod
    def mass(self, mixed: Tensor) -> Tensor:
        """Return the total weight of each row, ``[..., 1]``: 1, or less where nothing was learned; no view."""

    def settle(self, learned: Tensor, readers: Readers) -> Tensor:
        """Return what a model has become, given the mixture it learned."""
        del readers
        return learned

    def look(
        self, state: State, place: tuple[int, int, int], n: int, generator: np.random.Generator
    ) -> NDArray[np.generic]:
        """Return n outputs of a (world, model, context)."""
        return self.draw(state.p[place].cpu().double().numpy(), n, generator)

    @abstractmethod
    def draw(self, row: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.generic]:
        """Return n outputs of a model that writes by a row of `State.p`."""


def _block(batch: Batch) -> int:
    """Return how many models are taught together."""
    if batch.device == "cpu":
        return _BLOCK
    return max(_BLOCK, _NUMBERS_ON_A_GPU // (batch.size * batch.contexts * batch.numbers))


def _filter_of(batch: Batch) -> Rejection | PluggedFilter | None:
    remedy = batch.worlds[0].scenario.remedy
    if isinstance(remedy, kinds.Remedy):
        return PluggedFilter(remedy, batch)
    return Rejection(batch) if isinstance(remedy, (RejectionSampling, BestOfK)) else None
