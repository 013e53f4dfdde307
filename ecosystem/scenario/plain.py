"""Values from Python as YAML would give them: lists, mappings, numbers, text."""

from __future__ import annotations

import json
import numbers
import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ecosystem.errors import Path, fail, shorten

_MAX_DEPTH = 60


def plain(value: Any, path: Path = ()) -> Any:
    """Return a copy in lists, mappings, text, numbers, booleans and None.

    NumPy arrays and scalars, tensors, tuples, ranges and blocks such as `Learning(...)` are taken too.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"real": np.array([0.5, 0.5]), "seeds": range(2)})
    {'real': [0.5, 0.5], 'seeds': [0, 1]}
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if len(path) > _MAX_DEPTH:
        raise fail(f"is nested more than {_MAX_DEPTH} levels deep", path[:3])
    if isinstance(value, Mapping):
        return {_key(key, path): plain(part, (*path, _key(key, path))) for key, part in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(part, (*path, index)) for index, part in enumerate(value)]
    if isinstance(value, BaseModel):
        return plain(value.model_dump(by_alias=True, exclude_unset=True), path)
    if hasattr(value, "tolist"):
        return plain(value.tolist(), path)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise fail(f"a value of type {type(value).__name__} has no place in a scenario (got {shorten(value)})", path)


def in_json(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON can hold them: infinity as the text ``inf``, as it may be in YAML."""
    try:
        json.dumps(settings, allow_nan=False)  # much quicker than to look at each
    except ValueError:
        return {key: _in_json(value) for key, value in settings.items()}
    return settings


def _in_json(value: Any) -> Any:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {str(key): _in_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_in_json(part) for part in value]
    return value


def _key(key: Any, path: Path) -> str | int:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        return int(key)
    raise fail(f"a key must be text or a whole number (got {shorten(key)})", path)
