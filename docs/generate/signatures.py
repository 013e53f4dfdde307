"""Types and defaults of parameters that one entry of a docstring tells of together (``table, columns, by``).

What reads docstrings gives all of them the type and the default of the first; each has its own in the signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from griffe import Class, DocstringSectionKind, Extension, Function, GriffeLoader, Module, Object


class Signatures(Extension):
    """Gives each parameter the default of the signature, and its type where the docstring has none."""

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **_: Any) -> None:
        """Mend what was read of all functions and classes of a package."""
        for each in _documented(pkg):
            _mend(each)


def _documented(within: Object) -> Iterator[Function | Class]:
    for member in within.members.values():
        if member.is_alias:
            continue
        if isinstance(member, (Function, Class)) and member.docstring and "Parameters\n" in member.docstring.value:
            yield member
        if isinstance(member, (Module, Class)):
            yield from _documented(member)


def _mend(of: Function | Class) -> None:
    stated = {each.name.lstrip("*"): each for each in of.parameters}
    assert of.docstring is not None
    for section in of.docstring.parsed:
        if section.kind is not DocstringSectionKind.parameters:
            continue
        for told in section.value:
            own = stated.get(told.name.lstrip("*"))
            if own is None:
                continue
            starred = told.name.startswith("*")  # there may be none of these, which is no default
            told.value = None if starred or own.default is None else str(own.default)
            # An entry without a type has that of its first parameter: the very object that the signature has.
            if any(told.annotation is each.annotation for each in stated.values()):
                told.annotation = own.annotation
