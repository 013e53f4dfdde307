"""YAML to plain data, with the place of every value; nothing in a file can make it run or grow."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import yaml

from ecosystem.errors import InputError, Path, Place, Problem, shorten
from ecosystem.scenario.document import Document
from ecosystem.scenario.scalars import Scalar, resolve_plain
from ecosystem.scenario.text_file import ELSEWHERE, read_text

MAX_VALUES = 300_000
MAX_DEPTH = 60
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _RefusedError(Exception):
    """A document that is not read to its end."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark


class _Composer:
    """Composes nodes without giving words a meaning, and stops early at what is too much."""

    _values = 0
    _depth = 0

    def descend_resolver(self, parent: Any, _index: Any) -> None:
        self._values += 1
        self._depth += 1
        mark = parent.start_mark if parent is not None else None
        # Told while composing: libyaml's composer recurses in C, where depth ends the process.
        if self._depth > MAX_DEPTH:
            raise _RefusedError(f"is nested more than {MAX_DEPTH} levels deep", mark)
        if self._values > MAX_VALUES:
            raise _RefusedError(f"has more than {MAX_VALUES:,} values; {ELSEWHERE}", mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, _kind: Any, _value: Any, _implicit: Any) -> str:
        return ""


_Base: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


class _Loader(_Composer, _Base):
    """A loader of which only the composer is used."""


def read(path: str | os.PathLike[str]) -> Document:
    """Read a scenario file.

    Parameters
    ----------
    path : str or path
        A regular file of UTF-8 text, at most 4 MB.

    Returns
    -------
    Document
        The data and where each part of it stands.

    Raises
    ------
    InputError
        If the file cannot be read or is not YAML.
    """
    file = os.fspath(path)
    text = read_text(file)
    base = pathlib.Path(os.path.abspath(os.path.dirname(file)))
    return parse(text, file, base)


def parse(text: str, file: str = "<text>", base: pathlib.Path | None = None) -> Document:
    """Read YAML from text; see `read`."""
    refuse_unprintable(text, file)
    try:
        node = _Loader(text).get_single_node()
        if node is None:
            raise _at(file, (1, 1), "is empty; a scenario is a mapping, and begins with its name")
        walk = _Walk(file)
        data = walk.value(node, (), False)
    except _RefusedError as refusal:
        mark = refusal.mark
        raise _at(file, (mark.line + 1, mark.column + 1) if mark else (1, 1), refusal.message) from None
    except yaml.YAMLError as error:
        raise _syntax(error, text, file) from None
    except RecursionError:
        raise _at(file, (1, 1), "is nested too deeply") from None
    return Document(data, file, base or pathlib.Path(), walk.places, walk.keys, tuple(walk.problems))


