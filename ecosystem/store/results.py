"""Results: the tables of a store, as pandas frames."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.dataset as ds

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.scenario.scenario import Scenario
from ecosystem.store import manifest as manifests
from ecosystem.store import weights
from ecosystem.store.efforts import chunks, failures
from ecosystem.store.manifest import Manifest
from ecosystem.store.parts import StoredRun, choose, read_parts
from ecosystem.store.runs_table import runs_table
from ecosystem.store.schema import RUNS_FIRST, RUNS_LAST, check_table, swept_column
from ecosystem.store.selection import Selection, select
from ecosystem.store.tables import Chosen, Table

if TYPE_CHECKING:
    from torch import Tensor


class Results:
    """What a scenario's runs gave.

    The tables are tidy frames that join on `run`. Their rows come in the order of the plan: point by point, seed by
    seed, round by round, whatever was executed together and however often it was interrupted. A frame is read when
    it is first asked for, and kept; `table` reads afresh, and only the columns that it is asked for.

    Parameters
    ----------
    path : path
        A directory that `ecosystem.run` or ``ecosystem run`` wrote; it may be unfinished, what is not
        there yet has the status ``pending``.
    temporary : bool
        Whether the directory goes away with this object.
    allow_code : bool
        Whether `scenario` may run the plug-in files that it names; tables are read without them.

    Raises
    ------
    StoreError
        The directory holds no results, or they were written by a newer program.
    """

    def __init__(self, path: str | PathLike[str], *, temporary: bool = False, allow_code: bool = False) -> None:
        self.path = Path(path)
        self._allow_code = allow_code
        self._manifest: Manifest = manifests.read(self.path)
        self._tables: dict[str, Table] = {}
        if temporary:
            weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def __repr__(self) -> str:
        found = self.runs["status"].value_counts()
        counts = ", ".join(f"{count} {status}" for status, count in found.items())
        return f"<Results of {shorten(self._manifest.name)} in {self.path}: {counts}>"

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario, as it was when it was last run."""
        return manifests.scenario(self._manifest, self._allow_code)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each point and seed: what was asked for, and what became of it."""
        return runs_table(self._manifest, self._stored)

    @cached_property
    def failures(self) -> pd.DataFrame:
        """One row for each run that failed: what it was, its settings as JSON, what was raised and where."""
        return failures(self.runs, [part for part, _ in self._all_parts])

    @cached_property
    def chunks(self) -> pd.DataFrame:
        """One row for each chunk that was executed together: who did it, by what versions, and what it took."""
        return chunks(self._all_parts)

    @cached_property
    def models(self) -> pd.DataFrame:
        """One row for each run, round and model."""
        return self.table("models")

    @cached_property
    def alignments(self) -> pd.DataFrame:
        """One row for each run, round, model and named reward, when recorded."""
        return self.table("alignments")

    @cached_property
    def groups(self) -> pd.DataFrame:
        """One row for each run, round and group of users."""
        return self.table("groups")

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """One row for each run and round."""
        return self.table("rounds")

    @cached_property
    def network(self) -> pd.DataFrame:
        """One row for each edge of each network; `runs` says which run has which network."""
        return self.table("network")

    @cached_property
    def states(self) -> pd.DataFrame:
        """One row for each run, round, model, context and output, when recorded."""
        return self.table("states")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Some of the outputs that were really drawn, when recorded: texts, or images as PNG."""
        return self.table("samples")

    def weights(self, run: str) -> dict[str, dict[str, Tensor]]:
        """Return what the models of a run had learned at its end, by model and name, when recorded.

        Raises
        ------
        EcosystemError
            It was not recorded.
        """
        return weights.load(self.path, run)

    def table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        *,
        parameters: bool = False,
        runs: Iterable[str] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Read a table, or a part of it.

        Parameters
        ----------
        name : str
            Name of the table.
        columns : sequence of str, optional
            The columns to read, all by default. No other column is read from the disk, but `run` where rows have to
            be put into order.
        parameters : bool
            Whether point, seed and swept parameters stand beside each row. Where two points are the
            same run, its rows appear for both.
        runs : iterable of str, optional
            The runs to read, all by default. Parts without them are not opened.
        where : mapping of str to value, optional
            Conditions that every row satisfies: a column of the table, or point, seed or a swept key, and its
            value or a list of values, as in ``{"lam": 0.5, "round": [0, 100]}``. None is a missing value.

        Raises
        ------
        EcosystemError
            There is no such table, no such column or no such run.
        """
        selection = select(self, name, runs, where)
        if name == "runs":
            return self._runs_columns(columns, selection)
        return self._read(name, columns, parameters, selection)

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a table, without what is swept.

        Raises
        ------
        EcosystemError
            There is no such table.
        """
        return tuple(self.read_by(name).schema.names)

    def last(self, name: str, columns: Sequence[str] | None = None, *, parameters: bool = False) -> pd.DataFrame:
        """Read the rows of each run's last round; the arguments are those of `table`."""
        table = self.read_by(name)
        table.check(["run", "round"])
        wanted = list(table.schema.names if columns is None else columns)
        keys = [key for key in ("run", "round") if key not in wanted]
        final = self._last_rounds
        at_end = ds.field("round").isin(sorted(set(final.tolist())))
        rows = self._read(name, [*wanted, *keys], parameters, Selection(rows=at_end))
        kept = rows[rows["round"] == rows["run"].map(final)]
        return kept.drop(columns=keys).reset_index(drop=True)

    def to_parquet(
        self,
        path: str | PathLike[str],
        table: str = "models",
        columns: Sequence[str] | None = None,
        *,
        runs: Iterable[str] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> int:
        """Write a table with its swept parameters to one Parquet file; see `ecosystem.store.export.export`."""
        from ecosystem.store.export import export

        return export(self, path, "parquet", table, columns, runs=runs, where=where)

    def to_csv(
        self,
        path: str | PathLike[str],
        table: str = "models",
        columns: Sequence[str] | None = None,
        *,
        runs: Iterable[str] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> int:
        """Write a table with its swept parameters to one CSV file; see `ecosystem.store.export.export`."""
        from ecosystem.store.export import export

        return export(self, path, "csv", table, columns, runs=runs, where=where)

    def read_by(self, name: str) -> Table:
        """Return what reads a table."""
        check_table(name)
        if name not in self._tables:
            self._tables[name] = Table(name, () if self._unasked(name) else self._chosen, self._order)
        return self._tables[name]

    def parameters(self, taken: Sequence[str] = ()) -> pd.DataFrame:
        """Return run, point, seed and what is swept, a row for each run that was asked for.

        A swept key has a name that neither `taken` nor another column has; see `swept_column`.
        """
        swept = [str(column) for column in self.runs if column not in (*RUNS_FIRST, *RUNS_LAST)]
        names = {key: swept_column(key, taken) for key in swept}
        return self.runs[[*RUNS_FIRST, *swept]].rename(columns=names)

    @cached_property
    def _stored(self) -> dict[str, StoredRun]:
        return {id_: part.runs[id_] for part, ids in self._all_parts for id_ in ids}

    @cached_property
    def _all_parts(self) -> Chosen:
        return choose(read_parts(self.path, self._manifest.recording), self._order)

    @cached_property
    def _order(self) -> dict[str, int]:
        """Return the place of each run in the plan, where it stands first."""
        planned: dict[str, int] = {}
        for number, run in enumerate(self._manifest.runs):
            planned.setdefault(run.id, number)
        return planned

    @cached_property
    def _chosen(self) -> Chosen:
        """Return the parts that have rows, with the runs that are done."""
        found = []
        for part, ids in self._all_parts:
            done = frozenset(id_ for id_ in ids if part.runs[id_].status == "done")
            if done:
                found.append((part, done))
        return found

    @cached_property
    def _last_rounds(self) -> pd.Series[int]:
        rounds = self.read_by("rounds").read(["run", "round"]).to_pandas()
        return rounds.groupby("run")["round"].max()

    def _unasked(self, name: str) -> bool:
        """Tell whether a table is not recorded: runs that were executed earlier may have it all the same."""
        record = self._manifest.resolved.get("record", {})
        return record.get(name) is False

    def _read(self, name: str, columns: Sequence[str] | None, parameters: bool, selection: Selection) -> pd.DataFrame:
        table = self.read_by(name)
        if not parameters:
            return table.read(columns, selection.rows, selection.runs).to_pandas()
        if "run" not in table.schema.names:
            raise EcosystemError(f"the rows of {name} belong to no single run, so no parameters stand beside them")
        beside = self.parameters(table.schema.names)
        wanted = list(table.schema.names if columns is None else columns)
        own = [column for column in wanted if column == "run" or column not in beside]
        rows = table.read([*own, *(["run"] if "run" not in own else [])], selection.rows, selection.runs).to_pandas()
        shown = [*own, *(column for column in beside if column != "run")]
        return rows.merge(selection.of(beside), on="run", how="left")[shown]

    def _runs_columns(self, columns: Sequence[str] | None, selection: Selection) -> pd.DataFrame:
        known = list(map(str, self.runs))
        for column in columns or ():
            if column not in known:
                raise EcosystemError(f"the table runs has no column {shorten(column)}{did_you_mean(column, known)}")
        found = selection.of(self.runs)
        return (found if columns is None else found[list(columns)]).copy()


def open_results(path: str | PathLike[str], *, allow_code: bool = False) -> Results:
    """Return the results in a directory; see `Results`.

    Raises
    ------
    StoreError
        It holds none, or a newer program wrote them.
    """
    return Results(path, allow_code=allow_code)
