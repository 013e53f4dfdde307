"""What is seen, in sentences that need no paper beside them."""

from __future__ import annotations

import math

import numpy as np

from analysis.explorer.quantities import Quantity, values
from analysis.explorer.record import Array, Record

_ALIKE = 5e-4
_MOVED = 1e-9


def number(value: float, signed: bool = False) -> str:
    """Return a number as a reader wants it: three figures, thousands marked, a true minus.

    >>> number(0.28734), number(-1234567.0), number(0.0614, signed=True), number(math.nan)
    ('0.287', '−1,234,567', '+0.0614', '–')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if (value == round(value) and abs(value) < 1e15) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif abs(value) < 1e-4:
        text = f"{value:.1e}"
    else:
        text = f"{value:.3g}"
    if text in ("0", "-0"):
        return "0"
    return f"{'+' if signed and value > 0 else ''}{text}".replace("-", "−")


def percent(part: float) -> str:
    """Return a share as a percentage.

    >>> percent(0.6), percent(0.0042), percent(1.0)
    ('60%', '0.42%', '100%')
    """
    return f"{number(float(f'{100 * part:.2g}') if part < 0.995 else round(100 * part, 1))}%"


def counted(count: int, thing: str, things: str | None = None) -> str:
    """Return a number of things in words.

    >>> counted(1, "model"), counted(1000, "model")
    ('1 model', '1,000 models')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def sentences(record: Record, quantity: Quantity, row: int) -> list[str]:
    """Return what a round shows: the models, the curated among them, the users.

    Parameters
    ----------
    record : Record
        The run.
    quantity : Quantity
        What the colours show.
    row : int
        The recorded round.
    """
    return [
        text for text in (_models(record, quantity, row), _curated(record, quantity, row), _users(record, row)) if text
    ]


def _models(record: Record, quantity: Quantity, row: int) -> str:
    now, start = (values(record, quantity.key)[at] for at in (row, 0))
    if not np.isfinite(now).any():
        return "There is nothing to show in this round."
    many = int(np.isfinite(now).sum())
    mean, noun = _mean(now), quantity.noun
    of_all = f" (of {record.all_models:,})" if record.all_models > len(record.names) else ""
    subject = f"the mean {noun} of {counted(many, 'model')}{of_all}" if many > 1 else noun
    when = f"Round {int(record.rounds[row]):,}"
    text = f"{when}: {subject} is {number(mean, quantity.signed)}"
    if row == 0:
        return f"{text}, at the start."
    change = mean - _mean(start)
    if quantity.signed:
        return f"{text}{_who_moved(now, 'gained', 'lost')}."
    if abs(change) < _ALIKE * max(abs(mean), _ALIKE):
        return f"{text}, as at the start{_who_moved(now - start)}."
    return f"{text}, {'up' if change > 0 else 'down'} {number(abs(change))} since the start{_who_moved(now - start)}."


def _who_moved(change: Array, up: str = "went up", down: str = "went down") -> str:
    known = change[np.isfinite(change)]
    if len(known) < 2:
        return ""
    more, less = int((known > _MOVED).sum()), int((known < -_MOVED).sum())
    stayed = len(known) - more - less
    if stayed == len(known):
        return "; none has moved"
    return f"; {more:,} {up}, {less:,} {down}{f', {stayed:,} stayed' if stayed else ''}"


def _curated(record: Record, quantity: Quantity, row: int) -> str:
    curated = record.curated(row)
    now = values(record, quantity.key)[row]
    count = int(curated.sum())
    if not count:
        return "No model has a curator."
    if count == len(curated):
        return "Every model has a curator." if count > 1 else "It has a curator."
    inside, outside = _mean(now[curated]), _mean(now[~curated])
    told = "The curated model is at" if count == 1 else f"The {count:,} curated models are at"
    return f"{told} {number(inside, quantity.signed)} on average, the others at {number(outside, quantity.signed)}."


def _users(record: Record, row: int) -> str:
    if not record.groups:
        return ""
    share, satisfaction = record.of_groups["share"][row], record.of_groups["satisfaction"][row]
    if not np.isfinite(share).any():
        return "There are no users in this round."
    parts = []
    if len(record.groups) > 1:
        largest = int(np.nanargmax(share))
        before = record.of_groups["share"][0][largest]
        moved = f" (at the start {percent(before)})" if abs(before - share[largest]) >= _ALIKE else ""
        parts.append(
            f"{percent(share[largest])} of the users are in the largest group, {record.groups[largest]}{moved}"
        )
    if np.isfinite(satisfaction).sum() > 1:
        best, worst = int(np.nanargmax(satisfaction)), int(np.nanargmin(satisfaction))
        if satisfaction[best] - satisfaction[worst] > _ALIKE:
            parts.append(f"{record.groups[best]} is served best and {record.groups[worst]} worst")
    for column, told in (("preference_bias", "preference bias"), ("disparate_bias", "disparate bias")):
        value = record.overall[column][row]
        if np.isfinite(value):
            parts.append(f"{told} is {number(float(value))}")
    if not parts:
        return f"Users come in {counted(len(record.groups), 'group')}."
    return f"{'; '.join(parts)}.".replace(parts[0][0], parts[0][0].upper(), 1)


def _mean(numbers: Array) -> float:
    known = numbers[np.isfinite(numbers)]
    return float(known.mean()) if known.size else math.nan
