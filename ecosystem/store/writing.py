"""Writing a part: rows as they come, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ecosystem.plan.identity import digest
from ecosystem.store.errors import told
from ecosystem.store.files import whole_directory
from ecosystem.store.parts import ABOUT, Effort, checksum
from ecosystem.store.stretches import stretches


class PartWriter:
    """Writes the tables of a part, rows as they come.

    Parameters
    ----------
    directory : pathlib.Path
        Where the part's files go.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept = directory / "kept"
        self._files: dict[str, pq.ParquetWriter] = {}
        self._runs: set[str] = set()
        self._stand: dict[str, list[str]] = {}
        self._pieces = 0

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Write rows of some tables; those of one table have the same columns each time.

        Raises
        ------
        StoreError
            The disk is full, or whatever else keeps them from being written.
        """
        with self._told():
            for name, rows in tables.items():
                if name not in self._files:
                    self._files[name] = _writer(self._directory / f"{name}.parquet", rows.schema)
                self._files[name].write_table(rows)
                if "run" in rows.schema.names:
                    runs = [run for run, _, _ in stretches(rows["run"])]
                    self._runs.update(runs)
                    stand = self._stand.setdefault(name, [])
                    stand += runs[1:] if stand[-1:] == runs[:1] else runs

    def leave_out(self, runs: Iterable[str]) -> None:
        """Take out the rows of runs that have failed since they were written; they may come again."""
        out = self._runs & set(runs)
        if not out:
            return
        self._runs -= out
        self._stand = {name: [run for run in stand if run not in out] for name, stand in self._stand.items()}
        with self._told():
            self._close()
            self._keep_others(pa.array(sorted(out), pa.string()))

    def in_order(self, runs: Sequence[str]) -> bool:
        """Tell whether the rows of each table stand run by run, in the order of some runs."""
        place = {run: number for number, run in enumerate(runs)}
        return all(place[before] < place[after] for stand in self._stand.values() for before, after in pairwise(stand))

    def _keep_others(self, failed: pa.Array) -> None:
        """Put aside the rows that are written, but for those of some runs."""
        self._kept.mkdir(exist_ok=True)
        for file in sorted(self._directory.glob("*.parquet")):
            rows = ds.dataset(file, format="parquet")
            own = "run" in rows.schema.names
            _copy(
                [rows.scanner(filter=~ds.field("run").cast(pa.string()).isin(failed) if own else None)],
                self._piece(file.stem),
            )
            file.unlink()

    def finish(self, runs: pa.Table, effort: Effort) -> None:
        """Write what became of the runs, columns of `PART_RUNS`, and what the part is."""
        self.add({"runs": runs})
        self._close()
        self._join()
        files = {file.name: checksum(file) for file in sorted(self._directory.iterdir())}
        about: dict[str, Any] = {"files": files, "effort": asdict(effort)}
        text = json.dumps({**about, "digest": digest(about)}, indent=1)
        (self._directory / ABOUT).write_text(text + "\n", encoding="utf-8")

    def _join(self) -> None:
        """Put together the tables of which rows were taken out."""
        if not self._kept.exists():
            return
        for name in sorted({piece.stem.rpartition("-")[0] for piece in self._kept.iterdir()}):
            whole = self._directory / f"{name}.parquet"
            if whole.exists():
                whole.rename(self._piece(name))
            pieces = sorted(self._kept.glob(f"{name}-*.parquet"))
            _copy([ds.dataset(piece, format="parquet").scanner() for piece in pieces], whole)
        shutil.rmtree(self._kept)

    def _piece(self, table: str) -> Path:
        """Return a place for rows of a table that stay, after those that are kept already."""
        self._pieces += 1
        return self._kept / f"{table}-{self._pieces:06}.parquet"

    def _told(self) -> AbstractContextManager[None]:
        return told(self._directory.parent.parent)  # the store: the directory itself goes away

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}


@contextmanager
def whole_part(path: Path) -> Iterator[PartWriter]:
    """Give what writes a part; it is there when all went well, otherwise nothing is. One that is there stays."""
    with whole_directory(path) as directory:
        writer = PartWriter(directory)
        try:
            yield writer
        finally:
            with suppress(OSError):  # on a full disk there is nothing to close well
                writer._close()


def _writer(file: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)


def _copy(sources: Sequence[ds.Scanner], file: Path) -> None:
    """Write the rows of some sources, which have the same columns, to a file, piece by piece."""
    with _writer(file, sources[0].projected_schema) as written:
        for source in sources:
            for batch in source.to_batches():
                written.write_batch(batch)
