"""Which rows of a table are asked for: of some runs, and that satisfy conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.store.schema import check_table

if TYPE_CHECKING:
    from ecosystem.store.results import Results


@dataclass(frozen=True)
class Selection:
    """Rows of a table.

    Attributes
    ----------
    asked : ndarray, optional
        Which rows of `runs` count, ``[runs]``; all by default.
    runs : frozenset of str, optional
        The ids of these runs.
    rows : pyarrow expression, optional
        What the rows of the table themselves satisfy.
    """

    asked: NDArray[np.bool_] | None = None
    runs: frozenset[str] | None = None
    rows: ds.Expression | None = None

    def of(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that count of a frame that has one for each run that was asked for."""
        return runs if self.asked is None else runs[self.asked].reset_index(drop=True)


def select(
    results: Results, table: str, runs: Iterable[str] | None = None, where: Mapping[str, Any] | None = None
) -> Selection:
    """Return what a selection by runs and conditions means; see `Results.table`.

    Raises
    ------
    EcosystemError
        There is no such table, column or run, or a value that no column can have.
    """
    check_table(table)
    own = () if table == "runs" else results.read_by(table).schema.names
    beside = results.runs if table == "runs" else results.parameters(own)
    asked = np.ones(len(beside), dtype=bool)
    if runs is not None:
        ids = _known([runs] if isinstance(runs, str) else list(runs), beside["run"])
        asked &= beside["run"].isin(ids).to_numpy()
    rows: ds.Expression | None = None
    for column, value in (where or {}).items():
        if column in own and column != "run":
            condition = _condition(results.read_by(table).schema.field(column), value)
            rows = condition if rows is None else rows & condition
        elif column in beside:
            asked &= _having(beside[column], value)
        else:
            known = list(dict.fromkeys([*own, *map(str, beside)]))
            message = f"where: neither {table} nor what is swept has a column {shorten(column)}"
            raise EcosystemError(message + did_you_mean(column, known))
    if asked.all():
        return Selection(rows=rows)
    return Selection(asked, frozenset(beside["run"][asked]), rows)


def _known(ids: list[str], known: pd.Series[str]) -> list[str]:
    unknown = set(ids) - set(known)
    if unknown:
        raise EcosystemError(f"there is no run {shorten(min(map(str, unknown)))}; the table runs lists those there are")
    return ids


def _values(value: Any) -> list[Any]:
    """Return the values that a condition admits; a text is one value."""
    if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)):
        return list(value)
    return [value]


def _having(column: pd.Series[Any], value: Any) -> NDArray[np.bool_]:
    """Tell which of the runs have a value, or one of several."""
    values = _values(value)
    if any(isinstance(each, (Mapping, list, tuple)) for each in values):
        known = ", ".join(map(shorten, column.unique()[:3].tolist()))
        message = f"where: blocks are called as in the table runs, {known} under {column.name}"
        raise EcosystemError(f"{message} (got {shorten(value)})")
    missing = column.isna() if None in values else False
    return (column.isin([each for each in values if each is not None]) | missing).to_numpy(dtype=bool)


def _condition(field: pa.Field, value: Any) -> ds.Expression:
    """Return that a column has a value, or one of several."""
    values = _values(value)
    here = ds.field(field.name)
    try:
        condition = here.isin(pa.array([each for each in values if each is not None], type=field.type))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise EcosystemError(f"where: the column {field.name} holds {field.type} (got {shorten(value)})") from None
    return condition | here.is_null() if None in values else condition
