"""One look for all figures: colours that colour-blind readers tell apart, shapes that print tells apart, quiet axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (2008)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (2, 2)))
"""Each line has a colour, a marker and a dash of its own, so that a grey print tells them apart."""

LINES = len(COLOURS)
"""The most lines that one panel holds."""

QUIET = "0.45"
"""Grey of what stands beside the data: references, starts, notes."""

SMALL = 8.0
"""Size, in points, of the smallest text."""

_LONGEST = 60
_ACROSS = 3
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MARKS = 12
_ROUNDING = 1e-12
_LETTERS = 15
_TITLES = {1: 90, 2: 44, 3: 31}


def axes(ax: Axes | None, width: float = 6.8, height: float = 3.9) -> Axes:
    """Return the axis that was given, or one of a new figure (which no window holds)."""
    made = Figure(figsize=(width, height), layout="constrained").add_subplot() if ax is None else ax
    return quiet(made)


def quiet(ax: Axes) -> Axes:
    """Give an axis no frame but its axes, and faint horizontal lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def panels(titles: Sequence[str], height: float = 2.9, sharey: bool = True) -> list[Axes]:
    """Return the axes of a new figure with a panel for each title, at most three in a row."""
    across = min(len(titles), _ACROSS if len(titles) != 4 else 2)
    down = -(-len(titles) // across)
    width = {1: 6.8, 2: 7.6}.get(across, 8.4)
    figure = Figure(figsize=(width, height * down + (0.9 if down == 1 else 0.5)), layout="constrained")
    first: Axes | None = None
    made = []
    for number, title in enumerate(titles):
        ax = quiet(figure.add_subplot(down, across, number + 1, sharey=first if sharey else None))
        first = first or ax
        if title:
            ax.set_title(_wrapped(title, _TITLES[across]), fontsize=9.0, loc="left")
        if sharey and number % across:
            ax.tick_params(labelleft=False)
        made.append(ax)
    return made


def _wrapped(title: str, width: int) -> str:
    """Return a title on at most two lines; a setting and its value stay together."""
    title = title.replace(" = ", "\u00a0=\u00a0")
    return "\n".join(plain(line) for line in textwrap.wrap(title, width, max_lines=2, placeholder="…"))


def name_axes(made: Sequence[Axes], x: str, y: str) -> None:
    """Name the axes of panels: below the lowest of each column, beside the first of each row."""
    places = [ax.get_subplotspec() for ax in made]
    for number, (ax, place) in enumerate(zip(made, places, strict=True)):
        columns = None if place is None else place.colspan
        below = [other for other in places[number + 1 :] if other is not None and other.colspan == columns]
        if not below:
            ax.set_xlabel(x)
        if place is None or place.is_first_col():
            ax.set_ylabel(y)


def rounds(ax: Axes) -> None:
    """Count rounds in whole numbers."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))


def look(number: int) -> dict[str, Any]:
    """Return colour, marker and dash of the n-th line."""
    return {
        "color": COLOURS[number % LINES],
        "marker": MARKERS[number % LINES],
        "linestyle": DASHES[number % LINES],
        "markersize": 4.5,
        "linewidth": 1.6,
    }


def every(points: int, number: int = 0) -> tuple[int, int]:
    """Return which of a line's points get a marker: few, and not where other lines have theirs."""
    step = max(1, points // _MARKS)
    return (number * max(1, step // 4)) % step, step


def legend(ax: Axes, handles: Sequence[Artist], names: Sequence[str], title: str | None = None) -> None:
    """Put a legend where it hides nothing: inside for few short names, else below the panels of the figure."""
    texts = [plain(name) for name in names]
    if len(texts) <= 3 and max(map(len, texts), default=0) <= 28 and len(figure_of(ax).axes) == 1:
        ax.legend(handles, texts, frameon=False, fontsize=SMALL, title=title and plain(title), title_fontsize=SMALL)
        return
    figure_of(ax).legend(
        handles,
        texts,
        loc="outside lower center",
        ncols=_columns(texts, figure_of(ax).get_figwidth()),
        frameon=False,
        fontsize=SMALL,
        title=title and plain(title),
        title_fontsize=SMALL,
    )


def _columns(texts: Sequence[str], width: float) -> int:
    """Return in how many columns a legend stands: the fewest rows that fit a width, in inches, evenly filled."""
    if sum(len(text) + 7 for text in texts) <= width * _LETTERS:
        return len(texts)
    fit = max(1, int(width * _LETTERS / (max(map(len, texts)) + 7)))
    rows = -(-len(texts) // fit)
    return -(-len(texts) // rows)


def plain(name: object) -> str:
    r"""Return a name as text that is drawn as it stands, shortened if it is very long.

    Matplotlib takes dollars for mathematics, and leaves names that begin with an underscore out of legends.

    >>> plain("$x$")
    '\\$x\\$'
    """
    text = " ".join(str(name).split())
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    text = text.replace("$", r"\$")
    return "\u2009" + text if text.startswith("_") else text


def number(value: float, digits: int = 4) -> str:
    """Return a number in few digits, with a minus sign that is one; what is left of rounding is 0.

    >>> number(-0.0123456), number(1234567.0), number(2.0), number(0.00001234)
    ('−0.01235', '1,234,567', '2', '1.234 × 10⁻⁵')
    """
    if abs(value) < _ROUNDING:
        return "0"
    if not np.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    text = f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
    mantissa, small, exponent = text.partition("e")
    text = f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}" if small else text
    return text.replace("-", "−")


def valued(value: object) -> str:
    """Return a value of a setting as text.

    >>> valued(0.0), valued("replace")
    ('0', 'replace')
    """
    plain_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number(float(value), 6) if plain_number else str(value)  # type: ignore[arg-type]


def panel(name: str, value: object) -> str:
    """Return the title of the panel in which a column has a value.

    >>> panel("model", "p"), panel("rho", 0.5)
    ('model p', 'rho = 0.5')
    """
    if name == "setting":
        return str(value)
    return f"{name} {value}" if name in ("model", "group") else f"{name} = {valued(value)}"


def figure_of(ax: Axes) -> Figure:
    """Return the figure an axis belongs to."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
