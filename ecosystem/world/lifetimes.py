"""The network as a table: every edge that a run ever has, and the rounds it is there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecosystem.world.blueprint import Blueprint
from ecosystem.world.network import Edges
from ecosystem.world.rows import repeated

Columns = dict[str, NDArray[np.generic]]

_STAYS = -1


def network_table(plan: Blueprint) -> tuple[str, pa.Table]:
    """Return the network's key, a hash of its edges, and its table: every edge, and the rounds it is there."""
    edges = _lifetimes(plan)
    names = np.array(plan.names, dtype=object)
    parts = (np.ascontiguousarray(column).tobytes() for column in edges.values())
    key = blake2b(b"|".join(("\n".join(plan.names).encode(), *parts)), digest_size=6).hexdigest()
    table = pa.table(
        {
            "network": repeated([key], np.zeros(len(edges["source"]), dtype=np.int32)),
            **{end: pa.array(names[edges[end]], pa.string()).dictionary_encode() for end in ("source", "target")},
            "weight": pa.array(edges["weight"]),
            "since": pa.array(edges["since"]),
            "until": pa.array(edges["until"], mask=edges["until"] == _STAYS),
        }
    )
    return key, table


def _lifetimes(plan: Blueprint) -> Columns:
    """Return the edges that a run ever has, in the order in which they come.

    `since` is the first round in which an edge is read, `until` the first in which it no longer is, `_STAYS` where
    it stays.
    """
    edges = plan.edges
    first = {"source": edges.source, "target": edges.target, "weight": edges.weight}
    since, until = np.zeros(len(edges.source), dtype=np.int64), np.full(len(edges.source), _STAYS, dtype=np.int64)
    if not plan.later:
        return {**first, "since": since, "until": until}
    there = {edge: number for number, edge in enumerate(_triples(plan.edges))}
    found, came, went = list(there), since.tolist(), until.tolist()
    for round_, later in plan.later:
        now = dict.fromkeys(_triples(later.edges))
        for edge in [edge for edge in there if edge not in now]:
            went[there.pop(edge)] = round_
        for edge in [edge for edge in now if edge not in there]:
            there[edge] = len(found)
            found.append(edge)
            came.append(round_)
            went.append(_STAYS)
    ends = np.array([edge[:2] for edge in found], dtype=np.int64).reshape(-1, 2)
    return {
        "source": ends[:, 0],
        "target": ends[:, 1],
        "weight": np.array([edge[2] for edge in found], dtype=np.float64),
        "since": np.array(came, dtype=np.int64),
        "until": np.array(went, dtype=np.int64),
    }


def _triples(edges: Edges) -> Iterator[tuple[int, int, float]]:
    return zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
