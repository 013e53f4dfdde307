"""Rows by runs and conditions: what comes is what a filter of the whole table gives, and no more is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.store.errors import StoreError
from ecosystem.store.results import Results, open_results
from tests.doubles import Engine, carried_out, small

SWEEP: dict[str, Any] = {"grid": {"lam": [0.1, 0.2], "learning.corpus": ["replace", {"window": 2}]}}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)
    asked = plan(small(seeds=2, sweep=SWEEP, parameters={"lam": 0.5, "model": 1}))
    carried_out(asked, tmp_path, Engine(failing=[1]))
    return open_results(tmp_path)


@pytest.mark.parametrize(
    "where",
    [
        {"lam": 0.1},
        {"lam": [0.1, 0.2], "seed": 0},
        {"lam": 0.1, "round": [0, 2]},
        {"model": "p", "point": range(1, 3)},
        {"learning.corpus": "window=2"},
        {"alignment": 0.1, "round": 1},
        {"volume": None},
        {"alignment": [None, 0.2]},
        {"lam": 0.3},
        {"seed": 1},
        {},
    ],
)
def test_conditions_are_those_of_a_filter(results: Results, where: dict[str, Any]) -> None:
    whole = results.table("models", parameters=True)
    for column, value in where.items():
        values = list(value) if isinstance(value, (list, range)) else [value]
        whole = whole[whole[column].isin(values) | (whole[column].isna() & (None in values))]
    found = results.table("models", parameters=True, where=where)
    pd.testing.assert_frame_equal(found, whole.reset_index(drop=True))
    plain = results.table("models", ["alignment"], where=where)
    pd.testing.assert_frame_equal(plain, whole[["alignment"]].reset_index(drop=True))


def test_some_runs(results: Results) -> None:
    one, *_, last = results.runs.loc[results.runs["status"] == "done", "run"]
    models = results.models
    expected = models[models["run"].isin([one, last])].reset_index(drop=True)
    pd.testing.assert_frame_equal(results.table("models", runs=[one, last]), expected)
    pd.testing.assert_frame_equal(results.table("models", where={"run": [one, last]}), expected)
    pd.testing.assert_frame_equal(results.table("models", runs=pd.Series([one, last])), expected)
    assert set(results.table("models", runs=one)["run"]) == {one}
    assert results.table("models", runs=[]).empty
    assert results.table("models", runs=[one], where={"lam": 0.2}).empty
    assert results.table("runs", ["run"], runs=[last])["run"].tolist() == [last]


def test_the_table_runs_is_filtered_too(results: Results) -> None:
    found = results.table("runs", where={"status": "failed", "lam": 0.2})
    assert found["seed"].tolist() == [1, 1]
    assert found["lam"].tolist() == [0.2, 0.2]


def test_parts_of_other_runs_are_not_opened(results: Results) -> None:
    """The files of every other run are made unreadable: none of them can have been opened."""
    wanted = results.runs.loc[0, "run"]
    expected = results.models[results.models["run"] == wanted]
    for file in results.path.glob("parts/*/models.parquet"):
        if wanted not in file.parent.name and not (pd.read_parquet(file)["run"] == wanted).all():
            file.write_bytes(b"PAR1" + b"\0" * 20 + file.read_bytes()[24:])
    again = open_results(results.path)
    pd.testing.assert_frame_equal(again.table("models", ["alignment"], runs=[wanted]), expected[["alignment"]])
    with pytest.raises(StoreError):
        again.table("models", ["alignment", "entropy", "run"])


def test_points_that_are_one_run_are_told_apart(tmp_path: Path) -> None:
    asked = plan(small(parameters={"lam": 0.5, "unused": 0}, sweep={"grid": {"unused": [1, 2]}}))
    carried_out(asked, tmp_path, Engine())
    found = open_results(tmp_path).table("rounds", parameters=True, where={"unused": 2})
    assert found["unused"].tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"lamb": 1}, "neither models nor what is swept has a column 'lamb'; did you mean 'lam'?"),
        ({"round": "first"}, r"the column round holds int64 \(got 'first'\)"),
        ({"round": 10**30}, "the column round holds int64"),
        ({"model": 3}, r"the column model holds string \(got 3\)"),
        ({"learning.corpus": {"window": 2}}, "blocks are called as in the table runs, 'replace', 'window=2' under"),
        ({"learning.corpus": [["window"]]}, "blocks are called as in the table runs"),
    ],
)
def test_conditions_that_are_none_are_told(results: Results, where: dict[str, Any], told: str) -> None:
    with pytest.raises(EcosystemError, match=told):
        results.table("models", where=where)


def test_runs_and_tables_that_are_not_there_are_told(results: Results) -> None:
    with pytest.raises(EcosystemError, match="there is no run 'x'"):
        results.table("models", runs=["x"])
    with pytest.raises(EcosystemError, match="no table 'modls'"):
        results.table("modls", where={"lam": 1})
    with pytest.raises(EcosystemError, match="no column 'lam'"):
        results.table("models", ["lam"], where={"lam": 0.1})
