"""How likely a difference is by chance, and what is left of it when many questions are asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics import RESAMPLES, Method, check_method, constant, grouped, known_choice, numbers_of

Adjustment = Literal["holm", "bh", "none"]


def p_value(differences: ArrayLike, method: Method = "t") -> float:
    """Return how likely a mean as far from 0 is, were the true mean 0 (two-sided).

    Parameters
    ----------
    differences : array_like
        Independent numbers, ``[n]``; NaN is missing.
    method : {"t", "bootstrap"}
        `t`: Student's test. `bootstrap`: all signs that differences could have had, or a sample of them
        (Fisher's randomisation test, by `scipy.stats.permutation_test`).

    Returns
    -------
    float
        NaN for fewer than two numbers; 1 where all are 0, 0 with `t` where all are the same other number.

    Examples
    --------
    >>> round(p_value([1.0, 2.0, 3.0, 4.0]), 4), p_value([0.0, 0.0])
    (0.0305, 1.0)
    """
    check_method(method)
    numbers = numbers_of(differences)
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return float("nan")
    if not numbers.any():
        return 1.0
    if method == "t":
        return 0.0 if constant(numbers) else float(stats.ttest_1samp(numbers, 0.0).pvalue)
    found = stats.permutation_test(
        (numbers,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, vectorized=True, rng=0
    )
    return float(found.pvalue)


def p_values(table: pd.DataFrame, column: str, by: Sequence[str], method: Method = "t") -> NDArray[np.float64]:
    """Return `p_value` of a column for each group of rows, in the order in which groups first appear."""
    values = grouped(table, by)[column]
    if method != "t":
        return np.array([p_value(each, method) for _, each in values])
    n, mean, low, high = values.count(), values.mean(), values.min(), values.max()
    with np.errstate(invalid="ignore", divide="ignore"):
        t = mean / (values.std(ddof=1) / np.sqrt(n))
    p = pd.Series(2 * stats.t.sf(t.abs(), np.maximum(n - 1, 1)), index=n.index)
    p = p.where(low != high, np.where(low == 0, 1.0, 0.0))
    return p.where((n > 1) & np.isfinite(low) & np.isfinite(high)).to_numpy(dtype=float)


def adjusted(p: ArrayLike, adjustment: Adjustment = "holm") -> NDArray[np.float64]:
    """Return p values adjusted for how many questions are asked.

    Parameters
    ----------
    p : array_like
        One p value a question, ``[questions]``; NaN is no question, and stays.
    adjustment : {"holm", "bh", "none"}
        `holm`: the chance of any false finding is held (Holm 1979, Scand. J. Stat. 6); p_(i) becomes
        max_{j ≤ i} min(1, (m − j + 1)·p_(j)). `bh`: the share of false ones among findings is held (Benjamini &
        Hochberg 1995, by `scipy.stats.false_discovery_control`).

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    known_choice("adjustment", adjustment, ("holm", "bh", "none"))
    given = np.array(p, dtype=float)
    asked = ~np.isnan(given)
    if adjustment != "none" and asked.any():
        if adjustment == "bh":
            given[asked] = stats.false_discovery_control(given[asked], method="bh")
        else:
            order = np.argsort(given[asked], kind="stable")
            steps = given[asked][order] * np.arange(len(order), 0, -1)
            held = np.empty(len(order))
            held[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
            given[asked] = held
    return given
