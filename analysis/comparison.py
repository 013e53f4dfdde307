"""Two variants of an ecosystem side by side, seed by seed.

Runs of one seed share the draws of everything in which they do not differ (common random numbers), so a difference
within a seed is free of what seeds have in common, and the interval of its mean is far narrower than the intervals of
the two means would suggest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reading import Round, measured, swept_columns, swept_name, values
from analysis.significance import Adjustment, adjusted, p_values
from analysis.statistics import Method, grouped, intervals
from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.scenario.labels import NONE

if TYPE_CHECKING:
    from ecosystem.store.results import Results

_BY = {"models": (), "groups": ("group",), "rounds": (), "alignments": ("reward",)}
"""What is told apart by default; over the rest, the mean is taken."""


def compare(
    results: Results,
    vary: str,
    baseline: Any = None,
    *,
    table: str = "rounds",
    columns: str | Sequence[str] | None = None,
    by: Sequence[str] | None = None,
    over: Sequence[str] = (),
    round: Round | None = "last",
    method: Method = "t",
    level: float = 0.95,
    adjust: Adjustment = "holm",
) -> pd.DataFrame:
    """Compare the variants of a sweep with one of them, on the same seeds and the same other settings.

    Parameters
    ----------
    results : Results
        A finished sweep.
    vary : str
        The swept column in which variants differ, such as `remedy`.
    baseline : optional
        The value with which the others are compared: `none` by default where it is there, else the first.
    table : {"rounds", "groups", "models", "alignments"}
        Where the quantities stand.
    columns : str or sequence of str, optional
        The quantities; all that were measured by default.
    by : sequence of str, optional
        Which keys are told apart (`group`, `model`, `reward`); by default groups and rewards are, and the mean
        over models is taken.
    over : sequence of str
        Other swept columns over which the mean difference is taken; each is told apart by default.
    round : int, "first" or "last", optional
        The round that is compared; None compares every round.
    method : {"t", "bootstrap"}
        How interval and p value are made, see `analysis.mean_interval` and `analysis.p_value`.
    level : float
        How often an interval is to hold the true difference.
    adjust : {"holm", "bh", "none"}
        How p values account for each other, see `analysis.adjusted`. The questions are all rows of the answer
        (of one round, where every round is compared).

    Returns
    -------
    DataFrame
        One row per other swept parameter, variant, round, key and quantity: other swept parameters, the column
        `vary`, `baseline`, `round` (unless it is `first` or `last`), the keys, `quantity`, `n` (seeds that both
        have), `value`, `reference` (their means), `difference` (the mean of variant less baseline, seed by seed),
        `low`, `high`, `level`, `method`, `p`, `p_adjusted`, `adjustment`. With one seed there is a difference and
        no interval.

    Raises
    ------
    EcosystemError
        Nothing of that name is swept, or no such value.
    """
    swept, vary = swept_columns(results), swept_name(results, vary)
    if vary not in swept:
        raise EcosystemError(
            f"vary names what is swept, and {shorten(vary)} is not{did_you_mean(vary, swept)}"
            if swept
            else f"vary names what is swept, and nothing is (got {shorten(vary)}); `compare_runs` compares two runs"
        )
    names = _columns(results, table, columns)
    over = [swept_name(results, name) for name in over]
    for name in over:
        if name not in swept:
            raise EcosystemError(f"over names what is swept, and {shorten(name)} is not{did_you_mean(name, swept)}")
    keys = _BY[table] if by is None else tuple(by)
    rows = values(results, table, names, round=round, keys=keys)
    base = _baseline(rows[vary].drop_duplicates().tolist(), vary, baseline)
    others = [name for name in swept if name != vary and name in rows.columns]
    left, right = rows[rows[vary] != base], rows[rows[vary] == base]
    paired = _paired(left, right, ["seed", *others, *_at(round), *keys], names)
    told = [name for name in others if name not in over]
    made = _differences(paired, [*told, vary, *_at(round), *keys], names, method, level)
    made.insert(list(made.columns).index(vary) + 1, "baseline", base)
    return with_p(made, round, adjust)


def compare_runs(
    results: Results,
    reference: Results,
    *,
    table: str = "rounds",
    columns: str | Sequence[str] | None = None,
    by: Sequence[str] | None = None,
    round: Round | None = "last",
    method: Method = "t",
    level: float = 0.95,
    adjust: Adjustment = "holm",
) -> pd.DataFrame:
    """Compare a run with another of the same seeds, such as its counterfactual.

    Parameters
    ----------
    results, reference : Results
        The two; points of their sweeps are paired by the swept parameters that both have.
    table, columns, by, round, method, level, adjust
        As for `compare`.

    Returns
    -------
    DataFrame
        As `compare`, without `vary` and `baseline`.
    """
    names = _columns(results, table, columns)
    keys = _BY[table] if by is None else tuple(by)
    left = values(results, table, names, round=round, keys=keys)
    right = values(reference, table, names, round=round, keys=keys)
    swept = swept_columns(results)
    shared = [name for name in swept_columns(reference) if name in left.columns]
    paired = _paired(left, right, ["seed", *shared, *_at(round), *keys], names)
    told = [*(name for name in swept if name in left.columns), *_at(round), *keys]
    made = _differences(paired, told, names, method, level)
    return with_p(made, round, adjust)


def gains(
    results: Results, reference: Results, column: str = "alignment", *, round: Round | None = "last"
) -> pd.DataFrame:
    """Return what each model has beyond what it has in a counterfactual run of the same seed.

    Parameters
    ----------
    results, reference : Results
        The run, and what it is held against, such as ``counterfactual(results, "curation")``.
    column : str
        A column of the table `models`.
    round : int, "first" or "last", optional
        The round that is meant; None for every round.

    Returns
    -------
    DataFrame
        One row per run and model: `run`, `point`, `seed`, swept parameters, `round`, `model`, `distance` (of the run),
        `value`, `reference`, `gain`.
    """
    left = values(results, "models", [column], round=round, keys=["model", "distance"])
    right = values(reference, "models", [column], round=round, keys=["model"])
    shared = [name for name in swept_columns(reference) if name in left.columns]
    paired = _paired(left, right, ["seed", *shared, *_at(round), "model"], [column])
    paired = paired.rename(columns={column: "value", f"{column}{_REFERENCE}": "reference"})
    return paired.assign(gain=paired["value"] - paired["reference"])


_REFERENCE = " (reference)"


def _at(round: Round | None) -> list[str]:
    """Return what tells rounds apart; first and last rounds go together, whatever their numbers are."""
    return [] if isinstance(round, str) else ["round"]


def _paired(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Put beside each row the one it is compared with; rows without one are left out.

    Raises
    ------
    EcosystemError
        No row has a partner.
    """
    partners = right[[*on, *columns]].drop_duplicates(list(on))
    found = left.merge(partners, on=list(on), how="inner", suffixes=("", _REFERENCE))
    if found.empty and len(left):
        raise EcosystemError("the two have no run in common: none agrees in " + ", ".join(on))
    return found


