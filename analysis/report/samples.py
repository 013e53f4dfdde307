"""The part of a page that shows what models really wrote, where some of it was kept."""

from __future__ import annotations

import pandas as pd

from analysis import plots
from analysis.report.content import Picture, Section, Sheet, picture
from analysis.report.design import POINT
from analysis.report.material import Material, Part

_PANELS = 6
_TEXTS = 24


def samples(material: Material) -> Part:
    """Return what models wrote at some rounds of one run at each of a few points."""
    if not material.scenario.record.samples:
        return Part()
    runs = material.results.runs
    done = runs[runs["status"] == "done"].drop_duplicates("point").head(_PANELS)
    kept = material.layout.beside(material.results.table("samples", parameters=True, runs=list(done["run"])))
    kept = kept[kept["run"].isin(done["run"]) & kept["point"].isin(done["point"])]
    one = "one seed" if material.layout.seeds > 1 else "the run"
    pictures = tuple(_grids(kept, one)) if kept["image"].notna().any() else ()
    sheets = (_texts(kept, one),) if kept["text"].notna().any() else ()
    return Part((Section("What models wrote", (), pictures, sheets),))


def _grids(kept: pd.DataFrame, one: str) -> list[Picture]:
    found = []
    for model, rows in list(kept.groupby("model", sort=False, observed=True))[:_PANELS]:
        points = rows[POINT].nunique()
        facet = POINT if points > 1 else "model"
        caption = (
            f"What {model} wrote in {one}{' at each point' if points > 1 else ''}: a row a round, a column a kind of "
            "prompt."
        )
        found.append(picture(plots.samples(rows, facet=facet), caption))
    return found


def _texts(kept: pd.DataFrame, one: str) -> Sheet:
    """Return the first text of each model and kind of prompt, at the first and the last round."""
    ends = kept.groupby("run", observed=True)["round"]
    rows = kept[
        ((kept["round"] == ends.transform("min")) | (kept["round"] == ends.transform("max"))) & (kept["sample"] == 0)
    ]
    order = rows.sort_values(["point", "context", "model", "round"], kind="stable")
    columns = [*([POINT] if rows[POINT].nunique() > 1 else []), "model", "context", "round", "text"]
    shown = order[columns].astype({"model": str}).rename(columns={POINT: "point"}).head(_TEXTS)
    return Sheet(f"What models wrote in {one}, at first and at the end.", shown)
