"""Tables with intervals laid out for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.statistics import check_columns


def readable(table: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], digits: int = 3) -> pd.DataFrame:
    """Lay a table with intervals out for reading: a text such as ``0.129 [0.125, 0.133]`` in each place.

    Parameters
    ----------
    table : DataFrame
        From `intervals`, `compare`, `bias_table`, `decomposition`: it has `low`, `high`, and `mean`, `difference`
        or `effect`.
    rows, columns : sequence of str
        Columns whose values become rows and columns; together they tell all rows of the table apart.
    digits : int
        Significant digits.

    Returns
    -------
    DataFrame
        Texts, in the order of the table.
    """
    middle = next(name for name in ("mean", "difference", "effect") if name in table.columns)
    check_columns(table, [*rows, *columns, "low", "high"])
    texts = table[[*rows, *columns]].astype(object).where(table[[*rows, *columns]].notna(), "")
    texts["text"] = [
        _written(at, low, high, digits)
        for at, low, high in zip(table[middle], table["low"], table["high"], strict=True)
    ]
    places = texts.drop(columns="text").drop_duplicates()
    wide = texts.pivot(index=list(rows), columns=list(columns), values="text")
    order_of_rows, order_of_columns = (places[list(names)].drop_duplicates() for names in (rows, columns))
    return wide.reindex(index=_index(order_of_rows), columns=_index(order_of_columns)).fillna("")


def _index(order: pd.DataFrame) -> pd.Index[Any]:
    return pd.Index(order.iloc[:, 0]) if order.shape[1] == 1 else pd.MultiIndex.from_frame(order)


def _written(middle: float, low: float, high: float, digits: int) -> str:
    if pd.isna(middle):
        return ""
    interval = "" if pd.isna(low) else f" [{low:.{digits}g}, {high:.{digits}g}]"
    return f"{middle:.{digits}g}{interval}"
