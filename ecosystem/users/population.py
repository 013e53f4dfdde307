"""The population of a batch of worlds: it asks, it is served, it responds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.moments import mean_and_covariance, moments_of
from ecosystem.users.choice import CHOICES
from ecosystem.users.crowd import Crowd, Demand
from ecosystem.users.feedback import RULES
from ecosystem.world.groups import Groups


class Population:
    """All groups of a batch of worlds.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with groups.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        groups = [world.groups for world in batch.worlds if world.groups is not None]
        self.groups: Groups = groups[0]
        self.names = self.groups.names
        self.size = batch.stack([group.size for group in groups])
        self.contexts = batch.stack([group.contexts for group in groups])
        self.scores = batch.stack([group.scores for group in groups])
        self._best = batch.stack([group.best for group in groups])
        self._data = batch.stack([group.data for group in groups])
        self._choice = batch.stack([group.choice for group in groups])
        self._reward = torch.from_numpy(self.groups.reward)
        self._rules = [
            (method, group, self._numbers([one.rules[index][2] for one in groups]))
            for index, (method, group, _) in enumerate(self.groups.rules)
        ]
        self._chooses = (self.groups.chooses[0], self._numbers([one.chooses[1] for one in groups]))
        users = batch.worlds[0].scenario.users
        self._curates = users is not None and users.curate
        self._brings = bool((batch.diet[..., -1] > 0).any())

    def _numbers(self, settings: Sequence[Mapping[str, float]]) -> dict[str, Tensor]:
        return {name: self._batch.stack([np.array(one[name], dtype=float) for one in settings]) for name in settings[0]}

    def start(self, p: Tensor) -> Crowd:
        """Return the users before the first round, who have met what models write at first."""
        return Crowd(self.size, self._choice, self._choice, self._drifted(self._choice, p))

    def query(self, crowd: Crowd) -> Demand:
        """V[g,i,c] = a[g] α[g,i] φ[g,c], and what it brings to each model."""
        sent = (crowd.activity[..., None] * crowd.choice)[..., None] * self.contexts[:, :, None, :]
        volume = sent.sum(1)
        total = volume.sum(-1, keepdim=True)
        asked = total > 0
        weights = torch.where(asked, volume / torch.where(asked, total, 1.0), 1.0 / self._batch.contexts)
        return Demand(weights, volume, self._brought(sent, volume, crowd), sent, crowd.data, self._heard(sent, volume))

    def _brought(self, sent: Tensor, volume: Tensor, crowd: Crowd) -> Tensor | None:
        if not self._brings:
            return None
        whole = (sent[..., None] * crowd.data[:, :, None]).sum(1)
        there = volume[..., None] > 0
        return torch.where(there, whole / torch.where(there, volume[..., None], 1.0), 0.0)

    def _heard(self, sent: Tensor, volume: Tensor) -> Tensor | None:
        if not self._curates:
            return None
        asked = volume > 0
        groups = torch.where(asked[:, None], sent / torch.where(asked, volume, 1.0)[:, None], 0.0)
        always = torch.ones_like(volume)
        return torch.cat([groups, always[:, None], (~asked)[:, None].to(volume.dtype)], dim=1).flatten(2)

    def respond(self, crowd: Crowd, p: Tensor) -> Crowd:
        """Return the users after they have met what models write now."""
        experience = self.experience(p)
        satisfaction = self._mean(crowd.choice, experience)
        activity = crowd.activity
        for method, group, numbers in self._rules:
            if method in RULES:
                activity = RULES[method](activity, satisfaction, self._best, group, numbers)
        method, numbers = self._chooses
        choice = CHOICES[method](crowd.choice, experience, self._best, numbers)
        return Crowd(activity, choice, crowd.choice, self._drifted(crowd.choice, p))

    def experience(self, p: Tensor) -> Tensor:
        """Σ_c φ[g,c] E_p[i,c] r_g, ``[worlds, groups, models]``; NaN for a group without a reward."""
        if self._batch.rewards.shape[1] == 0:
            return p.new_full((len(p), len(self.names), p.shape[1]), torch.nan)
        own = self._batch.rewards[:, self._reward.clamp_min(0)]  # [worlds, groups, contexts or 1, numbers]
        found = self._expected(p, own)
        return found.masked_fill((self._reward < 0)[:, None], torch.nan)

    def satisfaction(self, crowd: Crowd, p: Tensor) -> Tensor:
        """u, by the α with which users met p, ``[worlds, groups]``."""
        return self._mean(crowd.met, self.experience(p))

    def scored(self, crowd: Crowd, p: Tensor) -> Tensor:
        """Each group's scores, Σ q[i,c] E score, by the α with which users met p, ``[worlds, groups, scores]``."""
        each = [
            self._mean(crowd.met, self._expected(p, self.scores[:, None, number].expand(-1, len(self.names), -1, -1)))
            for number in range(self.scores.shape[1])
        ]
        return torch.stack(each, -1) if each else p.new_zeros((len(p), len(self.names), 0))

    def _expected(self, p: Tensor, rewards: Tensor) -> Tensor:
        """Σ_c φ[g,c] E_p[i,c] of a reward for each group, ``[worlds, groups, models]``."""
        return torch.stack(
            [
                ((p * rewards[:, group, None]).sum(-1) * self.contexts[:, group, None]).sum(-1)
                for group in range(len(self.names))
            ],
            dim=1,
        )

    @staticmethod
    def _mean(choice: Tensor, experience: Tensor) -> Tensor:
        """Σ_i α[g,i] experience[g,i]."""
        return (choice * experience).sum(-1)

    def _drifted(self, choice: Tensor, p: Tensor) -> Tensor:
        """Return the groups' data, their means moved by what they are served (Perdomo et al. 2020)."""
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
