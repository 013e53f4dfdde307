"""Whose fault it is that a run failed: what a traceback goes through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import PurePath

from ecosystem.plugins.registry import installed

_FRAME = re.compile(r'^ *File "(.+)", line (\d+), in (.+)$', re.MULTILINE)


def raised_in(traceback: str, files: Collection[str]) -> str | None:
    r"""Return the last place of a plug-in that a traceback goes through, None where it goes through none.

    Parameters
    ----------
    traceback : str
        As Python writes it.
    files : collection of str
        The files that the scenario names under `plugins`, as they stand there.

    Examples
    --------
    >>> raised_in('File "own.py", line 7, in keep\nKeyError: 1', ["own.py"])
    'own.py (line 7, in keep)'
    """
    homes = dict(_homes())
    for path, line, function in reversed(_FRAME.findall(traceback)):
        if path in files:
            return f"{path} (line {line}, in {function})"
        package = next((homes[at] for at in (PurePath(path), *PurePath(path).parents) if at in homes), None)
        if package is not None:
            return f"{package} ({path}, line {line}, in {function})"
    return None


def _homes() -> Iterator[tuple[PurePath, str]]:
    """Yield the folders, or single files, of packages with plug-ins, each with the package's name."""
    for _, entry in installed():
        root = entry.module.partition(".")[0]
        name = root if entry.dist is None else entry.dist.name
        try:
            spec = find_spec(root)
        except ValueError:  # a module that was made by hand
            continue
        if spec is not None and root != __name__.partition(".")[0]:
            places = spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
            yield from ((PurePath(place), name) for place in places)
