"""Distributions and channels: of the right size, not negative, summing to 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ecosystem.errors import Path, Problem
from ecosystem.scenario.checks.facts import Facts, entries, mapping, rows
from ecosystem.scenario.checks.rewards import misfits
from ecosystem.scenario.fields.common import SUM_TOLERANCE


def check_distributions(facts: Facts) -> Iterator[Problem]:
    """Check that real and initial distributions fit the outputs and are probabilities."""
    places: list[tuple[Path, Any]] = [(("real",), facts.data.get("real"))]
    for index, entry in facts.models:
        places += [(("models", index, key), entry.get(key)) for key in ("real", "initial")]
    for index, group in entries(mapping(facts.data.get("users")).get("groups")):
        places.append((("users", "groups", index, "data"), group.get("data")))
    for path, value in places:
        yield from misfits(facts, value, path, "a distribution")
        yield from _improbable(value, path, "the probabilities")


def check_channels(facts: Facts) -> Iterator[Problem]:
    """Check that the matrix of a channel is square, one row per output, and each row a distribution."""
    if facts.kind == "gaussian" or facts.drawn:
        return
    places: list[tuple[Path, Any]] = [(("network", "channel"), facts.network.get("channel"))]
    for index, edge in entries(facts.network.get("edges")):
        places.append((("network", "edges", index, "channel"), edge.get("channel")))
    for path, channel in places:
        matrix = mapping(channel).get("matrix")
        path = (*path, "matrix")
        if not isinstance(matrix, (list, tuple)) or not matrix or not isinstance(matrix[0], (list, tuple)):
            continue
        widths = sorted({len(each) for each in matrix if isinstance(each, (list, tuple))})
        if facts.size is not None and {len(matrix), *widths} != {facts.size}:
            message = (
                f"a channel must have {facts.size} rows of {facts.size} numbers, "
                f"outputs.size = {facts.size} (got {len(matrix)} of {' or '.join(map(str, widths))})"
            )
            yield Problem(path, message)
        yield from _improbable(matrix, path, "the row of a channel")


def _improbable(value: Any, path: Path, what: str) -> Iterator[Problem]:
    for where, found in rows(value, path):
        negative = next((index for index, each in enumerate(found) if each < 0), None)
        total = math.fsum(found)
        if negative is not None:
            yield Problem((*where, negative), f"a probability must not be negative (got {found[negative]:g})")
        elif abs(total - 1) > SUM_TOLERANCE:
            yield Problem(where, f"{what} must sum to 1 (got {_listed(found)}, which sum to {total:.12g})")


def _listed(found: list[float]) -> str:
    shown = [f"{each:g}" for each in found[:6]]
    return ", ".join(shown) + (", …" if len(found) > 6 else "")
