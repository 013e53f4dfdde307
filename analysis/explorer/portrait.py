"""All about one model in a round: where it stands, whom it learns from, who learns from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.explorer.quantities import Quantity, values
from analysis.explorer.record import Array, Ints, Record
from analysis.explorer.words import counted, number, percent

SHOWN = 12
"""So many neighbours are named; the rest is counted."""


@dataclass(frozen=True)
class Neighbour:
    """A model at the other end of an edge.

    Attributes
    ----------
    model : int
        Its number.
    share : float
        Its part of what the reader takes from all its neighbours.
    value : float
        The quantity that colours show.
    """

    model: int
    share: float
    value: float


@dataclass(frozen=True)
class Portrait:
    """One model in a round.

    Attributes
    ----------
    model : int
        Its number.
    standing : str
        A sentence about where it stands among all.
    sources, readers : tuple of Neighbour
        Whom it learns from and who learns from it, the largest shares first.
    """

    model: int
    standing: str
    sources: tuple[Neighbour, ...]
    readers: tuple[Neighbour, ...]


def portrait(record: Record, quantity: Quantity, model: int, row: int) -> Portrait:
    """Return what there is to say of a model.

    Parameters
    ----------
    record : Record
        The run.
    quantity : Quantity
        What colours show.
    model : int
        The model's number.
    row : int
        The recorded round.
    """
    now = values(record, quantity.key)[row]
    network = record.network
    there = network.at(int(record.rounds[row]))
    source, target, weight = network.source[there], network.target[there], network.weight[there]
    total = np.bincount(target, weights=weight, minlength=len(record.names))
    share = weight / total[target]
    into, out = target == model, source == model
    return Portrait(
        model,
        _standing(record, quantity, model, row),
        _neighbours(source[into], share[into], now),
        _neighbours(target[out], share[out], now),
    )


def _neighbours(models: Ints, share: Array, now: Array) -> tuple[Neighbour, ...]:
    order = np.lexsort((models, -share))
    return tuple(Neighbour(int(models[at]), float(share[at]), float(now[models[at]])) for at in order)


def _standing(record: Record, quantity: Quantity, model: int, row: int) -> str:
    every = values(record, quantity.key)
    now, start = every[row], every[0]
    if not np.isfinite(now[model]):
        return f"{quantity.name} is not known for this model."
    known = now[np.isfinite(now)]
    text = f"{quantity.name} {number(float(now[model]), quantity.signed)}"
    if not quantity.signed and row > 0 and np.isfinite(start[model]):
        text += f", {number(float(now[model] - start[model]), signed=True)} since the start"
    if len(known) > 1:
        rank = int((known > now[model]).sum()) + 1
        text += f"; {'highest' if rank == 1 else f'number {rank:,} from the top'} of {counted(len(known), 'model')}"
    distance = record.models.get("distance")
    if distance is not None and np.isfinite(distance[row]).any():
        hops = distance[row, model]
        if not np.isfinite(hops):
            text += ". No curated model reaches it"
        elif hops > 0:
            text += f". {counted(int(hops), 'step')} from the nearest curated model"
    volume = record.models.get("volume")
    if quantity.key != "volume" and volume is not None and np.isfinite(volume[row, model]):
        mine, asked = float(volume[row, model]), float(np.nansum(volume[row]))
        text += f". {number(round(mine))} prompts a round{f', {percent(mine / asked)} of all' if asked else ''}"
    return f"{text}."
