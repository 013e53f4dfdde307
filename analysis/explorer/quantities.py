"""What a model's colour may show, in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.explorer.record import VERSUS, Array, Record


@dataclass(frozen=True)
class Quantity:
    """One number of every model.

    Attributes
    ----------
    key : str
        How it is called inside.
    name : str
        How a reader calls it.
    noun : str
        The same within a sentence.
    axis : str
        The same with its unit, for axes and legends.
    about : str
        What it means, in a sentence.
    signed : bool
        Whether it has a middle, 0, from which it goes up or down.
    """

    key: str
    name: str
    noun: str
    axis: str
    about: str
    signed: bool = False


_GAIN = "gain"

CATALOGUE = (
    Quantity(
        "alignment",
        "Alignment",
        "alignment",
        "alignment (expected reward)",
        "Alignment is how well what a model writes pleases the taste it is judged by: its expected reward.",
    ),
    Quantity(
        _GAIN,
        "Alignment gained",
        "gain in alignment",
        "change in alignment since round 0",
        "Change in alignment since the start: above 0 a model gained, below 0 it lost.",
        signed=True,
    ),
    Quantity(
        VERSUS,
        "Against the baseline",
        "advantage in alignment over the baseline",
        "alignment less the baseline's",
        "Alignment less that of the baseline in the same round: above 0 a model is better off than there.",
        signed=True,
    ),
    Quantity(
        "entropy",
        "Variety",
        "variety",
        "variety of outputs (entropy, nats)",
        "Variety is the entropy of what a model writes: at its lowest, it repeats itself.",
    ),
    Quantity(
        "distance_real",
        "Distance from real data",
        "distance from real data",
        "distance from real data",
        "Distance between what a model writes and its real data; 0 means alike.",
    ),
    Quantity(
        "volume",
        "Prompts",
        "number of prompts",
        "users' prompts a round",
        "How many prompts users send to each model in a round.",
    ),
)

_CONSTANT = 1e-12


def offered(record: Record) -> tuple[Quantity, ...]:
    """Return what a run has numbers for; what tells most comes first."""
    return tuple(quantity for quantity in CATALOGUE if np.isfinite(values(record, quantity.key)).any())


def called(key: str | None, record: Record) -> Quantity:
    """Return a quantity by its key, the first that a run has by default."""
    known = offered(record)
    return next((quantity for quantity in known if quantity.key == key), known[0] if known else CATALOGUE[0])


def values(record: Record, key: str) -> Array:
    """Return a quantity of every model, ``[rounds, models]``; what is not finite is NaN."""
    column: Mapping[str, Array] = record.models
    if key == _GAIN:
        alignment = _finite(column["alignment"])
        return alignment - alignment[:1]
    found = column.get(key)
    return np.full((len(record.rounds), len(record.names)), np.nan) if found is None else _finite(found)


def bounds(quantity: Quantity, every: Array) -> tuple[float, float]:
    """Return the ends of a colour scale that holds all rounds of a quantity, so that colours of rounds compare."""
    known = every[np.isfinite(every)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if quantity.signed:
        most = max(abs(low), abs(high), _CONSTANT)
        return -most, most
    if high - low < _CONSTANT:
        spread = max(abs(low), 1.0) / 2
        return low - spread, high + spread
    return low, high


def _finite(column: Array) -> Array:
    return np.where(np.isfinite(column), column, np.nan)
