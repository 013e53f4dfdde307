"""What a page is made of: sections with sentences, figures and tables; nothing of it is markup yet."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

PRINTED = 100
"""The most rows of a table that a page holds."""


@dataclass(frozen=True)
class Picture:
    """A figure, ready to stand in a page that asks no host for anything.

    Attributes
    ----------
    source : str
        The figure as SVG, in a data URI: a browser draws it as an image, in which no script ever runs.
    caption : str
        What it shows, and what its marks mean.
    width : int
        Width in CSS pixels.
    """

    source: str
    caption: str
    width: int


@dataclass(frozen=True)
class Sheet:
    """A table: cells are text, numbers, or a number with its interval."""

    caption: str
    rows: pd.DataFrame

    @property
    def shown(self) -> pd.DataFrame:
        """The rows that stand in the page."""
        return self.rows.head(PRINTED)


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, for a cell of a table; without one, `low` and `high` are None."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it."""

    title: str
    paragraphs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sheets: tuple[Sheet, ...] = field(default=())

    @property
    def anchor(self) -> str:
        """What a link to the section is called."""
        return re.sub(r"[^a-z]+", "-", self.title.lower()).strip("-")


def picture(figure: Figure, caption: str) -> Picture:
    """Return a figure as a picture; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "ecosystem", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=150)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/svg+xml;base64,{encoded}", caption, round(figure.get_figwidth() * 96))
