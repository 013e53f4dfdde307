"""Python files that a scenario names: read once, run only where that is allowed, known by their contents."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import ecosystem.plugins
from ecosystem.errors import InputError, Problem, shorten
from ecosystem.plugins.registry import GROUPS, PluginError, Scope, inherited, lacking

NOT_ALLOWED = "would be run as a program, which a scenario may not ask for by itself; if you trust it, add "
HOW = "--allow-code (in Python: allow_code=True)"


@dataclass(frozen=True)
class Code:
    """A file as it was when it was read.

    Attributes
    ----------
    file : str
        Its name, for messages.
    text : bytes
        What it holds; workers run this, not what the file may have become.
    """

    file: str
    text: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of what it holds."""
        return sha256(self.text).hexdigest()


def read(written: Sequence[str], base: Path) -> tuple[Code, ...]:
    """Read the files that a scenario names under `plugins`.

    Raises
    ------
    InputError
        A file that cannot be read.
    """
    found, problems = [], []
    for index, name in enumerate(written):
        try:
            found.append(Code(name, (base / name).read_bytes()))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            problems.append(Problem(("plugins", index), f"cannot read {shorten(name)} in {base}: {reason}"))
    if problems:
        raise InputError(problems)
    return tuple(found)


def refusals(written: Sequence[str]) -> list[Problem]:
    """Return what is said of files that may not be run."""
    return [Problem(("plugins", index), f"{shorten(name)} {NOT_ALLOWED}{HOW}") for index, name in enumerate(written)]


def scope_of(codes: Sequence[Code]) -> Scope:
    """Run files and return what they define.

    Raises
    ------
    InputError
        A file that fails, defines nothing, or defines what there is already.
    """
    members: dict[tuple[str, str], type] = {}
    scope = inherited()
    for index, code in enumerate(codes):
        try:
            found = _defined(code)
            twice = sorted(name for key in found if key in members for name in key[1:])
            if twice:
                raise PluginError(f"defines {twice[0]}, which another file defines too")
        except PluginError as error:
            raise InputError([Problem(("plugins", index), f"{shorten(code.file)} {error}")]) from error
        members |= found
    return Scope({**scope.members, **members})


def load(file: str | PathLike[str]) -> dict[str, type[Any]]:
    """Run a file of plug-ins and return its classes by name: to try them with `ecosystem.testing`.

    Raises
    ------
    PluginError
        It fails, or defines nothing.
    InputError
        It cannot be read.
    """
    path = Path(file)
    return {name: cls for (_, name), cls in _defined(*read([path.name], path.parent)).items()}


_BASES = sorted(f"ecosystem.plugins.{base}" for base in set(GROUPS.values()))


@lru_cache(maxsize=256)
def _module(code: Code) -> ModuleType:
    name = f"ecosystem_plugin_{code.digest[:24]}"
    module = ModuleType(name)
    module.__file__ = code.file
    sys.modules[name] = module
    try:
        exec(compile(code.text, code.file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _defined(code: Code) -> Mapping[tuple[str, str], type]:
    """Return the members that a file defines, by kind and name."""
    try:
        module = _module(code)
    except Exception as error:  # whatever a stranger's file raises
        raise PluginError(f"does not load: {type(error).__name__}: {error}") from error
    found: dict[tuple[str, str], type] = {}
    nameless = ""
    for value in vars(module).values():
        for kind, base in _bases():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__:
                name = getattr(value, "plugin_name", "")
                missing = lacking(value)
                if name and missing:
                    raise PluginError(f"defines {name} without {', '.join(missing)}")
                if name:
                    found[kind, name] = value
                else:
                    nameless = f"; give {value.__name__} one: class {value.__name__}({base.__name__}, name=…)"
    if not found:
        derives = nameless or f" that derives from {', '.join(_BASES)}"
        raise PluginError(f"defines no plug-in: no class with a name{derives}")
    return found


def _bases() -> Iterator[tuple[str, type]]:
    for kind, name in GROUPS.items():
        # What needs torch is not imported to find out that a file has none of it.
        if kind != "crafts" or "ecosystem.learners.craft" in sys.modules:
            yield kind, getattr(ecosystem.plugins, name)
