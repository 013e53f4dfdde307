"""Times measured side by side: the two sides take turns, so that a noisy machine slows both alike."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def ratios(slow: Callable[[], object], fast: Callable[[], object], repeats: int) -> dict[str, list[float]]:
    """Run both in turns after a warm-up of each; return seconds of each and the ratio pair by pair."""
    slow(), fast()
    taken: dict[str, list[float]] = {"slow": [], "fast": [], "ratio": []}
    for _ in range(repeats):
        for name, work in (("slow", slow), ("fast", fast)):
            began = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - began)
        taken["ratio"].append(taken["slow"][-1] / taken["fast"][-1])
    return taken


def row(name: str, taken: dict[str, list[float]], wanted: str) -> str:
    """Return one line of the table: medians of the times, and min, median and max of the ratio."""
    slow, fast = (1e3 * statistics.median(taken[side]) for side in ("slow", "fast"))
    low, middle, high = min(taken["ratio"]), statistics.median(taken["ratio"]), max(taken["ratio"])
    return f"{name:44s} {slow:11.2f} {fast:11.2f} {low:8.1f} {middle:8.1f} {high:8.1f}   {wanted}"


HEADER = f"{'work':44s} {'plain ms':>11s} {'ours ms':>11s} {'min':>8s} {'median':>8s} {'max':>8s}   wanted"


def keep(name: str, figures: dict[str, dict[str, list[float]]]) -> Path:
    """Write the figures beside those of earlier days."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(
        json.dumps({"machine": platform.machine(), "python": platform.python_version(), **figures}, indent=1)
    )
    return path
