"""Curation of many models at once: equal curators are gathered, each kind is one computation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.curators.best_of import BestOf
from ecosystem.curators.buckets import Bucket
from ecosystem.curators.gaussian import GaussianBestOf, GaussianLimit, GaussianLuce
from ecosystem.curators.luce import Luce, LuceLimit
from ecosystem.curators.plugged import Plugged
from ecosystem.plugins.plugin import is_plugin, revived
from ecosystem.threads import each

_ROWS = 512
"""About how many rows are chosen from at once, few enough for the cache."""
_ROWS_ON_A_GPU = 1 << 18
"""The same on a GPU, which is idle while it is told of a few."""


class Curator(Protocol):
    """A way of choosing, for several curves (reward, K, temperature) at once."""

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None: ...

    def keep(self, p: Tensor) -> Tensor:
        """Return what is kept of `p`, ``[worlds, curves, rows, outputs]``."""
        ...

    def derivative(self, p: Tensor) -> Tensor:
        """Return ∂kept[y]/∂p[x] for changes of p that sum to 0, ``[worlds, curves, rows, outputs, outputs]``."""
        ...


KINDS: Mapping[str, type[Curator]] = {
    "luce": Luce,
    "luce_limit": LuceLimit,
    "best_of": BestOf,
    "gaussian_luce": GaussianLuce,
    "gaussian_limit": GaussianLimit,
    "gaussian_best_of": GaussianBestOf,
}


def curator(kind: str, rho: Tensor, candidates: Tensor, nodes: int) -> Curator:
    """Return what chooses: one of `KINDS`, or a plug-in, whose identity is its kind."""
    if is_plugin(kind):
        return Plugged(revived(kind), rho, candidates)
    return KINDS[kind](rho, candidates, nodes)


@dataclass(frozen=True)
class _Piece:
    """A part of a bucket: some of its curves, and of the rows that each of them looks at."""

    curves: slice
    rows: NDArray[np.int64]
    valid: NDArray[np.int64]
    owned: NDArray[np.int64]


def _pieces(bucket: Bucket, most: int) -> Iterator[_Piece]:
    """Yield a bucket in pieces of about so many rows, those of the same curves together.

    `valid` are positions in the piece's flattened rows, `owned` which of the bucket's valid rows those are. The
    pieces are the same however many threads there are.
    """
    curves, width = bucket.rows.shape
    curve, column = np.divmod(bucket.valid, width)
    wide = min(width, most)
    high = max(1, most // wide)
    for top in range(0, curves, high):
        for left in range(0, width, wide):
            rows = bucket.rows[top : top + high, left : left + wide]
            inside = (curve >= top) & (curve < top + high) & (column >= left) & (column < left + wide)
            owned = np.flatnonzero(inside)
            valid = (curve[owned] - top) * rows.shape[1] + column[owned] - left
            yield _Piece(slice(top, top + high), rows, valid, owned)


class Curation:
    """Every curator of a batch of worlds, ready to choose.

    Parameters
    ----------
    layout : sequence of Bucket
        Which rows each curve looks at.
    rho : sequence of Tensor
        Reward over temperature of each bucket's curves, ``[worlds, curves, outputs]``.
    candidates : sequence of Tensor
        K of each bucket's curves, ``[worlds, curves]``.
    weights : sequence of Tensor
        How often each of a bucket's valid rows is chosen by its curve, ``[worlds, rows]``; what is
        left to 1 over all buckets is kept at random.
    voices : sequence of ndarray, optional
        Whose voice each of a bucket's valid rows is, a row of `keep`'s `heard`; all are always heard by default.
    nodes : int
        Nodes of the quadrature.

    Attributes
    ----------
    rows : Tensor
        Which of the models × contexts rows have a curator, ascending, ``[rows]``.
    """

    def __init__(
        self,
        layout: Sequence[Bucket],
        rho: Sequence[Tensor],
        candidates: Sequence[Tensor],
        weights: Sequence[Tensor],
        nodes: int,
        voices: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:
        self._parts = []
        for number, bucket in enumerate(layout):
            chosen_by, device = None, rho[number].device
            for piece in _pieces(bucket, _ROWS if device.type == "cpu" else _ROWS_ON_A_GPU):
                if chosen_by is None or chosen_by[0] != piece.curves:
                    some = (rho[number][:, piece.curves], candidates[number][:, piece.curves])
                    chosen_by = (piece.curves, curator(bucket.kind, *some, nodes))
                whole = len(piece.valid) == piece.rows.size
                owned = torch.from_numpy(piece.owned).to(device)
                self._parts.append(
                    _Part(
                        curator=chosen_by[1],
                        rows=torch.from_numpy(piece.rows.ravel()).to(device),
                        valid=None if whole else torch.from_numpy(piece.valid).to(device),
                        target=torch.from_numpy(piece.rows.ravel()[piece.valid]).to(device),
                        weight=weights[number].index_select(1, owned)[..., None],
                        shape=(piece.rows.shape[0], piece.rows.shape[1]),
                        voice=None if voices is None else torch.from_numpy(voices[number][piece.owned]).to(device),
                    )
                )
        every = [part.target for part in self._parts]
        targets = torch.cat(every) if every else torch.zeros(0, dtype=torch.int64)
        self.rows, place = torch.unique(targets, return_inverse=True)
        self._places = place.split([len(target) for target in every])
        # One curator a model, always at work, is the common case and needs no mixture.
        alone = len(self.rows) == len(targets) and all(bool((w == 1).all()) for w in weights)
        self._mixed = voices is not None or not alone

    def keep(self, p: Tensor, heard: Tensor | None = None) -> Tensor:
        """Return H, the distribution of what each curator keeps of its model's outputs.

        Parameters
        ----------
        p : Tensor
            ``[worlds, models, contexts, outputs]``
        heard : Tensor, optional
            How much each voice counts in each row of models × contexts, ``[worlds, voices, rows]``.

        Returns
        -------
        Tensor
            As `p`; the rows of models without a curator are those of `p`.
        """
        if not self._parts:
            return p
        return p.flatten(1, 2).index_copy(1, self.rows, self.kept(p, heard)).reshape(p.shape)

    def kept(self, p: Tensor, heard: Tensor | None = None, into: Tensor | None = None) -> Tensor:
        """Return H where there is a curator: the `rows` of models × contexts, ``[worlds, rows, outputs]``.

        It may be written into a given place.
        """
        worlds, outputs = p.shape[0], p.shape[-1]
        flat = p.reshape(worlds, -1, outputs)
        if not self._mixed:
            kept = flat.new_empty((worlds, len(self.rows), outputs)) if into is None else into

            def choose(number: int) -> None:
                kept.index_copy_(1, self._places[number], self._parts[number].chosen(flat))

            each(choose, range(len(self._parts)))
            return kept
        kept = torch.index_select(flat, 1, self.rows, out=into)
        kept *= self._at_random(kept, heard)
        found = each(lambda part: part.chosen(flat), self._parts)
        for part, place, chosen in zip(self._parts, self._places, found, strict=True):
            kept.index_add_(1, place, chosen * part.weighed(heard))
        return kept

    def derivative(self, p: Tensor, most: int = 1 << 13) -> tuple[Tensor, Tensor]:
        """Return how what is kept follows a change of what is written.

        Parameters
        ----------
        p : Tensor
            ``[worlds, models, contexts, numbers]``
        most : int
            About how many rows to compute at once, which bounds the memory.

        Returns
        -------
        rows : Tensor
            Which of the models × contexts rows have a curator, ascending, ``[rows]``.
        blocks : Tensor
            ∂H[y]/∂p[x] of those rows, ``[worlds, rows, numbers (y), numbers (x)]``, for changes of p
            that keep sums; it is p itself that is kept elsewhere.
        """
        worlds, numbers = p.shape[0], p.shape[-1]
        flat = p.reshape(worlds, -1, numbers)
        one = torch.eye(numbers, dtype=p.dtype, device=p.device)
        share = self._at_random(flat.index_select(1, self.rows)) if self._mixed else flat.new_zeros((1, 1, 1))
        total = (share[..., None] * one).expand(worlds, len(self.rows), numbers, numbers).contiguous()
        for part, where in zip(self._parts, self._places, strict=True):
            curves, width = part.shape
            seen = flat.index_select(1, part.rows).reshape(worlds, curves, width, numbers)
            slices = [part.curator.derivative(some) for some in seen.split(max(1, most // curves), dim=2)]
            blocks = torch.cat(slices, dim=2).reshape(worlds, curves * width, numbers, numbers)
            total.index_add_(1, where, part.without_repeats(blocks) * part.weight[..., None])
        return self.rows, total

    def _at_random(self, like: Tensor, heard: Tensor | None = None) -> Tensor:
        """Return the part of each of `rows` that no curve chooses, ``[worlds, rows, 1]``."""
        left = like.new_ones((len(like), len(self.rows), 1))
        for part, place in zip(self._parts, self._places, strict=True):
            left.index_add_(1, place, -part.weighed(heard))
        return left.clamp_min(0.0)


@dataclass(frozen=True)
class _Part:
    """One bucket, ready: which rows it looks at, and where its choices go."""

    curator: Curator
    rows: Tensor
    valid: Tensor | None
    target: Tensor
    weight: Tensor
    shape: tuple[int, int]
    voice: Tensor | None = None

    def chosen(self, flat: Tensor) -> Tensor:
        """Return what is kept of these rows of all, ``[worlds, target rows, outputs]``."""
        seen = flat.index_select(1, self.rows).reshape(len(flat), *self.shape, flat.shape[-1])
        return self.without_repeats(self.curator.keep(seen).flatten(1, 2))

    def without_repeats(self, rows: Tensor) -> Tensor:
        """Return the rows that do not fill up short curves, of ``[worlds, rows, ...]``."""
        return rows if self.valid is None else rows.index_select(1, self.valid)

    def weighed(self, heard: Tensor | None) -> Tensor:
        """Return how often each target row is chosen here, ``[worlds, rows, 1]``."""
        if self.voice is None or heard is None:
            return self.weight
        return self.weight * heard[:, self.voice, self.target][..., None]
