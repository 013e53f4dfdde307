"""Files that are whole or not there at all, whenever the program is killed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".unfinished-"
"""How names begin of what was being written; a leftover means nothing and may go."""
TEMPORARY = ".tmp"
"""How names begin of what safetensors was writing, in a directory of ours."""


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place, then move it there."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a place to write a file to; when all went well it appears at `path`, in place of one that is there."""
    beside = _beside(path)
    try:
        yield beside
        to_disk(beside)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    _flush(path.parent)


def to_disk(path: Path) -> None:
    """Have the system put a file on the disk; a full disk is told of."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """Give a directory to fill; when all went well it appears at `path`, otherwise it is gone.

    Where `path` is there already, it stays as it is.
    """
    beside = _beside(path)
    beside.mkdir(parents=True)
    try:
        yield beside
        for file in beside.iterdir():
            _flush(file)
        _flush(beside)
        with suppress(FileExistsError):  # of two who write the same, the second has nothing to add
            _appear(beside, path)
            _flush(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def remove_directory(path: Path) -> None:
    """Remove a directory at once: it is never seen half-emptied."""
    beside = _beside(path)
    with suppress(FileNotFoundError):
        os.rename(path, beside)
        shutil.rmtree(beside)


def _appear(beside: Path, path: Path) -> None:
    try:
        os.rename(beside, path)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(str(path)) from error
        raise


def remove_unfinished(directory: Path, *prefixes: str) -> None:
    """Remove what a killed program left half-written in a directory; further prefixes are of other programs."""
    for prefix in (UNFINISHED, *prefixes):
        for entry in directory.glob(prefix + "*"):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")


def _flush(path: Path) -> None:
    """Have the system put a file or directory on the disk, where it can."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
