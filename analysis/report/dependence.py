"""The part of a page about which parameters a result depends on, of sweeps that were designed to tell."""

from __future__ import annotations

from analysis import plots
from analysis.plots.style import number
from analysis.plots.wording import in_text
from analysis.report.content import Picture, Section, picture
from analysis.report.material import Material, Part, measured
from analysis.sensitivity import morris, sobol
from ecosystem.errors import EcosystemError

_RESULTS = ("alignment", "preference_bias", "disparate_bias")
_TEXTS = {
    "saltelli": "Sobol’s index of first order is the part of a result’s variance that a parameter makes alone, that of "
    "total order the part that it makes together with others. Bars are 95% intervals (bootstrap).",
    "morris": "Morris’ μ* is by how much a result changes, on average, as one parameter is moved over its range; σ is "
    "large where that depends on the others. Bars are 95% intervals (bootstrap).",
}
_UNITS = {"saltelli": "of its variance, with others", "morris": "on average over its range"}


def dependence(material: Material) -> Part:
    """Return sensitivity of results to parameters, where the sweep is a Saltelli or Morris design."""
    sweep = material.scenario.sweep
    form = next((name for name in _TEXTS if getattr(sweep, name, None) is not None), None)
    if form is None:
        return Part()
    pictures: list[Picture] = []
    findings: list[str] = []
    for column in _RESULTS:
        if not measured(material.rounds, column):
            continue
        try:
            table = (sobol if form == "saltelli" else morris)(material.results, column)
        except EcosystemError:
            continue  # Morris' effects want a library that may not be installed
        size = "index" if form == "saltelli" else "mu_star"
        if table[size].isna().all():
            continue
        pictures.append(picture(plots.sensitivity(table), f"What {in_text(column)} after the last round depends on."))
        whole = table[table["order"] == "total"] if form == "saltelli" else table
        most = whole.nlargest(1, size).iloc[0]
        how = f"{number(float(most[size]), 2)} " + _UNITS[form]
        findings.append(f"{in_text(column).capitalize()} depends most on {most['parameter']}: {how}.")
    section = Section("What it depends on", (_TEXTS[form],), tuple(pictures))
    return Part((section,) if pictures else (), tuple(findings))
