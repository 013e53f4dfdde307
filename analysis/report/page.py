"""The page: its tables and figures, filled into a template that escapes whatever stands in a scenario."""

from __future__ import annotations

import importlib.resources
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis import plots, propagation
from ecosystem.scenario.columns import TABLES

if TYPE_CHECKING:
    from ecosystem.store.results import Results

_ROWS = 40


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and what stands below them."""

    title: str
    text: str
    table: pd.DataFrame | None = None
    figure: Markup | None = None


def page(results: Results) -> str:
    """Return the page as HTML; it asks no host for anything.

    Parameters
    ----------
    results : Results
        A run directory, finished or not.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = importlib.resources.files("analysis.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    scenario = results.scenario
    return environment.from_string(source).render(
        scenario=scenario,
        written=yaml.safe_dump(scenario.document.data, sort_keys=False, allow_unicode=True),
        sections=list(_sections(results)),
        status=results.runs["status"].value_counts().to_dict(),
        results=results,
        rows=_ROWS,
        number=_number,
    )


def _sections(results: Results) -> list[Section]:
    found = []
    runs = results.runs
    if (runs["status"] == "done").any():
        swept = [name for name in runs.columns if name not in TABLES["runs"]]
        found += _over_rounds(results, swept)
        found += _groups(results, swept)
        by_distance = propagation(results)
        if by_distance["distance"].nunique() > 1:
            found.append(_by_distance(by_distance, swept))
        found.append(_at_the_end(results, swept))
    verdicts = _verdicts(results)
    if verdicts is not None:
        held = (verdicts["verdict"] == "pass").sum()
        found.append(Section("What was expected", f"{held} of {len(verdicts)} expectations hold.", verdicts))
    failed = runs.loc[runs["status"] == "failed", ["run", "seed", "error"]]
    if len(failed):
        found.append(Section("Runs that failed", f"{len(failed)} of {len(runs)} runs failed.", failed))
    return found


def _over_rounds(results: Results, swept: list[str]) -> list[Section]:
    if swept:
        text = "Alignment, the mean over models and seeds, for each point of the sweep."
        found = _trajectory(results, swept, "alignment")
    else:
        rows = results.table("models", columns=["round", "model", "alignment"]).dropna(subset=["alignment"])
        text = "Each model's alignment: its expected own reward, the mean over contexts and seeds."
        found = None if rows.empty else _drawn(plots.trajectories(rows))
    return [] if found is None else [Section("Alignment over rounds", text, figure=found)]


def _groups(results: Results, swept: list[str]) -> list[Section]:
    """Return what became of groups of users: biases over rounds, and every group's own values beside them."""
    rows = results.last("groups", parameters=True) if len(results.groups) else None
    if rows is None:
        return []
    found = []
    for column, text in (
        ("preference_bias", "Mean lean of what groups are served, less one half."),
        ("disparate_bias", "Largest less smallest quality (satisfaction, without a quality) that groups are served."),
    ):
        figure = _trajectory(results, swept, column)
        if figure is not None:
            found.append(Section(f"{column.replace('_', ' ').capitalize()} over rounds", text, figure=figure))
    values = [name for name in rows.columns if name not in (*TABLES["runs"], *swept, "group", "round")]
    table = rows.groupby([*swept, "group"], sort=False, observed=True)[values].mean().reset_index()
    return [*found, Section("Groups at the end", "Each group after its last round, the mean over seeds.", table)]


def _trajectory(results: Results, swept: list[str], column: str) -> Markup | None:
    """Draw a column of the table `rounds`, a line a point; None where it holds nothing."""
    rows = results.table("rounds", columns=["run", "round", column], parameters=True).dropna(subset=[column])
    if rows.empty:
        return None
    each = rows[swept].astype(str).agg(", ".join, axis=1) if swept else pd.Series("mean over seeds", index=rows.index)
    rows["point"] = ", ".join(swept) + " = " + each if swept else each
    return _drawn(plots.trajectories(rows, column=column, by="point"))


def _by_distance(table: pd.DataFrame, swept: list[str]) -> Section:
    text = "Distance counts hops from the nearest curated model, along the edges by which outputs travel."
    reached = table.dropna(subset=["distance"])
    if not swept:
        near, far = reached.iloc[0], reached.iloc[-1]
        hops = int(far["distance"])
        text += (
            f" Curated models end at {_number(float(near['end']))}; models {hops} hop{'s' if hops != 1 else ''} away "
            f"end at {_number(float(far['end']))}, having started at {_number(float(far['start']))}."
        )
    return Section("How far curation reaches", text, table, _drawn(plots.propagation(table)))


def _at_the_end(results: Results, swept: list[str]) -> Section:
    columns = ["model", "alignment", "reward_variance", "entropy", "divergence_real", "distance_real"]
    last = results.last("models", columns, parameters=True)
    table = last.groupby([*swept, "model"], sort=False, observed=True)[columns[1:]].mean().reset_index()
    text = "Each model after its last round, the mean over seeds; entropy and divergence are in nats."
    return Section("Models at the end", text, table)


def _verdicts(results: Results) -> pd.DataFrame | None:
    from ecosystem.expectations import compare, tables_of

    scenario = results.scenario
    if not scenario.expect or not (results.runs["status"] == "done").all():
        return None
    found = compare(tables_of(results), scenario.expect)
    columns = ["quantity", "expected", "found", "verdict", "source"]
    return pd.DataFrame([[getattr(verdict, name) for name in columns] for verdict in found], columns=columns)


def _drawn(figure: Figure) -> Markup:
    """Return a figure as inline SVG; its text comes from matplotlib, which escapes it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue()
    return Markup(drawn[drawn.index("<svg") :])


def _number(value: object) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
