"""The population of a batch of worlds: it asks, it is served, it responds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.linalg import bmm
from ecosystem.moments import mean_and_covariance, moments_of
from ecosystem.users.choice import Moves, moves_of
from ecosystem.users.crowd import Crowd, Demand
from ecosystem.users.drawn import Draws
from ecosystem.users.feedback import Served, rule_of
from ecosystem.users.membership import Membership
from ecosystem.users.prompts import Prompts
from ecosystem.users.sampled import Draw, draw_of
from ecosystem.world.groups import Groups

_TOGETHER = 1 << 23
"""Numbers of experience, cohorts × models × contexts, held at a time."""


class Population:
    """All users of a batch of worlds.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with groups.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._groups = [world.groups for world in batch.worlds if world.groups is not None]
        self.groups: Groups = self._groups[0]
        self.names = self.groups.names
        self.size = batch.stack([group.size for group in self._groups])
        self.members = Membership(self.groups.group, len(self.names), self.size)
        self.contexts = batch.stack([group.contexts for group in self._groups])
        self.scores = batch.stack([group.scores for group in self._groups])
        self._best = batch.stack([group.best for group in self._groups])
        self._patience = batch.stack([group.patience for group in self._groups])
        self._data = batch.stack([group.data for group in self._groups])
        self._choice = batch.stack([group.choice for group in self._groups])
        self._rules = [
            (method, group, self._numbers([one.rules[index][2] for one in self._groups]))
            for index, (method, group, _) in enumerate(self.groups.rules)
        ]
        self._chooses = (self.groups.chooses[0], self._numbers([one.chooses[1] for one in self._groups]))
        users = batch.worlds[0].scenario.users
        self._curates = users is not None and users.curate
        self._brings = bool((batch.diet[..., -1] > 0).any())
        self._voice = torch.from_numpy(self.groups.voice).to(batch.device)
        self._alike = torch.from_numpy(self.groups.alike).to(batch.device)[:, None]

    def _numbers(self, settings: Sequence[Mapping[str, float]]) -> dict[str, Tensor]:
        return {name: self._batch.stack([np.array(one[name], dtype=float) for one in settings]) for name in settings[0]}

    def start(self, p: Tensor) -> Crowd:
        """Return the users before the first round, who have met what models write at first."""
        choice = self._choice
        if self.groups.sampled:
            held = self._drawn(0, lambda draws, w: draws.spread(_whole(self.size[w]), _array(choice[w]), "start"))
            choice = _shares(held, choice)
        return Crowd(self.size, choice, choice, self.size, self._drifted(self._shared(choice, self.size), p))

    def take_over(self, crowd: Crowd, p: Tensor) -> Crowd:
        """Return users who came to be under other settings: what they bring is by these."""
        return replace(crowd, data=self._drifted(self._shared(crowd.met, crowd.served), p))

    def query(self, crowd: Crowd, round_: int) -> Demand:
        """V[g,i,c] = a[g] α[g,i] φ[g,c], or drawn prompts of so many users, and what they bring to each model."""
        return self.demand(self.prompts(crowd, round_), crowd)

    def prompts(self, crowd: Crowd, round_: int) -> Prompts:
        """Return who asks what in a round; drawn prompts are the same whenever they are asked for."""
        users = crowd.activity[..., None] * crowd.choice
        if not self.groups.sampled:
            return Prompts(users, self.contexts)
        drawn = self._drawn(
            round_, lambda draws, w: draws.spread(_whole(users[w]), _array(self.contexts[w][:, None]), "prompts")
        )
        return Prompts(torch.ones_like(users), self.contexts, drawn)

    def demand(self, prompts: Prompts, crowd: Crowd) -> Demand:
        """Return what models are asked and brought by some prompts."""
        volume = prompts.volume
        total = volume.sum(-1, keepdim=True)
        asked = total > 0
        weights = torch.where(asked, volume / torch.where(asked, total, 1.0), 1.0 / self._batch.contexts)
        return Demand(
            weights, volume, prompts, self._brought(prompts, volume, crowd), crowd.data, self._heard(prompts, volume)
        )

    def _brought(self, prompts: Prompts, volume: Tensor, crowd: Crowd) -> Tensor | None:
        if not self._brings:
            return None
        there = volume[..., None] > 0
        return torch.where(there, prompts.summed(crowd.data) / torch.where(there, volume[..., None], 1.0), 0.0)

    def _heard(self, prompts: Prompts, volume: Tensor) -> Tensor | None:
        if not self._curates:
            return None
        asked = volume > 0
        voices = torch.nn.functional.one_hot(self._voice).to(volume)  # [cohorts, voices]
        weight = voices[None, :, None].expand(len(volume), -1, self._batch.contexts, -1)
        by_voice = prompts.summed(weight) / torch.where(asked, volume, 1.0)[..., None]
        heard = torch.where(asked[..., None], by_voice, 0.0).movedim(-1, 1)
        always = torch.ones_like(volume)
        return torch.cat([heard, always[:, None], (~asked)[:, None].to(volume.dtype)], dim=1).flatten(2)

    def respond(self, crowd: Crowd, p: Tensor, round_: int) -> Crowd:
        """Return the users after they have met, in this round, what models write now."""
        experience = self.experience(p)
        shared = self._shared(crowd.choice, crowd.activity)
        served = Served(self._mean(shared, experience), self._best, self._patience, self.members)
        act = self._draw_answers if self.groups.sampled else self._expect_answers
        activity, choice = act(crowd, experience, served, round_)
        return Crowd(activity, choice, crowd.choice, crowd.activity, self._drifted(shared, p))

    def _shared(self, choice: Tensor, users: Tensor) -> Tensor:
        """Return the α that a cohort goes by: of users who are alike their group's, else its own.

        So that users who are counted one by one have the law of their group counted together.
        """
        if self.members.single or not bool(self._alike.any()):
            return choice
        return torch.where(self._alike, self.members.spread(self.members.mean(choice, users)), choice)

    def _moves(self, crowd: Crowd, experience: Tensor) -> Moves | None:
        """Return how users move between models, None where they stay; α is what is used in a cohort's group."""
        method, numbers = self._chooses
        moves = moves_of(method)
        if moves is None:
            return None
        used = self.members.spread(self.members.mean(crowd.choice, crowd.activity))
        return moves(used, experience, self._best, numbers)

    def _expect_answers(self, crowd: Crowd, experience: Tensor, served: Served, round_: int) -> tuple[Tensor, Tensor]:
        del round_
        activity, choice = crowd.activity, crowd.choice
        for method, group, numbers in self._rules:
            rule = rule_of(method)
            if rule is not None:
                activity = rule(activity, served, group, numbers)
        moves = self._moves(crowd, experience)
        return activity, choice if moves is None else moves.expected(choice)

    def _draw_answers(self, crowd: Crowd, experience: Tensor, served: Served, round_: int) -> tuple[Tensor, Tensor]:
        held = (crowd.activity[..., None] * crowd.choice).round()
        for index, (method, group, numbers) in enumerate(self._rules):
            drawn = draw_of(method)
            if drawn is not None:
                draw = drawn(held, self._shared(crowd.choice, crowd.activity), served, group, numbers)
                held = self._drawn(round_, partial(_of_rule, draw, str(index)))
        moves = self._moves(crowd, experience)
        if moves is not None:
            held = self._drawn(round_, partial(_moved, moves, held))
            return held.sum(-1), _shares(held, moves.expected(crowd.choice))
        return held.sum(-1), _shares(held, crowd.choice)

    def _drawn(self, round_: int, draw: Callable[[Draws, int], np.ndarray]) -> Tensor:
        """Return what is drawn in each world, one after another."""
        worlds = enumerate(self._batch.worlds)
        found = [draw(Draws(plan.seed, round_, self.groups.group), w).astype(float) for w, plan in worlds]
        return self._batch.stack(found)

    def experience(self, p: Tensor) -> Tensor:
        """Σ_c φ[g,c] E_p[i,c] r_g, ``[worlds, cohorts, models]``; NaN for a cohort without a reward."""
        worlds, models, contexts = p.shape[:3]
        if self._batch.rewards.shape[1] == 0:
            return p.new_full((worlds, len(self.groups.group), models), torch.nan)
        wanted = torch.from_numpy(np.maximum(self.groups.voices, 0)).to(p.device)
        rewards = self._batch.rewards[:, wanted].expand(-1, -1, contexts, -1)  # [worlds, rewards, contexts, numbers]
        each = bmm(p.transpose(1, 2), rewards.permute(0, 2, 3, 1))  # [worlds, contexts, models, rewards]
        together = max(1, _TOGETHER // (worlds * models * contexts))
        cohorts = self._voice.split(together)
        mixes = self.contexts.split(together, dim=1)
        found = torch.cat(
            [
                (each.index_select(-1, some) * mix.transpose(1, 2)[:, :, None]).sum(1)
                for some, mix in zip(cohorts, mixes, strict=True)
            ],
            dim=-1,
        ).transpose(1, 2)
        return found.masked_fill(torch.from_numpy(self.groups.reward < 0).to(p.device)[:, None], torch.nan)

    def satisfaction(self, crowd: Crowd, p: Tensor) -> Tensor:
        """u, by the α with which users met p, mean over the users of each group, ``[worlds, groups]``."""
        return self.members.mean(self.satisfied(crowd, p), crowd.served)

    def satisfied(self, crowd: Crowd, p: Tensor) -> Tensor:
        """Return the satisfaction of each cohort, ``[worlds, cohorts]``."""
        return self._mean(crowd.met, self.experience(p))

    def scored(self, crowd: Crowd, p: Tensor) -> Tensor:
        """Each group's scores, Σ q[i,c] E score, by the α with which users met p, ``[worlds, groups, scores]``."""
        each = [self._mean(crowd.met, self._scored(p, number)) for number in range(self.scores.shape[1])]
        values = torch.stack(each, -1) if each else p.new_zeros((len(p), len(self.groups.group), 0))
        return self.members.mean(values, crowd.served)

    def _scored(self, p: Tensor, number: int) -> Tensor:
        """Σ_c φ[g,c] E_p[i,c] of a score, ``[worlds, cohorts, models]``."""
        expected = (p * self.scores[:, None, number]).sum(-1)  # [worlds, models, contexts]
        return bmm(self.contexts, expected.transpose(1, 2))

    @staticmethod
    def _mean(choice: Tensor, experience: Tensor) -> Tensor:
        """Σ_i α[g,i] experience[g,i]."""
        return (choice * experience).sum(-1)

    def _drifted(self, choice: Tensor, p: Tensor) -> Tensor:
        """Return the cohorts' data, their means moved by what they are served (Perdomo et al. 2020)."""
        data = self._data
        for method, _, numbers in self._rules:
            if method == "drift":
                data = self._moved(data, choice, p, numbers["strength"])
        return data

    def _moved(self, data: Tensor, choice: Tensor, p: Tensor, strength: Tensor) -> Tensor:
        mean, covariance = mean_and_covariance(data)
        written = mean_and_covariance(p)[0]  # [worlds, models, contexts, d]
        by_context = (written[:, None] * self.contexts[:, :, None, :, None]).sum(-2)
        served = (choice[..., None] * by_context).sum(-2)
        mean = mean + (strength[:, None, None] * served)[:, :, None]
        return moments_of(mean, covariance)


def _of_rule(draw: Draw, purpose: str, draws: Draws, world: int) -> np.ndarray:
    return draw(draws, world, purpose)


def _moved(moves: Moves, held: Tensor, draws: Draws, world: int) -> np.ndarray:
    return draws.moved(_whole(held[world]), _array(moves.leave[world]), _array(moves.goes[world]), "choice")


def _whole(users: Tensor) -> np.ndarray:
    """Return counted users as whole numbers."""
    return users.round().to(torch.int64).cpu().numpy()


def _array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()


def _shares(held: Tensor, likely: Tensor) -> Tensor:
    """Return α of users who are counted by model; what is likely where there are none."""
    whole = held.sum(-1, keepdim=True)
    return torch.where(whole > 0, held / torch.where(whole > 0, whole, 1.0), likely)
