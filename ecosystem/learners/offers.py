"""What there is to read of drawn outputs: of each lot the raw one, the one that a curator kept, the one it liked least.

Of K candidates drawn from a model a curator keeps one: with reward r and temperature T candidate k wins with
probability exp(r_k/T) / Σ_l exp(r_l/T), which is the largest of r_k/T plus Gumbel noise; a plug-in says how likely it
keeps each. Before that a remedy may have chosen every candidate among several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ecosystem.curators.plugged import choose, plugged_choices
from ecosystem.learners.batch import Batch
from ecosystem.learners.picks import Curators
from ecosystem.remedies.drawn_rejection import DrawnRejection
from ecosystem.remedies.plugged import PluggedDrawnFilter
from ecosystem.users.crowd import Demand
from ecosystem.world.streams import uniforms


@dataclass(frozen=True)
class Pool:
    """What models wrote in a round.

    Attributes
    ----------
    items : Tensor
        ``[worlds, models, contexts, lots, candidates, *item]``
    judged : Tensor
        What judges say of each, ``[worlds, models, contexts, lots, candidates, judges]``.
    """

    items: Tensor
    judged: Tensor

    @property
    def lots(self) -> int:
        """How many lots each model wrote in each context."""
        return self.judged.shape[3]

    def taken(self, place: Tensor) -> Tensor:
        """Return the items at some places of models × contexts × lots × candidates, ``[worlds, n, *item]``."""
        flat = self.items.flatten(1, 4)
        item = flat.shape[2:]
        wide = place.reshape(*place.shape, *[1] * len(item)).expand(*place.shape, *item)
        return flat.gather(1, wide)


@dataclass(frozen=True)
class Offer:
    """Which candidate of each lot is read, ``[worlds, models, contexts, lots]`` each.

    Attributes
    ----------
    raw, kept, rejected : Tensor
        What is read raw, what is read curated, and what the curator liked least; where nobody chooses all are one.
    """

    raw: Tensor
    kept: Tensor
    rejected: Tensor


class Offers:
    """Makes offers of pools, round by round.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    remedy : DrawnRejection or PluggedDrawnFilter, optional
        What filters outputs before they are read.

    Attributes
    ----------
    candidates : int
        How many candidates each lot must have.
    """

    def __init__(self, batch: Batch, remedy: DrawnRejection | PluggedDrawnFilter | None) -> None:
        self._batch, self._remedy = batch, remedy
        plan = batch.worlds[0]
        self._seen = batch.stack([world.candidates for world in batch.worlds])
        owners = sorted(set(plan.choice_model.tolist()))
        self._choosers = int(max((plan.candidates[model] for model in owners), default=1))
        self.candidates = self._choosers * (1 if remedy is None else remedy.candidates)
        curated = np.zeros(batch.models, dtype=bool)
        curated[owners] = True
        self._curated = torch.from_numpy(curated).to(batch.device)

    def of(self, pool: Pool, similarity: Tensor | None, demand: Demand, round_: int) -> Offer:
        """Return what there is to read.

        Parameters
        ----------
        pool : Pool
            What models wrote.
        similarity : Tensor, optional
            How typical each candidate is, for a remedy that asks, ``[worlds, models, contexts, lots, candidates]``.
        demand : Demand
            What users ask.
        round_ : int
            The round in which it is read.
        """
        judged = pool.judged
        lots = judged.shape[:4]
        if self._remedy is None:
            fit = torch.arange(self._choosers, device=judged.device).expand(*lots, self._choosers)
        else:
            fit = self._remedy.filter(judged, similarity, demand, round_, self._choosers)
        seen = judged.gather(4, fit[..., None].expand(*fit.shape, judged.shape[-1]))
        best, worst = self._chosen(seen, demand, round_)
        kept, rejected = (fit.gather(4, place[..., None])[..., 0] for place in (best, worst))
        return Offer(fit[..., 0], kept, rejected)

    def _chosen(self, judged: Tensor, demand: Demand, round_: int) -> tuple[Tensor, Tensor]:
        """Return the candidate that each lot's curator likes best, and least, ``[worlds, models, contexts, lots]``."""
        worlds, models, contexts, lots, candidates, judges = judged.shape
        nobody = torch.zeros(judged.shape[:4], dtype=torch.int64, device=judged.device)
        if candidates == 1 or not bool(self._curated.any()):
            return nobody, nobody
        place = torch.arange(models * contexts * lots, device=judged.device).expand(worlds, -1)
        model, context = place // (contexts * lots), place // lots % contexts
        curators = Curators(self._batch, demand)
        luck = self._uniform("curate.curator", round_, contexts * lots)
        choice = curators.pick(model, context, self._curated[model], luck.flatten(1))
        rho = self._batch.choice_rho[..., 1 : 1 + judges]  # [worlds, choices, contexts, judges]
        row = choice.clamp_min(0) * contexts + context
        rho = rho.flatten(1, 2).gather(1, row[..., None].expand(*row.shape, judges))
        appeal = (rho[:, :, None] * judged.flatten(1, 3)).sum(-1)  # [worlds, lots of all models, candidates]
        by_luck = torch.tensor([kind == "drawn_luce" for kind in curators.kinds], device=judged.device)[choice]
        noise = torch.stack([self._gumbel(number, round_, contexts * lots) for number in range(candidates)], -1)
        appeal = appeal + torch.where(by_luck[..., None], noise.to(appeal), 0.0)
        numbers = torch.arange(candidates, device=judged.device)
        there = numbers < self._seen.gather(1, model)[..., None]
        best = appeal.masked_fill(~there, -torch.inf).argmax(-1)
        worst = appeal.masked_fill(~there, torch.inf).argmin(-1)
        plugged = plugged_choices(curators.kinds, choice)
        if bool(plugged.any()):
            luck = self._uniform("curate.choice", round_, contexts * lots).flatten(1)
            kept, rejected = choose(curators.kinds, choice, self._seen.gather(1, model), appeal, luck)
            best, worst = torch.where(plugged, kept, best), torch.where(plugged, rejected, worst)
        chosen = choice >= 0
        shape = judged.shape[:4]
        return torch.where(chosen, best, 0).reshape(shape), torch.where(chosen, worst, 0).reshape(shape)

    def _gumbel(self, number: int, round_: int, draws: int) -> Tensor:
        u = self._uniform(f"curate.luck.{number}", round_, draws).flatten(1)
        return -(-u.clamp_min(1e-300).log()).log()

    def _uniform(self, purpose: str, round_: int, draws: int) -> Tensor:
        """Return so many numbers a model, ``[worlds, models, draws]``."""
        return drawn_uniforms(self._batch, purpose, round_, draws)


def drawn_uniforms(batch: Batch, purpose: str, round_: int, draws: int) -> Tensor:
    """Return uniform numbers of each world's own stream, ``[worlds, models, draws]``."""
    found = [uniforms(world.seed, purpose, round_, batch.models, draws) for world in batch.worlds]
    return torch.from_numpy(np.stack(found)).to(batch.device)
