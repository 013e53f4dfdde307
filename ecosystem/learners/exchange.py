"""What crosses the network: sums over in-neighbours, through the channels of the edges.

Sums are products of sparse matrices, one row a reader, with what is read; worlds are blocks on the diagonal.
A row is summed entry by entry in its own order, so that its bits do not depend on the rows beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.linalg import bmm
from ecosystem.world.network import Edges

Ints = NDArray[np.int64]
Array = NDArray[np.float64]


class Weights:
    """A sparse matrix for each world: how much each reader takes of each row.

    Parameters
    ----------
    reader : ndarray
        Which reader each entry belongs to, ascending, ``[entries]``.
    read : ndarray
        Which row it takes, ``[entries]``.
    share : ndarray
        How much of it, ``[worlds, entries]``.
    readers, rows : int
        How many readers there are, and rows that can be read.
    like : Tensor
        Gives precision and device.
    """

    def __init__(self, reader: Ints, read: Ints, share: Array, readers: int, rows: int, like: Tensor) -> None:
        worlds, entries = share.shape
        world = np.arange(worlds)[:, None]
        starts = np.searchsorted(reader, np.arange(readers))
        ends = np.append((starts + entries * world).ravel(), worlds * entries)
        columns = (read + rows * world).ravel()
        values = torch.from_numpy(np.ascontiguousarray(share)).to(like).ravel()
        self._readers, self._rows = readers, rows
        self._matrix: Tensor | None = None
        size = (worlds * readers, worlds * rows)
        small = max(*size, len(columns)) < 2**31  # MKL counts by 32 bits
        if small and like.device.type == "cpu" and torch.backends.mkl.is_available():
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse")  # of a feature called beta since years
                self._matrix = torch.sparse_csr_tensor(
                    torch.from_numpy(ends).int(), torch.from_numpy(columns).int(), values, size
                )
                return
        self._bags = (torch.from_numpy(columns).to(like.device), torch.from_numpy(ends[:-1].copy()).to(like.device))
        self._values = values

    def onto(self, total: Tensor, rows: Tensor) -> Tensor:
        """Return total + what readers take of some rows; a total that needs no gradient is added to in place.

        Parameters
        ----------
        total : Tensor
            ``[worlds, readers, ...]``, contiguous.
        rows : Tensor
            ``[worlds, rows, ...]``
        """
        worlds = len(total)
        flat = rows.reshape(worlds * self._rows, -1)
        if self._matrix is not None and not (rows.requires_grad or total.requires_grad):
            into = total.view(worlds * self._readers, -1)
            torch.addmm(into, self._matrix, flat, out=into)
            return total
        return total + self._bagged(flat).view_as(total)

    def _bagged(self, flat: Tensor) -> Tensor:
        """Return the same sums in a form that can be differentiated, and that on a GPU gives the same bits twice."""
        if self._matrix is None:
            (entries, starts), values = self._bags, self._values
        else:
            entries, starts = self._matrix.col_indices(), self._matrix.crow_indices()[:-1]
            values = self._matrix.values()
        return torch.nn.functional.embedding_bag(entries, flat, starts, mode="sum", per_sample_weights=values)


@dataclass(frozen=True)
class _Group:
    """Edges that share a channel: which models they read, reader by reader."""

    source: Ints
    reader: Ints
    share: Array
    channel: Tensor | None


@dataclass(frozen=True)
class _Flow:
    """What comes through one channel: of what is written, and of what curators keep."""

    written: Weights | None
    kept: Weights | None
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

    def __init__(self, edges: Sequence[Edges], readers: Ints, models: int, like: Tensor) -> None:
        first = edges[0]
        self._models, self._readers, self._like = models, len(readers), like
        # Edges are sorted by reader, and so those of readers that stand together are together.
        start, stop = np.searchsorted(first.target, [readers[0], readers[-1] + 1]) if len(readers) else (0, 0)
        here = slice(int(start), int(stop))
        position = np.full(models, -1, dtype=np.int64)
        position[readers] = np.arange(len(readers))
        rows, numbers = position[first.target[here]], first.channel[here]
        self._groups = []
        for channel in np.unique(numbers):
            chosen = np.flatnonzero((numbers == channel) & (rows >= 0))
            if len(chosen) == 0:
                continue
            matrices = None if channel < 0 else np.stack([world.channels[channel] for world in edges])
            self._groups.append(
                _Group(
                    source=first.source[here][chosen],
                    reader=rows[chosen],
                    share=np.stack([world.share[here][chosen] for world in edges]),
                    channel=None if matrices is None else torch.from_numpy(matrices).to(like),
                )
            )

    def __bool__(self) -> bool:
        """Whether any edge leads to a reader."""
        return bool(self._groups)

    def gather(self, outputs: Tensor, present: Tensor) -> Tensor:
        """Return Σ_j w_ij T_ij(outputs_j) for every reader i, by the weights of those that wrote anything.

        Parameters
        ----------
        outputs : Tensor
            ``[worlds, models, contexts, outputs]``
        present : Tensor
            Which models wrote anything, ``[worlds, models, contexts]``. A reader who finds nobody gets zeros.

        Returns
        -------
        Tensor
            ``[worlds, readers, contexts, outputs]``
        """
        worlds, _, contexts, size = outputs.shape
        there = present[..., None].to(outputs.dtype)
        found = outputs.new_zeros((worlds, self._readers, contexts, 1))
        total = outputs.new_zeros((worlds, self._readers, contexts, size))
        for group in self._groups:
            weights = Weights(group.reader, group.source, group.share, self._readers, self._models, self._like)
            found = weights.onto(found, there)
            total = _through(group.channel, weights, outputs * there, total)
        return total / torch.where(found > 0, found, 1.0)

    def mixing(self, raw: Array, curated: Array, own: Sequence[tuple[Array, Ints]], chosen: Ints) -> Mixing:
        """Return all that readers take of what models write, and of what curators keep of it.

        Parameters
        ----------
        raw, curated : ndarray
            The share of their diets that readers take of in-neighbours, ``[worlds, readers]``.
        own : sequence of (ndarray, ndarray)
            Shares that they take of their own outputs, ``[worlds, readers]`` each, as generated and as their
            curators kept them; and the readers' numbers among all models.
        chosen : ndarray
            Which models' outputs a curator really chooses among, ascending; those of the others are as generated.
        """
        place = np.full(self._models, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        everyone = np.arange(self._readers)
        flows = []
        itself = [(everyone, models, share, kept) for (share, models), kept in zip(own, (False, True), strict=True)]
        channels: list[_Group | None] = [*self._groups]
        if not any(group.channel is None for group in self._groups):
            channels.insert(0, None)
        for group in channels:
            entries = []
            if group is not None:
                entries += [
                    (group.reader, group.source, group.share * raw[:, group.reader], False),
                    (group.reader, group.source, group.share * curated[:, group.reader], True),
                ]
            if group is None or group.channel is None:
                entries += itself
            written, kept = self._split(entries, place, len(chosen))
            if written is not None or kept is not None:
                flows.append(_Flow(written, kept, None if group is None else group.channel))
        return Mixing(flows)

    def _split(
        self, entries: Sequence[tuple[Ints, Ints, Array, bool]], place: Ints, chosen: int
    ) -> tuple[Weights | None, Weights | None]:
        """Return the weights of what is written and of what is kept, entries without any weight left out."""
        reader = np.concatenate([entry[0] for entry in entries])
        read = np.concatenate([entry[1] for entry in entries])
        share = np.concatenate([entry[2] for entry in entries], axis=-1)
        as_kept = np.concatenate([np.full(len(entry[0]), entry[3]) for entry in entries]) & (place[read] >= 0)
        counts = (share > 0).any(0)
        found: list[Weights | None] = []
        for some, rows, count in ((~as_kept, read, self._models), (as_kept, place[read], chosen)):
            order = np.flatnonzero(some & counts)
            order = order[np.argsort(reader[order], kind="stable")]
            if len(order) == 0:
                found.append(None)
                continue
            found.append(Weights(reader[order], rows[order], share[:, order], self._readers, count, self._like))
        return found[0], found[1]


class Mixing:
    """All that readers take of what models write, and of what curators keep of it."""

    def __init__(self, flows: Sequence[_Flow]) -> None:
        self._flows = tuple(flows)

    def onto(self, total: Tensor, written: Tensor, kept: Tensor | None) -> Tensor:
        """Return total + what readers take; a total that needs no gradient is added to in place.

        Parameters
        ----------
        total : Tensor
            ``[worlds, readers, contexts, numbers]``, contiguous.
        written : Tensor
            ``[worlds, models, contexts, numbers]``
        kept : Tensor, optional
            The same of the models that a curator chooses for; None where nobody takes any of it.
        """
        for flow in self._flows:
            for weights, rows in ((flow.written, written), (flow.kept, kept)):
                if weights is not None and rows is not None:
                    total = _through(flow.channel, weights, rows, total)
        return total


def _through(channel: Tensor | None, weights: Weights, rows: Tensor, total: Tensor) -> Tensor:
    """Return total + what passes a channel."""
    if channel is None:
        return weights.onto(total, rows)
    summed = weights.onto(torch.zeros_like(total), rows)
    return total + bmm(summed.flatten(1, 2), channel).reshape(total.shape)
