"""Results: the tables of a store, as pandas frames."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.scenario.scenario import Scenario
from ecosystem.store import manifest as manifests
from ecosystem.store.manifest import Manifest
from ecosystem.store.parts import StoredRun, choose, read_parts
from ecosystem.store.runs_table import runs_table
from ecosystem.store.schema import RUNS_FIRST, RUNS_LAST, check_table, swept_column
from ecosystem.store.tables import Chosen, Table


class Results:
    """What a scenario's runs gave.

    The tables are tidy frames that join on `run`. A frame is read when it is first asked for, and kept;
    `table` reads afresh, and only the columns that it is asked for.

    Parameters
    ----------
    path : path
        A directory that `ecosystem.run` or ``ecosystem run`` wrote; it may be unfinished, what is not
        there yet has the status ``pending``.
    temporary : bool
        Whether the directory goes away with this object.

    Raises
    ------
    StoreError
        The directory holds no results, or they were written by a newer program.
    """

    def __init__(self, path: str | PathLike[str], *, temporary: bool = False) -> None:
        self.path = Path(path)
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
        return manifests.scenario(self._manifest)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each point and seed: what was asked for, and what became of it."""
        return runs_table(self._manifest, self._stored)

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

    def table(self, name: str, columns: Sequence[str] | None = None, *, parameters: bool = False) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        name : str
            Name of the table.
        columns : sequence of str, optional
            The columns to read, all by default. No other column is read from the disk.
        parameters : bool
            Whether point, seed and swept parameters stand beside each row. Where two points are the
            same run, its rows appear for both.

        Raises
        ------
        EcosystemError
            There is no such table, or no such column.
        """
        return self._read(name, columns, parameters, None)

    def of_run(self, run: str, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the rows of one run; the other arguments are those of `table`."""
        self._table(name).check(["run"])
        return self._read(name, columns, False, ds.field("run") == run)

    def last(self, name: str, columns: Sequence[str] | None = None, *, parameters: bool = False) -> pd.DataFrame:
        """Read the rows of each run's last round; the arguments are those of `table`."""
        table = self._table(name)
        table.check(["run", "round"])
        wanted = list(table.schema.names if columns is None else columns)
        keys = [key for key in ("run", "round") if key not in wanted]
        final = self._last_rounds
        where = ds.field("round").isin(sorted(set(final.tolist())))
        rows = self._read(name, [*wanted, *keys], parameters, where)
        kept = rows[rows["round"] == rows["run"].map(final)]
        return kept.drop(columns=keys).reset_index(drop=True)

    @cached_property
    def _stored(self) -> dict[str, StoredRun]:
        return {id_: part.runs[id_] for part, ids in self._all_parts for id_ in ids}

    @cached_property
    def _all_parts(self) -> Chosen:
        planned: dict[str, int] = {}
        for number, run in enumerate(self._manifest.runs):
            planned.setdefault(run.id, number)
        return choose(read_parts(self.path, self._manifest.recording), planned)

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
        rounds = self._table("rounds").read(["run", "round"]).to_pandas()
        return rounds.groupby("run")["round"].max()

    def _table(self, name: str) -> Table:
        check_table(name)
        if name not in self._tables:
            self._tables[name] = Table(name, self._chosen)
        return self._tables[name]

    def _read(
        self, name: str, columns: Sequence[str] | None, parameters: bool, where: ds.Expression | None
    ) -> pd.DataFrame:
        if name == "runs":
            return self._runs_columns(columns)
        table = self._table(name)
        if not parameters:
            return table.read(columns, where).to_pandas()
        if "run" not in table.schema.names:
            raise EcosystemError(f"the rows of {name} belong to no single run, so no parameters stand beside them")
        beside = self._parameters(table.schema.names)
        wanted = list(table.schema.names if columns is None else columns)
        own = [column for column in wanted if column == "run" or column not in beside]
        rows = table.read([*own, *(["run"] if "run" not in own else [])], where).to_pandas()
        shown = [*own, *(column for column in beside if column != "run")]
        return rows.merge(beside, on="run", how="left")[shown]

    def _runs_columns(self, columns: Sequence[str] | None) -> pd.DataFrame:
        if columns is None:
            return self.runs.copy()
        known = list(map(str, self.runs))
        for column in columns:
            if column not in known:
                raise EcosystemError(f"the table runs has no column {shorten(column)}{did_you_mean(column, known)}")
        return self.runs[list(columns)].copy()

    def _parameters(self, taken: Sequence[str]) -> pd.DataFrame:
        """Return run, point, seed and what is swept, under names that a table's own columns do not have."""
        swept = [str(column) for column in self.runs if column not in (*RUNS_FIRST, *RUNS_LAST)]
        names = {key: swept_column(key, taken) for key in swept}
        return self.runs[[*RUNS_FIRST, *swept]].rename(columns=names)


def open_results(path: str | PathLike[str]) -> Results:
    """Return the results in a directory.

    Raises
    ------
    StoreError
        It holds none, or a newer program wrote them.
    """
    return Results(path)
