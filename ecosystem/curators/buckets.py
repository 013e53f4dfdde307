"""Which curators are alike: equal ones are gathered, so that each kind is one computation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def kind_of(method: str, candidates: float, temperature: float) -> str | None:
    """Return which of `curation.KINDS` serves a curator; None where nothing is chosen (one candidate).

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
        One of `curation.KINDS`.
    choices : ndarray
        A choice that has this curve, ``[curves]``.
    contexts : ndarray
        The context whose row of the reward counts, ``[curves]``.
    rows : ndarray
        Which of the models × contexts rows, ``[curves, rows]``; short curves repeat their first.
    valid : ndarray
        Positions in the flattened `rows` that are not repeats.
    owners : ndarray
        Whose choice each of the `valid` rows is.
    """

    kind: str
    choices: NDArray[np.int64]
    contexts: NDArray[np.int64]
    rows: NDArray[np.int64]
    valid: NDArray[np.int64]
    owners: NDArray[np.int64]

    @property
    def signature(self) -> tuple[object, ...]:
        """What two worlds must share to be computed together."""
        arrays = (self.choices, self.contexts, self.rows, self.valid, self.owners)
        return (self.kind, *(array.tobytes() for array in arrays), self.rows.shape)


@dataclass(frozen=True)
class Choice:
    """A reward that chooses, always or sometimes, among one model's outputs.

    Attributes
    ----------
    number : int
        Its place among the choices of a run.
    model : int
        Whose outputs.
    kind : str
        One of `curation.KINDS`.
    key : tuple
        Reward, candidates, temperature: equal keys are equal curators.
    by_context : bool
        Whether the reward has a row per context.
    """

    number: int
    model: int
    kind: str
    key: tuple[object, ...]
    by_context: bool


def buckets(choices: Sequence[Choice], contexts: int) -> tuple[Bucket, ...]:
    """Gather choices into buckets: equal curators are one curve, curves of like size one bucket."""
    curves: dict[tuple[object, ...], list[tuple[int, Choice, int]]] = {}
    for choice in choices:
        for context in range(contexts):
            seen = context if choice.by_context else 0
            rows = curves.setdefault((choice.kind, choice.key, seen), [])
            rows.append((choice.model * contexts + context, choice, seen))
    gathered: dict[tuple[str, int], list[list[tuple[int, Choice, int]]]] = {}
    for rows in curves.values():
        size = 1 << (len(rows) - 1).bit_length()
        gathered.setdefault((rows[0][1].kind, size), []).append(rows)
    return tuple(_bucket(kind, members) for (kind, _), members in gathered.items())


def _bucket(kind: str, curves: list[list[tuple[int, Choice, int]]]) -> Bucket:
    width = max(map(len, curves))
    filled = [rows + rows[:1] * (width - len(rows)) for rows in curves]
    lengths = np.array([len(rows) for rows in curves])
    valid = np.flatnonzero((np.arange(width) < lengths[:, None]).ravel())
    owners = np.array([choice.number for rows in filled for _, choice, _ in rows], dtype=np.int64)
    return Bucket(
        kind=kind,
        choices=np.array([rows[0][1].number for rows in curves], dtype=np.int64),
        contexts=np.array([rows[0][2] for rows in curves], dtype=np.int64),
        rows=np.array([[row for row, _, _ in rows] for rows in filled], dtype=np.int64),
        valid=valid.astype(np.int64),
        owners=owners[valid],
    )
