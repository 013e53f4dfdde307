"""One look for all figures: colours that colour-blind readers tell apart, quiet axes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (2008)."""


def axes(axis: Axes | None, width: float = 6.4, height: float = 4.0) -> Axes:
    """Return the axis that was given, or one of a new figure (which no window holds)."""
    made = Figure(figsize=(width, height), layout="constrained").add_subplot() if axis is None else axis
    made.spines[["top", "right"]].set_visible(False)
    made.grid(axis="y", color="0.9", linewidth=0.8)
    made.set_axisbelow(True)
    return made


def figure_of(axis: Axes) -> Figure:
    """Return the figure an axis belongs to."""
    figure = axis.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
