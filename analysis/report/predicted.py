"""The part of a page that sets language models beside the exact round of probabilities."""

from __future__ import annotations

import pandas as pd

from analysis import plots
from analysis.plots.style import number
from analysis.plots.wording import in_text
from analysis.predicted import prediction
from analysis.report.content import Section, Sheet, picture
from analysis.report.material import Material, Part
from analysis.report.tables import estimate_of
from ecosystem.errors import EcosystemError
from ecosystem.scenario.fields.text import TextOutputs

_TEXT = (
    "The same ecosystem with probabilities of few kinds of answer in place of a language model: they begin where the "
    "model began, and follow diet, sharing, corpus, users, feedback and remedy to the letter, without chance. Their "
    "rate η = {} is fitted to the first round of all settings together; later rounds are predicted.",
    "A model whose steps of training do the same lies on the line. Training sets are finite, and what is learned of "
    "one prompt moves the answers to others: that is what differences are made of.",
)


def predicted(material: Material) -> Part:
    """Return what probabilities do under the same settings, where there are language models to set beside them."""
    if not isinstance(material.scenario.outputs, TextOutputs) or material.scenario.users is None:
        return Part()
    try:
        table = prediction(material.results, round="last")
    except EcosystemError:  # scores, models or users that probabilities of few kinds of answer cannot stand for
        return Part()
    rate = float(table["rate"].iloc[0])
    figure = picture(
        plots.prediction(table), "Measured after the last round, over what was predicted. Bars are 95% intervals."
    )
    section = Section(
        "Beside the exact prediction",
        (_TEXT[0].format(number(rate, 2)), _TEXT[1]),
        (figure,),
        (Sheet("After the last round", _sheet(table, list(material.layout.columns))),),
    )
    return Part((section,), tuple(_finding(table, quantity, rate) for quantity in _measures(table)))


def _measures(table: pd.DataFrame) -> list[str]:
    return list(table.loc[table["group"].isna(), "quantity"].drop_duplicates())


def _sheet(table: pd.DataFrame, told: list[str]) -> pd.DataFrame:
    """Return a row for each setting: each quantity as measured, with its interval, and as predicted."""
    keys = [name for name in table.columns[: list(table.columns).index("quantity")] if name in told]
    made = []
    for key, rows in table.groupby(keys, sort=False, dropna=False, observed=True) if keys else [((), table)]:
        row = dict(zip(keys, key, strict=True))
        for each in rows.to_dict("records"):
            name = in_text(each["quantity"]) + ("" if pd.isna(each["group"]) else f" {each['group']}")
            row[name] = estimate_of(each["measured"], each["low"], each["high"])
            row[f"{name} predicted"] = float(each["predicted"])
        made.append(row)
    return pd.DataFrame(made)


def _finding(table: pd.DataFrame, quantity: str, rate: float) -> str:
    rows = table[(table["quantity"] == quantity) & table["group"].isna()]
    off = rows["difference"].abs()
    within = ((rows["difference_low"] <= 0) & (rows["difference_high"] >= 0)).sum()
    known = int(rows["difference_low"].notna().sum())
    text = (
        f"The exact prediction (η = {number(rate, 2)}) misses {in_text(quantity)} by {number(off.mean(), 2)} on average"
        f" after the last round, by {number(off.max(), 2)} at most"
    )
    return f"{text}; at {within} of {known} settings the interval of the difference holds 0." if known else f"{text}."
