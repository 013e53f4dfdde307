"""Reweighting: in training, groups count by weights of their own, not by how much they ask.

With a_g the users of group g, s the strength and w the wanted parts (over groups that have users, normalised),

    a'_g = Σ_h a_h · [(1 − s) a_g / Σ_h a_h + s w_g]

stands in place of a_g wherever a training set counts prompts: the mix of its contexts, whose data users bring,
whose taste curates. What users are served and the measures go by a.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.scenario.fields.remedy import Reweighting
from ecosystem.users.membership import Membership
from ecosystem.world.groups import Groups


class Reweigh:
    """The weights of a batch of worlds.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with users and this remedy.
    members : Membership
        Which cohorts are which group.
    """

    def __init__(self, batch: Batch, members: Membership) -> None:
        self._members = members
        pairs = [(world.scenario.remedy, world.groups) for world in batch.worlds]
        held = [(remedy, groups) for remedy, groups in pairs if isinstance(remedy, Reweighting) and groups is not None]
        self._wanted = batch.stack([_wanted(remedy, groups) for remedy, groups in held])
        self._strength = batch.stack([np.array(remedy.strength) for remedy, _ in held])[:, None]

    def factor(self, activity: Tensor) -> Tensor:
        """Return a'/a of each cohort, ``[worlds, cohorts]``; 1 where nobody with a weight asks."""
        users = self._members.total(activity)
        there = users > 0
        wanted = torch.where(there, self._wanted, 0.0)
        whole = wanted.sum(-1, keepdim=True)
        share = users / torch.where(there.any(-1, keepdim=True), users.sum(-1, keepdim=True), 1.0)
        part = torch.where(whole > 0, wanted / torch.where(whole > 0, whole, 1.0), share)
        factor = (1 - self._strength) + self._strength * part / torch.where(there, share, 1.0)
        return self._members.spread(torch.where(there, factor, 1.0))


def _wanted(remedy: Reweighting, groups: Groups) -> np.ndarray:
    if remedy.weights == "equal":
        return np.ones(len(groups.names))
    if remedy.weights == "population":
        return np.bincount(groups.group, weights=groups.size, minlength=len(groups.names))
    assert isinstance(remedy.weights, dict)
    return np.array([float(remedy.weights.get(name, 0.0)) for name in groups.names])
