"""Bias between groups of users, always beside what each group is served; and what made it change.

Preference bias is the mean lean of what groups are served, less one half; disparate bias the largest less the smallest
quality (Wang et al. 2026, arXiv 2601.05184); the representation gap half the distance of the groups' shares from those
of the start (Hashimoto et al. 2018, arXiv 1806.08010); systemic failure log[E Π f / Π E f] (Bommasani et al. 2022,
arXiv 2211.13972).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.comparison import compare, with_p
from analysis.reading import Round, measured, swept_columns, swept_name, values
from analysis.significance import Adjustment
from analysis.statistics import Method, check_columns, grouped, interval_columns, intervals
from analysis.switches import Off, counterfactuals
from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    from ecosystem.store.results import Results

MEASURES = ("preference_bias", "disparate_bias", "representation_gap", "systemic_failure")
"""Of the table `rounds`, what is about groups."""

REST, CHANGE = "rest", "change"


def biases(
    results: Results,
    by: str | Sequence[str] | None = None,
    *,
    round: Round | None = None,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return measures of bias, and every group's own values, with intervals over seeds.

    Parameters
    ----------
    results : Results
        A run with users.
    by : str or sequence of str, optional
        The swept columns that are told apart; all by default, over others the mean is taken.
    round : int, "first" or "last", optional
        The round that is meant; every recorded one by default.
    method, level
        As for `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept values, round and quantity, measures first: swept columns, `round` (unless it is `first`
        or `last`), `quantity`, `group` (missing for a measure), `n`, `mean`, `low`, `high`, `level`, `method`.
        Quantities are the measures of bias, then of each group `active`, `share`, `satisfaction` and each score; what
        was never measured is left out.

    Raises
    ------
    EcosystemError
        The run has no users, or nothing of the name `by` is swept.
    """
    found, own = _measured(results)
    measures = values(results, "rounds", found, round=round)
    groups = values(results, "groups", own, round=round, keys=["group"])
    asked = swept_columns(results) if by is None else [by] if isinstance(by, str) else by
    told = [swept_name(results, name) for name in asked]
    check_columns(groups, told)
    at = [*told, *([] if isinstance(round, str) else ["round"])]
    tables = [
        intervals(measures, found, at, method=method, level=level),
        intervals(groups, own, [*at, "group"], method=method, level=level),
    ]
    shown = [*at, "quantity", "group", "n", "mean", "low", "high", "level", "method"]
    return pd.concat([table for table in tables if len(table)], ignore_index=True).reindex(columns=shown)


def _measured(results: Results) -> tuple[list[str], list[str]]:
    """Return which measures of bias, and which values of groups, a run has.

    Raises
    ------
    EcosystemError
        It has no users.
    """
    own = measured(results, "groups")
    if not own:
        raise EcosystemError("the scenario has no users, so there are no groups to compare")
    return [name for name in measured(results, "rounds") if name in MEASURES], own


