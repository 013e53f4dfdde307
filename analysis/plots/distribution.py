"""How a quantity is spread over models, at the start and at the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import COLOURS, QUIET, axes, figure_of, legend
from analysis.plots.wording import on_axis
from ecosystem.errors import EcosystemError

_BINS = 40


def distribution(models: pd.DataFrame, ax: Axes | None = None, column: str = "alignment") -> Figure:
    """Draw how many models have which value, in the first and in the last round.

    Parameters
    ----------
    models : DataFrame
        Rows of one or many runs with `run`, `round` and the quantity.
    ax : Axes, optional
        Where to draw; a new figure by default.
    column : str
        The quantity.

    Raises
    ------
    EcosystemError
        No model has a number there.
    """
    rows = models.dropna(subset=[column])
    if rows.empty:
        raise EcosystemError(f"no model has a number in the column {column}, so there is nothing to count")
    drawn = axes(ax)
    of_run = rows.groupby("run", observed=True)["round"]
    start = rows.loc[rows["round"] == of_run.transform("min"), column].to_numpy(dtype=float)
    end = rows.loc[rows["round"] == of_run.transform("max"), column].to_numpy(dtype=float)
    edges = np.histogram_bin_edges(np.concatenate([start, end]), min(_BINS, max(5, int(len(end) ** 0.5) * 2)))
    handles: dict[str, Artist] = {}
    if np.ptp(start) <= 1e-9 * max(1.0, float(np.abs(start).max())):
        handles["all, at the start"] = drawn.axvline(float(start[0]), color=QUIET, linestyle=(0, (5, 2)))
    else:
        handles["at the start"] = drawn.stairs(
            np.histogram(start, edges)[0], edges, color=QUIET, linewidth=1.5, linestyle=(0, (5, 2))
        )
    handles["at the end"] = drawn.stairs(np.histogram(end, edges)[0], edges, color=COLOURS[0], fill=True, alpha=0.55)
    drawn.set_xlabel(on_axis(column))
    drawn.set_ylabel("models")
    legend(drawn, list(handles.values()), list(handles))
    return figure_of(drawn)
