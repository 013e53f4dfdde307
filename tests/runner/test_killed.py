"""Killed with all its workers at random instants, a sweep goes on and loses nothing.

``ECOSYSTEM_KILLS`` says how often the longest test kills; ``make test-kill`` sets it.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ecosystem.store.results import Results
from tests.runner.killing import assert_same_tables, kill_and_go_on, undisturbed

MANY = int(os.environ.get("ECOSYSTEM_KILLS", "30"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, float, float]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


def test_killed_eight_times(tmp_path: Path, whole: tuple[Results, float, float]) -> None:
    expected, first, end = whole
    found = kill_and_go_on(tmp_path, 8, first, end, random.Random(0))
    assert len(expected.runs) == 300
    assert_same_tables(found, expected)


@pytest.mark.slow
def test_killed_many_times(tmp_path: Path, whole: tuple[Results, float, float]) -> None:
    expected, first, end = whole
    found = kill_and_go_on(tmp_path, MANY, first, end, random.Random())
    assert_same_tables(found, expected)
