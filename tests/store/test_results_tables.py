"""Results are tidy frames, and reading a column reads that column."""

from __future__ import annotations

import gc
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecosystem import Scenario, load_scenario
from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import Run, plan
from ecosystem.runner.work import work
from ecosystem.scenario import columns as expected_columns
from ecosystem.scenario.shipped import shipped
from ecosystem.store import manifest
from ecosystem.store.errors import StoreError
from ecosystem.store.results import Results, open_results
from ecosystem.store.schema import TABLES
from ecosystem.store.store import open_store
from tests.doubles import Engine, carried_out, small

TEXT = str(pd.Series(["a text"]).dtype)
"""How this pandas calls a column of texts: `str` since 3.0, `object` before."""


def results_of(scenario: Scenario, path: Path, engine: Engine | None = None) -> Results:
    asked = plan(scenario)
    carried_out(asked, path, engine)
    return open_results(path)


def test_runs_have_a_row_for_each_point_and_seed(tmp_path: Path) -> None:
    runs = results_of(small(seeds=2, sweep={"grid": {"lam": [0.1, 0.2]}}), tmp_path).runs
    assert runs.columns.tolist() == ["run", "point", "seed", "lam", "network", "status", "seconds", "error"]
    assert runs[["point", "seed", "lam"]].values.tolist() == [
        [0, 0, 0.1],
        [0, 1, 0.1],
        [1, 0, 0.2],
        [1, 1, 0.2],
    ]
    assert runs.dtypes.astype(str).to_dict() == {
        "run": TEXT,
        "point": "int64",
        "seed": "int64",
        "lam": "float64",
        "network": TEXT,
        "status": TEXT,
        "seconds": "float64",
        "error": TEXT,
    }
    assert runs["run"].is_unique
    assert runs["error"].isna().all()
    assert (runs["seconds"] == 0.25).all()


def test_tables_have_their_columns_and_types_even_when_empty(tmp_path: Path) -> None:
    results = results_of(small(), tmp_path)
    for name in ("alignments", "groups", "states"):
        frame: pd.DataFrame = getattr(results, name)
        assert frame.empty
        assert frame.columns.tolist() == TABLES[name].names
    assert results.models.columns.tolist()[:3] == ["run", "round", "model"]
    assert set(TABLES["models"].names) == set(results.models.columns)
    types = results.models.dtypes.astype(str)
    assert (types["run"], types["round"], types["model"], types["alignment"]) == (
        TEXT,
        "int64",
        TEXT,
        "float64",
    )
    assert results.models["volume"].isna().all()
    assert results.groups.dtypes.astype(str)["round"] == "int64"


def test_the_tables_are_those_that_expectations_may_name() -> None:
    known = {name: set(columns) for name, columns in expected_columns.TABLES.items() if name in TABLES}
    assert known == {name: set(schema.names) for name, schema in TABLES.items()}


def test_texts_are_texts_however_they_were_written(tmp_path: Path) -> None:
    results = results_of(small(), tmp_path)
    (file,) = tmp_path.glob("parts/*/models.parquet")
    table = pq.read_table(file)
    encoded = table.set_column(0, "run", table["run"].dictionary_encode())
    pq.write_table(encoded, file)
    again = open_results(tmp_path)
    pd.testing.assert_frame_equal(again.models, results.models)
    assert again.table("models", ["run"]).dtypes.astype(str)["run"] == TEXT


def test_parts_with_different_columns_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)
    results_of(small(seeds=2), tmp_path)
    first, _ = sorted(tmp_path.glob("parts/*/models.parquet"))
    table = pq.read_table(first)
    table = table.drop_columns(["entropy"]).append_column("lean", pa.array([0.5] * len(table)))
    pq.write_table(table, first)
    models = open_results(tmp_path).models
    assert len(models) == 12
    assert models["lean"].notna().sum() == models["entropy"].notna().sum() == 6


def test_one_column_is_all_that_is_read(tmp_path: Path) -> None:
    """Every byte that belongs to another column is overwritten: it cannot have been read."""
    whole = results_of(small(seeds=3), tmp_path).models
    (file,) = tmp_path.glob("parts/*/models.parquet")
    data = bytearray(file.read_bytes())
    group = pq.ParquetFile(file).metadata.row_group(0)
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema != "alignment":
            start = column.dictionary_page_offset or column.data_page_offset
            data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(data)
    found = open_results(tmp_path).table("models", ["alignment"])
    pd.testing.assert_frame_equal(found, whole[["alignment"]])
    with pytest.raises(StoreError):
        open_results(tmp_path).table("models", ["round"])


def test_columns_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    results = results_of(small(), tmp_path)
    assert results.table("models", ["model", "run"]).columns.tolist() == ["model", "run"]
    assert results.table("runs", ["seed", "run"]).columns.tolist() == ["seed", "run"]


