"""The part of a page about alignment: over rounds, over what is swept, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import plots
from analysis.plots.style import number
from analysis.report.content import Picture, Section, picture
from analysis.report.design import POINT
from analysis.report.material import Material, Part, estimate, measured, went
from analysis.report.over_rounds import over_rounds, over_sweep
from analysis.statistics import mean_interval

_SPREAD = 12
"""From how many models on it is shown how they are spread."""


def alignment(material: Material) -> Part:
    """Return what became of alignment."""
    rows = material.models
    if not measured(rows, "alignment"):
        return Part()
    rows = rows.dropna(subset=["alignment"])
    pictures = tuple(_pictures(material, rows))
    text = "A model’s alignment is the expected value, over its outputs, of its own reward; the mean over contexts."
    section = Section("Alignment", (text,), pictures)
    return Part((section,) if pictures else (), tuple(_findings(material, rows)))


def _pictures(material: Material, rows: pd.DataFrame) -> Iterator[Picture]:
    figure = over_rounds(material, rows, "alignment", by_model=True)
    seeds = material.layout.seeds > 1
    shades = " Shades are 95% intervals of the mean over seeds." if seeds else ""
    if figure is not None:
        many = material.layout.points == 1 and len(material.names) > plots.LINES
        what = (
            "The median over models, and the bands that hold the middle of them."
            if many
            else (
                "The mean over models, round by round."
                if len(material.names) > 3
                else "Each model’s alignment, round by round."
            )
            + shades
        )
        yield picture(figure, what)
    figure = over_sweep(material, material.ends(rows)[1], "alignment", by_model=True)
    if figure is not None:
        yield picture(
            figure,
            "Alignment after the last round, over what was swept." + (" Bars are 95% intervals." if seeds else ""),
        )
    if material.layout.points == 1 and len(material.names) >= _SPREAD:
        yield picture(plots.distribution(rows), "How many models have which alignment, at the start and at the end.")


def _findings(material: Material, rows: pd.DataFrame) -> Iterator[str]:
    first, last = material.ends(rows)
    if material.layout.points == 1:
        yield from _alone(material, first, last)
        return
    for name in material.names if material.few and not material.aggregated else [None]:
        own = last if name is None else last[last["model"] == name]
        if own.empty:
            continue
        means = own.groupby(POINT, sort=False)["alignment"].mean()
        who = "Mean alignment" if name is None else f"{name}’s alignment" if len(material.names) > 1 else "Alignment"
        if means.max() - means.min() < 5e-4 * max(abs(means.max()), 1e-12):
            yield f"{who} ends at {number(means.mean())} {material.everywhere}."
            continue
        low, high = means.idxmin(), means.idxmax()
        ends = [own[own[POINT] == point] for point in (low, high)]
        at_low, at_high = (estimate(rows, "alignment") for rows in ends)
        overlap = "; their intervals overlap" if _overlap(*ends) else ""
        yield f"{who} ends between {at_low} ({low}) and {at_high} ({high}){overlap}."


def _overlap(low: pd.DataFrame, high: pd.DataFrame) -> bool:
    one, other = (mean_interval(rows.groupby("seed")["alignment"].mean()) for rows in (low, high))
    return one.high > other.low


def _alone(material: Material, first: pd.DataFrame, last: pd.DataFrame) -> Iterator[str]:
    if material.aggregated:
        yield _change(f"Mean alignment over {material.counted_models}", first, last)
        return
    if material.few:
        for name in material.names:
            own = [rows[rows["model"] == name] for rows in (first, last)]
            if len(own[1]):
                yield _change(f"{name}’s alignment", *own)
        return
    yield _change(f"Mean alignment over {material.counted_models}", first, last)
    values = last.groupby("model", observed=True)["alignment"].mean()
    start = first.groupby("model", observed=True)["alignment"].mean().reindex(values.index)
    fell = int((values < start - 1e-9).sum())
    yield (
        f"At the end the middle half of the models lies between {number(float(values.quantile(0.25)))} and "
        f"{number(float(values.quantile(0.75)))}; {fell:,} of {len(values):,} end lower than they started."
    )


def _change(what: str, first: pd.DataFrame, last: pd.DataFrame) -> str:
    before, after = first["alignment"].mean(), last["alignment"].mean()
    verb = went(before, after)
    if verb == "stays":
        return f"{what} stays at {number(after)}."
    return f"{what} {verb} from {number(before)} to {estimate(last, 'alignment')}."
