"""One shape for all benchmarks: two sides measured in turns, a table of ratios, a history of figures.

The sides take turns so that a noisy machine slows both alike; what counts is the ratio, pair by pair.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
_KEPT = 200
"""How many runs of a benchmark its history holds."""


@dataclass(frozen=True)
class Comparison:
    """Seconds of two sides, pair by pair, and what their ratio should be.

    Attributes
    ----------
    name : str
        The work.
    first, second : sequence of float
        Seconds of each side; the ratio is the first over the second.
    at_least, at_most : float, optional
        What the median of the ratio should be.
    scale : float
        What the ratio is multiplied by, where one side did a part of the work only or is counted by size.
    busy : pair of float, optional
        Seconds of processor time of each side, all threads together: on a machine that others use too this tells
        more than the wall clock, though it counts for nothing that two cores share the work.
    """

    name: str
    first: Sequence[float]
    second: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None
    scale: float = 1.0
    busy: tuple[float, float] | None = None

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair."""
        return [self.scale * one / other for one, other in zip(self.first, self.second, strict=True)]

    @property
    def wanted(self) -> str:
        """What is wanted of the median, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"

    @property
    def verdict(self) -> str:
        """Whether the median is as wanted."""
        middle = statistics.median(self.ratios)
        if self.at_least is None and self.at_most is None:
            return ""
        met = (self.at_least is None or middle >= self.at_least) and (self.at_most is None or middle <= self.at_most)
        return "met" if met else "missed"

    @property
    def figures(self) -> dict[str, Any]:
        """What the history keeps."""
        ratios = self.ratios
        return {
            "first_ms": round(1e3 * statistics.median(self.first), 4),
            "second_ms": round(1e3 * statistics.median(self.second), 4),
            "ratio": [round(value, 4) for value in (min(ratios), statistics.median(ratios), max(ratios))],
            "busy": None if self.busy is None else round(self.scale * self.busy[0] / self.busy[1], 4),
            "repeats": len(ratios),
            "wanted": self.wanted,
            "verdict": self.verdict,
        }


def compare(
    name: str,
    first: Callable[[], object],
    second: Callable[[], object],
    repeats: int,
    in_a_row: int = 1,
    **wanted: float,
) -> Comparison:
    """Run both sides in turns, after a warm-up of each; the second so many times in a row, of which the mean counts."""
    first(), second()
    taken: tuple[list[float], list[float]] = ([], [])
    busy: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for side, spent, work, times in zip(taken, busy, (first, second), (1, in_a_row), strict=True):
            began = time.process_time()
            side.append(seconds(lambda work=work, times=times: [work() for _ in range(times)]) / times)
            spent.append((time.process_time() - began) / times)
    return Comparison(name, *taken, busy=(statistics.median(busy[0]), statistics.median(busy[1])), **wanted)


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def header(first: str, second: str) -> str:
    """Return the head of the table."""
    sides = f"{first + ' ms':>14s} {second + ' ms':>14s}"
    return f"{'work':58s} {sides} {'min':>8s} {'median':>8s} {'max':>8s} {'cpu':>8s}   wanted"


def row(found: Comparison) -> str:
    """Return one line of the table: medians of the times, and min, median and max of the ratio."""
    figures = found.figures
    low, middle, high = figures["ratio"]
    times = f"{figures['first_ms']:14.2f} {figures['second_ms']:14.2f}"
    busy = f"{figures['busy']:8.2f}" if figures["busy"] is not None else f"{'':8s}"
    ratios = f"{low:8.2f} {middle:8.2f} {high:8.2f} {busy}"
    return f"{found.name:58s} {times} {ratios}   {found.wanted} {found.verdict}".rstrip()


def keep(benchmark: str, found: Sequence[Comparison], **more: Any) -> Path:
    """Add a run to the history of a benchmark, beside date, revision and machine."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}.json"
    history = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    entry = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "works": {each.name: each.figures for each in found},
        **more,
    }
    lines = ",\n".join(json.dumps(each) for each in [*history, entry][-_KEPT:])
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return path.relative_to(RESULTS.parent.parent)


def revision() -> str:
    """Return what the code was, with a + where it had been changed since."""
    try:
        asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        found = subprocess.run(asked, cwd=RESULTS.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
