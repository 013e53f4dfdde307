"""What validation found wrong, in plain words, at its place in what the user wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins.plugin import UNKNOWN, UNKNOWN_KEY
from ecosystem.scenario.document import Document
from ecosystem.scenario.expressions import TEXTS, is_expression
from ecosystem.scenario.shape import Shape


def translate(error: ValidationError, resolved: Any, document: Document, shape: Shape) -> list[Problem]:
    """Turn a validation error into problems.

    Parameters
    ----------
    error : pydantic.ValidationError
        What the validation of `resolved` raised.
    resolved : Any
        The data with every expression evaluated.
    document : Document
        The data as written, and where.
    shape : Shape
        What keys there are.

    Returns
    -------
    list of Problem
        One for each error, in the order of the file's fields.
    """
    problems = []
    for details in error.errors(include_url=False):
        kind = details["type"]
        if _is_consequence(kind, details):
            continue
        path = _path(details["loc"], resolved, kind)
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            path = (*path, details["ctx"]["discriminator"].strip("'"))
            kind = "missing" if kind == "union_tag_not_found" else kind
        of_key = kind in ("extra_forbidden", UNKNOWN_KEY) or "[key]" in details["loc"]
        problem = Problem(path, _message(kind, details, shape, path) + _origin(document, path))
        problems.append(document.located(problem, of_key=of_key))
    return problems


def _is_consequence(kind: str, details: Any) -> bool:
    """Tell whether an error only follows from another that is told anyway."""
    value = details["input"]
    if kind == "too_short":  # entries that are wrong themselves are not counted
        return len(value) >= details["ctx"]["min_length"]
    # An expression that is left could not be evaluated, but in a field of text is no expression.
    return is_expression(value) and details["loc"][-1] not in TEXTS


def _path(loc: tuple[int | str, ...], data: Any, kind: str) -> Path:
    """Return the path in the data; the names of a union's members, which loc holds too, are left out."""
    path: list[int | str] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if _holds(data, part):
            data = data[part]
        elif not (last and kind in ("missing", "extra_forbidden")):
            continue
        path.append(part)
    return tuple(path)


def _holds(data: Any, part: int | str) -> bool:
    if isinstance(data, Mapping):
        return part in data
    return isinstance(data, (list, tuple)) and isinstance(part, int) and part < len(data)


def _message(kind: str, details: Any, shape: Shape, path: Path) -> str:
    value, context = details["input"], details.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind in (UNKNOWN, UNKNOWN_KEY):
        return str(context["message"])
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(path[-1], _keys_beside(shape, path))}"
    if kind == "invalid_key" or "[key]" in details["loc"]:
        return f"a name must be text (got the number {shown(value)}); put quotes around it"
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_invalid":
        value = context["tag"]
    if isinstance(value, float) and math.isnan(value):
        return "must be a number (got NaN)"
    if kind in _WORDS:
        return f"{_WORDS[kind](context)} (got {shown(value)})"
    text = str(details["msg"])
    return f"{text[:1].lower()}{text[1:]} (got {shown(value)})"


def _literals(context: Any) -> str:
    expected = str(context.get("expected") or context["expected_tags"].replace(", ", " or "))
    return f"must be {expected}"


def _at_least_entries(context: Any) -> str:
    fewest = context["min_length"]
    return f"must have at least {fewest} {'entry' if fewest == 1 else 'entries'}"


def _fixed(words: str) -> Callable[[Any], str]:
    return lambda _context: words


_WORDS: dict[str, Callable[[Any], str]] = {
    "int_type": _fixed("must be a whole number"),
    "int_from_float": _fixed("must be a whole number"),
    "float_type": _fixed("must be a number"),
    "finite_number": _fixed("must be a finite number"),
    "string_type": _fixed("must be text"),
    "bool_type": _fixed("must be true or false"),
    "tuple_type": _fixed("must be a list"),
    "dict_type": _fixed("must be a mapping"),
    "model_type": _fixed("must be a mapping"),
    "model_attributes_type": _fixed("must be a mapping"),
    "none_required": _fixed("must be empty"),
    "literal_error": _literals,
    "union_tag_invalid": _literals,
    "greater_than": lambda context: f"must be more than {_bound(context['gt'])}",
    "greater_than_equal": lambda context: f"must be at least {_bound(context['ge'])}",
    "less_than": lambda context: f"must be less than {_bound(context['lt'])}",
    "less_than_equal": lambda context: f"must be at most {_bound(context['le'])}",
    "too_short": _at_least_entries,
    "too_long": lambda context: f"must have at most {context['max_length']} entries",
    "string_too_short": _fixed("must not be empty"),
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
}


def _bound(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else str(value)


def shown(value: Any) -> str:
    """Write a value as the user would have to, in one short line.

    >>> shown(True), shown(None), shown("0.5"), shown(0.5)
    ('true', 'null', "'0.5'", '0.5')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        keys = ", ".join(str(key) for key in list(value)[:4])
        return f"a mapping with {keys}{', …' if len(value) > 4 else ''}" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return shorten(list(value)) if value else "an empty list"
    return shorten(value)


def _origin(document: Document, path: Path) -> str:
    """Name the expression that a wrong number came from."""
    written = document.value(path)
    known = is_expression(written) and path[-1] not in TEXTS
    return f", from {shorten(written)}" if known else ""


def _keys_beside(shape: Shape, path: Path) -> list[str]:
    for part in path[:-1]:
        inner = shape.item() if isinstance(part, int) else shape.part(part)
        if inner is None:
            return []
        shape = inner
    return list(shape.keys)
