"""Reading a quantity out of a run: the columns that are needed, the rounds that are meant, one row a run and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from analysis.statistics import check_columns, grouped
from ecosystem.errors import EcosystemError
from ecosystem.scenario.columns import TABLES
from ecosystem.store.schema import swept_column

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Round = int | Literal["last", "first"]

OUTCOME = "value"
"""The column of `outcome` that holds the number of each run."""

KEYS = {"models": ("model",), "groups": ("group",), "rounds": (), "alignments": ("model", "reward")}
"""What tells the rows of one run and round apart, table by table."""


def swept_columns(results: Results) -> list[str]:
    """Return what is swept, as `values` and all answers call it; see `swept_names`."""
    return list(swept_names(results).values())


def swept_names(results: Results) -> dict[str, str]:
    """Return from the columns of `runs` that hold what is swept to their names beside any quantity.

    That is its own name, unless some table has a column called so: a parameter `share` is `parameters.share`.
    """
    taken = {"lean", "quality", *(column for columns in TABLES.values() for column in columns)}
    taken.update(results.columns("models"), results.columns("groups"))
    return {str(name): swept_column(str(name), taken) for name in results.runs.columns if name not in TABLES["runs"]}


def swept_name(results: Results, name: str) -> str:
    """Return how answers call what is swept, which may be asked for by its own name too."""
    return swept_names(results).get(name, name)


def values(
    results: Results, table: str, columns: Sequence[str], *, round: Round | None = None, keys: Sequence[str] = ()
) -> pd.DataFrame:
    """Return quantities of each run, what is swept beside them.

    Parameters
    ----------
    results : Results
        A run directory; runs that are not done are left out.
    table : {"models", "groups", "rounds", "alignments"}
        Where the quantities stand.
    columns : sequence of str
        The quantities.
    round : int, "first" or "last", optional
        The round that is meant (`first` is the initial state, `last` each run's last); all rounds by default.
    keys : sequence of str
        Of the columns that tell rows of a round apart (`model`, `group`, `reward`), and `distance`, those that are
        kept; the mean over the others is taken, in which missing values do not count.

    Returns
    -------
    DataFrame
        `run`, `point`, `seed`, swept parameters (as `swept_names` has them), `round`, the keys, the quantities.

    Raises
    ------
    EcosystemError
        There is no such table or column, no run is done, or nothing was recorded at that round.
    """
    if table not in KEYS:
        raise EcosystemError(f"table is one of {', '.join(KEYS)} (got {table!r})")
    _some_done(results)
    known = KEYS[table]
    wanted = list(dict.fromkeys(["run", "round", *(key for key in (*known, *keys) if key != "round"), *columns]))
    if round == "last":
        rows = results.last(table, wanted, parameters=True)
    else:
        at = 0 if round == "first" else round
        rows = results.table(table, wanted, parameters=True, where=None if at is None else {"round": at})
        if rows.empty and at is not None:
            raise EcosystemError(f"nothing was recorded at round {at}; `record` says which rounds are")
    names = swept_names(results)
    beside = {f"parameters.{name}" if name in wanted else name: new for name, new in names.items()}
    rows = rows.rename(columns=beside)
    kept = ["run", "point", "seed", *names.values(), "round", *keys]
    check_columns(rows, kept)
    if not set(known) <= set(keys):
        rows = grouped(rows, kept)[list(columns)].mean().reset_index()
    return rows[[*kept, *columns]].reset_index(drop=True)


def outcome(
    results: Results,
    column: str,
    table: str = "rounds",
    *,
    round: Round = "last",
    where: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return one number for each run: what functions of a sweep take (`tipping`, `sobol`, `morris`, …).

    Parameters
    ----------
    results : Results
        A run directory; runs that are not done are left out.
    column, table : str
        The quantity, and where it stands.
    round : int, "first" or "last"
        The round that is meant.
    where : dict, optional
        Which rows, such as ``{"group": "A"}`` or ``{"model": "p"}``; the mean over all by default.

    Returns
    -------
    DataFrame
        `run`, `point`, `seed`, swept parameters, `value`.
    """
    where = where or {}
    rows = values(results, table, [column], round=round, keys=list(where))
    for key, wanted in where.items():
        found = rows[rows[key] == wanted]
        if found.empty:
            raise EcosystemError(f"there is no {key} {wanted!r} in the table {table}")
        rows = found
    made = rows.drop(columns=["round", *where]).rename(columns={column: OUTCOME}).reset_index(drop=True)
    made.attrs[OUTCOME] = column  # so that a figure can say what it shows
    return made


def measured(results: Results, table: str) -> list[str]:
    """Return the quantities of a table: its columns of numbers but for keys; those that hold nothing are left out."""
    _some_done(results)
    rows = results.last(table)
    skipped = {"run", "round", *KEYS[table]}
    return [str(name) for name in rows.columns if name not in skipped and rows[name].notna().any()]


def _some_done(results: Results) -> None:
    if not (results.runs["status"] == "done").any():
        raise EcosystemError("no run is done, so there is nothing to read yet")
