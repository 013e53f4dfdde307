"""Rejection sampling: of k outputs to a group's prompt the best is kept for training (Wang et al. 2026).

A model's outputs are filtered before curation, group by group, and the filtered outputs stand in place of its
raw ones as a source, for itself and for its readers; what users are served is not touched. With w_q and w_s the
weights of quality and similarity,

    score(x) = w_q quality(x) + w_s p_real(x) / max p_real,
    filtered = Σ_g V_g/V [(2a − 1) best-of-k_g(p; score) + (2 − 2a) p],

V_g what group g asks in that context and a the accuracy of the judge (½: no remedy). Ties are shared.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ecosystem.curators.best_of import BestOf
from ecosystem.learners.batch import Batch
from ecosystem.scenario.fields.remedy import RejectionSampling
from ecosystem.users.crowd import Demand
from ecosystem.world.groups import Groups


class Rejection:
    """The filter of a batch of worlds with categorical outputs.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds, each with users and a remedy.
    """

    def __init__(self, batch: Batch) -> None:
        pairs = [(world.scenario.remedy, world.groups) for world in batch.worlds]
        held = [(remedy, groups) for remedy, groups in pairs if remedy is not None and groups is not None]
        self._groups = len(held[0][1].names)
        quality = batch.stack([_quality(groups) for _, groups in held])[:, None]  # [worlds, 1, contexts or 1, outputs]
        similarity = batch.real / batch.real.amax(-1, keepdim=True)
        weights = [batch.stack([np.array(getattr(remedy, name)) for remedy, _ in held]) for name in _WEIGHTS]
        w_quality, w_similarity, accuracy = (weight[:, None, None, None] for weight in weights)
        score = w_quality * quality + w_similarity * similarity  # [worlds, models, contexts, outputs]
        self._trust = 2 * accuracy - 1
        candidates = batch.stack([_candidates(remedy, groups) for remedy, groups in held])
        rows = score.flatten(1, 2)
        self._judges = [
            BestOf(rows, candidates[:, group, None].expand(-1, rows.shape[1]), 0) for group in range(self._groups)
        ]

    def filter(self, p: Tensor, demand: Demand) -> Tensor:
        """Return what is left of models' outputs for training, ``[worlds, models, contexts, outputs]`` as `p`."""
        assert demand.sent is not None and demand.volume is not None
        rows = p.flatten(1, 2)[:, :, None]
        asked = demand.volume > 0
        best = torch.zeros_like(p)
        for group, judge in enumerate(self._judges):
            share = torch.where(asked, demand.sent[:, group] / torch.where(asked, demand.volume, 1.0), 0.0)
            best = best + share[..., None] * judge.keep(rows)[:, :, 0].reshape(p.shape)
        return torch.where(asked[..., None], self._trust * best + (1 - self._trust) * p, p)


_WEIGHTS = ("quality", "similarity", "accuracy")


def _quality(groups: Groups) -> np.ndarray:
    if "quality" in groups.score_names:
        return groups.scores[groups.score_names.index("quality")]
    return np.zeros((1, groups.data.shape[-1]))


def _candidates(remedy: RejectionSampling, groups: Groups) -> np.ndarray:
    if isinstance(remedy.candidates, int):
        return np.full(len(groups.names), float(remedy.candidates))
    return np.array([float(remedy.candidates.get(name, 1)) for name in groups.names])
