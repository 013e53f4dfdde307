"""What crosses the network as a linear map and its transpose, for many columns at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.world.network import Edges


@dataclass(frozen=True)
class _Way:
    """Sums over edges, gathered at one of their ends; edges are sorted by it."""

    ends: Tensor
    begins: Tensor
    offsets: Tensor
    weight: Tensor

    def sum(self, values: Tensor) -> Tensor:
        """Return Σ over edges of weight · values[begin], ``[ends, …]`` from ``[models, …]``."""
        summed: Tensor = torch.nn.functional.embedding_bag(
            self.begins,
            values.reshape(values.shape[0], -1),
            self.offsets,
            mode="sum",
            per_sample_weights=self.weight,
        )
        return summed.reshape(len(self.ends), *values.shape[1:])


def _way(ends: NDArray[np.int64], begins: NDArray[np.int64], weight: NDArray[np.float64]) -> _Way:
    order = np.lexsort((begins, ends))
    distinct, first = np.unique(ends[order], return_index=True)
    return _Way(
        ends=torch.from_numpy(distinct),
        begins=torch.from_numpy(begins[order].copy()),
        offsets=torch.from_numpy(first.astype(np.int64)),
        weight=torch.from_numpy(weight[order].copy()),
    )


@dataclass(frozen=True)
class _Group:
    """Edges that share a channel."""

    forth: _Way
    back: _Way
    channel: Tensor | None


class Links:
    """Some of the edges, as the map Σ_j w_ij T_ij(·_j) of all models' outputs.

    Parameters
    ----------
    edges : Edges
        All edges.
    chosen : ndarray
        Which of them count, ``[edges]``.
    """

    def __init__(self, edges: Edges, chosen: NDArray[np.bool_]) -> None:
        self._groups = []
        for number in np.unique(edges.channel[chosen]):
            own = chosen & (edges.channel == number)
            source, target, share = edges.source[own], edges.target[own], edges.share[own]
            channel = None if number < 0 else torch.from_numpy(edges.channels[number])
            self._groups.append(_Group(_way(target, source, share), _way(source, target, share), channel))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, total: Tensor, values: Tensor, share: Tensor) -> None:
        """Add what readers get to `total`: share[i] · Σ_j w_ij T_ij(values_j).

        Parameters
        ----------
        total, values : Tensor
            ``[models, contexts, numbers, columns]``; `total` is changed.
        share : Tensor
            What part of a reader's data this is, ``[models]``.
        """
        for group in self._groups:
            found = group.forth.sum(values)
            if group.channel is not None:
                found = torch.matmul(group.channel.T, found)
            readers = group.forth.ends
            total.index_add_(0, readers, found.mul_(share[readers, None, None, None]))

    def add_back(self, total: Tensor, values: Tensor, share: Tensor) -> None:
        """Add the transpose to `total`: Σ_i w_ij T_ijᵀ(share[i] · values_i) at every source j."""
        for group in self._groups:
            back = group.back
            weight = back.weight * share[back.begins]
            found = _Way(back.ends, back.begins, back.offsets, weight).sum(values)
            if group.channel is not None:
                found = torch.matmul(group.channel, found)
            total.index_add_(0, back.ends, found)


def levels(edges: Edges, models: int) -> NDArray[np.int64]:
    """Return in which turn each model can learn when models learn in order, ``[models]``.

    A model's turn is after those of all earlier models that it reads.
    """
    turn = np.zeros(models, dtype=np.int64)
    for source, target in zip(edges.source, edges.target, strict=True):  # sorted by target
        if source < target:
            turn[target] = max(turn[target], turn[source] + 1)
    return turn
