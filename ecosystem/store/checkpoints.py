"""Checkpoints: how far runs are that are under way, one for each run.

A checkpoint is two files: the state after some round, as safetensors, and the rows written until then, to which each
later checkpoint adds. The state is moved to its place when all is on the disk, and says how many bytes of rows belong
to it; what is behind them means nothing.
"""

from __future__ import annotations

import json
import math
import struct
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ecosystem.plan.identity import RESULTS_VERSION, digest
from ecosystem.store.errors import told
from ecosystem.store.files import to_disk, whole_file

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "checkpoints"

_LENGTH = struct.Struct("<Q")
"""What stands before each piece of rows: its length."""

_TABLE = b"table"
"""Where the schema of a piece says which table it belongs to."""


class UnusableError(ValueError):
    """A checkpoint that is not what was written, or not of this run."""


@dataclass(frozen=True)
class Checkpoint:
    """How far a run is.

    Attributes
    ----------
    round : int
        How many rounds have been run.
    over : bool
        Whether the run has come to its end.
    seconds : float
        How long it has taken.
    tensors : mapping of str to Tensor
        What the engine needs to go on; nothing of a run that is over.
    bytes : int
        How much of the file of rows belongs to it.
    hash : hash object
        Of those bytes.
    """

    round: int
    over: bool
    seconds: float
    tensors: Mapping[str, Tensor]
    bytes: int
    hash: Any


@dataclass(frozen=True)
class Checkpoints:
    """Where the runs of a store keep how far they are. What writes there may live in another process.

    Attributes
    ----------
    root : pathlib.Path
        The directory of results.
    recording : str
        What is recorded, in canonical JSON: rows of another recording are of no use.
    seconds : float
        After how many seconds of work a run is kept; 0 for after every round, infinity for never.
    """

    root: Path
    recording: str
    seconds: float

    @property
    def wanted(self) -> bool:
        """Whether runs are ever kept."""
        return self.seconds < math.inf

    def find(self, run: str) -> Checkpoint | None:
        """Return how far a run is, None if nothing is known; of what cannot be used a warning tells."""
        state, rows = _files(self.root, run)
        if not state.is_file():
            return None
        try:
            return _read(state, rows, self._wanted(run))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            warnings.warn(f"{state}: the run begins anew, for its checkpoint {_said(error)}", stacklevel=2)
            return None

    def rows(self, run: str, checkpoint: Checkpoint) -> Iterator[tuple[str, pa.Table]]:
        """Give the rows that belong to a checkpoint, with the table they are of, as they were written."""
        with told(self.root), _files(self.root, run)[1].open("rb") as stream:
            while stream.tell() < checkpoint.bytes:
                (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
                table = pa.ipc.open_stream(stream.read(length)).read_all()
                name = table.schema.metadata[_TABLE].decode()
                key = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), len(table)), pa.array([run]))
                yield name, table.replace_schema_metadata(None).add_column(0, "run", key)

    def rounds(self, runs: Iterable[str]) -> dict[str, int]:
        """Return after which round each of some runs goes on, without those of which nothing of use is known."""
        found = {}
        for run in runs:
            state, _ = _files(self.root, run)
            with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
                found[run] = int(_about(state, self._wanted(run))["round"])
        return found

    def _wanted(self, run: str) -> dict[str, Any]:
        """Return what a checkpoint of a run says of itself if it is of use."""
        return {"run": run, "recording": self.recording, "version": RESULTS_VERSION}

    def of(self, run: str, after: Checkpoint | None = None) -> RunKeeper:
        """Return what keeps a run, from its beginning or after a checkpoint."""
        return RunKeeper(self, run, after)


