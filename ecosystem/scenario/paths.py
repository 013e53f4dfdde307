"""Changing one setting by its path, such as ``models.p.diet.real`` or ``network.edges[0].weight``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from ecosystem.errors import InputError, Path, did_you_mean, fail, path_text
from ecosystem.scenario.shape import Shape, shape_of_block

_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*")
_IN_EVENT = len(("events", "number", "set", "key"))
_PART = re.compile(r"[^.\[\]]+")


def parameter_names(data: Any) -> frozenset[str]:
    """Return the names of the parameters that are written."""
    parameters = data.get("parameters") if isinstance(data, Mapping) else None
    return frozenset(map(str, parameters)) if isinstance(parameters, Mapping) else frozenset()


def change(root: type[BaseModel], data: Any, key: str, value: Any) -> tuple[Any, Path]:
    """Set one value of a scenario as written.

    Parameters
    ----------
    root : type of block
        What `data` is a mapping of.
    data : mapping
        The scenario as written; not modified, and shared with the result but for what changes.
    key : str
        A parameter's name, else a path. Entries of a list are named by `name` (an edge by
        ``from->to``) or by their number.
    value : Any
        The new value, an expression too.

    Returns
    -------
    data : mapping
        The changed scenario.
    path : tuple
        What was changed.

    Raises
    ------
    InputError
        If there is no such parameter or setting.
    """
    names = parameter_names(data)
    parts = ("parameters", key) if key in names else _parts(key)
    known = sorted(names) if len(parts) == 1 else []
    path: list[str | int] = []
    if len(parts) > _IN_EVENT and (parts[0], parts[2]) == ("events", "set"):
        written = f"{path_text(('events', int(parts[1])))}.set" if parts[1].isdecimal() else "events[…].set"
        raise fail(f"{key!r} leads into a key of {written}; let that value be a parameter, and name the parameter")
    try:
        return _set(data, parts, value, shape_of_block(root), path, known), tuple(path)
    except InputError as error:
        message = error.problems[0].message
        raise fail(f"{key!r} is neither a parameter nor a setting: {message}") from None


@lru_cache(maxsize=4096)
def _parts(key: str) -> tuple[str, ...]:
    if not _PATH.fullmatch(key):
        raise fail(f"{key!r} is no path; write one such as learning.rate or models.p.diet.real")
    return tuple(_PART.findall(key))


def _set(node: Any, parts: tuple[str, ...], value: Any, shape: Shape, path: list[str | int], known: list[str]) -> Any:
    """Return a copy of the node in which what `parts` leads to is `value`; `path` grows on the way."""
    if not parts:
        return value
    part, *rest = parts
    if isinstance(node, (list, tuple)):
        index = _index(node, part, path)
        path.append(index)
        items = list(node)
        items[index] = _set(node[index], tuple(rest), value, shape.item(), path, [])
        return items
    if not (shape.keys or shape.open or shape.anything):
        raise fail(f"{path_text(path)} has no parts, so none called {part!r}")
    # What is written as one word, such as `corpus: replace`, may also be a mapping.
    mapping = dict(node) if isinstance(node, Mapping) else {}
    key: str | int = part
    if part not in mapping and part.isdecimal() and (int(part) in mapping or shape.numbered):
        key = int(part)
    inner = shape.part_of(mapping, part)
    if inner is None or (path == ["parameters"] and key not in mapping):
        choices = [*(mapping if path == ["parameters"] else shape.keys), *known]
        where = f"{path_text(path)} has no" if path else "there is no"
        raise fail(f"{where} {part!r}{did_you_mean(part, map(str, choices))}")
    path.append(key)
    mapping[key] = _set(mapping.get(key), tuple(rest), value, inner, path, [])
    return mapping


def _index(entries: list[Any] | tuple[Any, ...], part: str, path: list[str | int]) -> int:
    """Find the entry of a list that a part of a path means."""
    names = [_entry_name(entry) for entry in entries]
    if part in names:
        return names.index(part)
    if part.isdecimal() and int(part) < len(entries):
        return int(part)
    for entry, name in zip(entries, names, strict=True):
        if name and isinstance(entry, Mapping) and "count" in entry and re.fullmatch(re.escape(name) + r"\d+", part):
            raise fail(f"{part!r} is one of the models that {name!r} counts; they are set together, as {name!r}")
    choices = [name for name in names if name]
    hint = did_you_mean(part, choices) if choices else f"; it has {len(entries)} entries, counted from 0"
    raise fail(f"{path_text(path)} has no entry {part!r}{hint}")


def _entry_name(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return None
    if "from" in entry and "to" in entry:
        return f"{entry['from']}->{entry['to']}"
    name = entry.get("name")
    return name if isinstance(name, str) else None
