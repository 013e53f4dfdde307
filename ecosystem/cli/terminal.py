"""Writing for people: tables on the output, progress beside it, nothing that a text can break."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecosystem.runner.execute import Progress

_PIPE_WIDTH = 200


def one_line(text: str, width: int = 60) -> str:
    """Return a text in one line of printable characters, shortened if need be.

    >>> one_line("two" + chr(10) + "lines")
    'two lines'
    """
    joined = " ".join(text.split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in joined[: width + 1])
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def counted(number: int, thing: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print a table on the standard output; those of its columns that are `numbers` are set to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    with console.capture() as printed:
        console.print(table)
    print("\n".join(line.rstrip() for line in printed.get().splitlines()).strip("\n"))


@contextmanager
def progress(description: str) -> Iterator[Callable[[Progress], None] | None]:
    """Give what shows progress on a terminal, None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars
    from rich.console import Console

    text = bars.TextColumn("{task.description}", markup=False)
    counts = bars.TextColumn("{task.fields[shown]}", markup=False)
    columns = (text, bars.BarColumn(), counts, bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(one_line(description, 40), total=None, shown="")

        def show(now: Progress) -> None:
            failed = f", {now.failed} failed" if now.failed else ""
            shown = f"{int(now.finished)}/{now.total} runs{failed}"
            bar.update(task, total=now.total, completed=now.finished, shown=shown)

        yield show
