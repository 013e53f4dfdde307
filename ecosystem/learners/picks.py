"""What each example of a training set is, before anybody has written it.

Each example picks its context, its source by the diet, and its author among the in-neighbours by edge weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.turn import Readers
from ecosystem.users.crowd import Demand
from ecosystem.world.blueprint import SOURCES
from ecosystem.world.streams import uniforms

REAL, RAW, CURATED, NEIGHBOURS_RAW, NEIGHBOURS_CURATED, USERS = range(len(SOURCES))


class Picks:
    """The examples of some worlds, each dimension ``[worlds, readers × examples]``.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    readers : Readers
        Who reads.
    demand : Demand
        What users ask and bring.
    round_ : int
        The round they are read in.
    examples : int
        How many a reader reads.
    worlds : slice
        Which of the batch's worlds; all by default.

    Attributes
    ----------
    reader : Tensor
        Who reads each example.
    context, source : Tensor
        The kind of prompt it answers, and the entry of the diet it comes from.
    edge : Tensor
        The edge by which it came, −1 where it did not cross any.
    """

    def __init__(
        self,
        batch: Batch,
        readers: Readers,
        demand: Demand,
        round_: int,
        examples: int,
        worlds: slice = slice(None),
    ) -> None:
        self._batch, self._readers, self._demand = batch, readers, demand
        self._round, self._examples, self._worlds = round_, examples, worlds
        self._plans = batch.worlds[worlds]
        self._seeds = [plan.seed for plan in self._plans]
        self._rows = readers.models.tolist()
        self.reader = readers.models.repeat_interleave(examples).expand(len(self._plans), -1)
        self.context, self.source = self._labels()
        self.edge = self._edges()

    @property
    def author(self) -> Tensor:
        """The model that wrote each example: that at the edge's other end, else the reader itself."""
        edges = self._plans[0].edges
        source = self.there(edges.source if len(edges.source) else np.zeros(1, dtype=np.int64))
        return torch.where(self.edge >= 0, source[self.edge.clamp_min(0)], self.reader)

    @property
    def curated(self) -> Tensor:
        """Whether each example is what its author's curator kept."""
        return (self.source == CURATED) | (self.source == NEIGHBOURS_CURATED)

    def uniform(self, purpose: str, round_: int | None = None) -> Tensor:
        """Return a uniform number for each example, of this round by default."""
        when = self._round if round_ is None else round_
        found = [uniforms(s, purpose, when, self._batch.models, self._examples)[self._rows] for s in self._seeds]
        return self.there(np.stack(found)).flatten(1)

    def there(self, array: NDArray[Any]) -> Tensor:
        """Return an array as a tensor where the state lies, its precision kept: places need all of it."""
        return torch.from_numpy(array).to(self._batch.device)

    def _labels(self) -> tuple[Tensor, Tensor]:
        """Draw each example's context and source."""
        v = self._readers.own(self._demand.weights)[self._worlds]
        each = self._readers.shares(self._demand)[self._worlds]
        # What a row without sources reads does not matter, for such a model learns what it has.
        raw = (torch.arange(len(SOURCES)) == RAW).to(each)
        each = torch.where(each.sum(-1, keepdim=True) > 0, each, raw)
        u = self.uniform("examples").reshape(*v.shape[:2], -1)
        if self._batch.learning.prompts == "reused":
            asked = self.uniform("examples.prompts", 0).reshape(u.shape)
            context = _picked(v, asked)
            here = each.gather(2, context[..., None].expand(*context.shape, len(SOURCES)))
            return context.flatten(1), _picked(here, u[..., None]).flatten(1)
        label = _picked((v[..., :, None] * each).flatten(-2), u).flatten(1)
        return label // len(SOURCES), label % len(SOURCES)

    def _edges(self) -> Tensor:
        """Draw the edge by which each example came, −1 where it did not cross any."""
        edges = [plan.edges for plan in self._plans]
        crosses = (self.source == NEIGHBOURS_RAW) | (self.source == NEIGHBOURS_CURATED)
        if not bool(crosses.any()):
            return torch.full_like(self.source, -1)
        # Edges are sorted by reader: reader + cumulated share is one ascending scale for all of them.
        first = edges[0]
        steps = np.stack([_cumulated(one.share, one.target) for one in edges])
        scale = self.there(steps)
        last = self.there(np.searchsorted(first.target, np.arange(self._batch.models), side="right") - 1)
        wanted = self.reader + self.uniform("examples.author")
        found = torch.searchsorted(scale, wanted, right=True)
        return torch.where(crosses, torch.minimum(found, last[self.reader]), -1)


class Curators:
    """Who of a model's curators makes a choice, where several do: a mixture of rewards, users, a share of chance.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    demand : Demand
        What users ask: how much each voice is heard.
    worlds : slice
        Which of the batch's worlds; all by default.
    """

    def __init__(self, batch: Batch, demand: Demand, worlds: slice = slice(None)) -> None:
        self._batch, self._heard, self._worlds = batch, demand.heard, worlds
        plan = batch.worlds[0]
        self.kinds = [plan.kinds[model] for model in plan.choice_model.tolist()]

    def pick(self, model: Tensor, context: Tensor, curated: Tensor, uniform: Tensor) -> Tensor:
        """Return whose choice each of some outputs is, −1 where nobody chooses or one is kept at random.

        Parameters
        ----------
        model, context : Tensor
            Whose output, and to which kind of prompt, ``[worlds, outputs]``.
        curated : Tensor
            Whether anybody chooses.
        uniform : Tensor
            A number in [0, 1) for each.
        """
        owners = self._batch.worlds[0].choice_model
        if len(owners) == 0 or not bool(curated.any()):
            return torch.full_like(model, -1)
        wanted = model + uniform
        weights = self._batch.choice_weight[self._worlds]
        if self._heard is None:
            found = self._inverted(weights, owners, wanted)
        else:
            found = torch.zeros_like(model)
            for number in range(self._batch.contexts):
                place = self._there(owners * self._batch.contexts + number)
                voices = self._heard[self._worlds, self._there(np.array(self._batch.choice_voice)), place]
                here = self._inverted(weights * voices, owners, wanted)
                found = torch.where(context == number, here, found)
        # Behind the last choice stands one that is nobody's.
        owner = self._there(np.append(owners, -1))
        chooses = self._there(np.array([*(kind is not None for kind in self.kinds), False]))
        return torch.where(curated & chooses[found] & (owner[found] == model), found, -1)

    def _inverted(self, weights: Tensor, owners: NDArray[np.int64], wanted: Tensor) -> Tensor:
        """Return the choice that model + a uniform number falls on, the first one behind where it falls on none.

        Choices are sorted by model: model + cumulated weight is one ascending scale for all of them.
        """
        each = weights.to("cpu", torch.float64).numpy()
        scale = self._there(np.stack([_cumulated(row, owners) for row in each]))
        return torch.searchsorted(scale, wanted, right=True)

    def _there(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._batch.device)


def _picked(weights: Tensor, u: Tensor) -> Tensor:
    """Return which of the last dimension's weights each uniform number falls on, shaped as `u`."""
    steps = weights.to(u.dtype).cumsum(-1)
    return torch.searchsorted(steps / steps[..., -1:], u, right=True).clamp_max(weights.shape[-1] - 1)


def _cumulated(share: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return target + what its shares add up to, up to and with this one; targets are ascending."""
    total = np.cumsum(share)
    start = np.searchsorted(target, target, side="left")
    before = np.where(start > 0, total[start - 1], 0.0)
    return np.asarray(target + (total - before))