def test_parameters_stand_beside_the_rows(tmp_path: Path) -> None:
    results = results_of(small(seeds=2, sweep={"grid": {"lam": [0.1, 0.2]}}), tmp_path)
    table = results.table("rounds", ["run", "alignment"], parameters=True)
    assert table.columns.tolist() == ["run", "alignment", "point", "seed", "lam"]
    assert len(table) == 12
    assert table.groupby("lam")["point"].unique().map(list).tolist() == [[0], [1]]
    assert "run" not in results.table("rounds", ["alignment"], parameters=True)
    with pytest.raises(EcosystemError, match="no single run"):
        results.table("network", parameters=True)


def test_points_that_are_the_same_run_have_its_rows_each(tmp_path: Path) -> None:
    parameters = {"lam": 0.5, "unused": 0}
    engine = Engine()
    results = results_of(small(parameters=parameters, sweep={"grid": {"unused": [1, 2]}}), tmp_path, engine)
    assert len(engine.executed) == 1
    assert results.runs["run"].nunique() == 1
    assert results.runs["status"].tolist() == ["done", "done"]
    assert len(results.rounds) == 3
    assert results.table("rounds", parameters=True)["unused"].tolist() == [1, 2] * 3


def test_a_swept_name_that_a_table_has_already_is_told_apart(tmp_path: Path) -> None:
    parameters = {"lam": 0.5, "seed": 1, "model": 2}
    sweep = {"zip": {"seed": [10, 20], "model": [1, 2]}}
    results = results_of(small(parameters=parameters, sweep=sweep), tmp_path)
    assert results.runs.columns.tolist()[:5] == ["run", "point", "seed", "parameters.seed", "model"]
    table = results.table("models", parameters=True)
    assert table["model"].unique().tolist() == ["p", "q"]
    assert set(table["parameters.model"]) == {1, 2}


def test_swept_values_of_any_kind_have_a_column(tmp_path: Path) -> None:
    sweep = {
        "zip": {
            "models.p.curation.candidates": [1, "inf"],
            "learning.corpus": ["replace", {"window": 2}],
            "rewards.first": [[1, 0], [0, 1]],
        }
    }
    runs = results_of(small(sweep=sweep), tmp_path).runs
    assert runs["models.p.curation.candidates"].tolist() == [1, float("inf")]
    assert runs["learning.corpus"].tolist() == ["replace", "window=2"]
    assert runs["rewards.first"].tolist() == ["[1,0]", "[0,1]"]


def test_a_network_has_its_rows_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)

    def network(run: Run) -> str:
        return f"net{run.seed % 2}"

    results = results_of(small(seeds=4), tmp_path, Engine(network=network))
    assert sorted(results.network["network"]) == ["net0", "net1"]
    assert results.runs["network"].tolist() == ["net0", "net1", "net0", "net1"]
    assert results.table("network", ["weight"])["weight"].tolist() == [1.0, 1.0]
    assert results_of(small(seeds=[3]), tmp_path).network["network"].tolist() == ["net1"]


def test_the_last_round_is_each_runs_own(tmp_path: Path) -> None:
    results = results_of(small(sweep={"grid": {"rounds": [1, 3]}}), tmp_path)
    last = results.last("models", ["round", "model", "alignment"])
    assert last["round"].tolist() == [1, 1, 3, 3]
    assert results.last("rounds", ["alignment"], parameters=True)["rounds"].tolist() == [1, 3]


def test_an_unfinished_store_can_be_read(tmp_path: Path) -> None:
    asked = plan(small(seeds=3))
    with open_store(asked, tmp_path) as store:
        results = open_results(tmp_path)
        assert results.runs["status"].tolist() == ["pending"] * 3
        assert results.models.empty
        (chunk,) = chunks.chunks(asked, [asked.runs[1].id])
        work(chunk, store, Engine())
        results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["pending", "done", "pending"]
    assert set(results.models["run"]) == {asked.runs[1].id}
    assert "2 pending" in repr(results)


def test_what_does_not_exist_is_told(tmp_path: Path) -> None:
    results = results_of(small(), tmp_path)
    with pytest.raises(EcosystemError, match="did you mean 'models'"):
        results.table("model")
    with pytest.raises(EcosystemError, match="did you mean 'alignment'"):
        results.table("models", ["aligment"])
    with pytest.raises(EcosystemError, match="no column 'sed'"):
        results.table("runs", ["sed"])


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_scenario_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    scenario = load_scenario(name)
    manifest.write(tmp_path, manifest.describe(plan(scenario, seeds=1), created=""))
    assert open_results(tmp_path).scenario == scenario


def test_a_temporary_directory_goes_with_the_results(tmp_path: Path) -> None:
    results_of(small(), tmp_path / "out")
    results = Results(tmp_path / "out", temporary=True)
    models = results.models
    del results
    gc.collect()
    assert not (tmp_path / "out").exists()
    assert len(models) == 6
