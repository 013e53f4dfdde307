"""One tidy file of a table: its rows with the swept parameters beside them, written piece by piece."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.store.errors import StoreError
from ecosystem.store.files import UNFINISHED
from ecosystem.store.selection import select

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Format = Literal["csv", "parquet"]

_ROWS = 1 << 17
"""Rows that are gathered before they are written: a Parquet file of small pieces reads slowly."""


def export(
    results: Results,
    path: str | os.PathLike[str],
    format: Format,
    table: str = "models",
    columns: Sequence[str] | None = None,
    *,
    runs: Iterable[str] | None = None,
    where: Mapping[str, Any] | None = None,
) -> int:
    """Write a table to one file, whole or not at all, with no more of it in memory than a few pieces.

    Parameters
    ----------
    results : Results
        What is exported.
    path : path
        The file; one that is there is replaced.
    format : {'csv', 'parquet'}
        What kind of file.
    table : str
        Name of the table. The rows of `network` belong to no single run, so no parameters stand beside them.
    columns : sequence of str, optional
        Columns of the table, and point, seed and swept keys, in the order in which they are written; all by
        default, the table's own first.
    runs, where : optional
        Which rows; see `Results.table`.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    EcosystemError
        There is no such table, column or run.
    StoreError
        The file cannot be written.
    """
    schema, pieces = _pieces(results, table, columns, runs, where)
    rows = 0
    with _whole(Path(path)) as file, ExitStack() as open_files:
        write = _writer(file, format, schema, open_files)
        for piece in _gathered(pieces, schema):
            write(piece)
            rows += len(piece)
    return rows


def _pieces(
    results: Results,
    name: str,
    columns: Sequence[str] | None,
    runs: Iterable[str] | None,
    where: Mapping[str, Any] | None,
) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return the columns that are written, and what is written, in pieces."""
    selection = select(results, name, runs, where)
    if name == "runs":
        whole = _as_arrow(selection.of(results.runs))
        wanted = _checked(name, columns, whole.schema.names)
        return whole.select(wanted).schema, iter([whole.select(wanted)])
    table = results.read_by(name)
    own = table.schema.names
    joined = "run" in own
    beside = _as_arrow(selection.of(results.parameters(own)) if joined else pd.DataFrame())
    schema = pa.schema([*table.schema, *(field for field in beside.schema if field.name not in own)])
    wanted = _checked(name, columns, schema.names)
    read = [column for column in own if column in wanted or column == "run"]
    batches = table.batches(read, selection.rows, selection.runs)
    pieces = (pa.Table.from_batches([batch]) for batch in batches)
    if joined:
        layers = _layers(beside)
        pieces = (_joined(piece, layer) for piece in pieces for layer in layers)
    return pa.schema([schema.field(column) for column in wanted]), (piece.select(wanted) for piece in pieces)


def _layers(beside: pa.Table) -> list[pa.Table]:
    """Return the parameters in tables that have a run once at most: two points may be one run."""
    number = pd.Series(beside["run"].to_pandas()).groupby(beside["run"].to_pandas()).cumcount().to_numpy()
    return [beside.filter(pa.array(number == layer)) for layer in range(int(number.max(initial=-1)) + 1)]


def _joined(rows: pa.Table, parameters: pa.Table) -> pa.Table:
    """Return the rows of the runs that have parameters, with these beside them."""
    at = pc.index_in(rows["run"], value_set=parameters["run"].combine_chunks())
    if at.null_count:
        rows, at = rows.filter(pc.is_valid(at)), at.drop_null()
    for column in parameters.schema.names:
        if column not in rows.schema.names:
            rows = rows.append_column(parameters.schema.field(column), parameters[column].take(at))
    return rows


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as a table; a column of numbers and texts becomes one of texts."""
    mixed = {
        str(column): frame[column].astype("str")
        for column in frame
        if frame[column].dtype == object and pd.api.types.infer_dtype(frame[column]).startswith("mixed")
    }
    return pa.Table.from_pandas(frame.assign(**mixed), preserve_index=False).replace_schema_metadata(None)


def _checked(table: str, columns: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    for column in columns or ():
        if column not in known:
            raise EcosystemError(f"{table} has no column {shorten(column)}{did_you_mean(column, known)}")
    return list(known if columns is None else dict.fromkeys(columns))


def _gathered(pieces: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of all pieces in tables of a good size."""
    waiting: list[pa.Table] = []
    rows = 0
    for piece in pieces:
        waiting.append(piece)
        rows += len(piece)
        if rows >= _ROWS:
            yield pa.concat_tables(waiting).cast(schema)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting).cast(schema)


def _writer(file: Path, format: Format, schema: pa.Schema, open_files: ExitStack) -> Any:
    """Return what writes a table to a file, which is closed with `open_files`."""
    if format == "parquet":
        return open_files.enter_context(pq.ParquetWriter(file, schema, compression="zstd")).write_table
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    return open_files.enter_context(pyarrow.csv.CSVWriter(file, schema, write_options=options)).write_table


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a file to write, which appears at `path` when all went well, and is gone otherwise."""
    if os.path.isdir(path):
        raise StoreError(f"{path}: is a directory; name a file")
    beside = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            beside.unlink()
