"""What models wrote, seen: a grid of images, a row a round, a column a kind of prompt."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from analysis.plots.style import SMALL, panel
from ecosystem.errors import EcosystemError

_MOST_ROWS = 6
_MOST_COLUMNS = 20
_INCH = 0.42


def samples(table: pd.DataFrame, facet: str = "model", rounds: Sequence[int] | None = None) -> Figure:
    """Draw the images of the table `samples`.

    Parameters
    ----------
    table : DataFrame
        Rows of one run, or of several that `facet` tells apart, with `round`, `context`, `sample` and `image`.
    facet : str
        A column whose values get a panel each, one below the other.
    rounds : sequence of int, optional
        The rounds to draw, a row each; by default some from the first to the last.

    Returns
    -------
    Figure
        In each panel a row a round, and beside one another the first samples of every context.

    Raises
    ------
    EcosystemError
        The table holds no images.
    """
    shown = table[table["image"].notna()]
    if shown.empty:
        raise EcosystemError("the table holds no images; run the scenario with record: {samples: 4}")
    chosen = _spread(sorted(shown["round"].unique())) if rounds is None else list(rounds)
    parts = [(name, rows) for name, rows in shown.groupby(facet, sort=False, observed=True)]
    contexts = shown["context"].nunique()
    each = max(1, min(int(shown["sample"].max()) + 1, _MOST_COLUMNS // max(1, contexts)))
    pictures = [_grid(rows, chosen, each) for _, rows in parts]
    down, across = pictures[0].shape[:2]
    width = max(3.0, _INCH * min(_MOST_COLUMNS, contexts * each) + 0.8)
    figure = Figure(figsize=(width, len(parts) * (0.35 + width * down / across) + 0.2), layout="constrained")
    for number, ((name, _), picture) in enumerate(zip(parts, pictures, strict=True)):
        ax = figure.add_subplot(len(parts), 1, number + 1)
        ax.imshow(picture, interpolation="nearest")
        ax.spines[:].set_visible(False)
        ax.set_xticks([])
        step = down / len(chosen)
        ax.set_yticks([(place + 0.5) * step - 0.5 for place in range(len(chosen))], [f"round {one}" for one in chosen])
        ax.tick_params(length=0, labelsize=SMALL)
        if len(parts) > 1 or facet != "model":
            ax.set_title(panel(facet, name), fontsize=9.0, loc="left")
    return figure


def _spread(rounds: Sequence[int]) -> list[int]:
    """Return at most so many rounds, the first and the last among them."""
    places = np.unique(np.linspace(0, len(rounds) - 1, min(_MOST_ROWS, len(rounds))).round().astype(int))
    return [int(rounds[place]) for place in places]


def _grid(rows: pd.DataFrame, rounds: Sequence[int], each: int) -> NDArray[np.float64]:
    """Return the images of one panel as one, a line of white between them."""
    lines = []
    for round_ in rounds:
        some = rows[(rows["round"] == round_) & (rows["sample"] < each)].sort_values(["context", "sample"])
        images = [_framed(imread(io.BytesIO(image), format="png")) for image in some["image"].head(_MOST_COLUMNS)]
        lines.append(np.concatenate(images, axis=1) if images else np.ones((1, 1, 3)))
    width, height = max(line.shape[1] for line in lines), max(line.shape[0] for line in lines)
    return np.concatenate([_filled(line, height, width) for line in lines])


def _framed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image in red, green and blue, with a white edge."""
    colours = np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image[..., :3]
    return np.pad(colours, ((0, 1), (0, 1), (0, 0)), constant_values=1.0)


def _filled(image: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    edges = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
    return np.pad(image, edges, constant_values=1.0)
