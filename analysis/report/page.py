"""The page: what was asked, what came out, whether it was expected, how to do it again."""

from __future__ import annotations

import importlib.resources
import re
from typing import TYPE_CHECKING

import jinja2
import pandas as pd

from analysis.report.again import again
from analysis.report.alignment import alignment
from analysis.report.asked import chance, counted, facts
from analysis.report.at_the_end import at_the_end
from analysis.report.compared import compared
from analysis.report.content import Estimate, Section
from analysis.report.dependence import dependence
from analysis.report.design import design
from analysis.report.expectations import expectations, unfinished
from analysis.report.influence import influence
from analysis.report.material import Maker, Material, Part
from analysis.report.predicted import predicted
from analysis.report.reach import reach
from analysis.report.samples import samples
from analysis.report.states import movement
from analysis.report.tables import text
from analysis.report.users import users
from analysis.report.variety import variety
from ecosystem.expectations import tables_of

if TYPE_CHECKING:
    from ecosystem.store.results import Results

PARTS: tuple[Maker, ...] = (
    alignment,
    influence,
    reach,
    dependence,
    users,
    compared,
    predicted,
    movement,
    variety,
    samples,
    at_the_end,
)
"""The parts of the page, in order."""

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})", re.IGNORECASE)
_ERRORS = 20


def page(results: Results) -> str:
    """Return the page as HTML: one file that asks no host for anything, and runs no script.

    Parameters
    ----------
    results : Results
        A run directory, finished or not.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"text": text, "sources": _sources}
    environment.tests |= {"estimate": lambda value: isinstance(value, Estimate)}
    template = importlib.resources.files("analysis.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    scenario, layout, tables = results.scenario, design(results), tables_of(results)
    parts = _parts(Material(results, tables)) if (results.runs["status"] == "done").any() else []
    return environment.from_string(template).render(
        scenario=scenario,
        facts=list(facts(scenario, layout)),
        chance=chance(scenario, layout),
        unfinished=unfinished(results.runs),
        errors=_errors(results.runs),
        nothing="The tables below hold all there is." if parts else "Nothing yet: no run is done.",
        findings=[finding for part in parts for finding in part.findings],
        sections=[section for part in parts for section in part.sections],
        expectations=expectations(results, tables),
        again=again(results),
        counted=counted,
    )


def _parts(material: Material) -> list[Part]:
    return [make(material) for make in PARTS]


def _errors(runs: pd.DataFrame) -> Section | None:
    """Return the runs that failed, alike ones together."""
    from analysis.report.content import Sheet

    failed = runs[runs["status"] == "failed"]
    if failed.empty:
        return None
    rows = (
        failed.groupby("error", sort=False, dropna=False)
        .agg(runs=("run", "size"), seed=("seed", "first"))
        .reset_index()
    )
    rows = rows.assign(error=[(str(error).strip().splitlines() or ["no reason given"])[-1] for error in rows["error"]])
    sheet = Sheet("", rows[["runs", "seed", "error"]].rename(columns={"seed": "first seed"}).head(_ERRORS))
    return Section("Runs that failed", (), (), (sheet,))


def _sources(source: str) -> list[tuple[str, str | None]]:
    """Return a source in pieces of text, each with the address it links to, or None."""
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for found in _ARXIV.finditer(source):
        pieces += [(source[at : found.start()], None), (found.group(0), f"https://arxiv.org/abs/{found.group(1)}")]
        at = found.end()
    return [piece for piece in [*pieces, (source[at:], None)] if piece[0]]
