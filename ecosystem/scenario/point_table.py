"""The points of a sweep in a CSV file: read once, and from then on rows as if they stood in the scenario."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ecosystem.errors import InputError, Path, Place, Problem, shorten
from ecosystem.scenario.document import Document
from ecosystem.scenario.fields.sweep import MAX_POINTS
from ecosystem.scenario.reader import parse_value, refuse_unprintable
from ecosystem.scenario.scalars import resolve_plain
from ecosystem.scenario.text_file import read_text

MAX_BYTES = 32_000_000
MAX_CELLS = 2_000_000

_AT: Path = ("sweep", "table")
_WORD = re.compile(r"[-+.]?\w[\w.+-]*")
"""Cells that are one plain word or number of YAML, which most are; they need no parser."""


def with_rows(document: Document) -> tuple[Document, list[Problem]]:
    """Put the rows of the CSV file that a sweep names in the place of its name.

    Returns
    -------
    document : Document
        With a list of points under ``sweep.table``, each cell at its place in the CSV file; as it was where no
        file is named, or it cannot be read.
    problems : list of Problem
        What is wrong with the file.
    """
    sweep = document.data.get("sweep")
    name = sweep.get("table") if isinstance(sweep, Mapping) else None
    if not isinstance(sweep, Mapping) or not isinstance(name, str):
        return document, []
    folder = os.path.dirname(document.file) if document.file else document.base
    try:
        table = _read(os.path.join(document.base, name), os.path.join(folder, name))
        rows, problems = _rows(table)
    except InputError as error:
        named = document.place(_AT)
        return document, [Problem(_AT, each.message, each.place or named) for each in error.problems]
    if problems:
        return document, problems
    header = {(*_AT, 0, key): table.place(table.first, index) for index, key in enumerate(table.keys)}
    data = {**document.data, "sweep": {**sweep, "table": rows}}
    return replace(document, data=data, places=_Places(table, document.places), keys={**document.keys, **header}), []


@dataclass(frozen=True)
class _Table:
    """A CSV file of which each line is a row.

    Attributes
    ----------
    file : str
        Its name, as the user is told it.
    lines : list of str
        Its text.
    first : int
        Number of the line that names the keys, from 0.
    keys : list of str
        The keys.
    cells : list of (int, list of str)
        The number of each row's line, and its cells.
    """

    file: str
    lines: list[str]
    first: int
    keys: list[str]
    cells: list[tuple[int, list[str]]]

    def place(self, line: int, cell: int = 0) -> Place:
        """Return where a cell begins."""
        return Place(self.file, line + 1, _column(self.lines[line], cell))


class _Places(Mapping[Path, Place]):
    """Where the rows and cells of a table stand, found when they are asked for, and where all else stands."""

    def __init__(self, table: _Table, others: Mapping[Path, Place]) -> None:
        self._table = table
        self._others = others

    def __getitem__(self, path: Path) -> Place:
        if path[:2] != _AT or not 3 <= len(path) <= 4 or not isinstance(path[2], int):
            return self._others[path]
        if path[2] >= len(self._table.cells) or path[3:] not in [(), *((key,) for key in self._table.keys)]:
            raise KeyError(path)
        line, _ = self._table.cells[path[2]]
        return self._table.place(line, self._table.keys.index(str(path[3])) if path[3:] else 0)

    def __iter__(self) -> Iterator[Path]:
        yield from self._others
        for number in range(len(self._table.cells)):
            yield (*_AT, number)
            yield from ((*_AT, number, key) for key in self._table.keys)

    def __len__(self) -> int:
        return len(self._others) + len(self._table.cells) * (1 + len(self._table.keys))


def _read(path: str, file: str) -> _Table:
    """Read a CSV file; raise with the first thing that makes it none."""
    text = read_text(path, MAX_BYTES, "CSV", "split the table into several scenarios").replace("\r\n", "\n")
    refuse_unprintable(text, file)
    lines = text.split("\n")
    written = [number for number, line in enumerate(lines) if line.strip()]
    if len(written) < 2:
        problem = "has no rows; a first line names the keys, and each line after it is a point"
        raise InputError([Problem((), problem, Place(file, 1, 1))])
    if len(written) - 1 > MAX_POINTS:
        problem = f"has {len(written) - 1:,} rows, and at most {MAX_POINTS:,} points are planned at once"
        raise InputError([Problem((), problem, Place(file, 1, 1))])
    first, *others = written
    table = _Table(file, lines, first, [key.strip() for key in _split(lines, first, file)], [])
    for index, key in enumerate(table.keys):
        if not key:
            raise InputError([Problem((), "a key is missing in the first line", table.place(first, index))])
        if key in table.keys[:index]:
            raise InputError([Problem((), f"the key {shorten(key)} stands twice", table.place(first, index))])
    if len(others) * len(table.keys) > MAX_CELLS:
        raise InputError([Problem((), f"has more than {MAX_CELLS:,} cells", Place(file, 1, 1))])
    table.cells.extend((number, _split(lines, number, file)) for number in others)
    return table


def _split(lines: list[str], number: int, file: str) -> list[str]:
    """Return the cells of a line."""
    try:
        (cells,) = csv.reader([lines[number]], strict=True, skipinitialspace=True)
    except csv.Error as error:
        reason = "a quote is not closed on its line" if "end of data" in str(error) else str(error)
        raise InputError([Problem((), f"is not CSV: {reason}", Place(file, number + 1, 1))]) from None
    return cells


def _rows(table: _Table) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the points, and what is wrong with them."""
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for line, cells in table.cells:
        if len(cells) != len(table.keys):
            message = (
                f"a row has as many cells as there are keys, {len(table.keys)} (got {len(cells)}; "
                "a cell with a comma in it needs quotes)"
            )
            problems.append(Problem(_AT, message, table.place(line)))
            continue
        row = {}
        for index, (key, cell) in enumerate(zip(table.keys, cells, strict=True)):
            try:
                row[key] = _value(cell.strip())
            except ValueError as error:
                message = f"{shorten(cell)} {error}"
            except InputError as error:
                message = f"{error.problems[0].message} (got {shorten(cell)})"
            else:
                continue
            problems.append(Problem((*_AT, len(rows), key), message, table.place(line, index)))
        rows.append(row)
    return rows, problems


def _value(cell: str) -> Any:
    """Return what a cell would mean in the scenario."""
    return resolve_plain(cell) if not cell or _WORD.fullmatch(cell) else parse_value(cell)


def _column(line: str, cell: int) -> int:
    """Return the column, from 1, in which a cell of a line begins."""
    quoted, fresh = False, True
    for position, character in enumerate(line):
        if cell == 0 and not character.isspace():
            return position + 1
        if character == '"' and (quoted or fresh):
            quoted = not quoted
        if character == "," and not quoted:
            cell -= 1
        fresh = character == "," or (fresh and character.isspace())
    return len(line) + 1