def refuse_unprintable(text: str, file: str) -> None:
    """Raise if a text has a character that YAML does not allow.

    Raises
    ------
    InputError
        With the place of the first one.
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        raise _at(file, _position(text, bad.start()), f"the character {bad.group()!a} cannot stand in YAML")


def parse_value(text: str) -> Any:
    """Read one value as it would stand in a scenario, such as the `0.5` of ``--set learning.rate=0.5``.

    >>> parse_value("0.5"), parse_value("= 1 - lam"), parse_value("[1, no]")
    (0.5, '= 1 - lam', [1, 'no'])
    """
    if not text.strip():
        return None
    document = parse(text)
    if document.problems:
        raise InputError(document.problems)
    return document.data


class _Walk:
    """Turns nodes into data, noting places and what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._count = 0

    def value(self, node: yaml.Node, path: Path, in_flow: bool) -> Any:
        """Return the node's data; aliases are copied, so what they expand to is counted."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise _RefusedError(f"has more than {MAX_VALUES:,} values once aliases are expanded", node.start_mark)
        if len(path) > MAX_DEPTH:
            raise _RefusedError(f"is nested more than {MAX_DEPTH} levels deep", node.start_mark)
        if id(node) in self._open:
            raise _RefusedError("an alias (*) stands inside its own anchor (&)", node.start_mark)
        self.places[path] = self._place(node)
        if node.tag:
            self._problem(path, node, f"tags such as {shorten(node.tag)} are not read; leave it out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, in_flow)
        self._open.add(id(node))
        flow = in_flow or bool(getattr(node, "flow_style", False))
        if isinstance(node, yaml.SequenceNode):
            items = [item for item, before in _with_previous(node.value) if not _is_rest(item, before, flow)]
            data: Any = [self.value(item, (*path, index), flow) for index, item in enumerate(items)]
        else:
            data = self._mapping(node, path, flow)
        self._open.discard(id(node))
        return data

    def _mapping(self, node: yaml.Node, path: Path, flow: bool) -> dict[str | int, Any]:
        data: dict[str | int, Any] = {}
        before = None
        for key_node, value_node in node.value:
            before, previous = value_node, before
            if not value_node.value and _is_rest(key_node, previous, flow):
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            inner = (*path, key)
            if key in data:
                first = self.keys[inner]
                self._problem(inner, key_node, f"this key is already written at {first.line}:{first.column}")
                continue
            self.keys[inner] = self._place(key_node)
            data[key] = self.value(value_node, inner, flow)
        return data

    def _key(self, node: yaml.Node, path: Path) -> str | int | None:
        if not isinstance(node, yaml.ScalarNode):
            self._problem(path, node, "a key must be a word or a number, not a list or a mapping")
            return None
        if node.value == "<<" and not node.style:
            self._problem(path, node, "merge keys (<<) are no part of YAML 1.2; write the keys out")
            return None
        key = self._plain(node, path)
        if isinstance(key, float):
            return str(node.value)
        if key is None or isinstance(key, bool):
            self._problem(path, node, f"a key must be a word or a number (got {node.value or 'nothing'})")
            return None
        return key

    def _scalar(self, node: yaml.ScalarNode, path: Path, in_flow: bool) -> Scalar:
        value = self._plain(node, path)
        if _is_cut(node, in_flow):
            self._problem(
                path,
                node,
                f"an expression with a comma must be quoted inside {{}} and [] (got {shorten(value)}, "
                f'cut at the comma); write "{value}, …)"',
            )
            return None
        return value

    def _plain(self, node: yaml.ScalarNode, path: Path) -> Scalar:
        if node.style:
            return str(node.value)
        try:
            return resolve_plain(node.value)
        except ValueError as error:
            self._problem(path, node, f"{shorten(node.value)} {error}")
            return None

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _problem(self, path: Path, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(path, message, self._place(node)))


def _is_cut(node: yaml.Node | None, in_flow: bool) -> bool:
    """Tell whether a node is the first part of an unquoted expression that a comma cut in two."""
    if not in_flow or not isinstance(node, yaml.ScalarNode) or node.style:
        return False
    return node.value.startswith("=") and node.value.count("(") > node.value.count(")")


def _is_rest(node: yaml.Node, previous: yaml.Node | None, in_flow: bool) -> bool:
    """Tell whether a node is what a comma cut off an expression; the first part has been told of."""
    return isinstance(node, yaml.ScalarNode) and ")" in node.value and _is_cut(previous, in_flow)


def _with_previous(nodes: list[yaml.Node]) -> Iterator[tuple[yaml.Node, yaml.Node | None]]:
    return zip(nodes, [None, *nodes], strict=False)


def _position(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _at(file: str, position: tuple[int, int], message: str) -> InputError:
    return InputError([Problem((), message, Place(file, *position))])


def _syntax(error: yaml.YAMLError, text: str, file: str) -> InputError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _at(file, (1, 1), f"is not YAML: {' '.join(str(error).split())}")
    problem = getattr(error, "problem", None) or str(error)
    lines = text.split("\n")
    here = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    if problem == "but found another document":
        message = "a second document begins here; a scenario is one document"
    elif here == "\t":
        message = "a tab stands here; indent with spaces"
    elif "cannot start any token" in problem:
        message = f"is not YAML: text that begins with {here!r} must be quoted"
    else:
        context = getattr(error, "context", None)
        message = f"is not YAML: {problem}" + (f" ({context})" if context else "")
    return _at(file, (mark.line + 1, mark.column + 1), message)
