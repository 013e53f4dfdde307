"""Whether a directory of results belongs to a scenario, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, path_text, shorten
from ecosystem.plan.identity import WITHOUT_EFFECT
from ecosystem.store.manifest import Manifest

_MISSING = object()


def difference(stored: Manifest, asked: Manifest) -> str | None:
    """Tell in words what makes two scenarios' results not belong together; None if nothing does.

    Names and texts, parameters that nothing uses, sweep, seeds, expectations and recording may differ.
    """
    before, after = _effective(stored.resolved), _effective(asked.resolved)
    for path, old, new in _differences(before, after, ()):
        return f"{path_text(path)} is {_shown(old)} there and {_shown(new)} here"
    for path, old, new in _differences(stored.identity, asked.identity, ()):
        if path[0] == "files":
            return f"the contents of {shorten(str(path[-1]))} are not what they were"
        if path[0] == "version":
            return f"another version of the program computed it (results version {old}, now {new})"
        return f"its {path[0]} is {_shown(old)}, not {_shown(new)}"
    return None


def _effective(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in WITHOUT_EFFECT}


def _differences(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, (*path, number))
    elif old != new:
        yield path, old, new


def _shown(value: Any) -> str:
    return "not set" if value is _MISSING or value is None else shorten(value)