def bias_table(
    results: Results,
    by: str | Sequence[str] | None = None,
    *,
    round: Round = "last",
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return `biases` at one round, each run's last by default: the table of a run with and without its remedies."""
    return biases(results, by, round=round, method=method, level=level)


def bias_changes(
    results: Results,
    vary: str,
    baseline: Any = None,
    *,
    round: Round | None = "last",
    method: Method = "t",
    level: float = 0.95,
    adjust: Adjustment = "holm",
) -> pd.DataFrame:
    """Say what each variant, such as a remedy, does to bias, and to what every group is served.

    A difference may shrink because groups come closer, or (preference bias) because they are driven apart on both
    sides of the middle: only their own values tell.

    Parameters
    ----------
    results, vary, baseline, round, method, level
        As for `analysis.compare`.
    adjust : {"holm", "bh", "none"}
        How p values account for each other; the questions are all rows (of one round, where every round is asked for).

    Returns
    -------
    DataFrame
        As `analysis.compare`, measures first and then each group's values, with `group` (missing for a measure) and
        `sign` of the difference: `rises`, `falls`, `none` (exactly nothing in every seed), or `unclear`, where the
        interval holds 0 or is missing. An exact run leaves nothing to chance: there the difference itself tells.
    """
    measures, own = _measured(results)
    of_table = partial(compare, results, vary, baseline, round=round, method=method, level=level, adjust="none")
    made = pd.concat(
        [of_table(table="rounds", columns=measures), of_table(table="groups", columns=own)], ignore_index=True
    )
    drawn = _drawn(results)
    made["sign"] = [
        _sign(difference, low, high, drawn)
        for difference, low, high in zip(made["difference"], made["low"], made["high"], strict=True)
    ]
    shown = [name for name in made.columns if name not in ("group", "sign")]
    shown.insert(shown.index("quantity") + 1, "group")
    shown.insert(shown.index("high") + 1, "sign")
    return with_p(made[shown], round, adjust)


def _sign(difference: float, low: float, high: float, drawn: bool) -> str:
    if not drawn or low == high:
        low = high = difference
    if low == high == 0:
        return "none"
    return "rises" if low > 0 else "falls" if high < 0 else "unclear"


def _drawn(results: Results) -> bool:
    """Return whether anything but the network and rewards is drawn."""
    scenario = results.scenario
    return scenario.mode == "sampled" or (scenario.users is not None and scenario.users.mode == "sampled")


def decomposition(
    results: Results,
    column: str = "disparate_bias",
    parts: Sequence[str] = ("sharing", "feedback"),
    *,
    table: str = "rounds",
    runs: Mapping[Off, Results] | None = None,
    round: Round | None = None,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Say how much of the change of a quantity each part of the ecosystem made.

    With v(S) the quantity at a round where only the parts S are on (counterfactual runs on the same seed) and v_0
    its value at the start, which is the same in all of them, the change v(all) − v_0 is split into

    - for each part i its Shapley value, the mean over all orders in which parts can be switched on of what i
      adds when it is: Σ_S |S|!(k−|S|−1)!/k! · [v(S ∪ i) − v(S)] (Shapley 1953). For two parts that is the mean
      of what it adds alone and of what it adds to the other;
    - the rest, v(none) − v_0: what the loop does with all of them off.

    This is the only split that sums to the change, treats parts alike, gives nothing to a part that changes
    nothing anywhere, and adds up over quantities that do. Where parts do not interact it is what each adds alone.
    Where they do (feedback moves preference bias only through what is shared), `alone` and `added_last` differ,
    and are shown beside it. In the loop of Wang et al. (2026), `diet: {raw: 1}`, disparate bias is (1 − ητ)^t DB_0
    whatever the feedback, so all of its fall is `sharing`'s and `feedback` is 0.

    Parameters
    ----------
    results : Results
        The run with every part on.
    column, table : str
        The quantity, and where it stands: `rounds` or `groups` (group by group).
    parts : sequence of str
        What the change is put down to, see `analysis.without`.
    runs : mapping, optional
        From the parts that are off to results, as `analysis.counterfactuals` returns; they are run by default.
    round : int, "first" or "last", optional
        The round at which the change is split; every recorded one by default.
    method, level
        As for `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept values, round, group and part: swept columns, `round` (unless it is `first` or `last`),
        `group` (of the table `groups`), `quantity`, `part` (each of `parts`, then `rest`, then `change`, their sum),
        `n`, `effect`, `low`, `high`, `level`, `method`, `alone` (what the part adds where all others are off),
        `added_last` (what it adds where all others are on).

    Raises
    ------
    EcosystemError
        There is no such part, or one of the runs is missing.
    """
    if table not in ("rounds", "groups"):
        raise EcosystemError(f"table is rounds or groups (got {table!r})")
    runs = counterfactuals(results, parts) if runs is None else runs
    keys = ["group"] if table == "groups" else []
    at = [] if isinstance(round, str) else ["round"]
    on_keys = [*keys, *at]
    swept = swept_columns(results)
    joined = values(results, table, [column], round=round, keys=keys)
    start = values(results, table, [column], round="first", keys=keys).rename(columns={column: _START})
    joined = joined.merge(start[["run", "point", *keys, _START]], on=["run", "point", *keys])
    for off in _subsets(parts):
        if off not in runs:
            missing = " and ".join(sorted(off)) or "nothing"
            raise EcosystemError(f"the run without {missing} is missing in `runs`; analysis.counterfactuals makes it")
        other = runs[off]
        on = ["seed", *(name for name in swept_columns(other) if name in swept), *on_keys]
        here = values(other, table, [column], round=round, keys=keys)[[*on, column]].drop_duplicates(on)
        joined = joined.merge(here.rename(columns={column: _name(off)}), on=on, suffixes=(" ", ""))
    split = _split(joined, parts)
    by = [*(name for name in swept if name in joined.columns), *at, *keys]
    known = split.notna().all(axis=1)
    split = split[known]
    found: list[dict[str, Any]] = []
    for key, there in grouped(joined[known], by) if by else [((), split)]:
        rows = split.loc[there.index]
        for part in (*parts, REST, CHANGE):
            alone, last = (rows[(part, way)].mean() if part in parts else None for way in ("alone", "added_last"))
            found.append(
                dict(zip(by, key, strict=True))
                | {"quantity": column, "part": part}
                | interval_columns(rows[(part, "effect")], method, level, mean="effect")
                | {"alone": alone, "added_last": last}
            )
    shown = ["quantity", "part", "n", "effect", "low", "high", "level", "method", "alone", "added_last"]
    return pd.DataFrame(found, columns=[*by, *shown])


_START = "start of the run"


def _split(joined: pd.DataFrame, parts: Sequence[str]) -> pd.DataFrame:
    """Return, row by row, what each part, the rest and all together made of the change."""
    v = {off: joined[_name(off)] for off in _subsets(parts)}
    nothing, everything = frozenset[str](), frozenset(parts)
    k = len(parts)
    split: dict[tuple[str, str], Any] = {}
    for part in parts:
        orders = []
        for on in _subsets([other for other in parts if other != part]):
            weight = math.factorial(len(on)) * math.factorial(k - len(on) - 1) / math.factorial(k)
            orders.append(weight * (v[everything - on - {part}] - v[everything - on]))
        split[part, "effect"] = sum(orders[1:], orders[0])
        split[part, "alone"] = v[everything - {part}] - v[everything]
        split[part, "added_last"] = v[nothing] - v[frozenset([part])]
    split[REST, "effect"] = v[everything] - joined[_START]
    split[CHANGE, "effect"] = v[nothing] - joined[_START]
    return pd.DataFrame({key: effect.to_numpy() for key, effect in split.items()}, index=joined.index)


def _subsets(parts: Sequence[str]) -> list[Off]:
    subsets = [frozenset[str]()]
    for part in parts:
        subsets += [chosen | {part} for chosen in subsets]
    return subsets


def _name(off: Off) -> str:
    return "without " + " + ".join(sorted(off))
