"""The part of a page about how far curation reaches: alignment by distance, and the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import plots
from analysis.plots.style import LINES, number
from analysis.reach import decay, propagation
from analysis.report.asked import counted
from analysis.report.content import Picture, Section, Sheet, picture
from analysis.report.material import Material, Part, measured
from analysis.report.tables import estimate_of, sheet

_SMALLEST = 3
_TEXT = "Distance counts hops from the nearest curated model, along the edges by which outputs travel."


def reach(material: Material) -> Part:
    """Return how far alignment travels from curated models, and the network on which it does."""
    if len(material.names) < _SMALLEST or not measured(material.last_models, "alignment"):
        return Part()
    by_distance = propagation(material.results)
    reached = by_distance.dropna(subset=["distance", "end"])
    pictures: list[Picture] = []
    sheets: list[Sheet] = []
    findings: list[str] = []
    if reached["distance"].nunique() > 1:
        if material.layout.points <= LINES:
            fit = decay(material.results)
            pictures.append(picture(plots.propagation(by_distance, fit=fit), _caption(material)))
            findings += _findings(material, reached, fit)
        shown = by_distance[[name for name in by_distance.columns if name not in ("n", "level", "method")]]
        sheets.append(sheet("Alignment by distance", _with_intervals(shown)))
    pictures += _network(material)
    if not pictures:
        return Part()
    title = "How far curation reaches" if sheets else "The network"
    return Part((Section(title, (_TEXT,) if sheets else (), tuple(pictures), tuple(sheets)),), tuple(findings))


def _caption(material: Material) -> str:
    bars = "95% intervals over seeds" if material.layout.seeds > 1 else "one standard deviation over models"
    return f"What models gain, by distance, with the exponential decay that fits best. Bars are {bars}."


def _with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with ends and gains beside their intervals."""
    cells: dict[str, Any] = {
        name: [estimate_of(*row) for row in table[[name, low, high]].astype(float).itertuples(index=False, name=None)]
        for name, low, high in (("end", "end_low", "end_high"), ("gain", "low", "high"))
    }
    return table.assign(**cells).drop(columns=["end_low", "end_high", "low", "high"])


def _findings(material: Material, reached: pd.DataFrame, fit: pd.DataFrame) -> Iterator[str]:
    if material.layout.points > 1:
        return
    near, far = reached.iloc[0], reached.iloc[-1]
    hops = counted(int(far["distance"]), "hop")
    yield (
        f"Curated models gain {number(near['gain'])} in alignment, the model{'s' if far['models'] != 1 else ''} "
        f"farthest from them ({hops}) {number(far['gain'])}."
    )
    length, low, high = (float(fit[name].iloc[0]) for name in ("length", "low", "high"))
    if 0 < length < float("inf"):
        over = "" if fit["method"].iloc[0] == "t over seeds" else ", over the models of a run"
        within = f" (95%{over}: {number(low, 3)} to {number(high, 3)})" if pd.notna(low) and pd.notna(high) else ""
        yield f"What is gained falls to 1/e of itself every {number(length, 3)} hops{within}."


def _network(material: Material) -> Iterator[Picture]:
    done = material.results.runs[material.results.runs["status"] == "done"].iloc[0]
    edges = material.results.network
    edges = edges[edges["network"] == done["network"]]
    models = material.last_models
    models = models[(models["run"] == done["run"]) & (models["point"] == done["point"])]
    between = edges[edges["source"].astype(str) != edges["target"].astype(str)]
    if between.empty:
        return
    which = "" if len(material.results.runs) == 1 else f" of the first run (seed {done['seed']})"
    how = "Every community" if len(models) > plots.LARGEST else "Every model"
    yield picture(
        plots.network(edges, models),
        f"{how}{which}, coloured by its alignment at the end; places say nothing but who is near whom.",
    )
