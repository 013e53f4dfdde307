"""Curation of many models at once: equal curators are gathered, each kind is one computation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.curators.best_of import BestOf
from ecosystem.curators.luce import Luce, LuceLimit


class Curator(Protocol):
    """A way of choosing, for several curves (reward, K, temperature) at once."""

    def __init__(self, rho: Tensor, candidates: Tensor, nodes: int) -> None: ...

    def keep(self, p: Tensor) -> Tensor:
        """Return what is kept of `p`, ``[worlds, curves, rows, outputs]``."""
        ...


KINDS: Mapping[str, type[Curator]] = {"luce": Luce, "luce_limit": LuceLimit, "best_of": BestOf}


def kind_of(method: str, candidates: float, temperature: float) -> str | None:
    """Return which of `KINDS` serves a curator; None where nothing is chosen (one candidate).

    >>> kind_of("luce", 4, 0.0)
    'best_of'
    """
    if candidates == 1:
        return None
    if method == "best_of" or temperature == 0:
        return "best_of"
    return "luce_limit" if math.isinf(candidates) else "luce"


@dataclass(frozen=True)
class Bucket:
    """Curves of one kind that look at about as many rows each.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    curators : ndarray
        A model that has this curator, ``[curves]``.
    contexts : ndarray
        The context whose row of the reward counts, ``[curves]``.
    rows : ndarray
        Which of the models × contexts rows, ``[curves, rows]``; short curves repeat their first.
    valid : ndarray
        Positions in the flattened `rows` that are not repeats.
    """

    kind: str
    curators: NDArray[np.int64]
    contexts: NDArray[np.int64]
    rows: NDArray[np.int64]
    valid: NDArray[np.int64]

    @property
    def signature(self) -> tuple[object, ...]:
        """What two worlds must share to be computed together."""
        arrays = (self.curators, self.contexts, self.rows, self.valid)
        return (self.kind, *(array.tobytes() for array in arrays), self.rows.shape)


def buckets(
    curators: Sequence[tuple[int, str, tuple[object, ...]]], contexts: int, by_context: Sequence[bool]
) -> tuple[Bucket, ...]:
    """Gather curators into buckets.

    Parameters
    ----------
    curators : sequence of (model, kind, key)
        Every curated model; equal keys are equal curators.
    contexts : int
        Number of contexts.
    by_context : sequence of bool
        For each curator, whether its reward has a row per context.
    """
    curves: dict[tuple[object, ...], list[int]] = {}
    first: dict[tuple[object, ...], tuple[str, int, int]] = {}
    for (model, kind, key), split in zip(curators, by_context, strict=True):
        for context in range(contexts):
            curve = (kind, key, context if split else 0)
            curves.setdefault(curve, []).append(model * contexts + context)
            first.setdefault(curve, (kind, model, context if split else 0))
    gathered: dict[tuple[str, int], list[tuple[object, ...]]] = {}
    for curve, rows in curves.items():
        size = 1 << (len(rows) - 1).bit_length()
        gathered.setdefault((first[curve][0], size), []).append(curve)
    return tuple(_bucket(kind, [curves[c] for c in members], [first[c] for c in members])
                 for (kind, _), members in gathered.items())


def _bucket(kind: str, rows: list[list[int]], first: list[tuple[str, int, int]]) -> Bucket:
    width = max(len(row) for row in rows)
    filled = np.array([row + row[:1] * (width - len(row)) for row in rows], dtype=np.int64)
    lengths = np.array([len(row) for row in rows])
    valid = np.flatnonzero((np.arange(width) < lengths[:, None]).ravel())
    return Bucket(
        kind=kind,
        curators=np.array([model for _, model, _ in first], dtype=np.int64),
        contexts=np.array([context for _, _, context in first], dtype=np.int64),
        rows=filled,
        valid=valid.astype(np.int64),
    )


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
    nodes : int
        Nodes of the quadrature.
    """

    def __init__(
        self, layout: Sequence[Bucket], rho: Sequence[Tensor], candidates: Sequence[Tensor], nodes: int
    ) -> None:
        self._parts = [
            (
                KINDS[bucket.kind](r, k, nodes),
                torch.from_numpy(bucket.rows.ravel()).to(r.device),
                torch.from_numpy(bucket.valid).to(r.device),
                bucket.rows.shape,
            )
            for bucket, r, k in zip(layout, rho, candidates, strict=True)
        ]

    def keep(self, p: Tensor) -> Tensor:
        """Return H, the distribution of what each curator keeps of its model's outputs.

        Parameters
        ----------
        p : Tensor
            ``[worlds, models, contexts, outputs]``

        Returns
        -------
        Tensor
            As `p`; the rows of models without a curator are those of `p`.
        """
        worlds, outputs = p.shape[0], p.shape[-1]
        flat = p.reshape(worlds, -1, outputs)
        kept = flat
        for curator, rows, valid, (curves, width) in self._parts:
            seen = flat.index_select(1, rows).reshape(worlds, curves, width, outputs)
            chosen = curator.keep(seen).reshape(worlds, curves * width, outputs)
            kept = kept.index_copy(1, rows[valid], chosen.index_select(1, valid))
        return kept.reshape(p.shape)