def _differences(
    paired: pd.DataFrame, by: Sequence[str], columns: Sequence[str], method: Method, level: float
) -> pd.DataFrame:
    told = list(by) or [_ALL]
    rows = paired if by else paired.assign(**{_ALL: 0})
    # Where what differs between two rows of one seed is not told apart, the seed still counts once.
    references = [f"{name}{_REFERENCE}" for name in columns]
    rows = grouped(rows, [*told, "seed"])[[*columns, *references]].mean().reset_index()
    tables = []
    for name, reference in zip(columns, references, strict=True):
        both = rows[[*told, "seed", name, reference]].copy()
        both[name] = both[name].where(both[reference].notna())
        both[reference] = both[reference].where(both[name].notna())
        both["difference"] = both[name] - both[reference]
        made = intervals(both, "difference", told, method=method, level=level).rename(columns={"mean": "difference"})
        means = grouped(both, told)[[name, reference]].mean()
        made["value"], made["reference"] = means[name].to_numpy(), means[reference].to_numpy()
        made["p"] = p_values(both, "difference", told, method)
        tables.append(made.assign(quantity=name))
    made = pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)
    return made[[*by, "quantity", "n", "value", "reference", "difference", "low", "high", "level", "method", "p"]]


_ALL = "all rows"


def with_p(table: pd.DataFrame, round: Round | None, adjust: Adjustment) -> pd.DataFrame:
    """Return a table of differences with p values that know of each other, round by round if it has several."""
    if round is None:
        p = table.groupby("round")["p"].transform(lambda p: adjusted(p, adjust))
    else:
        p = pd.Series(adjusted(table["p"], adjust), index=table.index)
    return table.assign(p_adjusted=p, adjustment=adjust)


def _columns(results: Results, table: str, columns: str | Sequence[str] | None) -> list[str]:
    if table not in _BY:
        raise EcosystemError(f"table is one of {', '.join(_BY)} (got {shorten(table)})")
    if columns is None:
        found = measured(results, table)
        if not found:
            raise EcosystemError(f"the table {table} holds nothing of this run, so there is nothing to compare")
        return found
    return [columns] if isinstance(columns, str) else list(columns)


def _baseline(known: Sequence[Any], vary: str, baseline: Any) -> Any:
    if len(known) < 2:
        raise EcosystemError(f"{vary} has one value only, so there is nothing to compare it with")
    if baseline is None:
        return NONE if NONE in known else known[0]
    if baseline not in known:
        raise EcosystemError(f"{vary} is never {shorten(baseline)}{did_you_mean(baseline, known)}")
    return baseline
