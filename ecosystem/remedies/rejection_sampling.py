"""Rejection sampling: of k outputs to a group's prompt the best is kept for training (Wang et al. 2026).

A model's outputs are filtered before curation, group by group, and the filtered outputs stand in place of its
raw ones as a source, for itself and for its readers; what users are served is not touched. With w_q and w_s the
weights of quality and similarity,

    score(x) = w_q quality(x) + w_s similarity(x),   similarity = p_real(x) / max p_real,
    filtered = Σ_g V_g/V [(2a − 1) best-of-k_g(p; score) + (2 − 2a) p],

V_g what group g asks in that context and a the accuracy of the judge (½: no remedy). Ties are shared. Plain
best-of-k is the same with one k, whoever asks and whether anybody does.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ecosystem.curators.best_of import BestOf
from ecosystem.learners.batch import Batch
from ecosystem.outputs import space_of
from ecosystem.scenario.fields.remedy import BestOfK, RejectionSampling
from ecosystem.users.crowd import Demand
from ecosystem.world.blueprint import Blueprint
from ecosystem.world.rewards import Rewards


class Rejection:
    """The filter of a batch of worlds with categorical outputs.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with a remedy that filters, with as many candidates.

    Attributes
    ----------
    finds : bool
        Whether the disadvantaged group is to be found: `Demand.worst` is then needed.
    """

    def __init__(self, batch: Batch) -> None:
        remedies = [remedy_of(world) for world in batch.worlds]
        quality = batch.stack([quality_of(world) for world in batch.worlds])[:, None]
        similarity = batch.real / batch.real.amax(-1, keepdim=True)
        weights = [batch.stack([np.array(getattr(remedy, name)) for remedy in remedies]) for name in _WEIGHTS]
        w_quality, w_similarity, accuracy = (weight[:, None, None, None] for weight in weights)
        score = (w_quality * quality + w_similarity * similarity).flatten(1, 2)  # [worlds, rows, outputs]
        self._trust = 2 * accuracy - 1
        first = batch.worlds[0]
        self.finds = finds(remedies[0])
        self._aware = isinstance(remedies[0], RejectionSampling)
        # Outputs that are judged among as many candidates are judged together.
        counts, place = np.unique(candidates_of(first), return_inverse=True)
        self._place = torch.from_numpy(place).to(batch.device)
        self._judges = [BestOf(score, score.new_full(score.shape[:2], float(k)), 0) for k in counts]
        self._group = None if first.groups is None else torch.from_numpy(first.groups.group).to(batch.device)

    def filter(self, p: Tensor, demand: Demand) -> Tensor:
        """Return what is left of models' outputs for training, ``[worlds, models, contexts, outputs]`` as `p`."""
        rows = p.flatten(1, 2)[:, :, None]
        kept = [judge.keep(rows)[:, :, 0].reshape(p.shape) for judge in self._judges]
        if not self._aware:
            return self._trust * kept[0] + (1 - self._trust) * p
        assert demand.prompts is not None and demand.volume is not None and self._group is not None
        place = self._place[0] if demand.worst is None else torch.where(demand.worst, self._place[1], self._place[0])
        judged = torch.nn.functional.one_hot(place.expand(len(p), -1)[:, self._group], len(kept)).to(p)
        sent = demand.prompts.summed(judged[:, :, None].expand(-1, -1, p.shape[2], -1))
        asked = demand.volume > 0
        shares = sent / torch.where(asked, demand.volume, 1.0)[..., None]
        best = torch.zeros_like(p)
        for number, one in enumerate(kept):
            best = best + shares[..., number, None] * one
        return torch.where(asked[..., None], self._trust * best + (1 - self._trust) * p, p)


_WEIGHTS = ("quality", "similarity", "accuracy")


def finds(remedy: RejectionSampling | BestOfK) -> bool:
    """Tell whether the disadvantaged group is to be found, round by round."""
    if isinstance(remedy, BestOfK) or remedy.disadvantaged is None:
        return False
    return remedy.disadvantaged.group is None


def remedy_of(world: Blueprint) -> RejectionSampling | BestOfK:
    """Return the remedy of a world, one that filters."""
    remedy = world.scenario.remedy
    assert isinstance(remedy, (RejectionSampling, BestOfK))
    return remedy


def quality_of(world: Blueprint) -> np.ndarray:
    """Return the score `quality`, ``[contexts or 1, outputs]``; zeros where there is none."""
    space = space_of(world.scenario)
    scores = Rewards(world.scenario.outputs.scores, space)
    return scores.row(scores.number("quality")) if "quality" in scores.names else np.zeros((1, space.numbers))


def candidates_of(world: Blueprint) -> np.ndarray:
    """Return k of each group, and k of each where it is worst off, ``[2, groups]``."""
    remedy, groups = remedy_of(world), world.groups
    if isinstance(remedy, BestOfK) or groups is None:
        return np.full((2, 1), remedy.candidates)
    if isinstance(remedy.candidates, int):
        plain = np.full(len(groups.names), remedy.candidates)
    else:
        plain = np.array([remedy.candidates.get(name, 1) for name in groups.names])
    worst, more = plain.copy(), remedy.disadvantaged
    if more is not None:
        named = [more.group in (None, name) for name in groups.names]
        worst[named] = more.candidates
    return np.stack([plain if finds(remedy) else worst, worst])
