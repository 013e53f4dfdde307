"""Stand-in engines to whose runs something happens; they are sent to worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosystem.plan.runs import Run
from tests.doubles import Engine, Outcome


@dataclass
class Fate(Engine):
    """An engine that meets its fate when it is to execute a run with seed `seed`."""

    seed: int = 1

    def __call__(self, runs: Sequence[Run], *listeners: Any) -> Outcome:
        if any(run.seed == self.seed for run in runs):
            self.meet()
        return super().__call__(runs, *listeners)

    def meet(self) -> None:
        raise NotImplementedError


class Killing(Fate):
    """It takes its process with it, each time."""

    def meet(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class KilledOnce(Fate):
    """Its process is killed the first time, from outside as it were."""

    mark: str = ""

    def meet(self) -> None:
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


class Hanging(Fate):
    """It never comes to the end of a round, and no exception reaches it."""

    def meet(self) -> None:
        while True:
            time.sleep(3600)


class Hoarding(Fate):
    """It takes ever more memory."""

    def meet(self) -> None:
        held = []
        while True:
            held.append(bytearray(os.urandom(1 << 20) * 8))
            time.sleep(0.005)


@dataclass
class Tracing(Engine):
    """It notes by whom it was called."""

    folder: str = ""

    def __call__(self, runs: Sequence[Run], *listeners: Any) -> Outcome:
        (Path(self.folder) / str(os.getpid())).touch()
        return super().__call__(runs, *listeners)
