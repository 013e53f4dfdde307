"""The scenarios that come with the package."""

from __future__ import annotations

import os
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ecosystem.errors import did_you_mean, fail, shorten

_ENDINGS = (".yaml", ".yml")


def shipped() -> dict[str, Path]:
    """Return the file of every shipped scenario, by name, in the order of the names."""
    try:
        root = resources.files("scenarios")
    except ModuleNotFoundError:
        return {}
    return dict(sorted(_scenarios(root)))


def _scenarios(folder: Traversable) -> list[tuple[str, Path]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _scenarios(entry)
        elif entry.name.endswith(_ENDINGS):
            found.append((entry.name.rpartition(".")[0], Path(str(entry))))
    return found


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the file of a scenario: an existing file first, else a shipped scenario of that name.

    Raises
    ------
    InputError
        If there is neither.
    """
    text = os.fspath(name_or_path)
    path = Path(text)
    if os.path.lexists(text) and not os.path.isdir(text):
        return path
    known = shipped()
    name = text.replace("-", "_")  # a scenario's name has hyphens where its file has underscores
    if name in known:
        return known[name]
    if os.path.isdir(text):
        raise fail(f"{text}: is a directory; name the YAML file in it")
    if text.endswith(_ENDINGS) or len(path.parts) > 1:
        raise fail(f"{text}: no such file{_near(text, known)}")
    hint = did_you_mean(text, known)
    raise fail(f"{shorten(text)} is neither a file nor a shipped scenario{hint}")


def _near(text: str, known: dict[str, Path]) -> str:
    stem = Path(text).stem
    return f"; there is a shipped scenario {stem!r}" if stem in known else ""
