"""Records whose numbers are made up, so that what is said and drawn of them is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.explorer.placing import picture
from analysis.explorer.record import Network, Record
from analysis.explorer.views import View

Rows = Sequence[Sequence[float]]


def network(*edges: tuple[int, int], weight: Sequence[float] | None = None) -> Network:
    """Edges that are always there, each of weight 1 unless told otherwise."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    heavy = np.ones(len(ends)) if weight is None else np.array(weight, dtype=float)
    return Network(ends[:, 0], ends[:, 1], heavy, np.zeros(len(ends)), np.full(len(ends), np.inf))


def made_up(
    alignment: Rows,
    edges: Network | None = None,
    of_groups: Mapping[str, Rows] | None = None,
    overall: Mapping[str, Sequence[float]] | None = None,
    **columns: Rows,
) -> Record:
    """A record of models `m0`, `m1`, … and groups `a`, `b`, …; rows are rounds from 0, columns models or groups."""
    models = {name: np.array(rows, dtype=float) for name, rows in {"alignment": alignment, **columns}.items()}
    rounds, many = models["alignment"].shape
    groups = {name: np.array(rows, dtype=float) for name, rows in (of_groups or {}).items()}
    biases = {name: [np.nan] * rounds for name in ("preference_bias", "disparate_bias")}
    names = tuple(f"m{number}" for number in range(many))
    return Record(
        names=names,
        rounds=np.arange(rounds),
        models=models,
        groups=tuple("abcdefgh"[: next((found.shape[1] for found in groups.values()), 0)]),
        of_groups=groups,
        overall={name: np.array(values, dtype=float) for name, values in {**biases, **(overall or {})}.items()},
        network=network() if edges is None else edges,
        all_models=many,
        number={name: index for index, name in enumerate(names)},
    )


def view_of(record: Record, baseline: Record | None = None, told: str = "") -> View:
    """A view of a record, its network drawn."""
    return View(record, picture(len(record.names), record.network), "x", baseline, told)


def text(part: Any) -> str:
    """What a part of a page says, without its markup; parts are told apart by one space."""
    if isinstance(part, (list, tuple)):
        return " ".join(filter(None, map(text, part)))
    if part is None or isinstance(part, str):
        return part or ""
    return text(getattr(part, "children", None))
