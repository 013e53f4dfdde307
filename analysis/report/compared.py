"""The part of a page that compares variants with one of them, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import plots
from analysis.comparison import compare
from analysis.plots.style import number, valued
from analysis.plots.wording import in_text
from analysis.report.content import Section, Sheet, picture
from analysis.report.design import Factor
from analysis.report.material import Material, Part, measured, named
from analysis.report.tables import estimates, headed
from ecosystem.errors import EcosystemError

_MOST = 12
_LEVEL = 0.05
_NOISE = 1e-9


def compared(material: Material) -> Part:
    """Return the difference that each variant makes, where variants with names were swept."""
    vary = _vary(material.layout.factors)
    table, columns = _quantities(material)
    if vary is None or not columns:
        return Part()
    try:
        differences = compare(material.results, vary, table=table, columns=columns, by=[])
    except EcosystemError:
        return Part()  # of an unfinished run: one variant is done, or no two on the same seed
    differences = differences.dropna(subset=["difference"])
    if differences.empty:
        return Part()
    base = valued(differences["baseline"].iloc[0])
    seeds = int(differences["n"].max())
    text = f"Each variant of {vary} less {base}, all else the same."
    if seeds > 1:
        text += (
            f" Differences are taken within each of {seeds:,} seeds (common random numbers); intervals are 95%, "
            "Student’s t, and p values are adjusted for the number of comparisons (Holm)."
        )
    drawn, caption = differences, "Difference from the baseline; the line is no difference."
    others = list(differences.columns[: list(differences.columns).index(vary)])
    if others and len(differences[others].drop_duplicates()) > plots.LINES:
        drawn = compare(material.results, vary, table=table, columns=columns, by=[], over=others)
        caption += f" Means over {named(others)}; the table tells them apart."
    section = Section(
        f"Compared with {base}",
        (text,),
        (picture(plots.comparison(drawn), caption),),
        (Sheet("Differences", _table(differences, vary)),),
    )
    return Part((section,), tuple(_findings(drawn, vary, base, seeds)))


def _vary(factors: tuple[Factor, ...]) -> str | None:
    """Return the swept setting whose values are variants: words or blocks rather than numbers."""
    words = [factor for factor in factors if not factor.numeric and len(factor.columns) == 1 and factor.levels <= _MOST]
    remedies = [factor for factor in words if factor.name == "remedy"]
    return (remedies or words)[0].name if words else None


def _quantities(material: Material) -> tuple[str, list[str]]:
    if material.scenario.users is not None:
        names = ("preference_bias", "disparate_bias", "representation_gap")
        return "rounds", [name for name in names[:2] if measured(material.rounds, name)] or [
            name for name in names[2:] if measured(material.rounds, name)
        ]
    return "models", [name for name in ("alignment", "reward_variance") if measured(material.models, name)]


def _table(differences: pd.DataFrame, vary: str) -> pd.DataFrame:
    others = list(differences.columns[: list(differences.columns).index(vary)])
    means = differences.rename(columns={"difference": "mean"})
    wide = estimates(means, [*others, vary])
    return headed(wide)


def _findings(differences: pd.DataFrame, vary: str, base: str, seeds: int) -> Iterator[str]:
    others = list(differences.columns[: list(differences.columns).index(vary)])
    for quantity, rows in differences.groupby("quantity", sort=False):
        clear = rows[rows["p_adjusted"] < _LEVEL] if seeds > 1 else rows[rows["difference"].abs() > _NOISE]
        what = in_text(str(quantity))
        if clear.empty:
            yield f"Against {base}, no variant of {vary} changes {what} by more than chance would."
            continue
        lowest, highest = (clear.loc[getattr(clear["difference"], which)()] for which in ("idxmin", "idxmax"))
        for row, verb in ((lowest, "lowers"), (highest, "raises")):
            if (row["difference"] < 0) == (verb == "lowers"):
                where = ", ".join(f"{name.rpartition('.')[2]} = {valued(row[name])}" for name in others)
                who = f"{valued(row[vary])} ({where})" if where else valued(row[vary])
                yield f"Against {base}, {who} {verb} {what} most: by {_change(row, seeds)}."


def _change(row: pd.Series[Any], seeds: int) -> str:
    text = number(abs(row["difference"]), 3)
    if seeds < 2 or pd.isna(row["low"]) or row["low"] == row["high"]:
        return text
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    return f"{text} (95%: {number(low, 3)} to {number(high, 3)})"
