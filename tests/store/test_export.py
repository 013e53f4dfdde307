"""A table in one file holds what the table with its parameters holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.store import export as exports
from ecosystem.store.manifest import StoreError
from ecosystem.store.results import Results, open_results
from ecosystem.store.schema import TABLES
from ecosystem.store.store import open_store
from tests.doubles import Engine, carried_out, small

SWEEP: dict[str, Any] = {
    "zip": {"lam": [0.1, 0.2], "learning.corpus": ["replace", {"window": 2}]},
    "grid": {"unused": [1, 2]},
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    asked = plan(small(seeds=3, sweep=SWEEP, parameters={"lam": 0.5, "unused": 0}))
    carried_out(asked, tmp_path / "run", Engine(failing=[1]))
    return open_results(tmp_path / "run")


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [key for key in ("point", "seed", "round", "model", "source") if key in frame]
    return frame.sort_values(keys).reset_index(drop=True)


@pytest.mark.parametrize("table", sorted({"runs", *TABLES}))
def test_a_parquet_file_is_the_table_with_its_parameters(results: Results, tmp_path: Path, table: str) -> None:
    rows = results.to_parquet(tmp_path / "t.parquet", table)
    expected = results.table(table, parameters=table not in ("runs", "network"))
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert rows == len(found)
    assert found.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(_sorted(found), _sorted(expected), check_dtype=not expected.empty)


def test_a_csv_file_is_the_table_with_its_parameters(results: Results, tmp_path: Path) -> None:
    assert results.to_csv(tmp_path / "t.csv") == 48  # 4 points, 2 seeds done, 3 rounds, 2 models
    expected = results.table("models", parameters=True)
    found = pd.read_csv(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(_sorted(found), _sorted(expected), check_dtype=False)
    assert sorted(os.listdir(tmp_path)) == ["run", "t.csv"]


def test_columns_are_those_that_are_asked_for_in_their_order(results: Results, tmp_path: Path) -> None:
    results.to_csv(tmp_path / "t.csv", "models", ["lam", "alignment", "seed"], where={"model": "p", "round": 2})
    found = pd.read_csv(tmp_path / "t.csv")
    assert found.columns.tolist() == ["lam", "alignment", "seed"]
    assert sorted(map(tuple, found.to_numpy())) == sorted(
        [(lam, seed + 0.2, seed) for lam in (0.1, 0.2) for seed in (0, 2) for _ in range(2)]
    )
    one = results.runs.loc[0, "run"]
    assert results.to_csv(tmp_path / "t.csv", "runs", ["run", "unused"], runs=[one]) == 2
    assert pd.read_csv(tmp_path / "t.csv")["unused"].tolist() == [1, 2]


def test_pieces_are_gathered_and_none_is_lost(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _sorted(results.table("models", parameters=True))
    groups = {}
    for size in (1, 30, 10**6):
        monkeypatch.setattr(exports, "_ROWS", size)
        results.to_parquet(tmp_path / "t.parquet")
        pd.testing.assert_frame_equal(_sorted(pd.read_parquet(tmp_path / "t.parquet")), expected)
        groups[size] = pq.ParquetFile(tmp_path / "t.parquet").num_row_groups
    assert groups[10**6] == 1 < groups[30] < groups[1]


def test_numbers_texts_and_nothing_under_one_key_are_texts(tmp_path: Path) -> None:
    rounds = [1, {"max": 2, "until": "stable"}]
    sweep = {"zip": {"rounds": rounds, "mode": ["sampled", "exact"], "learning.examples": [5, None]}}
    asked = plan(small(sweep=sweep))
    with open_store(asked, tmp_path / "run") as store:
        results = open_results(store.path)
    results.to_parquet(tmp_path / "t.parquet", "runs")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["rounds"].map(type).eq(str).all()
    assert found["learning.examples"].isna().tolist() == [False, True]
    assert results.to_csv(tmp_path / "t.csv") == 0
    assert pd.read_csv(tmp_path / "t.csv").columns.tolist()[:3] == ["run", "round", "model"]


def test_texts_with_commas_quotes_and_lines_survive_csv(tmp_path: Path) -> None:
    name = 'a "b", c\nd;= 1'
    models = [{"name": "p", "diet": {"real": 1}}, {"name": name, "diet": {"real": 1}}]
    asked = plan(small(models=models, network={"edges": []}))
    carried_out(asked, tmp_path / "run", Engine())
    open_results(tmp_path / "run").to_csv(tmp_path / "t.csv")
    assert set(pd.read_csv(tmp_path / "t.csv")["model"]) == {"p", name}


def test_a_file_that_was_there_stays_when_something_fails(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(EcosystemError, match="did you mean 'alignment'"):
        results.to_csv(file, "models", ["aligment"])

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "_writer", lambda file, *_: file.write_text("half") and full)
    with pytest.raises(StoreError, match=r"t\.csv: cannot be written \(No space left on device\)"):
        results.to_csv(file)
    assert file.read_text(encoding="utf-8") == "mine"
    assert sorted(os.listdir(tmp_path)) == ["run", "t.csv"]


def test_a_place_that_cannot_be_written_is_told(results: Results, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory"):
        results.to_csv(tmp_path)
    with pytest.raises(StoreError, match="cannot be written"):
        results.to_parquet(tmp_path / "absent" / "t.parquet")
