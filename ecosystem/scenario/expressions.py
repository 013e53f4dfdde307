"""Arithmetic in a scenario: a text that begins with ``=`` stands for a number."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.scenario.arithmetic import CONSTANTS, FUNCTIONS, Arithmetic, ExpressionError, names_in

TEXTS = frozenset({"name", "description", "source", "file"})
"""Fields that hold text, in which a leading ``=`` means nothing."""


def is_expression(value: Any) -> bool:
    """Tell whether a value is an expression rather than what it is written as."""
    return isinstance(value, str) and value.startswith("=")


Literals = Mapping[int, Any]
"""Lists and mappings that hold no expression, by identity; as they are held here, no other object has it."""


def resolve(data: Any, literals: Literals | None = None) -> tuple[Any, list[Problem]]:
    """Replace every expression by its number.

    Parameters
    ----------
    data : Any
        A scenario as written. It is not modified; what holds no expression is shared with the result.
    literals : mapping, optional
        Parts of `data` that are known to hold no expression, so that they are not looked through; see `literals_in`.

    Returns
    -------
    resolved : Any
        The same with numbers for expressions; one that fails is left as written.
    problems : list of Problem
        One for each expression that fails for a reason of its own. An expression that needs a
        parameter of which a problem is told already is not told of again.

    Examples
    --------
    >>> resolve({"parameters": {"lam": 0.5}, "rounds": "= 4 / lam"})
    ({'parameters': {'lam': 0.5}, 'rounds': 8}, [])
    """
    if not isinstance(data, Mapping):
        return data, []
    written = data.get("parameters")
    parameters = _Parameters(written if isinstance(written, Mapping) else {}, literals or {})
    problems = parameters.problems
    resolved = {
        key: parameters.resolved(value) if key == "parameters" else _replaced(value, (key,), parameters, problems)
        for key, value in data.items()
    }
    return resolved, problems


def literals_in(data: Mapping[Any, Any]) -> Literals:
    """Return the lists and mappings in a scenario as written that hold no expression, the outermost ones."""
    found: dict[int, Any] = {}
    for value in data.values():
        if _is_literal(value, found):
            found[id(value)] = value
    return found


def _is_literal(value: Any, found: dict[int, Any]) -> bool:
    """Tell whether a value holds no expression; where it does, its parts that hold none are added to `found`."""
    if isinstance(value, str):
        return not value.startswith("=")
    parts = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    literal = [part for part in parts if _is_literal(part, found)]
    if len(literal) == len(parts):
        return True
    found.update((id(part), part) for part in literal if isinstance(part, (Mapping, list, tuple)))
    return False


def _replaced(value: Any, path: Path, parameters: _Parameters, problems: list[Problem]) -> Any:
    """Return the value with numbers for expressions, the same object where it has none."""
    if isinstance(value, str):
        if not value.startswith("=") or path[-1] in TEXTS:
            return value
        return parameters.number(value, path, problems)
    if type(value) in (float, int, bool, type(None)):  # most of what there is, and quickly told
        return value
    if id(value) in parameters.literals:
        return value
    if type(value) is dict or isinstance(value, Mapping):
        parts = {key: _replaced(part, (*path, key), parameters, problems) for key, part in value.items()}
        return parts if any(parts[key] is not part for key, part in value.items()) else value
    if isinstance(value, (list, tuple)):
        items = [_replaced(part, (*path, index), parameters, problems) for index, part in enumerate(value)]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


class _Parameters:
    """The named numbers, each evaluated after those that it refers to."""

    def __init__(self, written: Mapping[Any, Any], literals: Literals) -> None:
        self.literals = literals
        self.problems: list[Problem] = []
        self._written = {_normal(name): value for name, value in written.items() if isinstance(name, str)}
        self._spelled = {_normal(name): name for name in written if isinstance(name, str)}
        self._values: dict[str, Any] = dict(CONSTANTS)
        self._broken: set[str] = set()
        self._found: dict[str, Any] = {}
        self._evaluator = Arithmetic(self._values)
        for name, value in self._written.items():
            self._admit(name, value)
        for name in self._order():
            value = self.number(self._written[name], ("parameters", self._spelled[name]), self.problems)
            if isinstance(value, str):
                self._broken.add(name)
            else:
                self._values[name] = value

    def resolved(self, written: Any) -> Any:
        """Return the parameters as numbers, those that failed as written."""
        if not isinstance(written, Mapping):
            return written
        return {
            name: self._values.get(_normal(name), value) if is_expression(value) else value
            for name, value in written.items()
        }

    def number(self, text: str, path: Path, problems: list[Problem]) -> Any:
        """Return the number that an expression stands for; on failure the text, and a problem."""
        if text in self._found:
            return self._found[text]
        try:
            for name in names_in(text):
                if name in self._broken:
                    return text
                if name not in self._values:
                    raise ExpressionError(f"{_unknown(name, self._known())} (in {shorten(text)})")
            self._found[text] = self._evaluator.number(text)
            return self._found[text]
        except ExpressionError as error:
            problems.append(Problem(path, str(error)))
            return text

    def _known(self) -> Iterator[str]:
        yield from self._spelled.values()
        yield from CONSTANTS

    def _admit(self, name: str, value: Any) -> None:
        """Take over a parameter that is a number, refuse one whose name cannot be used."""
        problem = _misnamed(name)
        if problem:
            self.problems.append(Problem(("parameters", self._spelled[name]), problem))
            self._broken.add(name)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:
            self._values[name] = value
        elif value in ("inf", "+inf", "-inf"):
            self._values[name] = float(value)
        elif not is_expression(value):
            self._broken.add(name)  # told by the validation of `parameters`

    def _order(self) -> Iterator[str]:
        """Yield the parameters that are expressions, each after those it names; circles are told of."""
        graph = {name: self._needed(name) for name in self._written if self._is_open(name)}
        while True:
            try:
                yield from [name for name in TopologicalSorter(graph).static_order() if name in graph]
                return
            except CycleError as error:
                circle = list(reversed(error.args[1][1:]))
                first = min(range(len(circle)), key=lambda index: list(graph).index(circle[index]))
                circle = [self._spelled[name] for name in (*circle[first:], *circle[:first])]
                message = f"parameters refer to one another in a circle: {' → '.join([*circle, circle[0]])}"
                self.problems.append(Problem(("parameters", circle[0]), message))
                self._broken.update(map(_normal, circle))
                graph = {name: needed for name, needed in graph.items() if name not in self._broken}

    def _is_open(self, name: str) -> bool:
        return name not in self._values and name not in self._broken

    def _needed(self, name: str) -> frozenset[str]:
        try:
            return names_in(self._written[name])
        except ExpressionError:
            return frozenset()  # told when it is evaluated


def _normal(name: Any) -> Any:
    # Python's parser normalises the names in an expression in this way.
    return unicodedata.normalize("NFKC", name) if isinstance(name, str) and not name.isascii() else name


def _misnamed(name: str) -> str | None:
    if keyword.iskeyword(name):
        return f"{name!r} is a word of the expressions' language and names no parameter; choose another name"
    if not name.isidentifier() or name.startswith("_"):
        return "a parameter's name must be a letter, then letters, digits and _, as expressions refer to it"
    if name in CONSTANTS or name in FUNCTIONS:
        return f"{name!r} already has a meaning in expressions; choose another name"
    return None


def _unknown(name: str, known: Iterator[str]) -> str:
    if name in FUNCTIONS:
        return f"{name} is a function; write {name}(…)"
    return f"there is no parameter {shorten(name)}{did_you_mean(name, known)}"
