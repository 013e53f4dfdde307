"""Stretches of rows that belong to one run, and putting them into order."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pyarrow as pa


def stretches(column: pa.ChunkedArray) -> list[tuple[str, int, int]]:
    """Return whose rows stand where: a text, where its rows begin and where they end, in order.

    >>> stretches(pa.chunked_array([["b", "b"], ["a", "b"]]))
    [('b', 0, 2), ('a', 2, 3), ('b', 3, 4)]
    """
    if len(column) == 0:
        return []
    key = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = key.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    numbers, texts = whole.indices.to_numpy(), whole.dictionary.to_pylist()
    starts = np.flatnonzero(np.diff(numbers, prepend=-1)).tolist()
    return [
        (texts[numbers[start]], start, stop) for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True)
    ]


def in_order(rows: pa.Table, key: str, order: Mapping[str, int]) -> pa.Table:
    """Return rows by the place of what they belong to, otherwise as they stand; nothing is copied.

    Parameters
    ----------
    rows : pyarrow.Table
        The rows.
    key : str
        The column that says what they belong to.
    order : mapping of str to int
        The place of each of its texts.
    """
    found = [(order[text], start, stop) for text, start, stop in stretches(rows[key])]
    if all(before[0] <= after[0] for before, after in pairwise(found)):
        return rows
    joined: list[list[int]] = []
    for _, start, stop in sorted(found):
        if joined and joined[-1][1] == start:
            joined[-1][1] = stop
        else:
            joined.append([start, stop])
    return pa.concat_tables([rows.slice(start, stop - start) for start, stop in joined])
