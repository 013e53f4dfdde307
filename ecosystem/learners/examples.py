"""Finite training sets of vectors, drawn one by one as a model would read them.

Each example picks its context, its source by the diet, its author among the in-neighbours by edge weight;
the author writes it, its curator chooses among K if it is read curated, and the edge's channel acts on it.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ecosystem.curators.gaussian import GaussianLimit
from ecosystem.curators.plugged import choose, plugged_choices
from ecosystem.learners.batch import Batch
from ecosystem.learners.picks import REAL, USERS, Curators, Picks
from ecosystem.learners.turn import Readers
from ecosystem.measures.gaussian import symmetric_root
from ecosystem.moments import mean_and_covariance
from ecosystem.users.crowd import Demand
from ecosystem.world.streams import normals

_TOGETHER = 1 << 24
"""Numbers of moments held at a time."""


class Author:
    """Who writes examples: every model, its real data, and what curators with K = inf keep of it.

    Parameters
    ----------
    p : Tensor
        Moments of what models write, ``[worlds, models, contexts, numbers]``.
    batch : Batch
        Settings of the worlds.
    demand : Demand
        What the users ask and bring.
    """

    def __init__(self, p: Tensor, batch: Batch, demand: Demand) -> None:
        self._batch, self.demand = batch, demand
        laws = [p, batch.real]
        for number, kind in enumerate(self.choice_kinds):
            if kind == "gaussian_limit":
                laws.append(self._limit(p, number))
        self.first_cohort = sum(law.shape[1] for law in laws)
        if demand.data is not None:
            laws.append(demand.data)
        every = torch.cat(laws, dim=1)
        self.mean, covariance = mean_and_covariance(every)
        self.root = symmetric_root(covariance)

    @cached_property
    def choice_kinds(self) -> list[str | None]:
        """Kind of each choice of a curator."""
        plan = self._batch.worlds[0]
        return [plan.kinds[model] for model in plan.choice_model.tolist()]

    @cached_property
    def limits(self) -> list[int]:
        """Place of each choice with K = inf behind the models and their real data, −1 for the others."""
        found = np.cumsum([kind == "gaussian_limit" for kind in self.choice_kinds]) - 1
        return [
            2 * self._batch.models + int(place) if kind == "gaussian_limit" else -1
            for place, kind in zip(found, self.choice_kinds, strict=True)
        ]

    def _limit(self, p: Tensor, number: int) -> Tensor:
        model = int(self._batch.worlds[0].choice_model[number])
        rho = self._batch.choice_rho[:, number]  # [worlds, contexts, numbers]
        curator = GaussianLimit(rho, torch.ones_like(rho[..., 0]), 0)
        return curator.keep(p[:, model, :, None])[:, None, :, 0]

    def write(self, worlds: slice, law: Tensor, context: Tensor, z: Tensor) -> Tensor:
        """Return mean + root·z of each example's law, ``[worlds, examples, d]``."""
        contexts, d = self.mean.shape[2:]
        place = law * contexts + context
        mean = self.mean[worlds].flatten(1, 2).gather(1, place[..., None].expand(*place.shape, d))
        root = self.root[worlds].flatten(1, 2).flatten(-2)
        root = root.gather(1, place[..., None].expand(*place.shape, d * d)).unflatten(-1, (d, d))
        return mean + (root * z[..., None, :]).sum(-1)


