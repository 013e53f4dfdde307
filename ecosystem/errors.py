"""What is said to a user about an input that cannot be used: where, what, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_SHOWN = 60
_MOST_LINES = 20


class EcosystemError(Exception):
    """Base of every error that is the user's to mend; its text is the whole message."""


@dataclass(frozen=True)
class Place:
    """A position in a file, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes
    ----------
    path : tuple of str or int
        The field, from the top of the scenario: ``("models", 0, "diet")``.
    message : str
        What is wrong, and what would be right.
    place : Place, optional
        Where in the file, when there is one.
    """

    path: Path
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        parts = [str(self.place)] if self.place else []
        if self.path:
            parts.append(path_text(self.path))
        return ": ".join([*parts, self.message])


class InputError(EcosystemError):
    """Every problem found in one input; its text tells the first of them, one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:_MOST_LINES]]
        left = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {left:,} more"] if left else lines))


def fail(message: str, path: Path = ()) -> InputError:
    """Return an `InputError` of one problem, to be raised."""
    return InputError([Problem(path, message)])


def path_text(path: Sequence[str | int]) -> str:
    """Write a path as the user would: ``models[0].diet.curated``.

    >>> path_text(("models", 0, "diet"))
    'models[0].diet'
    >>> path_text(("models", 0, " "))
    "models[0].' '"
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isprintable() and len(part) <= _SHOWN and part == part.strip() != ""
            shown = part if plain else shorten(part)
            text += f".{shown}" if text else shown
    return text


def shorten(value: Any) -> str:
    """Write a value in one short line, whatever it is.

    >>> shorten("no such")
    "'no such'"
    """
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for a near miss, a list of what exists for a far one."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(word)[:200], names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {shorten(close[0])}?"
    if names and len(names) <= 12:
        return f"; known here: {', '.join(sorted(names))}"
    return ""
