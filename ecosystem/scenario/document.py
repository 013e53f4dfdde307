"""What a user wrote, and where each part of it stands."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ecosystem.errors import Path, Place, Problem
from ecosystem.plugins.files import Code


@dataclass(frozen=True)
class Document:
    """Data as written, expressions included.

    Attributes
    ----------
    data : Any
        Mappings, lists, text, numbers, booleans and null; never modified.
    file : str
        Name of the file, empty for data from Python.
    base : pathlib.Path
        Directory that relative file names start from.
    places, keys : mapping of path to Place
        Where each value, and each key, stands in the file.
    problems : tuple of Problem
        What is wrong with the text but leaves the rest readable, such as a duplicate key.
    changed : tuple of paths
        What no longer is as the file says.
    literals : mapping
        Parts that are known to hold no expression; see `ecosystem.scenario.expressions.literals_in`.
    allow_code : bool
        Whether Python files that the scenario names may be run.
    codes : tuple of Code
        Those files, as they were when they were first read.
    """

    data: Any
    file: str = ""
    base: pathlib.Path = field(default_factory=pathlib.Path)
    places: Mapping[Path, Place] = field(default_factory=dict, repr=False)
    keys: Mapping[Path, Place] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    changed: tuple[Path, ...] = ()
    literals: Mapping[int, Any] = field(default_factory=dict, repr=False, compare=False)
    allow_code: bool = False
    codes: tuple[Code, ...] = ()

    def place(self, path: Path, *, of_key: bool = False) -> Place | None:
        """Return where a value (or its key) stands, or the nearest thing around it that has a place."""
        if any(path[: len(changed)] == changed for changed in self.changed):
            return None
        if of_key and path in self.keys:
            return self.keys[path]
        for length in range(len(path), -1, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return None

    def located(self, problem: Problem, *, of_key: bool = False) -> Problem:
        """Return the problem with its place filled in."""
        return replace(problem, place=problem.place or self.place(problem.path, of_key=of_key))

    def with_data(self, data: Any, changed: tuple[Path, ...] = ()) -> Document:
        """Return a document of other data, in which the paths `changed` are not as the file says."""
        return replace(self, data=data, changed=(*self.changed, *changed))

    def value(self, path: Path) -> Any:
        """Return what is written at a path, None where nothing is."""
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value