def draw_examples(batch: Batch, readers: Readers, author: Author, round_: int) -> Tensor:
    """Return the mean moments of each reader's training set, context by context.

    Returns
    -------
    Tensor
        ``[worlds, readers, contexts, numbers]``; 0 where a context has no example.
    """
    examples = batch.learning.examples or 1
    together = max(1, _TOGETHER // (batch.models * examples * batch.numbers))
    parts = []
    for start in range(0, batch.size, together):
        worlds = slice(start, min(start + together, batch.size))
        parts.append(_Draw(batch, readers, author, round_, examples, worlds).moments())
    return torch.cat(parts)


class _Draw(Picks):
    """The examples of some worlds, written down, ``[worlds, readers × examples]``."""

    def __init__(
        self, batch: Batch, readers: Readers, author: Author, round_: int, examples: int, worlds: slice
    ) -> None:
        super().__init__(batch, readers, author.demand, round_, examples, worlds)
        self._author = author
        self._curators = Curators(batch, author.demand, worlds)
        self._d = author.mean.shape[-1]

    def moments(self) -> Tensor:
        """Return mean moments, ``[worlds, readers, contexts, numbers]``."""
        x = self._through_channels(self._written())
        outer = x[..., :, None] * x[..., None, :]
        rows = torch.cat([torch.ones_like(x[..., :1]), x, outer.flatten(-2)], dim=-1)
        worlds, numbers = len(self._seeds), rows.shape[-1]
        reader = torch.arange(len(self._rows), device=x.device).repeat_interleave(self._examples)
        place = self.context + self._batch.contexts * reader
        total = rows.new_zeros((worlds, len(self._rows) * self._batch.contexts, numbers))
        total = total.scatter_add(1, place[..., None].expand_as(rows), rows)
        total = total.reshape(worlds, len(self._rows), self._batch.contexts, numbers)
        return total / total[..., :1].clamp_min(1.0)

    def _normal(self, purpose: str) -> Tensor:
        """Return a standard normal vector for each example, ``[worlds, readers × examples, d]``."""
        draws = self._examples * self._d
        found = [normals(s, purpose, self._round, self._batch.models, draws)[self._rows] for s in self._seeds]
        return torch.from_numpy(np.stack(found)).to(self._author.mean).reshape(len(self._seeds), -1, self._d)

    def _written(self) -> Tensor:
        model = self.author
        law = torch.where(self.source == REAL, self._batch.models + self.reader, model)
        law = self._users(law)
        z = self._normal("examples.normal")
        x = self._author.write(self._worlds, law, self.context, z)
        choice = self._curators.pick(model, self.context, self.curated, self.uniform("examples.curator"))
        if not bool((choice >= 0).any()):
            return x
        limit = self.there(np.array(self._author.limits))[choice.clamp_min(0)]
        infinite = (choice >= 0) & (limit >= 0)
        kept = self._author.write(self._worlds, torch.where(infinite, limit, model), self.context, z)
        x = torch.where(infinite[..., None], kept, x)
        return self._chosen(x, model, torch.where(infinite, -1, choice))

    def _users(self, law: Tensor) -> Tensor:
        """Draw the cohort that brings each example from users, by what it asks of the reader in that context."""
        prompts = self._author.demand.prompts
        brings = self.source == USERS
        if prompts is None or not bool(brings.any()):
            return law
        steps = prompts.each[self._worlds].flatten(2).cumsum(1)  # [worlds, cohorts, models × contexts]
        place = (self.reader * self._batch.contexts + self.context)[:, None].expand(-1, steps.shape[1], -1)
        here = steps.gather(2, place)
        wanted = self.uniform("examples.group") * here[:, -1]
        cohort = (here <= wanted[:, None]).sum(1)  # who brings is asked by somebody, and is below the last step
        return torch.where(brings, self._author.first_cohort + cohort, law)

    def _chosen(self, x: Tensor, model: Tensor, choice: Tensor) -> Tensor:
        """Let curators choose among K candidates; the first is what was written anyway.

        Candidates are drawn one after another, each from a stream of its own: one more candidate leaves the
        others what they were.
        """
        plans = self._batch.worlds[self._worlds]
        seen = torch.from_numpy(np.stack([plan.candidates for plan in plans])).to(x).gather(1, model)
        seen = torch.where(choice >= 0, seen, 1.0)
        lucky = np.array([kind == "gaussian_luce" for kind in self._curators.kinds])
        by_luck = self.there(lucky)[choice.clamp_min(0)]
        plugged = plugged_choices(self._curators.kinds, choice)
        all_at_once = bool(plugged.any())
        rho = self._reward_of(choice)
        best = self._appeal(x, rho, by_luck, 0)
        written, appeals = [x], [best]
        for number in range(1, int(seen.max())):
            z = self._normal(f"examples.candidate.{number}")
            candidate = self._author.write(self._worlds, model, self.context, z)
            appeal = self._appeal(candidate, rho, by_luck, number)
            if all_at_once:
                written, appeals = [*written, candidate], [*appeals, appeal]
            better = (appeal > best) & (number < seen)
            x = torch.where(better[..., None], candidate, x)
            best = torch.where(better, appeal, best)
        if not all_at_once:
            return x
        luck = self.uniform("examples.choice")
        kept, _ = choose(self._curators.kinds, choice, seen, torch.stack(appeals, -1), luck)
        chosen = torch.take_along_dim(torch.stack(written, -2), kept[..., None, None], -2).squeeze(-2)
        return torch.where(plugged[..., None], chosen, x)

    def _reward_of(self, choice: Tensor) -> Tensor:
        """Return reward over temperature of each example's choice, ``[worlds, examples, numbers]``."""
        rho = self._batch.choice_rho[self._worlds]  # [worlds, choices, contexts, numbers]
        place = choice.clamp_min(0) * rho.shape[2] + self.context
        return rho.flatten(1, 2).gather(1, place[..., None].expand(*place.shape, rho.shape[-1]))

    def _appeal(self, x: Tensor, rho: Tensor, by_luck: Tensor, number: int) -> Tensor:
        """Return the reward of each example's candidate, with Gumbel noise where the choice is a matter of luck."""
        outer = (x[..., :, None] * x[..., None, :]).flatten(-2)
        appeal = (rho[..., 1 : 1 + self._d] * x).sum(-1) + (rho[..., 1 + self._d :] * outer).sum(-1)
        u = self.uniform(f"examples.luck.{number}")
        return torch.where(by_luck, appeal - (-u.clamp_min(1e-300).log()).log(), appeal)

    def _through_channels(self, x: Tensor) -> Tensor:
        first = self._batch.worlds[0].edges
        if len(first.channels) == 0:
            return x
        number = torch.where(self.edge >= 0, self.there(first.channel)[self.edge.clamp_min(0)], -1)
        for channel in range(len(first.channels)):
            matrices = np.stack([world.edges.channels[channel] for world in self._batch.worlds[self._worlds]])
            matrix = torch.from_numpy(matrices).to(x)
            a = matrix[:, None, 1 : 1 + self._d, 1 : 1 + self._d]
            b = matrix[:, None, 0, 1 : 1 + self._d]
            passed = (x[..., :, None] * a).sum(-2) + b
            x = torch.where((number == channel)[..., None], passed, x)
        return x
