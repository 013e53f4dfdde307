"""Whatever a scenario file holds, the command line ends well, or says in which line and column what is wrong.

`FUZZ` in the environment is how many cases are tried, as in ``make fuzz``.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.mutations import Case, texts, trees

CASES = int(os.environ.get("FUZZ", "500")) // 2
PATIENCE = 120
"""Seconds after which a case that neither ends nor computes is given up."""

_TRIED = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))


class Worker:
    """The process that tries cases; a new one where a case ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, case: Case) -> str | None:
        """Return what went wrong, None if nothing did."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None and process.stdout is not None
        files = {"scenario.yaml": case.scenario, "points.csv": case.points, "edges.csv": case.edges}
        process.stdin.write(json.dumps({name: base64.b64encode(c).decode() for name, c in files.items()}) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        answer = process.stdout.readline() if ready else ""
        if answer:
            return json.loads(answer)  # type: ignore[no-any-return]
        self.close()
        return f"the process ended (exit status {process.returncode})" if ready else f"hangs for {PATIENCE} s"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @staticmethod
    def _started() -> subprocess.Popen[str]:
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=root)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    found = Worker()
    yield found
    found.close()


@_TRIED
@given(case=texts())
def test_a_spoilt_text_ends_well_or_is_told_of(worker: Worker, case: Case) -> None:
    problem = worker(case)
    assert problem is None, problem


@_TRIED
@given(case=trees())
def test_a_spoilt_tree_ends_well_or_is_told_of(worker: Worker, case: Case) -> None:
    problem = worker(case)
    assert problem is None, problem
