"""A part that is not what was written is found out, and its runs are executed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.store.errors import StoreError
from ecosystem.store.results import open_results
from tests.doubles import Engine, carried_out, small


def truncated(part: Path) -> None:
    file = part / "models.parquet"
    file.write_bytes(file.read_bytes()[:-5])


def altered(part: Path) -> None:
    """One bit of a file is not what it was; its size and date are."""
    file = part / "models.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def emptied(part: Path) -> None:
    (part / "runs.parquet").write_bytes(b"")


def without_a_table(part: Path) -> None:
    (part / "rounds.parquet").unlink()


def without_runs(part: Path) -> None:
    (part / "runs.parquet").unlink()


def without_checksums(part: Path) -> None:
    (part / "part.json").unlink()


def with_other_checksums(part: Path) -> None:
    text = (part / "part.json").read_text(encoding="utf-8")
    (part / "part.json").write_text(text.replace('"seconds"', '"second"'), encoding="utf-8")


def with_nonsense_for_checksums(part: Path) -> None:
    (part / "part.json").write_text("[[[", encoding="utf-8")


def with_a_file_more(part: Path) -> None:
    (part / "groups.parquet").write_bytes(b"PAR1")


def swapped(part: Path) -> None:
    other = next(path for path in part.parent.iterdir() if path != part)
    shutil.copy(other / "models.parquet", part / "models.parquet")


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        altered,
        emptied,
        without_a_table,
        without_runs,
        without_checksums,
        with_other_checksums,
        with_nonsense_for_checksums,
        with_a_file_more,
        swapped,
    ],
)
def test_a_damaged_part_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    asked = plan(small(seeds=6))
    carried_out(asked, tmp_path)
    before = open_results(tmp_path).models
    damage(sorted((tmp_path / "parts").iterdir())[1])
    engine = Engine()
    assert carried_out(asked, tmp_path, engine) == 2
    results = open_results(tmp_path)
    assert (results.runs["status"] == "done").all()
    keys = ["run", "round", "model"]
    pd.testing.assert_frame_equal(
        results.models.sort_values(keys, ignore_index=True), before.sort_values(keys, ignore_index=True)
    )
    assert carried_out(asked, tmp_path, engine) == 0


@pytest.mark.parametrize("damage", [truncated, altered])
def test_reading_a_damaged_table_tells_the_way_out(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    carried_out(small(), tmp_path)
    damage(next((tmp_path / "parts").iterdir()))
    with pytest.raises(StoreError, match=r"damaged.*run the same again"):
        _ = open_results(tmp_path).models


@pytest.mark.parametrize("text", ["[[[", '"text"', "{}", '{"digest": ""}'])
def test_reading_what_a_damaged_part_took_tells_the_way_out(tmp_path: Path, text: str) -> None:
    carried_out(small(), tmp_path)
    (next((tmp_path / "parts").iterdir()) / "part.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"damaged.*run the same again"):
        _ = open_results(tmp_path).chunks
    assert carried_out(small(), tmp_path) == 1


def test_reading_why_runs_failed_tells_the_way_out_of_damage(tmp_path: Path) -> None:
    carried_out(small(seeds=2), tmp_path, Engine(failing={1}))
    results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["done", "failed"]
    emptied(next((tmp_path / "parts").iterdir()))
    with pytest.raises(StoreError, match=r"damaged.*run the same again"):
        _ = results.failures


def test_reading_damaged_runs_tells_the_way_out(tmp_path: Path) -> None:
    carried_out(small(), tmp_path)
    emptied(next((tmp_path / "parts").iterdir()))
    with pytest.raises(StoreError, match=r"damaged.*run the same again"):
        _ = open_results(tmp_path).runs
