"""Interruptions: work that is asked to end does so after the round that it is in, so that what it did can be kept."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 3.0
"""After how many seconds it is told that a round is waited for."""

WAITING = "interrupted; the round under way is ended and kept first, and Ctrl-C again ends it at once"


class Interrupts:
    """Whether work has been asked to end, by the user's Ctrl-C.

    Attributes
    ----------
    asked : bool
        Whether it has been so.
    """

    def __init__(self) -> None:
        self.asked = False
        self._listener: Callable[[], None] | None = None
        self._slow = threading.Timer(PATIENCE, lambda: print(WAITING, file=sys.stderr, flush=True))
        self._slow.daemon = True

    def ask(self) -> None:
        """Ask work to end; where that takes long, it is told."""
        self.asked = True
        self._slow.start()
        if self._listener is not None:
            self._listener()

    def over(self) -> None:
        """Take note that work has ended."""
        self._slow.cancel()

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if work has been asked to end."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def told(self, listener: Callable[[], None]) -> Iterator[None]:
        """Have somebody told meanwhile, at once if it has been asked already. It may be told within any call."""
        self._listener = listener
        if self.asked:
            listener()
        try:
            yield
        finally:
            self._listener = None
            self.over()


@contextmanager
def heard(wanted: bool = True) -> Iterator[Interrupts]:
    """Give what hears of Ctrl-C meanwhile; the second one interrupts at once, as the first does elsewhere.

    Only the main thread hears of it, and what a program of its own does with it stays.

    Parameters
    ----------
    wanted : bool
        Whether anything is gained by ending later.
    """
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread() and before is signal.default_int_handler
    if not (wanted and ours):
        yield interrupts
        return

    def handle(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        interrupts.ask()

    signal.signal(signal.SIGINT, handle)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
        interrupts.over()
