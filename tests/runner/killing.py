"""A sweep whose whole process tree is killed at random instants, and what must be true of it afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from ecosystem.store.results import Results, open_results

ROOT = Path(__file__).parents[2]

SCENARIO = """\
name: killed
rounds: 12
mode: sampled
parameters: {lam: 0.5}
outputs: {kind: categorical, size: 4}
rewards: {first: [1, 0, 0, 0]}
models:
  - name: m
    count: 3
    reward: first
    diet: {real: = 1 - lam, curated: = lam / 2, neighbours_raw: = lam / 2}
    curation: {method: luce, candidates: 4}
network: {generator: erdos_renyi, p: 0.5}
learning: {examples: 100}
sweep: {grid: {lam: [0.1, 0.3, 0.5, 0.7, 0.9]}}
seeds: 60
"""

PROGRAM = """
import sys
from ecosystem.plan import chunks
from ecosystem.cli import main

chunks.MOST_WORLDS = 4
if __name__ == "__main__":
    main()
"""
"""The command with small chunks, so that there are many instants at which it matters to be killed."""

LONGEST = 120
"""Seconds after which a session that is not killed ought to have ended."""


def start(folder: Path, workers: int) -> subprocess.Popen[bytes]:
    """Start the sweep in a process group of its own."""
    (folder / "killed.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "program.py", "run", "killed.yaml", "--out", "out", "--workers", str(workers)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def undisturbed(folder: Path) -> tuple[Results, float, float]:
    """Run the sweep to its end; return results, and when it wrote the first part and when it ended, in seconds."""
    began = time.monotonic()
    process = start(folder, workers=2)
    first = 0.0
    while process.poll() is None:
        if not first and any((folder / "out").glob("parts/[!.]*")):
            first = time.monotonic() - began
        time.sleep(0.01)
    assert process.returncode == 0, process.stderr and process.stderr.read()
    return open_results(folder / "out"), first, time.monotonic() - began


def kill_and_go_on(folder: Path, kills: int, first: float, end: float, draw: random.Random) -> Results:
    """Kill the sweep some times, at instants drawn evenly over the time in which it writes, and let it end."""
    done = 0
    for number in range(kills):
        process = start(folder, workers=number % 3)
        try:
            process.wait(first * draw.uniform(0.3, 1.0) + (end - first) * draw.uniform(0.0, 1.5 / kills))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = _accounted(folder, at_least=done)
    process = start(folder, workers=2)
    assert process.wait(LONGEST) == 0, process.stderr and process.stderr.read()
    return open_results(folder / "out")


def _accounted(folder: Path, at_least: int) -> int:
    """Check that what is there is whole, and no less than before; return how many runs are done."""
    if not (folder / "out" / "manifest.json").exists():
        return at_least
    results = open_results(folder / "out")
    done = set(results.runs["run"][results.runs["status"] == "done"])
    assert set(results.runs["status"]) <= {"done", "pending"}
    assert set(results.models["run"]) == done
    assert len(results.rounds) == 13 * len(done)
    assert len(done) >= at_least
    return len(done)


def assert_same_tables(found: Results, expected: Results) -> None:
    """Compare all that is not measured, bit for bit."""
    keys = {
        "models": ["run", "round", "model"],
        "rounds": ["run", "round"],
        "network": ["network", "source", "target"],
    }
    pd.testing.assert_frame_equal(
        found.runs.drop(columns=["seconds"]), expected.runs.drop(columns=["seconds"]), check_exact=True
    )
    for name, by in keys.items():
        one, other = (results.table(name).sort_values(by, ignore_index=True) for results in (found, expected))
        assert not one.duplicated(by).any()
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    left = [path for path in found.path.rglob("*") if path.name.startswith(".unfinished")]
    assert left == []
