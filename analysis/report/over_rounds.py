"""Which figure shows a quantity over rounds, or over what is swept, in the way that a sweep is laid out."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis import plots
from analysis.plots.style import LINES
from analysis.report.design import POINT, Factor
from analysis.report.material import Material

FACETS = 6
"""The most panels of a figure."""

MODELS = 3
"""The most models that get a panel each."""


def over_rounds(material: Material, rows: pd.DataFrame, column: str, by_model: bool) -> Figure | None:
    """Draw a quantity over rounds; None where there are fewer than three rounds, or more points than can be shown.

    Parameters
    ----------
    material : Material
        The run.
    rows : DataFrame
        Rows with the quantity, beside what is swept.
    column : str
        The quantity.
    by_model : bool
        Whether rows are models'.
    """
    if material.recorded < 3:
        return None
    points = material.layout.points
    if points == 1:
        return plots.trajectories(rows, column=column, by="model" if by_model else POINT)
    facet = "model" if by_model and 1 < len(material.names) <= MODELS else None
    if points <= LINES:
        return plots.trajectories(rows, column=column, by=POINT, facet=facet)
    pair = lines_and_panels(material.layout.factors)
    if facet is None and pair is not None:
        return plots.trajectories(rows, column=column, by=pair[0].name, facet=pair[1].name)
    return None


def over_sweep(material: Material, rows: pd.DataFrame, column: str, by_model: bool) -> Figure | None:
    """Draw a quantity over a swept number, or over two of them as a map; None where no number is swept.

    The arguments are those of `over_rounds`; rows are of each run's last round.
    """
    numbers = material.layout.numeric()
    seen = material.recorded >= 3 and material.layout.points == 2
    if not numbers or seen:
        return None
    x, *rest = numbers
    others = [factor for factor in material.layout.factors if factor is not x]
    several = by_model and 1 < len(material.names) <= MODELS
    if rest and rest[0].levels > 3 and len(others) == 1:
        maps = {"": _map(rows, x, rest[0], column)}
        if several:
            parts = rows.groupby("model", sort=False, observed=True)
            maps = {f"model {name}": _map(part, x, rest[0], column) for name, part in parts}
        return plots.phase_maps(maps, plots.on_axis(column))
    lines = next((factor for factor in others if factor.levels <= LINES), None)
    panels = [factor for factor in others if factor is not lines]
    if len(panels) > (0 if several else 1) or any(factor.levels > FACETS for factor in panels):
        return None
    facet = "model" if several else panels[0].name if panels else None
    return plots.response(rows, x.name, column=column, by=lines.name if lines else None, facet=facet)


def lines_and_panels(factors: tuple[Factor, ...]) -> tuple[Factor, Factor] | None:
    """Return which of two factors gets lines and which panels, if figures can hold them."""
    if len(factors) != 2:
        return None
    panels, lines = sorted(factors, key=lambda factor: factor.levels)
    return (lines, panels) if lines.levels <= LINES and panels.levels <= FACETS else None


def _map(rows: pd.DataFrame, x: Factor, y: Factor, column: str) -> pd.DataFrame:
    return rows.pivot_table(index=y.name, columns=x.name, values=column, aggfunc="mean", observed=True)
