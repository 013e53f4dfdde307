"""Progress for who looks: a bar that moves, with nothing in it that a name can break, and gone at the end."""

from __future__ import annotations

import io

import pytest

from ecosystem.cli import terminal
from ecosystem.runner.progress import Progress


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Terminal()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with terminal.progress("[red]two\nmodels") as tell:
        tell(Progress(2000, 0.0, 0))
        tell(Progress(2000, 1200.5, 3, 1000))
    text = written.getvalue()
    assert "[red]two models" in text
    assert "1,000/2,000 runs, 3 failed (60% of the work)" in text
    assert text.endswith("\x1b[2K")  # the line is cleared: what is printed next stands alone


@pytest.mark.parametrize(
    ("finished", "seconds", "told"),
    [
        (0.0, 100.0, ""),
        (10.0, 0.5, ""),
        (50.0, 10.0, ", 5 runs/s"),
        (1.0, 30.0, ", 2 runs/min"),
        (1.0, 7200.0, ", 0.5 runs/h"),
    ],
)
def test_the_rate_is_told_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch, finished: float, seconds: float, told: str
) -> None:
    clock = iter([1000.0, 1000.0, *[1000.0 + seconds] * 4])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
    rate = terminal._Rate()
    rate.seconds()
    assert rate.told(Progress(100, finished, 0)) == told
