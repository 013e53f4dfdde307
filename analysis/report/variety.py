"""The part of a page about variety: what is left of it when models learn from models."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.plots.style import number
from analysis.plots.wording import in_text
from analysis.report.content import Picture, Section, picture
from analysis.report.design import POINT
from analysis.report.material import Material, Part, estimate, measured
from analysis.report.over_rounds import over_rounds

_MATTERS = 0.1
_SAME = 1e-9
_TEXT = {
    "entropy": "Entropy says how varied a model’s outputs are, in nats: 0 where it always writes the same.",
    "reward_variance": "The variance of the own reward says how much the model’s outputs differ in what it wants.",
    "diversity": "Diversity is the variance of pixels within a class, as a share of that of real images.",
    "recognised": "Recognised are the images that a classifier, trained on real ones, takes for what was asked for.",
    "distinct_2": "Of texts that degenerate fewer and fewer pairs of neighbouring tokens differ.",
    "perplexity": "The perplexity of real text that was held out says what the model still knows of the language.",
}


def variety(material: Material) -> Part:
    """Return how much variety is left, where it changes by a tenth or more."""
    names = ("reward_variance", "entropy") if material.scenario.mode == "sampled" else ("entropy",)
    names = (*names, *(name for name in material.own_measures if name in _TEXT))
    columns = [name for name in names if _changes(material, name)]
    pictures: list[Picture] = []
    findings: list[str] = []
    for column in columns:
        figure = over_rounds(material, material.models.dropna(subset=[column]), column, by_model=True)
        if figure is not None:
            shades = " Shades are 95% intervals of the mean over seeds." if material.layout.seeds > 1 else ""
            pictures.append(picture(figure, f"{in_text(column).capitalize()}, round by round.{shades}"))
        findings += _findings(material, column)
    section = Section("Variety", tuple(_TEXT[name] for name in columns), tuple(pictures))
    return Part((section,) if pictures else (), tuple(findings))


def _changes(material: Material, column: str) -> bool:
    if not measured(material.models, column):
        return False
    rows = material.models[material.models[column].abs() != float("inf")]
    first, last = (end.groupby(POINT)[column].mean() for end in material.ends(rows))
    return bool(((last - first).abs() > _MATTERS * first.abs().clip(lower=1e-9)).any())


def _findings(material: Material, column: str) -> Iterator[str]:
    first, last = material.ends(material.models)
    start = first[column].mean()
    what = in_text(column).capitalize()
    points = list(dict.fromkeys(last[POINT]))
    if len(points) > 3:
        return
    ends = [(point, last[last[POINT] == point]) for point in points]
    means = last.groupby(POINT)[column].mean()
    if means.max() - means.min() < _SAME:
        ends = [("", last)]
    texts = [estimate(rows, column) + (f" ({point})" if len(ends) > 1 else "") for point, rows in ends]
    yield f"{what}, the mean over models, goes from {number(start)} to {' and to '.join(texts)}."