class RunKeeper:
    """Keeps how far a run is.

    Parameters
    ----------
    checkpoints : Checkpoints
        Where.
    run : str
        Its id.
    after : Checkpoint, optional
        What it went on from.
    """

    def __init__(self, checkpoints: Checkpoints, run: str, after: Checkpoint | None) -> None:
        self._root = checkpoints.root
        self._state, self._rows = _files(self._root, run)
        self._about = checkpoints._wanted(run)
        self._bytes = 0 if after is None else after.bytes
        self._hash = blake2b(digest_size=16) if after is None else after.hash.copy()

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Take rows of the run, all of them later ones than before; `run` is their first column.

        Raises
        ------
        StoreError
            The disk is full, or the directory cannot be written.
        """
        with told(self._root):
            self._rows.parent.mkdir(exist_ok=True)
            self._rows.touch()
            with self._rows.open("r+b") as stream:
                stream.truncate(self._bytes)  # what was added after the last checkpoint of a killed process
                stream.seek(self._bytes)
                for name, rows in tables.items():
                    piece = _piece(name, rows)
                    for part in (_LENGTH.pack(piece.size), piece):
                        stream.write(part)
                        self._hash.update(part)
                    self._bytes += _LENGTH.size + piece.size

    def keep(self, round_: int, over: bool, seconds: float, tensors: Mapping[str, Tensor]) -> None:
        """Put the state after a round in place of what is known of the run.

        Raises
        ------
        StoreError
            The disk is full, or the directory cannot be written.
        """
        from safetensors.torch import save_file

        # Tensors that share memory are refused, and views of a batch do.
        held = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
        about: dict[str, Any] = {
            **self._about,
            "round": round_,
            "over": over,
            "seconds": seconds,
            "bytes": self._bytes,
            "checksum": self._hash.hexdigest(),
            "tensors": _checksum(held),
        }
        with told(self._root):
            self._state.parent.mkdir(exist_ok=True)
            to_disk(self._rows)
            with whole_file(self._state) as beside:
                save_file(held, beside, {"about": json.dumps({**about, "digest": digest(about)})})


def remove(root: Path, runs: Iterable[str]) -> None:
    """Remove what is known of some runs, which are in the store."""
    if (root / FOLDER).is_dir():
        with told(root):
            for run in runs:
                for file in _files(root, run):  # the state first: rows alone mean nothing
                    file.unlink(missing_ok=True)


def remove_folder(root: Path) -> None:
    """Remove the folder if nothing is in it."""
    with suppress(OSError):
        (root / FOLDER).rmdir()


def _files(root: Path, run: str) -> tuple[Path, Path]:
    """Return where state and rows of a run are."""
    return root / FOLDER / f"{run}.safetensors", root / FOLDER / f"{run}.rows"


@contextmanager
def _opened(state: Path, framework: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(state, framework=framework) as opened:
            yield opened
    except SafetensorError as error:
        raise UnusableError(f"is damaged ({error})") from error


def _about(state: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint says of itself, which has to be what is wanted."""
    with _opened(state, "numpy") as opened:  # who only asks how far runs are need not load torch
        about: dict[str, Any] = json.loads((opened.metadata() or {})["about"])
    if about.pop("digest") != digest(about):
        raise UnusableError("is damaged")
    for name, value in wanted.items():
        if about[name] != value:
            raise UnusableError(f"is of another {name}")
    return about


def _read(state: Path, rows: Path, wanted: Mapping[str, Any]) -> Checkpoint:
    about = _about(state, wanted)
    with _opened(state, "pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (it is no mapping)
    found, left = blake2b(digest_size=16), int(about["bytes"])
    with rows.open("rb") as stream:
        while block := stream.read(min(left, 1 << 20)):
            found.update(block)
            left -= len(block)
    if found.hexdigest() != about["checksum"] or _checksum(tensors) != about["tensors"]:
        raise UnusableError("is damaged")
    return Checkpoint(about["round"], about["over"], about["seconds"], tensors, about["bytes"], found)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, UnusableError) else f"cannot be read ({type(error).__name__}: {error})"


def _piece(name: str, rows: pa.Table) -> pa.Buffer:
    """Return rows as an Arrow stream; the run they are of is known."""
    held = rows.drop_columns(["run"]).replace_schema_metadata({_TABLE: name.encode()})
    sink = pa.BufferOutputStream()
    # Packed it is as quickly written as not, for there is less of it to hash and to put on the disk.
    with pa.ipc.new_stream(sink, held.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(held)
    return sink.getvalue()


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return a hash of tensors, their names, types and shapes."""
    import torch

    found = blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name}/{tensor.dtype}/{tuple(tensor.shape)}/".encode())
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
