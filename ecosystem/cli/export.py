"""``ecosystem export``: a table of a finished run in one file, for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ecosystem.cli.options import assigned


class Format(StrEnum):
    """What kind of file."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A directory that `ecosystem run` wrote.")],
    table: Annotated[str, typer.Option(help="models, groups, rounds, runs, network, alignments or states.")] = "models",
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="By default what the name of --out says, else csv.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file; by default RUN-TABLE.csv in this directory.", show_default=False)
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns to write, with commas between; all by default.", show_default=False),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE",
            help="Rows to write, as in --where lam=0.5 or --where round=[0,100]; may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a table of a run, the swept parameters beside each row, to one CSV or Parquet file."""
    from ecosystem.cli.terminal import counted
    from ecosystem.store.export import export as write
    from ecosystem.store.results import open_results

    conditions = assigned("--where", "COLUMN=VALUE, such as lam=0.5", where or ())
    wanted = [name.strip() for each in columns or () for name in each.split(",") if name.strip()]
    kind = format_ or (Format.PARQUET if out is not None and out.suffix == ".parquet" else Format.CSV)
    results = open_results(run)
    file = Path(f"{run.resolve().name}-{table}.{kind}") if out is None else out
    rows = write(results, file, kind.value, table, wanted or None, where=conditions)
    print(f"written: {file} ({counted(rows, 'row')})")
