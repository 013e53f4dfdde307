"""Parts: the tables of one chunk, in a directory of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from ecosystem.plan.identity import covers, digest, every
from ecosystem.store.errors import StoreError
from ecosystem.store.files import UNFINISHED
from ecosystem.store.schema import PART_RUNS

FOLDER = "parts"
ABOUT = "part.json"

_READ = ("run", "network", "status", "seconds", "error", "finished")


@dataclass(frozen=True)
class StoredRun:
    """What the store knows of a run: columns of `PART_RUNS`."""

    id: str
    network: str | None
    status: str
    seconds: float | None
    error: str | None
    finished: str = ""


@dataclass(frozen=True)
class Effort:
    """Who executed a chunk, and what it took.

    Attributes
    ----------
    started : str
        When, in UTC.
    seconds : float
        Wall time.
    memory : int or None
        The most memory that the process held meanwhile, in bytes; None where the system does not tell.
    host : str
        Name of the machine.
    process : int
        Number of the process there.
    versions : mapping
        Program, libraries and machine.
    """

    started: str
    seconds: float
    memory: int | None
    host: str
    process: int
    versions: Mapping[str, str | None]


@dataclass(frozen=True)
class Part:
    """A finished chunk.

    Attributes
    ----------
    path : pathlib.Path
        Directory with one Parquet file a table.
    runs : mapping of str to StoredRun
        Its runs by id.
    every : int, optional
        Every how many rounds are asked for, where it holds more; a run's last round is always asked for.
    in_order : bool
        Whether it is known that the rows of each table stand run by run, in the order of `runs`.
    """

    path: Path
    runs: Mapping[str, StoredRun]
    every: int | None = None
    in_order: bool = False

    def file(self, table: str) -> Path:
        """Return where a table of this part is, if it has it."""
        return self.path / f"{table}.parquet"


def read_parts(root: Path, recording: str, among: Sequence[Path] | None = None) -> tuple[Part, ...]:
    """Return the parts in which all that is asked for was recorded, ordered by name.

    Parameters
    ----------
    root : pathlib.Path
        The store.
    recording : str
        What is asked for.
    among : sequence of pathlib.Path, optional
        The parts to look at, all by default.

    Raises
    ------
    StoreError
        A part cannot be read.
    """
    files = [
        str(file) for path in (paths(root) if among is None else among) if (file := path / "runs.parquet").is_file()
    ]
    if not files:
        return ()
    try:
        rows = ds.dataset(files, schema=PART_RUNS, format="parquet").to_table(
            columns=[*_READ, "recording", "in_order", "__filename"]
        )
    except (OSError, pa.ArrowException) as error:
        raise damaged(root, error) from error
    asked = every(recording)
    thinned = {
        text: None if every(text) == asked else asked
        for text in rows["recording"].unique().to_pylist()
        if covers(text, recording)
    }
    return tuple(_grouped(rows, thinned))


def paths(root: Path) -> list[Path]:
    """Return the directories of all parts, by name."""
    folder = root / FOLDER
    if not folder.is_dir():
        return []
    return [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(UNFINISHED)]


def damaged_parts(root: Path) -> list[Path]:
    """Return the parts that are not what was written: truncated, altered, or with a file missing.

    Every byte is read.
    """
    found = paths(root)
    with ThreadPoolExecutor() as pool:
        return [path for path, whole in zip(found, pool.map(_whole, found), strict=True) if not whole]


def effort_of(path: Path) -> Effort:
    """Return what a part took.

    Raises
    ------
    StoreError
        The part is damaged.
    """
    try:
        return Effort(**_about(path)["effort"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: object) -> StoreError:
    """Return the error that tells of a part which cannot be read."""
    return StoreError(
        f"{path}: results are damaged ({error}); run the same again, and what is damaged is computed anew"
    )


def choose(parts: Sequence[Part], planned: Mapping[str, int]) -> list[tuple[Part, frozenset[str]]]:
    """Return the parts that a plan's tables come from, each with the runs that are read from it.

    A run that is done anywhere is read there; of one that only failed, the last failure counts.

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
            if run.id in planned and (run.id not in holder or _better(run, holder[run.id].runs[run.id])):
                holder[run.id] = part
    chosen: dict[Path, set[str]] = {}
    for id_, part in holder.items():
        chosen.setdefault(part.path, set()).add(id_)
    by_path = {part.path: part for part in parts}
    order = sorted(chosen, key=lambda path: min(planned[id_] for id_ in chosen[path]))
    return [(by_path[path], frozenset(chosen[path])) for path in order]


def _better(run: StoredRun, other: StoredRun) -> bool:
    return (run.status == "done", run.finished) > (other.status == "done", other.finished)


def _grouped(rows: pa.Table, thinned: Mapping[str, int | None]) -> list[Part]:
    """Return parts whose recording is one of some, each with the rounds that are read of it."""
    by_file: dict[str, dict[str, StoredRun]] = {}
    about: dict[str, tuple[int | None, bool]] = {}
    columns = [rows[key].to_pylist() for key in ("__filename", "recording", "in_order", *_READ)]
    for file, recording, in_order, *values in zip(*columns, strict=True):
        if recording in thinned:
            by_file.setdefault(file, {})[values[0]] = StoredRun(*values)
            about[file] = (thinned[recording], bool(in_order))
    return [Part(Path(file).parent, runs, *about[file]) for file, runs in sorted(by_file.items())]


def _whole(path: Path) -> bool:
    """Tell whether a part holds just the bytes that were written."""
    try:
        about = _about(path)
        files = {file.name for file in path.iterdir()} - {ABOUT}
        return files == set(about["files"]) and all(checksum(path / name) == about["files"][name] for name in files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _about(path: Path) -> dict[str, Any]:
    """Return what a part says of itself."""
    about: Any = json.loads((path / ABOUT).read_text(encoding="utf-8"))
    if not isinstance(about, dict) or about.pop("digest") != digest(about):
        raise ValueError(f"{ABOUT} is not what was written")
    return about


def checksum(file: Path) -> str:
    """Return a hash of the contents of a file."""
    with file.open("rb") as stream:
        return file_digest(stream, lambda: blake2b(digest_size=16)).hexdigest()
