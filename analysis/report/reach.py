"""The part of a page about how far curation reaches: alignment by distance, and the network."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import plots
from analysis.plots.style import LINES, number
from analysis.reach import propagation
from analysis.report.asked import counted
from analysis.report.content import Picture, Section, Sheet, picture
from analysis.report.material import Material, Part, measured
from analysis.report.tables import sheet

_SMALLEST = 3
_TEXT = "Distance counts hops from the nearest curated model, along the edges by which outputs travel."


def reach(material: Material) -> Part:
    """Return how far alignment travels from curated models, and the network on which it does."""
    if not measured(material.last_models, "alignment"):
        return Part()
    by_distance = propagation(material.results)
    reached = by_distance.dropna(subset=["distance", "end"])
    pictures: list[Picture] = []
    sheets: list[Sheet] = []
    findings: list[str] = []
    if reached["distance"].nunique() > 1 and len(material.names) >= _SMALLEST:
        if material.layout.points <= LINES:
            pictures.append(picture(plots.propagation(by_distance), _caption(material)))
        sheets.append(sheet("Alignment by distance", by_distance))
        findings += _findings(material, reached)
    pictures += _network(material)
    if not pictures:
        return Part()
    title = "How far curation reaches" if sheets else "The network"
    return Part((Section(title, (_TEXT,) if sheets else (), tuple(pictures), tuple(sheets)),), tuple(findings))


def _caption(material: Material) -> str:
    return "Alignment by distance, at the start and at the end. Bars are one standard deviation over models."


def _findings(material: Material, reached: pd.DataFrame) -> Iterator[str]:
    if material.layout.points > 1:
        return
    near, far = reached.iloc[0], reached.iloc[-1]
    hops = counted(int(far["distance"]), "hop")
    yield (
        f"Curated models gain {number(near['gain'])} in alignment, the model{'s' if far['models'] != 1 else ''} "
        f"farthest from them ({hops}) {number(far['gain'])}."
    )


def _network(material: Material) -> Iterator[Picture]:
    done = material.results.runs[material.results.runs["status"] == "done"].iloc[0]
    edges = material.results.network
    edges = edges[edges["network"] == done["network"]]
    models = material.last_models
    models = models[(models["run"] == done["run"]) & (models["point"] == done["point"])]
    between = edges[edges["source"].astype(str) != edges["target"].astype(str)]
    if len(models) < _SMALLEST or between.empty:
        return
    which = "" if len(material.results.runs) == 1 else f" of the first run (seed {done['seed']})"
    how = "Every community" if len(models) > plots.LARGEST else "Every model"
    yield picture(
        plots.network(edges, models),
        f"{how}{which}, coloured by its alignment at the end; places say nothing but who is near whom.",
    )
