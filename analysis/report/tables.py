"""Tables of a page: columns named in words, means beside their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.plots.style import number
from analysis.plots.wording import AXES, in_text
from analysis.report.content import Estimate, Sheet


def sheet(caption: str, rows: pd.DataFrame) -> Sheet:
    """Return a table with its columns named in words."""
    return Sheet(caption, headed(rows))


def headed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose quantities are named in words; settings and scores keep the names that users gave them."""
    return rows.rename(columns={name: in_text(name) for name in rows.columns if name in AXES})


def estimate_of(mean: float, low: float, high: float) -> Estimate:
    """Return a mean as a cell, with its interval where it has one of some width."""
    plain = math.isnan(low) or math.isnan(high) or low == high
    return Estimate(mean) if plain else Estimate(mean, low, high)


def estimates(means: pd.DataFrame, rows: Sequence[str], quantity: str = "quantity") -> pd.DataFrame:
    """Return means with intervals (`mean`, `low`, `high`) as a wide table: a column for each quantity.

    Parameters
    ----------
    means : DataFrame
        A row for each combination of `rows` and quantity.
    rows : sequence of str
        Columns that tell the rows of the answer.
    quantity : str
        The column that tells the columns of the answer.
    """
    cells = [estimate_of(*row) for row in means[["mean", "low", "high"]].astype(float).itertuples(index=False)]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    keys = map(tuple, means[list(rows)].to_numpy(dtype=object))  # pandas before 3 has no tuple of no columns
    for key, name, cell in zip(keys, means[quantity].astype(str), cells, strict=True):
        found.setdefault(key, dict(zip(rows, key, strict=True)))[name] = cell
    return pd.DataFrame(list(found.values()))


def text(value: Any) -> str:
    """Return a cell as text: numbers in few digits, what is missing as nothing.

    >>> text(0.123456), text(None), text("a"), text(1000)
    ('0.1235', '', 'a', '1,000')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}".replace("-", "−")
    return number(float(value)) if isinstance(value, (float, np.floating)) else str(value)
