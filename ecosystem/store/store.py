"""A directory that results are written to, and that goes on where it was left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import Plan
from ecosystem.store import manifest as manifests
from ecosystem.store.compare import difference
from ecosystem.store.files import UNFINISHED, remove_unfinished
from ecosystem.store.manifest import FILE, Manifest, Session, StoreError
from ecosystem.store.parts import FOLDER, StoredRun, choose, read_parts, write_part
from ecosystem.store.schema import PART_RUNS
from ecosystem.store.versions import versions


@dataclass(frozen=True)
class Store:
    """The results of one scenario.

    Attributes
    ----------
    path : pathlib.Path
        The directory.
    recording : str
        Hash of what the scenario records.
    """

    path: Path
    recording: str

    def stored(self, plan: Plan) -> dict[str, StoredRun]:
        """Return the runs of a plan that are there, done or failed, by id."""
        order = {run.id: number for number, run in enumerate(plan.unique)}
        chosen = choose(read_parts(self.path, self.recording), order)
        return {id_: part.runs[id_] for part, ids in chosen for id_ in ids}

    def write(self, chunk: Chunk, tables: Mapping[str, pa.Table], runs: Iterable[StoredRun]) -> None:
        """Add what became of a chunk.

        Raises
        ------
        StoreError
            The disk is full, or the directory cannot be written.
        """
        seeds = {run.id: run.seed for run in chunk.runs}
        rows = [
            {
                "run": run.id,
                "seed": seeds[run.id],
                "network": run.network,
                "status": run.status,
                "seconds": run.seconds,
                "error": run.error,
                "recording": self.recording,
            }
            for run in runs
        ]
        with _told(self.path):
            write_part(self.path, f"{chunk.id}-{self.recording}", pa.Table.from_pylist(rows, PART_RUNS), tables)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Note in the manifest by what, and for how long, results are computed."""
        started = datetime.now(UTC)
        before = manifests.read(self.path)
        session = Session(started.isoformat(timespec="seconds"), None, versions())
        self._note(before, session)
        try:
            yield
        finally:
            seconds = (datetime.now(UTC) - started).total_seconds()
            self._note(before, replace(session, seconds=round(seconds, 3)))

    def _note(self, before: Manifest, session: Session) -> None:
        with _told(self.path):
            manifests.write(self.path, replace(before, sessions=(*before.sessions, session)))


def open_store(plan: Plan, path: Path) -> Store:
    """Return the store for a plan, made if there is none.

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
        The directory holds something else, or cannot be written.
    """
    asked = manifests.describe(plan, datetime.now(UTC).isoformat(timespec="seconds"))
    stored = examine(asked, path)
    if stored is not None:
        asked = replace(asked, created=stored.created, sessions=stored.sessions)
    with _told(path):
        path.mkdir(parents=True, exist_ok=True)
        for directory in (path, path / FOLDER):
            remove_unfinished(directory)
        if asked != stored:
            manifests.write(path, asked)
    return Store(path, asked.recording)


def examine(asked: Manifest, path: Path) -> Manifest | None:
    """Return what a directory says it holds, None if it is empty or not there; write nothing.

    Raises
    ------
    StoreError
        The directory cannot take the results that are asked for.
    """
    with _told(path):
        if not path.exists():
            return None
        if not path.is_dir():
            raise StoreError(f"{path}: is a file; results need a directory (choose another with --out)")
        if not (path / FILE).is_file():
            if any(not entry.name.startswith(UNFINISHED) for entry in path.iterdir()):
                raise StoreError(f"{path}: is not empty and holds no results; choose another directory with --out")
            return None
    stored = manifests.read(path)
    reason = difference(stored, asked)
    if reason is not None:
        raise StoreError(f"{path}: holds results of another scenario ({reason}); choose another directory with --out")
    return stored


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into words."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error
