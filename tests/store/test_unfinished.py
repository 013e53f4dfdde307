"""Killed at any instant, a store keeps what was finished and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecosystem.plan.runs import plan
from ecosystem.store import files
from ecosystem.store.files import UNFINISHED, whole_directory, write_text
from ecosystem.store.results import open_results
from ecosystem.store.store import open_store
from tests.doubles import Engine, carried_out, small

WRITER = """
import sys
from pathlib import Path
from tests.doubles import Engine, carried_out, small
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.store.store import open_store

chunks.MOST_WORLDS = 1
asked = plan(small(seeds=300))
tell = lambda progress: print(progress, flush=True)
carried_out(asked, Path(sys.argv[1]), Engine(), tell)
"""


def test_killed_while_writing_it_goes_on_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = plan(small(seeds=300))
    for delay in (0.0, 0.003, 0.011):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(out)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as writer:
            assert writer.stdout is not None
            for _ in range(60):
                assert writer.stdout.readline()
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        results = open_results(out)
        done = results.runs[results.runs["status"] == "done"]
        assert len(results.rounds) == 3 * len(done)
        assert set(results.rounds["run"]) == set(done["run"])
    before = len(done)
    assert 0 < before < 300
    engine = Engine()
    carried_out(asked, out, engine)
    assert len(engine.executed) == 300 - before
    results = open_results(out)
    assert (results.runs["status"] == "done").all()
    assert not results.models.duplicated(["run", "round", "model"]).any()
    assert len(results.models) == 300 * 3 * 2
    assert not list(out.rglob(UNFINISHED + "*"))


def test_what_is_half_written_is_never_seen_and_cleaned_up(tmp_path: Path) -> None:
    asked = plan(small(seeds=2))
    carried_out(asked, tmp_path)
    part = next(entry for entry in (tmp_path / "parts").iterdir())
    left = tmp_path / "parts" / f"{UNFINISHED}abc"
    left.mkdir()
    (left / "runs.parquet").write_bytes((part / "runs.parquet").read_bytes()[:20])
    (tmp_path / f"{UNFINISHED}def").write_text("{", encoding="utf-8")
    (tmp_path / ".tmp-of-mine").write_text("kept", encoding="utf-8")
    for folder in ("checkpoints", "weights"):  # safetensors, killed while it writes, leaves such files
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".tmpA1b2").write_bytes(b"half")
    assert len(open_results(tmp_path).rounds) == 6
    with open_store(asked, tmp_path):
        pass
    assert not list(tmp_path.rglob(UNFINISHED + "*"))
    assert [entry.name for entry in tmp_path.rglob(".tmp*")] == [".tmp-of-mine"]


def test_a_store_killed_before_its_manifest_can_be_taken(tmp_path: Path) -> None:
    (tmp_path / f"{UNFINISHED}abc").write_text("{", encoding="utf-8")
    asked = plan(small())
    carried_out(asked, tmp_path)
    assert len(open_results(tmp_path).rounds) == 3


def test_a_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_directory(tmp_path / "parts" / "x") as directory:
        (directory / "file").write_text("half", encoding="utf-8")
        raise RuntimeError
    assert os.listdir(tmp_path / "parts") == []
    with whole_directory(tmp_path / "parts" / "x") as directory:
        (directory / "file").write_text("whole", encoding="utf-8")
        assert not (tmp_path / "parts" / "x").exists()
    with whole_directory(tmp_path / "parts" / "x") as directory:
        (directory / "file").write_text("late", encoding="utf-8")
    assert (tmp_path / "parts" / "x" / "file").read_text(encoding="utf-8") == "whole"
    assert os.listdir(tmp_path / "parts") == ["x"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "manifest.json"
    write_text(file, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(file, "new")
    assert file.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["manifest.json"]
