"""Reading a table from the parts that hold it, and no more of it than is asked for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.store.parts import Part, damaged
from ecosystem.store.schema import TABLES
from ecosystem.store.stretches import in_order

Chosen = Sequence[tuple[Part, frozenset[str]]]
"""Parts, each with the ids of those of its runs that count."""


class Table:
    """One table of a store, not read yet.

    Parameters
    ----------
    name : str
        Its name.
    chosen : sequence of (Part, frozenset of str)
        Where its rows are.
    order : mapping of str to int
        The place of each run in the plan.
    """

    def __init__(self, name: str, chosen: Chosen, order: Mapping[str, int]) -> None:
        self.name = name
        self._order = order
        self._chosen = [(part, ids) for part, ids in chosen if part.file(name).is_file()]

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns and types: the known ones, and whatever more the parts have."""
        known = TABLES[self.name]
        if not self._chosen:
            return known
        with self._readable((OSError, pa.ArrowException)):
            found = self._factory([part.file(self.name) for part, _ in self._chosen]).inspect(
                promote_options="permissive", fragments=None
            )
        fields = [_decoded(field) for field in found]
        return pa.schema([*fields, *(field for field in known if field.name not in found.names)])

    def check(self, columns: Sequence[str]) -> None:
        """Raise if a column does not exist.

        Raises
        ------
        EcosystemError
            With the columns that exist.
        """
        known = self.schema.names
        for column in columns:
            if column not in known:
                raise EcosystemError(
                    f"the table {self.name} has no column {shorten(column)}{did_you_mean(column, known)}"
                )

    def read(
        self,
        columns: Sequence[str] | None = None,
        where: ds.Expression | None = None,
        runs: Container[str] | None = None,
    ) -> pa.Table:
        """Read some columns of the rows that satisfy a condition, of some runs; all by default.

        Rows come in the order of the plan, run by run, however they were written. Parts without such a run are not
        opened.
        """
        wanted = list(self.schema.names if columns is None else columns)
        self.check(wanted)
        key = "network" if self.name == "network" else "run"
        keyed = wanted if key in wanted or self._stands_in_order else [*wanted, key]
        with self._readable():
            tables = [scanner.to_table() for scanner in self._scanners(keyed, where, runs)]
        if not tables:
            return self.schema.empty_table().select(wanted)
        rows = pa.concat_tables(tables)
        if not self._stands_in_order:
            rows = in_order(rows, key, self._places)
        return rows.select(wanted)

    @cached_property
    def _stands_in_order(self) -> bool:
        """Whether it is known that rows stand in the order of the plan, part after part."""
        if self.name == "network" or not all(part.in_order for part, _ in self._chosen):
            return False
        places = [self._order[id_] for part, ids in self._chosen for id_ in part.runs if id_ in ids]
        return places == sorted(places)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """The place of each run, or of each network that of the first run which has it."""
        if self.name != "network":
            return self._order
        runs = sorted((self._order[id_], part.runs[id_].network) for part, ids in self._chosen for id_ in ids)
        found: dict[str, int] = {}
        for place, network in runs:
            found.setdefault(str(network), place)
        return found

    def batches(
        self, columns: Sequence[str], where: ds.Expression | None = None, runs: Container[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `read` piece by piece, so that no more than a few pieces are in memory.

        Parts come in the order of their first runs; within a part rows stand as they were written.
        """
        with self._readable():
            for scanner in self._scanners(columns, where, runs):
                yield from scanner.to_batches()

    def _scanners(
        self, columns: Sequence[str], where: ds.Expression | None, runs: Container[str] | None
    ) -> Iterator[ds.Scanner]:
        self.check(columns)
        chosen = self._chosen
        if runs is not None:
            mine = ((part, frozenset(id_ for id_ in ids if id_ in runs)) for part, ids in chosen)
            chosen = [(part, ids) for part, ids in mine if ids]
        if self.name == "network":
            yield from self._networks(chosen, columns, where)
            return
        for whole, several in groupby(chosen, lambda each: _all_of(*each)):
            if whole:
                yield self._scanner([part.file(self.name) for part, _ in several], columns, where)
                continue
            for part, ids in several:
                mine = ds.field("run").isin(sorted(ids))
                asked = mine if part.every is None else mine & _rounds_asked_for(part, part.every)
                yield self._scanner([part.file(self.name)], columns, _both(asked, where))

    def _networks(self, chosen: Chosen, columns: Sequence[str], where: ds.Expression | None) -> Iterator[ds.Scanner]:
        """Scan each network once, however many parts have it."""
        seen: set[str] = set()
        for part, ids in chosen:
            needed = {str(network) for id_ in ids if (network := part.runs[id_].network) is not None} - seen
            if needed:
                here = ds.field("network").isin(sorted(needed))
                yield self._scanner([part.file(self.name)], columns, _both(here, where))
                seen |= needed

    def _scanner(self, files: Sequence[Path], columns: Sequence[str], where: ds.Expression | None) -> ds.Scanner:
        return self._factory(files).finish(self.schema).scanner(columns=list(columns), filter=where)

    @contextmanager
    def _readable(self, errors: tuple[type[Exception], ...] = (OSError,)) -> Iterator[None]:
        """Say in words that a part is damaged, of whose pages each is read with its checksum."""
        try:
            yield
        except errors as error:
            raise damaged(self._chosen[0][0].path.parent, error) from error

    @staticmethod
    def _factory(files: Sequence[Path]) -> ds.FileSystemDatasetFactory:
        form = ds.ParquetFileFormat(
            default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        )
        return ds.FileSystemDatasetFactory(LocalFileSystem(), [str(file) for file in files], form)


def _both(one: ds.Expression, other: ds.Expression | None) -> ds.Expression:
    return one if other is None else one & other


def _decoded(field: pa.Field) -> pa.Field:
    """Return the field with texts as such, where they were written as numbers of a dictionary."""
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def _all_of(part: Part, ids: frozenset[str]) -> bool:
    """Tell whether every row of a part is asked for."""
    return part.every is None and ids == _done(part)


def _rounds_asked_for(part: Part, every: int) -> ds.Expression:
    """Return the condition that a round is one of every so many, or the last of its run."""
    round_ = ds.field("round")
    asked = round_ == pc.multiply(pc.divide(round_, pa.scalar(every)), pa.scalar(every))
    rounds = pq.read_table(part.file("rounds"), columns=["run", "round"]).to_pandas()
    last = rounds.astype({"run": str}).groupby("run")["round"].max()
    for number, runs in last.groupby(last):
        asked |= (round_ == int(number)) & ds.field("run").isin(runs.index.tolist())
    return asked


def _done(part: Part) -> frozenset[str]:
    return frozenset(run.id for run in part.runs.values() if run.status == "done")
