"""Models that learn at the same time: what they read, and the mixture their diets make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.users.crowd import Demand
from ecosystem.world.blueprint import SOURCES

_REAL, _RAW, _CURATED, _NEIGHBOURS_RAW, _NEIGHBOURS_CURATED, _USERS = range(len(SOURCES))


@dataclass(frozen=True)
class _Rows:
    """Rows of readers × contexts, and the rows that they take something from."""

    reader: Tensor
    written: Tensor

    @classmethod
    def of(cls, some: NDArray[np.bool_], written: NDArray[np.int64], device: str) -> _Rows:
        return cls(torch.from_numpy(np.flatnonzero(some)).to(device), torch.from_numpy(written[some]).to(device))


class Turn:
    """Models that learn at the same time, and what they read.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    readers : ndarray
        Numbers of the models, ascending.

    Attributes
    ----------
    everyone : bool
        Whether all models learn in this turn.
    models : Tensor
        Their numbers.
    """

    def __init__(self, batch: Batch, readers: NDArray[np.int64]) -> None:
        first = batch.worlds[0]
        self.everyone = len(readers) == batch.models
        self.models = torch.from_numpy(readers).to(batch.device)
        self.diet = self.own(batch.diet)
        self.exchange = batch.exchange(readers)
        self._raw, self._curated = (
            self.exchange.weighed(self.diet[..., source]) for source in (_NEIGHBOURS_RAW, _NEIGHBOURS_CURATED)
        )
        # Whether any world asks for a source decides what is computed; a share of 0 adds exactly 0.
        self._asked = [bool((self.diet[..., source] > 0).any()) for source in range(len(SOURCES))]
        read = np.zeros(batch.models, dtype=bool)
        if self._asked[_CURATED]:
            read[readers] = True
        if self._asked[_NEIGHBOURS_CURATED]:
            read[first.edges.source[np.isin(first.edges.target, readers)]] = True
        self.curation = batch.curation(read)
        contexts = np.arange(batch.contexts)
        own = (readers[:, None] * batch.contexts + contexts).ravel()
        rows = self.curation.rows.cpu().numpy()
        place = np.searchsorted(rows, own)
        there = (place < len(rows)) & (np.append(rows, -1)[place] == own)
        takes = (self.diet[..., _CURATED] > 0).any(0).cpu().numpy().repeat(batch.contexts)
        self._chosen = _Rows.of(there & takes, place, batch.device)
        self._single = _Rows.of(~there & takes, own, batch.device)
        self.real = self.own(batch.real)
        self.sourceless = self.own(batch.sourceless)[..., None, None]
        self.some_sourceless = bool(self.sourceless.any())

    def own(self, tensor: Tensor) -> Tensor:
        """Return the rows of these models of a tensor ``[worlds, models, ...]``."""
        return tensor if self.everyone else tensor[:, self.models]

    def mixture(self, p: Tensor, demand: Demand | None = None) -> Tensor:
        """Return D, what the diets make of all sources, ``[worlds, readers, contexts, numbers]``."""
        written = p if demand is None or demand.filtered is None else demand.filtered
        heard = None if demand is None else demand.heard
        # Shares are already in the weights of what is gathered, and its sums are what the rest is added to.
        if self._asked[_NEIGHBOURS_RAW]:
            total = self._raw.gather(written)
            total.addcmul_(self._share(_REAL), self.real)
        else:
            total = self._share(_REAL) * self.real
        if self._asked[_RAW]:
            total.addcmul_(self._share(_RAW), self.own(written))
        if self._asked[_CURATED] or self._asked[_NEIGHBOURS_CURATED]:
            kept = self.curation.kept(written, heard)
            if self._asked[_NEIGHBOURS_CURATED]:
                every = written.flatten(1, 2).index_copy(1, self.curation.rows, kept).reshape(written.shape)
                total += self._curated.gather(every)
            if self._asked[_CURATED]:
                self._add_curated(total, written, kept)
        if written is not p:
            total = torch.where(self.sourceless, self.own(p), total)
        if self._asked[_USERS] and demand is not None and demand.brought is not None and demand.volume is not None:
            total = self._with_users(total, demand.brought, self.own(demand.volume)[..., None] > 0, p)
        return total

    def _add_curated(self, total: Tensor, written: Tensor, kept: Tensor) -> None:
        """Add what readers' own curators keep; those that have but one candidate keep what is written."""
        flat, every = total.flatten(1, 2), written.flatten(1, 2)
        share = self.diet[:, :, _CURATED].repeat_interleave(written.shape[2], dim=1)[..., None]
        flat.index_add_(1, self._chosen.reader, share[:, self._chosen.reader] * kept[:, self._chosen.written])
        flat.index_add_(1, self._single.reader, share[:, self._single.reader] * every[:, self._single.written])

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
        if self._asked[_USERS] and demand.volume is not None:
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
