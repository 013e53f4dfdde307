"""Parts: the tables of one chunk, in a directory of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ecosystem.store.files import UNFINISHED, whole_directory
from ecosystem.store.schema import PART_RUNS

FOLDER = "parts"


@dataclass(frozen=True)
class StoredRun:
    """What the store knows of a run."""

    id: str
    network: str | None
    status: str
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Part:
    """A finished chunk.

    Attributes
    ----------
    path : pathlib.Path
        Directory with one Parquet file a table.
    runs : mapping of str to StoredRun
        Its runs by id.
    """

    path: Path
    runs: Mapping[str, StoredRun]

    def file(self, table: str) -> Path:
        """Return where a table of this part is, if it has it."""
        return self.path / f"{table}.parquet"


def write_part(root: Path, name: str, runs: pa.Table, tables: Mapping[str, pa.Table]) -> None:
    """Write a part, whole or not at all.

    Parameters
    ----------
    root : pathlib.Path
        The store.
    name : str
        Name of the part's directory.
    runs : pyarrow.Table
        What became of its runs; columns of `PART_RUNS`.
    tables : mapping of str to pyarrow.Table
        What was recorded.
    """
    with whole_directory(root / FOLDER / name) as directory:
        for table, rows in {**tables, "runs": runs}.items():
            pq.write_table(rows, directory / f"{table}.parquet", compression="zstd")


def read_parts(root: Path, recording: str) -> tuple[Part, ...]:
    """Return the parts whose runs were recorded in a given way, ordered by name."""
    folder = root / FOLDER
    if not folder.is_dir():
        return ()
    found = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(UNFINISHED)]
    files = [str(entry / "runs.parquet") for entry in found if (entry / "runs.parquet").is_file()]
    if not files:
        return ()
    rows = ds.dataset(files, schema=PART_RUNS, format="parquet").to_table(
        columns=[*PART_RUNS.names, "__filename"], filter=ds.field("recording") == recording
    )
    return tuple(_grouped(rows.to_pylist()))


def _grouped(rows: Sequence[Mapping[str, object]]) -> list[Part]:
    by_file: dict[str, dict[str, StoredRun]] = {}
    for row in rows:
        run = StoredRun(*(row[key] for key in ("run", "network", "status", "seconds", "error")))  # type: ignore[arg-type]
        by_file.setdefault(str(row["__filename"]), {})[run.id] = run
    return [Part(Path(file).parent, runs) for file, runs in sorted(by_file.items())]


def choose(parts: Sequence[Part], planned: Mapping[str, int]) -> list[tuple[Part, frozenset[str]]]:
    """Return the parts that a plan's tables come from, each with the runs that are read from it.

    Parameters
    ----------
    parts : sequence of Part
        What there is.
    planned : mapping of str to int
        The runs that count, with their place in the plan; parts come in the order of their first run.
    """
    holder: dict[str, Part] = {}
    for part in parts:
        for run in part.runs.values():
            if run.id in planned and (run.id not in holder or run.status == "done"):
                holder[run.id] = part
    chosen: dict[Path, set[str]] = {}
    for id_, part in holder.items():
        chosen.setdefault(part.path, set()).add(id_)
    by_path = {part.path: part for part in parts}
    order = sorted(chosen, key=lambda path: min(planned[id_] for id_ in chosen[path]))
    return [(by_path[path], frozenset(chosen[path])) for path in order]
