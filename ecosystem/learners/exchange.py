"""What crosses the network: sums over in-neighbours, through the channels of the edges."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.linalg import bmm
from ecosystem.world.network import Edges


@dataclass(frozen=True)
class _Group:
    """Edges that share a channel: which models they read, reader by reader."""

    source: Tensor
    reader: Tensor
    offsets: Tensor
    share: Tensor
    channel: Tensor | None


class Exchange:
    """Sums of what readers find at their in-neighbours.

    Parameters
    ----------
    edges : sequence of Edges
        The edges of each world; sources, targets and numbers of channels are the same in all.
    readers : ndarray
        Model numbers of the readers, ascending, ``[readers]``.
    models : int
        Number of models that can be read.
    like : Tensor
        Gives precision and device.
    """

    def __init__(self, edges: Sequence[Edges], readers: NDArray[np.int64], models: int, like: Tensor) -> None:
        first = edges[0]
        self._models = models
        self._readers = len(readers)
        position = np.full(models, -1, dtype=np.int64)
        position[readers] = np.arange(len(readers))
        rows = position[first.target]
        self._groups = []
        for channel in np.unique(first.channel):
            chosen = np.flatnonzero((first.channel == channel) & (rows >= 0))
            if len(chosen) == 0:
                continue
            counts = np.bincount(rows[chosen], minlength=len(readers))
            share = np.stack([world.share[chosen] for world in edges])
            matrices = None if channel < 0 else np.stack([world.channels[channel] for world in edges])
            self._groups.append(
                _Group(
                    source=torch.from_numpy(first.source[chosen]).to(like.device),
                    reader=torch.from_numpy(rows[chosen]).to(like.device),
                    offsets=torch.from_numpy(np.cumsum(counts) - counts).to(like.device),
                    share=torch.from_numpy(share).to(like),
                    channel=None if matrices is None else torch.from_numpy(matrices).to(like),
                )
            )

    def weighed(self, share: Tensor) -> Exchange:
        """Return the exchange whose sums count by a share of each reader's, ``[worlds, readers]``."""
        made = copy(self)
        made._groups = [replace(group, share=group.share * share[:, group.reader]) for group in self._groups]
        return made

    def __bool__(self) -> bool:
        """Whether any edge leads to a reader."""
        return bool(self._groups)

    def gather(self, outputs: Tensor, present: Tensor | None = None) -> Tensor:
        """Return Σ_j w_ij T_ij(outputs_j) for every reader i.

        Parameters
        ----------
        outputs : Tensor
            ``[worlds, models, contexts, outputs]``
        present : Tensor, optional
            Which models wrote anything, ``[worlds, models, contexts]``; all by default. Weights
            are then those of the present ones, and a reader who finds nobody gets zeros.

        Returns
        -------
        Tensor
            ``[worlds, readers, contexts, outputs]``
        """
        if present is None:
            return self._sum(outputs, through_channels=True)
        there = present[..., None].to(outputs.dtype)
        found = self._sum(there, through_channels=False)
        return self._sum(outputs * there, through_channels=True) / torch.where(found > 0, found, 1.0)

    def _sum(self, outputs: Tensor, *, through_channels: bool) -> Tensor:
        worlds, _, contexts, size = outputs.shape
        flat = outputs.reshape(worlds * self._models, contexts * size)
        total: Tensor | None = None
        for group in self._groups:
            world = torch.arange(worlds, device=flat.device)[:, None]
            summed = torch.nn.functional.embedding_bag(
                (group.source + self._models * world).reshape(-1),
                flat,
                (group.offsets + len(group.source) * world).reshape(-1),
                mode="sum",
                per_sample_weights=group.share.reshape(-1),
            )
            if through_channels and group.channel is not None:
                summed = bmm(summed.reshape(worlds, -1, size), group.channel)
            summed = summed.reshape(worlds, self._readers, contexts, size)
            total = summed if total is None else total + summed
        if total is None:
            return outputs.new_zeros((worlds, self._readers, contexts, size))
        return total
