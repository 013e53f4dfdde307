"""Short names for swept values, as a table holds them: numbers and texts as they are, blocks by their method."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

NONE = "none"
"""What stands for a setting that is left out, where others are words or blocks."""

_NAMED_BY = ("method", "generator", "file", "draw", "kind", "name")
"""Keys whose value tells what a block is."""


def labels(values: Sequence[Any]) -> list[Any]:
    """Return a label for each value that a setting takes; different blocks have different labels.

    A block is called by its method (or generator, file, …), a list of blocks by theirs, and where two would be
    called the same, by the entries in which they differ too. Nothing, beside words and blocks, is `none`.

    >>> labels([None, {"method": "best_of_k", "candidates": 2}])
    ['none', 'best_of_k']
    >>> labels([{"method": "linear", "step": 0.1}, {"method": "linear", "step": 0.2}])
    ['linear step=0.1', 'linear step=0.2']
    >>> labels(["replace", {"window": 5}])
    ['replace', 'window=5']
    >>> labels([0.1, None])
    [0.1, None]
    """
    if not any(isinstance(value, (str, Mapping, list, tuple)) for value in values):
        return list(values)
    short = [_short(value) for value in values]
    told = [_told(value, short[index], values, short) for index, value in enumerate(values)]
    seen: dict[Any, str] = {}
    for label, value in zip(told, values, strict=True):
        if seen.setdefault(label, _written(value)) != _written(value):
            return [_written(value) if isinstance(value, (Mapping, list, tuple)) else value for value in values]
    return told


def _short(value: Any) -> Any:
    """Return what a value is called where nothing else is called so."""
    if value is None:
        return NONE
    if isinstance(value, Mapping):
        named = next((value[key] for key in _NAMED_BY if isinstance(value.get(key), str)), None)
        return named if named is not None else _entries(value, value)
    if isinstance(value, (list, tuple)) and value and all(isinstance(entry, Mapping) for entry in value):
        return " + ".join(str(_short(entry)) for entry in value)
    return _written(value) if isinstance(value, (list, tuple)) else value


def _told(value: Any, label: Any, values: Sequence[Any], short: Sequence[Any]) -> Any:
    """Return a label with the entries in which a block differs from others of the same label."""
    if not isinstance(value, Mapping):
        return label
    others = [other for other, called in zip(values, short, strict=True) if called == label and other != value]
    differ = [
        key for key in value if any(not isinstance(other, Mapping) or other.get(key) != value[key] for other in others)
    ]
    return f"{label} {_entries(value, differ)}" if others and differ and label != _entries(value, value) else label


def _entries(value: Mapping[Any, Any], keys: Any) -> str:
    return ", ".join(f"{key}={value[key] if isinstance(value[key], str) else _written(value[key])}" for key in keys)


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
