"""Whose fault it is that a run failed: what a traceback goes through."""

from __future__ import annotations

import re
from collections.abc import Collection
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
    >>> raised_in('File "own.py", line 7, in keep\\nKeyError: 1', ["own.py"])
    'own.py (line 7, in keep)'
    """
    roots = {entry.module.partition(".")[0]: entry for _, entry in installed()}
    roots.pop("ecosystem", None)
    for path, line, function in reversed(_FRAME.findall(traceback)):
        if path in files:
            return f"{path} (line {line}, in {function})"
        for part in PurePath(path).with_suffix("").parts:
            if part in roots:
                package = roots[part].dist
                return f"{part if package is None else package.name} ({path}, line {line}, in {function})"
    return None
