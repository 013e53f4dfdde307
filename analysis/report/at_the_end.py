"""The part of a page that lists models after their last round."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.plots.wording import in_text
from analysis.report.content import Section, Sheet
from analysis.report.material import Material, Part, measured
from analysis.report.tables import estimates, headed
from analysis.statistics import intervals

_COLUMNS = ("alignment", "reward_variance", "entropy", "divergence_real", "distance_real")
_MOST = 24
_TOP = 10


def at_the_end(material: Material) -> Part:
    """Return every model of a small run, the most and the least aligned of a large one, or points of a sweep."""
    rows = material.last_models
    columns = [name for name in _COLUMNS if measured(rows, name)]
    columns += [name for name in material.own_measures if measured(rows, name)]
    columns += ["displacement"] if "alignment" not in columns and measured(rows, "displacement") else []
    told = list(material.layout.columns)
    note = "; entropy and divergence are in nats." if {"entropy", "divergence_real"} & set(columns) else "."
    if len(material.names) * material.layout.points <= _MOST * 3 and len(material.names) <= _MOST:
        text = f"Each model after its last round{_over_seeds(material)}{note}"
        return _part(text, [Sheet("", _wide(rows, columns, [*told, "model"]))])
    if material.layout.points > 1:
        text = f"The mean over models after the last round{_over_seeds(material)}{note}"
        return _part(text, [Sheet("", _wide(rows, columns, told))])
    by = "alignment" if "alignment" in columns else columns[0]
    order = rows.groupby("model", observed=True)[by].mean().sort_values(ascending=False)
    which = f"The {_TOP} models with the most and with the least {in_text(by)}"
    text = f"{which} after the last round{_over_seeds(material)}{note}"
    ends = [order.index[:_TOP], order.index[-_TOP:]]
    return _part(text, [Sheet("", _wide(_only(rows, names), columns, ["model"])) for names in ends])


def _part(text: str, sheets: list[Sheet]) -> Part:
    return Part((Section("Models at the end", (text,), (), tuple(sheets)),))


def _over_seeds(material: Material) -> str:
    return f", the mean over {material.layout.seeds:,} seeds with its 95% interval" if material.layout.seeds > 1 else ""


def _only(rows: pd.DataFrame, names: pd.Index[Any]) -> pd.DataFrame:
    place = {name: number for number, name in enumerate(names)}
    kept = rows[rows["model"].isin(names)]
    return kept.assign(place=kept["model"].astype(str).map(place)).sort_values("place", kind="stable")


def _wide(rows: pd.DataFrame, columns: list[str], told: list[str]) -> pd.DataFrame:
    finite = rows.assign(model=rows["model"].astype(str))
    wide = estimates(intervals(finite, columns, told), told)
    return headed(wide)
