"""The round of models that are really trained, on outputs that are really drawn.

Each round every model writes lots of candidates to each kind of prompt; curators choose among them; every model
reads its examples by its diet, and is trained on them. What is said of a model are means over what it wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.curators.curation import Curation
from ecosystem.errors import EcosystemError
from ecosystem.learners.batch import Batch
from ecosystem.learners.craft import Craft, Lessons, Weights
from ecosystem.learners.crafts import craft_of
from ecosystem.learners.judges import Judges
from ecosystem.learners.learner import Learner, State, below
from ecosystem.learners.offers import Offers, Pool, drawn_uniforms
from ecosystem.learners.picks import REAL, USERS, Picks
from ecosystem.learners.turn import Readers
from ecosystem.measures import drawn as measures
from ecosystem.plugins.kinds import Remedy
from ecosystem.plugins.registry import within
from ecosystem.remedies.drawn_rejection import DrawnRejection
from ecosystem.remedies.plugged import PluggedDrawnFilter
from ecosystem.scenario.fields.learning import WindowCorpus
from ecosystem.scenario.fields.remedy import BestOfK, RejectionSampling
from ecosystem.users.crowd import Demand

_ALWAYS = ("distance_real", "loss")


def columns(kind: str) -> tuple[str, ...]:
    """Return what is measured of outputs of a kind as a whole."""
    return (*_ALWAYS, *craft_of(kind).measures)


@dataclass(frozen=True)
class DrawnState(State):
    """All that one round hands to the next.

    Attributes
    ----------
    weights : mapping of str to Tensor
        What models know, ``[worlds, models, ...]`` each.
    first : mapping of str to Tensor
        What they knew before the first round.
    loss : Tensor
        What training ended with, ``[worlds, models]``.
    pool : Pool, optional
        What models wrote after it.
    lessons : tuple of Lessons
        What the corpus holds of earlier rounds.
    """

    weights: Weights = field(default_factory=dict)
    first: Weights = field(default_factory=dict)
    loss: Tensor = field(default_factory=lambda: torch.zeros(0))
    pool: Pool | None = None
    lessons: tuple[Lessons, ...] = ()


class DrawnLearner(Learner):
    """How all models of a batch of worlds learn, whatever it is that they draw.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        scenario = batch.worlds[0].scenario
        with within(scenario.scope):
            self._names = columns(scenario.outputs.kind)
            self.craft: Craft = craft_of(scenario.outputs.kind)(batch)
        self.measures = measures.measures(self._names)
        self.judges = Judges(scenario, self.craft)
        self._filter = _filter_of(batch)
        self.remedy = self._filter
        self._offers = Offers(batch, self._filter)
        self._readers = Readers(batch, np.arange(batch.models), Curation([], [], [], [], 0))
        self._examples = batch.learning.examples or 1
        self._lots = -(-(batch.learning.pool or self._examples) // batch.contexts)

    def start(self) -> DrawnState:
        """Return the state before the first round: models are trained on real data, and write."""
        first, loss = self.craft.begin()
        return self._met(DrawnState(round=0, p=self.batch.initial, weights=first, first=first, loss=loss))

    def step(self, state: State, demand: Demand | None = None) -> DrawnState:
        """Return the state one round later; see `Learner.step`."""
        assert isinstance(state, DrawnState)
        asked = Demand(self.batch.context_weights) if demand is None else demand
        lessons = (*state.lessons, self._lessons(state, asked))
        weights, loss = self.craft.train(state.weights, state.first, _together(lessons), state.round)
        idle = self._readers.nothing(asked)
        if idle is not None:
            stays = idle[..., 0].all(-1)  # who learns nothing in any context stays as it is
            weights = _where(stays, state.weights, weights)
            loss = torch.where(stays, state.loss, loss)
        return self._met(
            replace(state, round=state.round + 1, weights=weights, loss=loss, lessons=self._remembered(lessons))
        )

    def take_over(self, state: State) -> DrawnState:
        """Return a state that was reached under other settings, as this learner goes on with it."""
        assert isinstance(state, DrawnState)
        return self._met(replace(state, lessons=self._remembered(state.lessons)))

    def save(self, state: State) -> dict[str, Tensor]:
        """Return all that a state holds; see `Learner.save`."""
        assert isinstance(state, DrawnState) and state.pool is not None
        saved = {"p": state.p, "loss": state.loss, "pool.items": state.pool.items, "pool.judged": state.pool.judged}
        parts = {"weights": state.weights, "first": state.first}
        parts |= {f"lessons.{number}": vars(lessons) for number, lessons in enumerate(state.lessons)}
        every = ((f"{part}.{name}", tensor) for part, held in parts.items() for name, tensor in held.items())
        return saved | {name: tensor for name, tensor in every if tensor is not None}

    def load(self, round_: int, saved: Mapping[str, Tensor]) -> DrawnState:
        """Return a state that was saved; see `Learner.load`."""
        rounds = sum(name.startswith("lessons.") and name.endswith(".items") for name in saved)
        return DrawnState(
            round=round_,
            p=saved["p"],
            weights=below("weights.", saved),
            first=below("first.", saved),
            loss=saved["loss"],
            pool=Pool(**below("pool.", saved)),
            lessons=tuple(Lessons(**below(f"lessons.{number}.", saved)) for number in range(rounds)),
        )

    def learned(self, state: State, world: int) -> dict[str, Tensor]:
        """Return what the models of a world know, ``model/name`` each."""
        assert isinstance(state, DrawnState)
        names = self.batch.worlds[world].names
        return {
            f"{model}/{name}": tensor[world, number]
            for number, model in enumerate(names)
            for name, tensor in state.weights.items()
        }

    def restarted(self, state: State, worlds: Tensor) -> DrawnState:
        """Return the state with some worlds, ``[worlds]`` true or false, put back to what they were at first."""
        assert isinstance(state, DrawnState) and state.pool is not None
        weights = _where(worlds[:, None], state.first, state.weights)
        items, judged = (_blank(part, worlds) for part in (state.pool.items, state.pool.judged))
        p = torch.where(worlds[:, None, None, None], self.batch.initial, state.p)
        return replace(state, p=p, weights=weights, pool=Pool(items, judged))

    def look(
        self, state: State, place: tuple[int, int, int], n: int, generator: np.random.Generator
    ) -> NDArray[np.generic]:
        """Return n of the outputs that a model wrote last, ``[n, *item]``.

        Raises
        ------
        EcosystemError
            It did not write as many.
        """
        assert isinstance(state, DrawnState) and state.pool is not None
        written = state.pool.items[place][:, 0]
        if n > len(written):
            raise EcosystemError(f"a model wrote {len(written)} outputs to each kind of prompt (asked for {n})")
        chosen = generator.permutation(len(written))[:n]
        return np.asarray(written[torch.from_numpy(chosen).to(written.device)].cpu().numpy())

    def samples(self, state: State, n: int) -> NDArray[np.object_]:
        """Return the first n outputs that every model wrote, as they are kept, ``[worlds, models, contexts, n]``."""
        assert isinstance(state, DrawnState) and state.pool is not None
        some = state.pool.items[:, :, :, :n, 0]
        found = np.empty(some.shape[:4], dtype=object)
        found.ravel()[:] = self.craft.show(some.flatten(0, 3))
        return found

    def _met(self, state: DrawnState) -> DrawnState:
        """Return the state with what models write now, and what is said of it."""
        items = self.craft.write(state.weights, state.round, self._lots, self._offers.candidates)
        judged = self.judges.values(items, self._contexts(items.shape[:5])).to(self.batch.dtype)
        told = self.craft.measure(items[:, :, :, :, 0], state.loss, state.weights)
        whole = torch.stack([{**told, "loss": state.loss}[name].to(judged) for name in self._names], dim=-1)
        each = judged.flatten(3, 4)
        mean, square = each.mean(3), each.square().mean(3)
        one = mean.new_ones((*mean.shape[:3], 1))
        spread = whole[:, :, None].expand(-1, -1, self.batch.contexts, -1)
        return replace(state, p=torch.cat([one, mean, square, spread], dim=-1), pool=Pool(items, judged))

    def _contexts(self, shape: torch.Size) -> Tensor:
        """Return the context of each candidate, ``[worlds, models, contexts, lots, candidates]``."""
        numbers = torch.arange(self.batch.contexts, device=self.batch.device)
        return numbers[:, None, None].expand(shape)

    def _lessons(self, state: DrawnState, demand: Demand) -> Lessons:
        """Return what every model reads in a round."""
        assert state.pool is not None
        pool, batch = state.pool, self.batch
        offer = self._offers.of(pool, self._similarity(pool), demand, state.round)
        picks = Picks(batch, self._readers, demand, state.round, self._examples)
        asked = self._shared(picks, demand)
        where = picks.author * batch.contexts + asked
        lot = self._lot(where, pool.lots, state.round)
        row = where * pool.lots + lot
        curated = picks.curated
        raw = offer.raw.flatten(1).gather(1, row)
        shape = (batch.size, batch.models, self._examples)
        outside = ((picks.source == REAL) | (picks.source == USERS)).reshape(shape)
        real = self.craft.real(state.round, asked.reshape(shape)) if bool(outside.any()) else None

        def read(kept: Tensor) -> Tensor:
            which = torch.where(curated, kept.flatten(1).gather(1, row), raw)
            items = pool.taken(row * pool.judged.shape[4] + which)
            items = items.reshape(*shape, *items.shape[2:])
            wide = outside.reshape(*shape, *[1] * (items.dim() - 3))
            return items if real is None else torch.where(wide, real, items)

        rejected = read(offer.rejected) if self.craft.compares else None
        return Lessons(read(offer.kept), picks.context.reshape(shape), rejected)

    def _similarity(self, pool: Pool) -> Tensor | None:
        if self._filter is None or not self._filter.similar:
            return None
        return self.craft.similarity(pool.items, self._contexts(pool.items.shape[:5]))

    def _shared(self, picks: Picks, demand: Demand) -> Tensor:
        """Return the context that each example really answers: with probability τ one drawn by v, not its own."""
        tau = self.batch.sharing[:, 0, 0]
        if not bool((tau > 0).any()):
            return picks.context
        steps = demand.weights.cumsum(-1)
        other = picks.uniform("examples.shared").unflatten(1, (self.batch.models, self._examples)).to(steps)
        drawn = torch.searchsorted(steps / steps[..., -1:], other, right=True).clamp_max(self.batch.contexts - 1)
        return torch.where(picks.uniform("examples.sharing") < tau, drawn.flatten(1), picks.context)

    def _lot(self, where: Tensor, lots: int, round_: int) -> Tensor:
        """Return the lot that each example is: a reader reads a model's lots one after another, from anywhere on."""
        read = where.unflatten(1, (self.batch.models, self._examples))
        order = read.argsort(dim=-1, stable=True)
        ordered = read.gather(-1, order)
        place = torch.arange(self._examples, device=read.device).expand_as(read)
        fresh = torch.ones_like(ordered, dtype=torch.bool)
        fresh[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
        begin = torch.where(fresh, place, 0).cummax(-1).values
        number = torch.empty_like(read).scatter_(-1, order, place - begin)
        first = (drawn_uniforms(self.batch, "examples.lot", round_, 1) * lots).long()
        return ((number + first) % lots).flatten(1)

    def _remembered(self, lessons: tuple[Lessons, ...]) -> tuple[Lessons, ...]:
        """Return the rounds of a corpus that the next one still holds."""
        kind = self.batch.learning.corpus
        if kind == "accumulate":
            return lessons
        kept = kind.window - 1 if isinstance(kind, WindowCorpus) else 0
        return lessons[-kept:] if kept else ()


def _filter_of(batch: Batch) -> DrawnRejection | PluggedDrawnFilter | None:
    remedy = batch.worlds[0].scenario.remedy
    if isinstance(remedy, Remedy):
        return PluggedDrawnFilter(remedy, batch)
    return DrawnRejection(batch) if isinstance(remedy, (RejectionSampling, BestOfK)) else None


def _together(lessons: Sequence[Lessons]) -> Lessons:
    whole = lessons[0]
    for later in lessons[1:]:
        whole = whole.and_then(later)
    return whole


def _where(chosen: Tensor, one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Weights:
    """Return one's weights for chosen models, ``[worlds, models or 1]``, the other's for the rest."""

    def picked(name: str) -> Tensor:
        shape = (*chosen.shape, *[1] * (other[name].dim() - 2))
        return torch.where(chosen.reshape(shape), one[name], other[name])

    return {name: picked(name) for name in other}


def _blank(part: Tensor, worlds: Tensor) -> Tensor:
    return torch.where(worlds.reshape(-1, *[1] * (part.dim() - 1)), torch.zeros_like(part), part)
