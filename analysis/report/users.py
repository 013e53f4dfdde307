"""The part of a page about users: bias, drawn and listed in the values of the groups that it is made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pandas as pd

from analysis import plots
from analysis.bias import MEASURES
from analysis.plots.style import number
from analysis.plots.wording import in_text, on_axis
from analysis.reading import measured as measured_columns
from analysis.report.content import Picture, Section, Sheet, picture
from analysis.report.design import POINT
from analysis.report.material import FEW, Material, Part, estimate, measured, went
from analysis.report.over_rounds import over_rounds, over_sweep
from analysis.report.tables import estimates, headed
from analysis.statistics import intervals, mean_interval

_PANELS = 12
_SAME = 1e-9
_TEXTS = {
    "lean": "Preference bias is the mean over groups of the lean of what they are served, less one half. Read it "
    "beside the groups’ own values: it also falls where groups are driven apart.",
    "gap": "Disparate bias is the gap in {} between the group that is served best and the one served worst.",
    "share": "Who asks: each group’s share of all active users. The representation gap says how far shares are from "
    "those of the start.",
}


def users(material: Material) -> Part:
    """Return what became of groups of users, and of the bias between them."""
    if material.scenario.users is None or not len(material.groups):
        return Part()
    several = material.groups["group"].nunique() > 1
    parts = []
    if measured(material.groups, "lean") and measured(material.rounds, "preference_bias"):
        parts.append(_section(material, "Preference bias", "lean", "preference_bias", _TEXTS["lean"]))
    column = next((name for name in ("quality", "satisfaction") if measured(material.groups, name)), None)
    if column is not None and several:
        text = _TEXTS["gap"].format(in_text(column))
        parts.append(_section(material, "Disparate bias", column, "disparate_bias", text))
    if several and _varies(material.groups, "share"):
        parts.append(_section(material, "Who still asks", "share", "representation_gap", _TEXTS["share"]))
    found = [section for section in parts if section.pictures]
    tables = (_table(material),) if several or column is not None else ()
    return Part((*found, *tables), tuple(_findings(material, column)))


def _section(material: Material, title: str, column: str, measure: str, text: str) -> Section:
    return Section(title, (text,), tuple(_pictures(material, column, measure)))


def _pictures(material: Material, column: str, measure: str) -> Iterator[Picture]:
    groups = material.groups.dropna(subset=[column])
    shades = " Shades are 95% intervals of the mean over seeds." if material.layout.seeds > 1 else ""
    points = material.layout.points
    if material.recorded >= 3 and points <= _PANELS:
        drawn = plots.bias(groups, column=column, facet=POINT if _differs(groups, column) else None)
        yield picture(drawn, f"Each group’s {in_text(column)}, round by round.{shades}")
    rows = material.rounds.dropna(subset=[measure])
    if points > 1 and _moves(rows, measure):
        figure = over_rounds(material, rows, measure, by_model=False)
        if figure is not None:
            yield picture(figure, f"{in_text(measure).capitalize()} at each point of the sweep.{shades}")
        figure = over_sweep(material, material.ends(rows)[1], measure, by_model=False)
        if figure is not None:
            bars = " Bars are 95% intervals." if material.layout.seeds > 1 else ""
            yield picture(figure, f"{in_text(measure).capitalize()} after the last round, over what was swept.{bars}")


def _table(material: Material) -> Section:
    told = list(material.layout.columns)
    seeds = ", with its 95% interval." if material.layout.seeds > 1 else "."
    sheets = []
    for table, keys, names in (
        (material.rounds, told, MEASURES),
        (material.groups, [*told, "group"], measured_columns(material.results, "groups")),
    ):
        columns = [name for name in names if measured(table, name)]
        means = intervals(material.ends(table)[1], columns, keys)
        sheets.append(Sheet("", headed(estimates(means, keys))))
    return Section("Groups at the end", ("After the last round, the mean over seeds" + seeds,), (), tuple(sheets))


def _differs(groups: pd.DataFrame, column: str) -> bool:
    """Whether it matters for the groups' values at which point of a sweep they are."""
    means = groups.groupby([POINT, "group", "round"], observed=True)[column].mean().unstack(POINT)
    return bool((means.max(axis=1) - means.min(axis=1)).max() > _SAME)


def _varies(groups: pd.DataFrame, column: str) -> bool:
    """Whether a group's value changes from round to round."""
    values = groups.groupby(["run", "group"], observed=True)[column]
    return bool((values.max() - values.min()).max() > _SAME)


def _moves(table: pd.DataFrame, column: str) -> bool:
    values = table[column].dropna().astype(float)
    return len(values) > 0 and float(values.max() - values.min()) > 1e-9 * max(1.0, float(values.abs().max()))


