"""Rejection sampling of outputs that are really drawn: of k candidates to a group's prompt the best is kept.

The same as of categorical outputs (`ecosystem.remedies.rejection_sampling`), chosen one by one: who asks is drawn by
volume, score(x) = w_q quality(x) + w_s similarity(x), and with probability 2a − 1 the best is kept, else the first.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.remedies.rejection_sampling import candidates_of, finds, quality_of, remedy_of
from ecosystem.scenario.fields.remedy import RejectionSampling
from ecosystem.users.crowd import Demand
from ecosystem.world.streams import uniforms


class DrawnRejection:
    """The filter of a batch of worlds whose outputs are drawn.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with a remedy that filters, with as many candidates.

    Attributes
    ----------
    candidates : int
        How many outputs each one that is kept is chosen from, at the most.
    finds : bool
        Whether the disadvantaged group is to be found: `Demand.worst` is then needed.
    similar : bool
        Whether it asks how typical outputs are.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        first = batch.worlds[0]
        remedies = [remedy_of(world) for world in batch.worlds]
        self._counts = torch.from_numpy(candidates_of(first)).to(batch.device)
        self.candidates = int(self._counts.max())
        self.finds = finds(remedies[0])
        self._aware = isinstance(remedies[0], RejectionSampling)
        self._quality = batch.stack([quality_of(world)[0] for world in batch.worlds])
        self._weights = {
            name: batch.stack([np.array(getattr(remedy, name)) for remedy in remedies])
            for name in ("quality", "similarity", "accuracy")
        }
        self.similar = bool((self._weights["similarity"] > 0).any())
        self._group = None if first.groups is None else torch.from_numpy(first.groups.group).to(batch.device)

    def filter(self, judged: Tensor, similarity: Tensor | None, demand: Demand, round_: int, kept: int) -> Tensor:
        """Return which candidates are left, ``[worlds, models, contexts, lots, kept]``.

        Parameters
        ----------
        judged : Tensor
            ``[worlds, models, contexts, lots, kept × candidates, judges]``
        similarity : Tensor, optional
            As `judged`, without its last dimension.
        demand : Demand
            What users ask.
        round_ : int
            The round in which outputs are read.
        kept : int
            How many are to be left.
        """
        shape = judged.shape[:4]
        quality = (judged * self._quality[:, None, None, None, None, 1 : 1 + judged.shape[-1]]).sum(-1)
        score = self._there("quality") * quality
        if similarity is not None:
            score = score + self._there("similarity") * similarity.to(score)
        score = score.unflatten(-1, (kept, self.candidates))
        number = torch.arange(self.candidates, device=score.device)
        seen = self._seen(demand, shape, round_, kept)
        best = score.masked_fill(number >= seen[..., None], -torch.inf).argmax(-1)
        right = self._uniform("remedy.accuracy", round_, shape, kept) < 2 * self._there("accuracy") - 1
        first = torch.arange(kept, device=score.device) * self.candidates
        return first + torch.where(right, best, 0)

    def _there(self, name: str) -> Tensor:
        return self._weights[name][:, None, None, None, None]

    def _seen(self, demand: Demand, shape: torch.Size, round_: int, kept: int) -> Tensor:
        """Return among how many candidates each output is chosen, ``[worlds, models, contexts, lots, kept]``."""
        if not self._aware:
            return self._counts[0, 0].expand(*shape, kept)
        assert demand.prompts is not None and self._group is not None
        steps = demand.prompts.each.movedim(1, -1).cumsum(-1)  # [worlds, models, contexts, cohorts]
        asked = steps[..., -1, None, None]
        wanted = self._uniform("remedy.group", round_, shape, kept).to(steps) * asked
        cohort = torch.searchsorted(steps, wanted.flatten(-2), right=True).clamp_max(steps.shape[-1] - 1)
        group = self._group[cohort.reshape(wanted.shape)]
        plain, more = self._counts
        counts = plain[group]
        if demand.worst is not None:
            worst = demand.worst.gather(1, group.flatten(1)).reshape(group.shape)
            counts = torch.where(worst, more[group], counts)
        return torch.where(asked > 0, counts, 1)

    def _uniform(self, purpose: str, round_: int, shape: torch.Size, kept: int) -> Tensor:
        return lot_uniforms(self._batch, purpose, round_, shape, kept)


def lot_uniforms(batch: Batch, purpose: str, round_: int, shape: torch.Size, kept: int) -> Tensor:
    """Return a number in [0, 1) for each output that is kept; a further one leaves the others what they are.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    purpose : str
        What it is for.
    round_ : int
        The round in which outputs are read.
    shape : torch.Size
        Worlds, models, contexts and lots.
    kept : int
        How many outputs of a lot are kept.

    Returns
    -------
    Tensor
        ``[worlds, models, contexts, lots, kept]``
    """
    found = [
        [uniforms(world.seed, f"{purpose}.{number}", round_, shape[1], shape[2] * shape[3]) for number in range(kept)]
        for world in batch.worlds
    ]
    return torch.from_numpy(np.array(found)).to(batch.device).movedim(1, -1).reshape(*shape, kept)
