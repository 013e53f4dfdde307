"""A directory that results are written to, and that goes on where it was left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from filelock import FileLock, Timeout

from ecosystem.plan.chunks import Chunk
from ecosystem.plan.identity import digest
from ecosystem.plan.runs import Plan
from ecosystem.store import checkpoints, weights
from ecosystem.store import manifest as manifests
from ecosystem.store.checkpoints import Checkpoints
from ecosystem.store.compare import difference
from ecosystem.store.errors import StoreError, told
from ecosystem.store.files import TEMPORARY, UNFINISHED, remove_directory, remove_unfinished
from ecosystem.store.manifest import FILE, Manifest, Session
from ecosystem.store.parts import (
    FOLDER,
    Effort,
    StoredRun,
    choose,
    damaged_parts,
    read_parts,
)
from ecosystem.store.schema import PART_RUNS
from ecosystem.store.versions import here, versions
from ecosystem.store.writing import PartWriter, whole_part

LOCK = ".lock"
"""File that whoever writes holds a lock on; the system lets go of it when the process ends, however it ends."""


@dataclass(frozen=True)
class Store:
    """The results of one scenario. What writes to it may live in another process, or on another machine.

    Attributes
    ----------
    path : pathlib.Path
        The directory.
    recording : str
        What the scenario records, in canonical JSON.
    mended : int
        How many damaged parts were taken out when it was opened.
    """

    path: Path
    recording: str
    mended: int = 0

    def checkpoints(self, seconds: float) -> Checkpoints:
        """Return where runs keep how far they are, each time so many seconds of work have passed."""
        return Checkpoints(self.path.resolve(), self.recording, seconds)

    def stored(self, plan: Plan) -> dict[str, StoredRun]:
        """Return the runs of a plan that are there, done or failed, by id."""
        order = {run.id: number for number, run in enumerate(plan.unique)}
        chosen = choose(read_parts(self.path, self.recording), order)
        return {id_: part.runs[id_] for part, ids in chosen for id_ in ids}

    def find(self, chunk: Chunk) -> tuple[StoredRun, ...] | None:
        """Return what became of a chunk, None if it is not there."""
        path = self._place(chunk)
        if not (path / "runs.parquet").is_file():
            return None
        runs = {run.id: run for part in read_parts(self.path, self.recording, [path]) for run in part.runs.values()}
        return tuple(runs[run.id] for run in chunk.runs) if set(runs) == {run.id for run in chunk.runs} else None

    @contextmanager
    def write(self, chunk: Chunk) -> Iterator[ChunkWriter]:
        """Give what writes a chunk; it is there, whole, once all went well. Runs that failed before are replaced.

        Raises
        ------
        StoreError
            The disk is full, or the directory cannot be written.
        """
        place = self._place(chunk)
        with told(self.path):
            before = self.find(chunk)
            if before is not None and any(run.status != "done" for run in before):
                remove_directory(place)
            with whole_part(place) as part:
                yield ChunkWriter(chunk, part, self.recording)
            checkpoints.remove(self.path, [run.id for run in chunk.runs])

    @contextmanager
    def session(self) -> Iterator[None]:
        """Note in the manifest by what, and for how long, results are computed."""
        started = datetime.now(UTC)
        before = manifests.read(self.path)
        host, process = here()
        session = Session(started.isoformat(timespec="seconds"), None, host, process, versions())
        self._note(before, session)
        try:
            yield
        finally:
            seconds = (datetime.now(UTC) - started).total_seconds()
            self._note(before, replace(session, seconds=round(seconds, 3)))

    def _note(self, before: Manifest, session: Session) -> None:
        with told(self.path):
            manifests.write(self.path, replace(before, sessions=(*before.sessions, session)))

    def _place(self, chunk: Chunk) -> Path:
        return self.path / FOLDER / f"{chunk.id}-{digest(self.recording)[:8]}"


@dataclass(frozen=True)
class ChunkWriter:
    """Writes what becomes of a chunk.

    Attributes
    ----------
    chunk : Chunk
        What is executed.
    part : PartWriter
        Where it is written.
    recording : str
        What is recorded, in canonical JSON.
    """

    chunk: Chunk
    part: PartWriter
    recording: str

    def finish(self, rows: Iterable[Mapping[str, object]], effort: Effort) -> None:
        """Write what became of each run: its row of `PART_RUNS`, but for seed, time, recording and order."""
        seeds = {run.id: run.seed for run in self.chunk.runs}
        listed = list(rows)
        common = {
            "finished": datetime.now(UTC).isoformat(),
            "recording": self.recording,
            "in_order": self.part.in_order([str(row["run"]) for row in listed]),
        }
        runs = [{**row, "seed": seeds[str(row["run"])], **common} for row in listed]
        self.part.finish(pa.Table.from_pylist(runs, PART_RUNS), effort)


@contextmanager
def open_store(plan: Plan, path: Path) -> Iterator[Store]:
    """Give the store for a plan, made if there is none; meanwhile nobody else can open it.

    What a killed program left half-written is removed, and so are parts that are no longer what was written: their
    runs are missing then, and are run again.

    Parameters
    ----------
    plan : Plan
        What its tables will hold. Runs that are there stay there, also when they are not in this plan.
    path : pathlib.Path
        A directory that is empty, not there yet, or holds results of the same scenario; sweep, seeds,
        recording, expectations and texts may be others.

    Raises
    ------
    StoreError
        The directory holds something else, another process writes to it, or it cannot be written.
    """
    asked = manifests.describe(plan, datetime.now(UTC).isoformat(timespec="seconds"))
    examine(asked, path)
    with told(path):
        path.mkdir(parents=True, exist_ok=True)
    with _held(path):
        stored = examine(asked, path)  # it may have come meanwhile
        if stored is not None:
            asked = replace(asked, created=stored.created, sessions=stored.sessions)
        with told(path):
            for directory in (path, path / FOLDER):
                remove_unfinished(directory)
            for folder in (checkpoints.FOLDER, weights.FOLDER):
                remove_unfinished(path / folder, TEMPORARY)
            damaged = damaged_parts(path)
            for part in damaged:
                remove_directory(part)
            if asked != stored:
                manifests.write(path, asked)
        yield Store(path, asked.recording, len(damaged))


def examine(asked: Manifest, path: Path) -> Manifest | None:
    """Return what a directory says it holds, None if it is empty or not there; write nothing.

    Raises
    ------
    StoreError
        The directory cannot take the results that are asked for.
    """
    with told(path):
        if not path.exists():
            return None
        if not path.is_dir():
            raise StoreError(f"{path}: is a file; results need a directory (choose another with --out)")
        if not (path / FILE).is_file():
            if any(not _passing(entry.name) for entry in path.iterdir()):
                raise StoreError(f"{path}: is not empty and holds no results; choose another directory with --out")
            return None
    stored = manifests.read(path)
    reason = difference(stored, asked)
    if reason is not None:
        raise StoreError(f"{path}: holds results of another scenario ({reason}); choose another directory with --out")
    return stored


@contextmanager
def _held(path: Path) -> Iterator[None]:
    lock = FileLock(path / LOCK, timeout=0, thread_local=False)
    with told(path):
        try:
            lock.acquire()
        except Timeout:
            who = _holder(path)
            raise StoreError(f"{path}: {who} is writing there; wait for it, or choose another --out") from None
    try:
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    """Say who writes to a store, as far as it is known."""
    try:
        session = manifests.read(path).sessions[-1]
    except (StoreError, IndexError):
        return "another process"
    if session.seconds is not None:
        return "another process"
    return f"process {session.process} on {session.host} (since {session.started})"


def _passing(name: str) -> bool:
    """Tell whether a name is that of a file which means nothing by itself."""
    return name.startswith(UNFINISHED) or name == LOCK