def _findings(material: Material, column: str | None) -> Iterator[str]:
    for measure in ("preference_bias", "disparate_bias"):
        if not measured(material.rounds, measure) or not _moves(material.rounds, measure):
            continue
        alike = _alike(material, column) if measure == "disparate_bias" and column is not None else ()
        yield _course(material, measure, alike)
        if alike:
            points = material.layout.points
            at = "" if points == 1 else f" {material.everywhere}" if len(alike) == points else f" at {', '.join(alike)}"
            yield (
                f"Disparate bias is that of chance{at}: no group is ahead of another seed by seed, and the "
                "best less the worst of numbers that are drawn is never below 0."
            )
    if material.layout.points == 1:
        yield from _shares(material)
    else:
        yield from _loser(material)


def _loser(material: Material) -> Iterator[str]:
    """Say which group loses most of its share of active users, and at which point, where one does."""
    before, after = (
        rows.groupby([POINT, "group"], sort=False, observed=True)["share"].mean()
        for rows in material.ends(material.groups)
    )
    change = (after - before).dropna()
    if change.min() < -_SAME:
        at = change.index[int(change.argmin())]
        yield (
            f"Group {at[1]} loses most: its share of active users falls from {number(before[at])} to "
            f"{number(after[at])} ({at[0]})."
        )


def _alike(material: Material, column: str) -> tuple[str, ...]:
    """Return the points at whose end no group differs from another beyond chance, where there are seeds to tell.

    Each pair's difference is taken seed by seed, with its sign; all pairs of all points share the chance of 5%.
    """
    _, last = material.ends(material.groups)
    found = []
    for point, rows in last.groupby(POINT, sort=False, observed=True):
        values = rows.pivot_table(index="seed", columns="group", values=column, observed=True)
        pairs = list(itertools.combinations(values.columns, 2))
        differences = [
            mean_interval(values[a] - values[b], level=1 - 0.05 / (len(pairs) * material.layout.points))
            for a, b in pairs
        ]
        if pairs and all(each.n > 1 and each.low <= _SAME and each.high >= -_SAME for each in differences):
            found.append(str(point))
    return tuple(found)


def _course(material: Material, measure: str, alike: Sequence[str]) -> str:
    """Say where a measure starts and ends, at each point or between which points.

    Where groups are `alike`, a gap between them is no rise.
    """
    what = in_text(measure).capitalize()
    first, last = material.ends(material.rounds.dropna(subset=[measure]))
    if material.layout.points == 1:
        before, after = first[measure].mean(), last[measure].mean()
        return f"{what} {went(before, after)} from {number(before)} to {estimate(last, measure)}."
    means, starts = (rows.groupby(POINT, sort=False)[measure].mean() for rows in (last, first))
    low, high = means.idxmin(), means.idxmax()
    ends = [f"{estimate(last[last[POINT] == point], measure)} ({point})" for point in (low, high)]
    start = f" It starts at {number(starts.mean(), 3)} and" if starts.max() - starts.min() < _SAME else " It"
    tail = f"{start} {_directions(first, last, measure, alike)}."
    if means.max() - means.min() < _SAME:
        return f"{what} ends at {number(means.mean(), 3)} {material.everywhere}.{tail}"
    return f"{what} ends between {ends[0]} and {ends[1]}.{tail}"


def _directions(first: pd.DataFrame, last: pd.DataFrame, measure: str, alike: Sequence[str]) -> str:
    """Say at how many points a measure rises and falls: by its mean, and over several seeds beyond chance."""
    before, after = (rows.set_index([POINT, "seed"])[measure] for rows in (first, last))
    changes = {str(at): mean_interval(part) for at, part in (after - before).groupby(POINT, sort=False)}
    several = any(change.n > 1 for change in changes.values())
    rose = sum(
        (change.low if change.n > 1 else change.mean) > _SAME and at not in alike for at, change in changes.items()
    )
    fell = sum((change.high if change.n > 1 else change.mean) < -_SAME for change in changes.values())
    for count, verb in ((rose, "rises"), (fell, "falls")):
        if count == len(changes):
            return f"{verb} at every point"
    beyond = " beyond chance" if several else ""
    return f"rises{beyond} at {rose} and falls at {fell} of {len(changes)} points"


def _shares(material: Material) -> Iterator[str]:
    first, last = material.ends(material.groups)
    for column in ("share", "satisfaction"):
        if not measured(last, column) or not _varies(material.groups, column):
            continue
        before, after = (rows.groupby("group", sort=False, observed=True)[column].mean() for rows in (first, last))
        change = (after - before).reindex(after.index)
        shown = change.abs().sort_values(ascending=False).index[:FEW]
        texts = [f"{name} {number(before[name])} → {number(after[name])}" for name in after.index if name in shown]
        yield f"{on_axis(column).partition(' (')[0].capitalize()}, by group: {'; '.join(texts)}."
