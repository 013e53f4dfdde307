"""Rows come in the order of the plan, whatever was executed together, when, and however it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ecosystem
from ecosystem import Scenario
from ecosystem.plan import chunks
from ecosystem.plan.runs import Run, plan
from ecosystem.runner.work import work
from ecosystem.store.parts import read_parts
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import open_store
from ecosystem.store.stretches import in_order, stretches
from tests.doubles import Engine, Outcome, carried_out, small

SWEEP = small(seeds=2, sweep={"grid": {"lam": [0.2, 0.8], "learning.regime": ["retrain", "incremental"]}})
"""Points of two shapes, of which every other one is executed together."""


def assert_in_plan_order(results: Results, name: str = "models") -> None:
    rows = results.table(name)
    planned = results.runs["run"].drop_duplicates().tolist()
    assert rows["run"].drop_duplicates().tolist() == planned
    assert not (rows["run"] != rows["run"].shift()).sum() > len(planned)  # a run's rows stand together
    assert all(own["round"].is_monotonic_increasing for _, own in rows.groupby("run"))


class Interleaved(Engine):
    """An engine that hands over a round of every run at a time, the last run first."""

    def __call__(
        self, runs: Sequence[Run], on_round: Any = None, on_rows: Callable[[Mapping[str, pa.Table]], None] | None = None
    ) -> Outcome:
        outcome = super().__call__(runs, on_round)
        assert on_rows is not None
        for name in ("models", "rounds"):
            rows = outcome.tables.pop(name)
            for round_ in range(3):
                for run in reversed(runs):
                    own = [row for row in rows.to_pylist() if (row["run"], row["round"]) == (run.id, round_)]
                    on_rows({name: pa.Table.from_pylist(own, rows.schema)})
        return outcome


def test_points_of_several_shapes_come_in_the_order_of_the_sweep(tmp_path: Path) -> None:
    results = ecosystem.run(SWEEP, tmp_path)
    assert len(results.chunks) == 2
    for name in ("models", "rounds"):
        assert_in_plan_order(results, name)
    last = results.last("rounds", ["run"], parameters=True)
    assert last["point"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert last["learning.regime"].tolist() == ["retrain", "retrain", "incremental", "incremental"] * 2


@pytest.mark.parametrize("columns", [None, ["alignment"], ["round", "alignment"], ["alignment", "run"]])
def test_it_is_the_same_order_whatever_is_read(tmp_path: Path, columns: list[str] | None) -> None:
    results = ecosystem.run(SWEEP, tmp_path)
    whole = results.models
    found = results.table("models", columns)
    pd.testing.assert_frame_equal(found, whole if columns is None else whole[columns])
    some = whole[whole["round"].isin([0, 2])].reset_index(drop=True)
    found = results.table("models", columns, where={"round": [0, 2]})
    pd.testing.assert_frame_equal(found, some if columns is None else some[columns])
    some = whole[whole["run"].isin(results.runs["run"][2:7])].reset_index(drop=True)
    found = results.table("models", columns, runs=results.runs["run"][2:7])
    pd.testing.assert_frame_equal(found, some if columns is None else some[columns])


def test_parts_of_which_some_runs_are_read_come_in_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    results = ecosystem.run(small(seeds=6), tmp_path)
    wanted = results.runs["run"].iloc[[1, 2, 3, 5]]
    expected = results.models[results.models["run"].isin(wanted)].reset_index(drop=True)
    assert results.table("models", runs=wanted).equals(expected)
    assert results.table("models", ["alignment"], runs=wanted).equals(expected[["alignment"]])
    results.to_parquet(tmp_path / "models.parquet", columns=["run", "alignment"], runs=wanted)
    assert pd.read_parquet(tmp_path / "models.parquet")["alignment"].equals(expected["alignment"])


def test_it_is_the_same_order_whatever_was_done_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ecosystem.run(SWEEP, tmp_path / "whole")
    ecosystem.run(SWEEP, tmp_path / "again", seeds=[1])
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)
    again = ecosystem.run(SWEEP, tmp_path / "again")
    for name in ("models", "rounds", "network"):
        assert getattr(again, name).equals(getattr(whole, name)), name
    fewer = ecosystem.run(SWEEP, tmp_path / "again", seeds=[1, 0])  # the plan's order, not that of the parts
    assert_in_plan_order(fewer)
    assert fewer.runs["seed"].tolist()[:2] == [1, 0]


def test_rows_that_were_handed_over_in_another_order_come_in_that_of_the_plan(tmp_path: Path) -> None:
    carried_out(small(seeds=3), tmp_path / "found", Interleaved())
    carried_out(small(seeds=3), tmp_path / "expected", Engine())
    found, expected = open_results(tmp_path / "found"), open_results(tmp_path / "expected")
    assert [_in_order(each) for each in (found, expected)] == [False, True]
    for name in ("models", "rounds"):
        assert getattr(found, name).equals(getattr(expected, name))
        assert found.table(name, ["alignment"]).equals(expected.table(name, ["alignment"]))


def _in_order(results: Results) -> bool:
    (part,) = read_parts(results.path, results._manifest.recording)
    return part.in_order


def test_parts_of_earlier_programs_do_not_say_how_they_stand(tmp_path: Path) -> None:
    carried_out(small(seeds=3), tmp_path, Engine())
    expected = open_results(tmp_path).models
    (part,) = tmp_path.glob("parts/*")
    runs = pq.read_table(part / "runs.parquet")
    pq.write_table(runs.drop_columns(["in_order"]), part / "runs.parquet")
    rows = pq.read_table(part / "models.parquet")
    order = sorted(range(len(rows)), key=lambda number: -expected["alignment"].astype(int)[number])
    pq.write_table(rows.take(order), part / "models.parquet")
    found = open_results(tmp_path)
    assert not _in_order(found)
    assert found.models.equals(expected)


def test_a_network_stands_where_the_first_run_that_has_it_does(tmp_path: Path) -> None:
    scenario = Scenario(
        name="networks",
        rounds=1,
        outputs={"kind": "categorical", "size": 2},
        models=[{"name": "m", "count": 5, "diet": {"real": 0.5, "neighbours_raw": 0.5}}],
        network={"generator": "erdos_renyi", "p": 0.5},
        seeds=4,
    )
    asked = plan(scenario)
    whole = ecosystem.run(scenario, tmp_path / "whole")
    with open_store(asked, tmp_path / "parts") as store:
        for ids in ([asked.runs[3].id, asked.runs[0].id], [asked.runs[2].id, asked.runs[1].id]):
            for chunk in chunks.chunks(asked, ids):
                work(chunk, store)
    found = open_results(tmp_path / "parts")
    assert found.network.equals(whole.network)
    assert found.network["network"].drop_duplicates().tolist() == found.runs["network"].drop_duplicates().tolist()


def test_stretches_are_joined_where_they_can_be() -> None:
    rows = pa.table({"run": pa.chunked_array([["b", "b"], ["a", "c", "b"]]), "n": [1, 2, 3, 4, 5]})
    assert stretches(rows["run"]) == [("b", 0, 2), ("a", 2, 3), ("c", 3, 4), ("b", 4, 5)]
    assert in_order(rows, "run", {"a": 0, "b": 1, "c": 2})["n"].to_pylist() == [3, 1, 2, 5, 4]
    assert in_order(rows, "run", {"b": 0, "a": 0, "c": 0}) is rows
    assert stretches(rows["run"].slice(0, 0)) == []
    encoded = rows.set_column(0, "run", rows["run"].dictionary_encode())
    assert stretches(encoded["run"].slice(1)) == [("b", 0, 1), ("a", 1, 2), ("c", 2, 3), ("b", 3, 4)]
