"""Who learns when: turns of models that learn at the same time, and what each of their readers reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.buffers import Buffers
from ecosystem.curators.curation import Curation
from ecosystem.learners.batch import Batch
from ecosystem.users.crowd import Demand
from ecosystem.world.blueprint import SOURCES

_REAL, _RAW, _CURATED, _NEIGHBOURS_RAW, _NEIGHBOURS_CURATED, _USERS = range(len(SOURCES))
_WRITTEN = (_RAW, _CURATED, _NEIGHBOURS_RAW, _NEIGHBOURS_CURATED)

Mixture: TypeAlias = Callable[[], Tensor]
"""Gives D, ``[worlds, readers, contexts, numbers]``, to who needs it."""


@dataclass(frozen=True)
class Offer:
    """What there is to read in a turn.

    Attributes
    ----------
    written : Tensor
        What models write, or what a remedy leaves of it, ``[worlds, models, contexts, numbers]``.
    kept : Tensor, optional
        What curators keep of it, ``[worlds, chosen models, contexts, numbers]``; None where nobody reads it.
    """

    written: Tensor
    kept: Tensor | None = None


class Turn:
    """Models that learn at the same time, in blocks.

    Blocks are of a size that the cache holds, whatever the number of threads; they know nothing of one another.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    models : ndarray
        Numbers of the models, ascending.
    block : int
        How many models a block has at the most.

    Attributes
    ----------
    everyone : bool
        Whether all models learn in this turn.
    models : Tensor
        Their numbers.
    blocks : tuple of Readers
        The models, block by block.
    curation : Curation
        The curators of all that they read.
    """

    def __init__(self, batch: Batch, models: NDArray[np.int64], block: int) -> None:
        self.everyone = len(models) == batch.models
        self.models = torch.from_numpy(models).to(batch.device)
        edges, diet = batch.worlds[0].edges, (batch.diet > 0).any(0).cpu().numpy()
        read = np.zeros(batch.models, dtype=bool)
        read[models] = diet[models, _CURATED]
        learns = np.zeros(batch.models, dtype=bool)
        learns[models] = True
        crossing = learns[edges.target] & diet[edges.target, _NEIGHBOURS_CURATED]
        read[edges.source[crossing]] = True
        self.curation = batch.curation(read)
        # Those of a turn for each model would be many, and are small.
        self._buffers = Buffers() if self.everyone else None
        self._contexts = batch.contexts
        parts = [models[start : start + block] for start in range(0, len(models), block)]
        self.blocks = tuple(Readers(batch, part, self.curation) for part in parts)

    def offer(self, p: Tensor, demand: Demand | None = None) -> Offer:
        """Return what there is to read, given what models write."""
        written = p if demand is None or demand.filtered is None else demand.filtered
        if len(self.curation.rows) == 0:
            return Offer(written)
        into = None
        if self._buffers is not None and not written.requires_grad:
            into = self._buffers.take((len(written), len(self.curation.rows), written.shape[-1]), written)
        kept = self.curation.kept(written, None if demand is None else demand.heard, into)
        return Offer(written, kept.unflatten(1, (-1, self._contexts)))


class Readers:
    """Models that learn at the same time, and what they read.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    readers : ndarray
        Numbers of the models, ascending.
    curation : Curation
        The curators of all that they read; by default of every model.

    Attributes
    ----------
    everyone : bool
        Whether these are all models.
    models : Tensor
        Their numbers.
    """

    def __init__(self, batch: Batch, readers: NDArray[np.int64], curation: Curation | None = None) -> None:
        self.everyone = len(readers) == batch.models
        self.models = torch.from_numpy(readers).to(batch.device)
        # Models that stand together are a view, not a copy.
        together = len(readers) > 0 and int(readers[-1] - readers[0]) == len(readers) - 1
        self._span = (int(readers[0]), int(readers[-1]) + 1) if together else None
        self.diet = self.own(batch.diet)
        self.exchange = batch.exchange(readers)
        self.curation = batch.curation() if curation is None else curation
        chosen = self.curation.rows[:: batch.contexts].cpu().numpy() // batch.contexts  # in all contexts or in none
        raw, kept, near, near_kept = (self.diet[..., source].cpu().double().numpy() for source in _WRITTEN)
        self._mixing = self.exchange.mixing(near, near_kept, ((raw, readers), (kept, readers)), chosen)
        self._brings = bool((self.diet[..., _USERS] > 0).any())
        self.real = self.own(batch.real)
        self.sourceless = self.own(batch.sourceless)[..., None, None]
        self.some_sourceless = bool(self.sourceless.any())

    def own(self, tensor: Tensor) -> Tensor:
        """Return the rows of these models of a tensor ``[worlds, models, ...]``."""
        if self._span is not None:
            return tensor[:, self._span[0] : self._span[1]]
        return tensor[:, self.models]

    def mixture(self, p: Tensor, offer: Offer, demand: Demand | None = None, into: Tensor | None = None) -> Tensor:
        """Return D, what the diets make of all sources, ``[worlds, readers, contexts, numbers]``.

        It may be written into a given place.
        """
        total = torch.mul(self._share(_REAL), self.real, out=into)
        total = self._mixing.onto(total, offer.written, offer.kept)
        if offer.written is not p:
            total = torch.where(self.sourceless, self.own(p), total)
        if self._brings and demand is not None and demand.brought is not None and demand.volume is not None:
            total = self._with_users(total, demand.brought, self.own(demand.volume)[..., None] > 0, p)
        return total

    def shares(self, demand: Demand) -> Tensor:
        """Return how often a reader picks each source, ``[worlds, readers, contexts, sources]``.

        Where nobody asks, the share of users is split over the other sources in proportion; a row without
        any source is 0.
        """
        each = self.diet[:, :, None].expand(-1, -1, demand.weights.shape[-1], -1)
        if demand.volume is not None:
            unasked = (self.own(demand.volume) <= 0)[..., None] & (torch.arange(len(SOURCES)) == _USERS).to(each.device)
            each = each.masked_fill(unasked, 0.0)
        whole = each.sum(-1, keepdim=True)
        return each / torch.where(whole > 0, whole, 1.0)

    def nothing(self, demand: Demand) -> Tensor | None:
        """Return which readers have no source this round, ``[worlds, readers, contexts, 1]``; None if all have one."""
        if self._brings and demand.volume is not None:
            return self.sourceless | (self.shares(demand).sum(-1, keepdim=True) == 0)
        return self.sourceless if self.some_sourceless else None

    def _with_users(self, total: Tensor, brought: Tensor, there: Tensor, p: Tensor) -> Tensor:
        """Add what users bring; where nobody asks, their share is split over the other sources in proportion."""
        share = self._share(_USERS)
        rest = 1 - share
        split = torch.where(rest > 0, total / torch.where(rest > 0, rest, 1.0), self.own(p))
        return torch.where(there, total + share * self.own(brought), split)

    def _share(self, source: int) -> Tensor:
        return self.diet[:, :, source, None, None]
