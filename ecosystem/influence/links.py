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
    """Weighted sums over edges, gathered at one of their ends; edges are sorted by it."""

    ends: Tensor
    begins: Tensor
    offsets: Tensor
    weight: Tensor
    all: bool

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

    def add(self, total: Tensor, values: Tensor) -> None:
        """Add values found at the ends."""
        if self.all:
            total.add_(values)
        else:
            total.index_add_(0, self.ends, values)


def _way(ends: NDArray[np.int64], begins: NDArray[np.int64], weight: NDArray[np.float64], models: int) -> _Way:
    order = np.lexsort((begins, ends))
    distinct, first = np.unique(ends[order], return_index=True)
    return _Way(
        ends=torch.from_numpy(distinct),
        begins=torch.from_numpy(begins[order].copy()),
        offsets=torch.from_numpy(first.astype(np.int64)),
        weight=torch.from_numpy(weight[order].copy()),
        all=len(distinct) == models,
    )


class Links:
    """Some of the edges, as the map share_i Σ_j w_ij T_ij(·_j) of all models' outputs.

    Parameters
    ----------
    edges : Edges
        All edges.
    chosen : ndarray
        Which of them count, ``[edges]``.
    share : ndarray
        What part of each reader's data this is, ``[models]``.
    """

    def __init__(self, edges: Edges, chosen: NDArray[np.bool_], share: NDArray[np.float64]) -> None:
        weight = edges.share * share[edges.target] if len(edges.target) else edges.share
        counted = chosen & (weight > 0)
        self._groups: list[tuple[_Way, _Way, Tensor | None]] = []
        for number in np.unique(edges.channel[counted]):
            own = counted & (edges.channel == number)
            source, target = edges.source[own], edges.target[own]
            forth = _way(target, source, weight[own], len(share))
            back = _way(source, target, weight[own], len(share))
            self._groups.append((forth, back, None if number < 0 else torch.from_numpy(edges.channels[number])))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, total: Tensor, values: Tensor) -> None:
        """Add what readers get to `total`, both ``[models, contexts, numbers, columns]``."""
        for forth, _, channel in self._groups:
            found = forth.sum(values)
            forth.add(total, found if channel is None else torch.matmul(channel.T, found))

    def add_back(self, total: Tensor, values: Tensor) -> None:
        """Add the transpose to `total`: Σ_i share_i w_ij T_ijᵀ(values_i) at every source j."""
        for _, back, channel in self._groups:
            found = back.sum(values)
            back.add(total, found if channel is None else torch.matmul(channel, found))


def levels(edges: Edges, models: int) -> NDArray[np.int64]:
    """Return in which turn each model can learn when models learn in order, ``[models]``.

    A model's turn is after those of all earlier models that it reads.
    """
    turn = np.zeros(models, dtype=np.int64)
    for source, target in zip(edges.source, edges.target, strict=True):  # sorted by target
        if source < target:
            turn[target] = max(turn[target], turn[source] + 1)
    return turn
