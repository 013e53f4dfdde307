"""Who there is, by kind and name: what packages bring, and what the files of a scenario define.

The built-in members of a kind stand in its own module; every kind asks there first, then here. Entry points are read
once, and a package is imported when one of its members is first used: that there is a name is known without it.
What files define holds for their scenario alone (`Scope`), as two scenarios may give one name to different things.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ecosystem.errors import EcosystemError, did_you_mean

GROUPS: Mapping[str, str] = {
    "curators": "Curator",
    "choices": "ChoiceRule",
    "feedback": "FeedbackRule",
    "networks": "NetworkGenerator",
    "remedies": "Remedy",
    "learners": "Learner",
    "judges": "Judge",
    "crafts": "Craft",
}
"""Kinds, each with the class of `ecosystem.plugins` that its members derive from; entry points are of the group
``ecosystem.KIND``."""


class PluginError(EcosystemError):
    """A plug-in that is there but cannot be used."""


def told(array: Any) -> str:
    """Say what an array is, for a message: its type and shape."""
    return f"{str(array.dtype).rpartition('.')[2]} {list(array.shape)}"


@dataclass(frozen=True)
class Scope:
    """What the files of one scenario define, and what it has used of packages.

    Attributes
    ----------
    members : mapping
        What is defined, by kind and name.
    used : dict
        Which packages gave something, each with its version; filled as it is looked up.
    """

    members: Mapping[tuple[str, str], type] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)


_HERE: ContextVar[Scope] = ContextVar("plug-ins of the scenario at hand")
_EVERYWHERE = Scope()


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Let names mean, for a while, what they mean to one scenario."""
    before = _HERE.set(scope)
    try:
        yield
    finally:
        _HERE.reset(before)


def scope() -> Scope:
    """Return the scope of the scenario at hand."""
    return _HERE.get(_EVERYWHERE)


def inherited() -> Scope:
    """Return the scope of a further scenario: it knows what is known here, and has used nothing."""
    return Scope(scope().members)


def names(kind: str) -> frozenset[str]:
    """Return the names of all plug-ins of a kind, without importing any."""
    return frozenset(name for of, name in scope().members if of == kind) | frozenset(_entries(kind))


def suggestion(kind: str, name: str, built_in: Iterable[str]) -> str:
    """Return what may have been meant by a name of a kind that nobody has, to be added to a message."""
    known = did_you_mean(name, sorted({*built_in, *names(kind)}))
    if "did you mean" in known or scope().members:
        return known
    return f"{known}; or it is of a plug-in that is not installed, or whose file is not named under plugins"


def installed() -> Iterator[tuple[str, EntryPoint]]:
    """Yield all members that packages bring, each with its kind, without importing any."""
    for kind in GROUPS:
        for entry in _entries(kind).values():
            yield kind, entry


def find(kind: str, name: str) -> type[Any] | None:
    """Return the class of a plug-in, None where there is none of this name.

    Raises
    ------
    PluginError
        It does not load, or is none of its kind.
    """
    defined = scope().members.get((kind, name))
    if defined is not None:
        return defined
    entry = _entries(kind).get(name)
    if entry is None:
        return None
    note(kind, name)
    return _loaded(kind, entry)


def note(kind: str, name: str) -> None:
    """Note that the scenario at hand uses a plug-in, where a package brings it, without importing it."""
    entry = _entries(kind).get(name)
    if entry is not None and entry.dist is not None and (kind, name) not in scope().members:
        scope().used[entry.dist.name] = entry.dist.version


def lacking(member: Any) -> list[str]:
    """Return the methods that a member must have and has not."""
    missing: list[str] = member.lacking()
    return missing


@lru_cache(maxsize=256)
def _loaded(kind: str, entry: EntryPoint) -> type[Any]:
    import ecosystem.plugins

    what = f"plug-in {entry.name} ({entry.group}: {entry.value})"
    try:
        found = entry.load()
    except Exception as error:  # whatever a stranger's module raises on import
        raise PluginError(f"{what} does not load: {type(error).__name__}: {error}") from error
    base: type[Any] = getattr(ecosystem.plugins, GROUPS[kind])
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"{what} is no subclass of ecosystem.plugins.{GROUPS[kind]}")
    missing = lacking(found)
    if missing:
        raise PluginError(f"{what} has no {', '.join(missing)}")
    called = getattr(found, "plugin_name", "") or (entry.name if kind == "crafts" else "")
    if called != entry.name:
        raise PluginError(f"{what} calls itself {called!r}; the entry point must have the same name")
    return found


@lru_cache(maxsize=len(GROUPS))
def _entries(kind: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"ecosystem.{kind}")}
