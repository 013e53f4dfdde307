"""The version of the scenario format, and what became of keys that are no more.

The version is raised when a key is renamed, taken away, or comes to mean something else; keys that are added raise
nothing. What is renamed stands in `RENAMED` for as long as anybody may have a file with it, so that the message says
what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecosystem.errors import Path, Problem, path_text, shorten

VERSION = 1
"""The version of the format that this release reads, and writes."""

RELEASES: dict[int, str] = {1: "0.1.0"}
"""The first release that reads each version."""


@dataclass(frozen=True)
class Renamed:
    """What became of a key.

    Attributes
    ----------
    to : str
        The key that stands for it now; empty where there is none.
    since : int
        The version of the format from which on it does.
    advice : str
        What else has to change, a clause.
    """

    to: str
    since: int
    advice: str = ""


RENAMED: dict[str, Renamed] = {}
"""Keys that are no more, by their path: ``learning.speed``, or ``models[].diet.own`` in every entry of a list."""


def newer(data: Mapping[Any, Any]) -> Problem | None:
    """Return what is wrong with a scenario of a later version than this release reads, None if it is not."""
    from ecosystem import __version__

    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version <= VERSION:
        return None
    reader = f"release {RELEASES[version]} or newer reads it" if version in RELEASES else "a newer release reads it"
    message = (
        f"this scenario is of version {version} of the format, and this release ({__version__}) reads up to "
        f"version {VERSION}; {reader}: pip install --upgrade ecosystem-sim"
    )
    return Problem(("version",), message)


def renamed(data: Any, path: Path = ()) -> Iterator[Problem]:
    """Yield a problem for every key that has another name now, or none."""
    if not RENAMED:
        return
    if isinstance(data, Mapping):
        for key, value in data.items():
            inner = (*path, key)
            found = RENAMED.get(_pattern(inner))
            if found is not None:
                yield Problem(inner, _told(found))
            yield from renamed(value, inner)
    elif isinstance(data, (list, tuple)):
        for index, value in enumerate(data):
            yield from renamed(value, (*path, index))


def _pattern(path: Path) -> str:
    """Write a path as a key of `RENAMED`: whichever entry of a list it leads through.

    >>> _pattern(("models", 3, "diet", "own"))
    'models[].diet.own'
    """
    return re.sub(r"\[\d+\]", "[]", path_text(path))


def _told(found: Renamed) -> str:
    if not found.to:
        said = f"is no more since version {found.since} of the format; leave it out"
    else:
        said = f"is called {shorten(found.to)} since version {found.since} of the format; write that instead"
    return f"{said}, and {found.advice}" if found.advice else said
