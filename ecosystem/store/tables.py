"""Reading a table from the parts that hold it, and no more of it than is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.store.parts import Part
from ecosystem.store.schema import TABLES

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
    """

    def __init__(self, name: str, chosen: Chosen) -> None:
        self.name = name
        self._chosen = [(part, ids) for part, ids in chosen if part.file(name).is_file()]

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns and types: the known ones, and whatever more the parts have."""
        known = TABLES[self.name]
        if not self._chosen:
            return known
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

    def read(self, columns: Sequence[str] | None = None, where: ds.Expression | None = None) -> pa.Table:
        """Read some columns of the rows that satisfy a condition, all by default."""
        wanted = list(self.schema.names if columns is None else columns)
        self.check(wanted)
        if self.name == "network":
            return self._networks(wanted)
        whole = [part.file(self.name) for part, ids in self._chosen if ids == _done(part)]
        tables = [self._scan(whole, wanted, where)] if whole else []
        for part, ids in self._chosen:
            if ids != _done(part):
                mine = ds.field("run").isin(sorted(ids))
                condition = mine if where is None else mine & where
                tables.append(self._scan([part.file(self.name)], wanted, condition))
        return pa.concat_tables(tables) if tables else self._nothing(wanted)

    def _networks(self, wanted: Sequence[str]) -> pa.Table:
        """Read each network once, however many parts have it."""
        seen: set[str] = set()
        tables = []
        for part, ids in self._chosen:
            needed = {part.runs[id_].network for id_ in ids} - seen - {None}
            if needed:
                here = ds.field("network").isin(sorted(map(str, needed)))
                tables.append(self._scan([part.file(self.name)], wanted, here))
                seen.update(map(str, needed))
        return pa.concat_tables(tables) if tables else self._nothing(wanted)

    def _scan(self, files: Sequence[Path], columns: Sequence[str], where: ds.Expression | None) -> pa.Table:
        return self._factory(files).finish(self.schema).to_table(columns=list(columns), filter=where)

    def _nothing(self, columns: Sequence[str]) -> pa.Table:
        return self.schema.empty_table().select(list(columns))

    @staticmethod
    def _factory(files: Sequence[Path]) -> ds.FileSystemDatasetFactory:
        return ds.FileSystemDatasetFactory(LocalFileSystem(), [str(file) for file in files], ds.ParquetFileFormat())


def _decoded(field: pa.Field) -> pa.Field:
    """Return the field with texts as such, where they were written as numbers of a dictionary."""
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def _done(part: Part) -> frozenset[str]:
    return frozenset(run.id for run in part.runs.values() if run.status == "done")
