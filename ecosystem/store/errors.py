"""What can be wrong with a directory of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecosystem.errors import EcosystemError


class StoreError(EcosystemError):
    """A directory that cannot hold, or does not hold, the results that were asked for."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into words."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error
