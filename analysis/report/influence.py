"""The part of a page about influence: whose curation helps whom, and where it backfires."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import plots
from analysis.plots.style import LINES, number
from analysis.report.asked import counted
from analysis.report.content import Picture, Section, picture
from analysis.report.design import POINT, Factor
from analysis.report.material import FEW, Material, Part, named
from ecosystem.errors import EcosystemError

_MOST_MODELS = 200
_MOST_RUNS = 60
_NOISE = 1e-12
_TEXT = (
    "Influence is the derivative dJ/dλ of a model’s alignment J at the stable point with respect to the curated share "
    "λ of a model’s diet. A model’s own is its self-influence, the others’ are cross-influence; curation backfires "
    "where influence is negative."
)


def influence(material: Material) -> Part:
    """Return the influence of curation at each stable point, where the run is small enough and has stable points."""
    expected = any(item.table == "influence" for item in material.scenario.expect)
    stable = not isinstance(material.scenario.rounds, int)
    small = len(material.scenario.model_names) <= _MOST_MODELS and len(material.results.runs) <= _MOST_RUNS
    if material.scenario.mode != "exact" or not small or not (expected or stable):
        return Part()
    try:
        rows = material.tables("influence")
    except EcosystemError:
        return Part()  # no lever, or no stable point that attracts: there is no influence to tell of
    rows = material.layout.beside(rows.dropna(subset=["influence"]))
    if rows.empty or not rows["influence"].abs().gt(_NOISE).any():
        return Part()
    section = Section("Influence of curation", (_TEXT,), tuple(_pictures(material, rows)))
    return Part((section,) if section.pictures else (), tuple(_findings(material, rows)))


def _pictures(material: Material, rows: pd.DataFrame) -> Iterator[Picture]:
    layout = material.layout
    if layout.points == 1:
        first = rows[rows["seed"] == rows["seed"].iloc[0]]
        if first["affected"].nunique() > 1:
            many = f" Seed {first['seed'].iloc[0]}." if layout.seeds > 1 else ""
            yield picture(
                plots.influence(first), f"Blue helps, red harms: lever by column, affected model by row.{many}"
            )
        return
    own = rows[rows["affected"] == rows["lever"]]
    numbers = layout.numeric()
    if len(numbers) == 2 == len(layout.factors) and min(factor.levels for factor in numbers) > 2:
        tables = {f"self-influence of {name}": _map(part, *numbers) for name, part in _by(own, "lever")}
        if 0 < len(tables) <= 3:
            yield picture(
                plots.phase_maps(tables, "dJ/dλ"),
                "Where curation helps the model itself (blue) and where it backfires (red, strokes); on the black line "
                "it does neither.",
            )
        return
    pairs = rows.assign(pair=rows["lever"].astype(str) + " on " + rows["affected"].astype(str))
    if numbers and pairs["pair"].nunique() <= LINES:
        others = [factor for factor in layout.factors if factor is not numbers[0]]
        by = "pair" if pairs["pair"].nunique() > 1 else None
        if len(others) <= 1 and all(factor.levels <= 6 for factor in others):
            yield picture(
                plots.response(
                    pairs,
                    numbers[0].name,
                    column="influence",
                    by=by,
                    facet=others[0].name if others else None,
                    zero=True,
                ),
                "Influence of one model’s curation on another’s (or its own) alignment, over what was swept.",
            )


def _findings(material: Material, rows: pd.DataFrame) -> Iterator[str]:
    own = rows[rows["affected"] == rows["lever"]]
    cross = rows[rows["affected"] != rows["lever"]]
    if len(material.scenario.model_names) <= FEW and material.layout.points > 1:
        yield from _point_by_point(material.layout.points, own, cross)
        return
    backfires = own.loc[own["influence"] < -_NOISE, "lever"].astype(str).drop_duplicates().tolist()
    if backfires:
        who = named(backfires) if len(backfires) <= 5 else counted(len(backfires), "model")
        yield f"Curation backfires on the model itself for {who} (of {own['lever'].nunique():,} curated)."
    elif len(own):
        yield f"Curating a model more {_helps(own['influence'], 'in every case')}."
    moved = cross[cross["influence"].abs() > _NOISE]
    if len(moved):
        share = (moved["influence"] < 0).mean()
        if share == 0:
            yield "No cross-influence is negative: curating a model harms no other."
            return
        pairs = counted(len(moved[["lever", "affected"]].drop_duplicates()), "pair")
        yield f"{share:.0%} of all cross-influence ({pairs} of models) is negative: it harms the other."


def _point_by_point(points: int, own: pd.DataFrame, cross: pd.DataFrame) -> Iterator[str]:
    """Say at how many points influence is negative, in the mean over seeds."""
    for name, part in _by(own, "lever"):
        means = part.groupby(POINT, sort=False)["influence"].mean()
        harmed = means[means < -_NOISE]
        if len(harmed):
            yield (
                f"Curating {name} more lowers its own alignment at {len(harmed)} of {points} points, most at "
                f"{harmed.idxmin()} (dJ/dλ = {number(harmed.min())})."
            )
        else:
            yield f"Curating {name} more {_helps(means, 'at every point of the sweep')}."
    for (lever, affected), part in cross.groupby(["lever", "affected"], sort=False, observed=True):
        count = int((part.groupby(POINT)["influence"].mean() < -_NOISE).sum())
        if count:
            yield f"Curating {lever} more lowers {affected}’s alignment at {count} of {points} points."


def _helps(influence: pd.Series[float], where: str) -> str:
    """Say what influence that is nowhere negative does: of a curator that has no choice it is 0."""
    return f"raises its own alignment {where}" if (influence > _NOISE).all() else "never lowers its own alignment"


def _by(rows: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, part in rows.groupby(column, sort=False, observed=True):
        yield str(name), part


def _map(rows: pd.DataFrame, x: Factor, y: Factor) -> pd.DataFrame:
    return rows.pivot_table(index=y.name, columns=x.name, values="influence", aggfunc="mean")
