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

from analysis import plots
from analysis.propagation import propagation

if TYPE_CHECKING:
    from ecosystem.store.results import Results

_ROWS = 40
_RUN_COLUMNS = ("run", "point", "seed", "network", "status", "seconds", "error")


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
        swept = [name for name in runs.columns if name not in _RUN_COLUMNS]
        found.append(_over_rounds(results, swept))
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


def _over_rounds(results: Results, swept: list[str]) -> Section:
    if swept:
        rows = results.table("rounds", columns=["run", "round", "alignment"], parameters=True)
        rows["point"] = rows[swept].astype(str).agg(", ".join, axis=1)
        rows["point"] = ", ".join(swept) + " = " + rows["point"]
        figure = plots.trajectories(rows, by="point")
        text = "Alignment, the mean over models and seeds, for each point of the sweep."
    else:
        rows = results.table("models", columns=["round", "model", "alignment"])
        figure = plots.trajectories(rows)
        text = "Each model's alignment: its expected own reward, the mean over contexts and seeds."
    return Section("Alignment over rounds", text, figure=_drawn(figure))


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
