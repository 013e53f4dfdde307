"""Colours that colour-blind readers tell apart, and that order as numbers do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.explorer.record import Array

SEQUENTIAL = ("#e4eef6", "#bdd7ea", "#8fbcdb", "#5b9cc7", "#2f78ab", "#14558a", "#062f57")
"""One hue, light to dark: an order that every eye sees, and print keeps."""

DIVERGING = ("#8c3a00", "#d55e00", "#f3b484", "#f4f3ef", "#92bfdd", "#0072b2", "#00446b")
"""From vermillion (lost) over white to blue (gained), after the palette of Okabe and Ito (2008)."""

UNKNOWN = "#d9d4cb"
"""Where there is no number."""

INK = "#1d2733"
ACCENT = "#d55e00"
MEAN = "#1d2733"
BASELINE = "#7a8594"
INCOMING = "#0072b2"
OUTGOING = "#d55e00"
GROUPS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
DASHES = ("solid", "dash", "dot", "dashdot")


def scale(signed: bool) -> tuple[str, ...]:
    """Return the colours of a scale, lowest first."""
    return DIVERGING if signed else SEQUENTIAL


def fills(numbers: Array, bounds: tuple[float, float], signed: bool) -> list[str]:
    """Return a colour for each number.

    >>> import numpy as np
    >>> fills(np.array([0.0, 1.0, np.nan]), (0.0, 1.0), False)
    ['#e4eef6', '#062f57', '#d9d4cb']
    """
    low, high = bounds
    stops = np.array([_rgb(colour) for colour in scale(signed)], dtype=float)
    place = np.clip((np.nan_to_num(numbers) - low) / (high - low), 0.0, 1.0) * (len(stops) - 1)
    channels = [np.interp(place, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    mixed = np.rint(np.stack(channels, axis=-1)).astype(int).tolist()
    known = np.isfinite(numbers).tolist()
    return [f"#{r:02x}{g:02x}{b:02x}" if there else UNKNOWN for (r, g, b), there in zip(mixed, known, strict=True)]


def gradient(signed: bool) -> str:
    """Return a scale as a CSS background, lowest on the left."""
    return f"linear-gradient(to right, {', '.join(scale(signed))})"


def line(number: int) -> tuple[str, str]:
    """Return the colour and the dash of one of several lines; past the colours, dashes tell lines apart."""
    return GROUPS[number % len(GROUPS)], DASHES[number // len(GROUPS) % len(DASHES)]


def _rgb(colour: str) -> Sequence[int]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))
