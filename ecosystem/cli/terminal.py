"""Writing for people: tables on the output, progress beside it, nothing that a text can break."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecosystem.runner.progress import Progress

_PIPE_WIDTH = 200

EVERY_SECONDS = 60.0
"""How often progress is told where nobody sees it move."""


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


def duration(seconds: float) -> str:
    """Return a time in words, no more exactly than it is known.

    >>> duration(0.04), duration(75), duration(5000), duration(200_000)
    ('0.04 s', '1.2 min', '1.4 h', '2.3 days')
    """
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def size(number: float) -> str:
    """Return a number of bytes in words.

    >>> size(800), size(42_000_000)
    ('800 bytes', '42 MB')
    """
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= length:
            return f"{number / length:.3g} {unit}"
    return f"{number:.0f} bytes"


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
def progress(description: str) -> Iterator[Callable[[Progress], None]]:
    """Give what shows progress: a bar on a terminal, a line a minute in a pipe."""
    if not sys.stderr.isatty():
        yield _Lines(one_line(description, 40))
        return
    from rich import progress as bars
    from rich.console import Console

    text = bars.TextColumn("{task.description}", markup=False)
    counts = bars.TextColumn("{task.fields[shown]}", markup=False)
    columns = (text, bars.BarColumn(), counts, bars.TimeElapsedColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(one_line(description, 40), total=None, shown="")
        rate = _Rate()

        def show(now: Progress) -> None:
            bar.update(task, total=now.total, completed=now.finished, shown=f"{_counts(now)}{rate.told(now)}")

        yield show


class _Rate:
    """How fast runs are executed, since the first time that it was asked."""

    def __init__(self) -> None:
        self._began: float | None = None

    def told(self, now: Progress) -> str:
        """Return the rate in words, with a comma before it; nothing while it is not known."""
        seconds = self.seconds()
        return f", {_per_time(now.finished / seconds)}" if now.finished and seconds > 1 else ""

    def left(self, now: Progress) -> str:
        """Return the time left in words, with a comma before it; nothing while it is not known."""
        seconds = self.seconds()
        if not now.finished or seconds < 1:
            return ""
        return f", about {duration((now.total - now.finished) * seconds / now.finished)} left"

    def seconds(self) -> float:
        """Return how long it has been."""
        if self._began is None:
            self._began = time.monotonic()
        return time.monotonic() - self._began


class _Lines:
    """Progress as a line a minute."""

    def __init__(self, description: str) -> None:
        self._description, self._rate, self._last = description, _Rate(), time.monotonic()

    def __call__(self, now: Progress) -> None:
        self._rate.seconds()
        if time.monotonic() - self._last < EVERY_SECONDS or now.finished >= now.total:
            return
        self._last = time.monotonic()
        line = f"{self._description}: {_counts(now)}{self._rate.told(now)}{self._rate.left(now)}"
        print(line, file=sys.stderr, flush=True)


def _counts(now: Progress) -> str:
    """Return how many runs are over, and how much of all work is done where some are under way."""
    failed = f", {now.failed:,} failed" if now.failed else ""
    part = f" ({int(100 * now.finished / now.total)}% of the work)" if now.finished > now.over else ""
    return f"{now.over:,}/{now.total:,} runs{failed}{part}"


def _per_time(rate: float) -> str:
    """Return runs per second, or whatever longer time makes it a number above 1."""
    for unit, length in (("s", 1), ("min", 60)):
        if rate * length >= 1:
            return f"{rate * length:.3g} runs/{unit}"
    return f"{rate * 3600:.2g} runs/h"
