"""Models that learn at the same time: what they read, and the mixture their diets make of it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.world.blueprint import SOURCES

_REAL, _RAW, _CURATED, _NEIGHBOURS_RAW, _NEIGHBOURS_CURATED = range(len(SOURCES))


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
        # Whether any world asks for a source decides what is computed; a share of 0 adds exactly 0.
        self._asked = [bool((self.diet[..., source] > 0).any()) for source in range(len(SOURCES))]
        read = np.zeros(batch.models, dtype=bool)
        if self._asked[_CURATED]:
            read[readers] = True
        if self._asked[_NEIGHBOURS_CURATED]:
            read[first.edges.source[np.isin(first.edges.target, readers)]] = True
        self.curation = batch.curation(read)
        self.real = self.own(batch.real)
        self.sourceless = self.own(batch.sourceless)[..., None, None]

    def own(self, tensor: Tensor) -> Tensor:
        """Return the rows of these models of a tensor ``[worlds, models, ...]``."""
        return tensor if self.everyone else tensor[:, self.models]

    def mixture(self, p: Tensor) -> Tensor:
        """Return D, what the diets make of all sources, ``[worlds, readers, contexts, outputs]``."""
        kept = self.curation.keep(p)
        total = self._share(_REAL) * self.real
        if self._asked[_RAW]:
            total.addcmul_(self._share(_RAW), self.own(p))
        if self._asked[_CURATED]:
            total.addcmul_(self._share(_CURATED), self.own(kept))
        if self._asked[_NEIGHBOURS_RAW]:
            total.addcmul_(self._share(_NEIGHBOURS_RAW), self.exchange.gather(p))
        if self._asked[_NEIGHBOURS_CURATED]:
            total.addcmul_(self._share(_NEIGHBOURS_CURATED), self.exchange.gather(kept))
        return total

    def _share(self, source: int) -> Tensor:
        return self.diet[:, :, source, None, None]
