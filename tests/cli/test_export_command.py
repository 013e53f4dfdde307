"""``ecosystem export`` writes a table of a run to one file."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def finished(command, write) -> str:
    assert command("run", write("sweep: {grid: {lam: [0.25, 0.5]}}"), "--out", "mine").status == 0
    return "mine"


def test_a_table_goes_to_a_file_that_is_named(command, finished) -> None:
    said = command("export", finished)
    assert (said.status, said.out) == (0, "written: mine-models.csv (16 rows)\n")
    found = pd.read_csv("mine-models.csv")
    assert found.columns.tolist()[:3] == ["run", "round", "model"]
    assert found.groupby("lam")["run"].nunique().to_dict() == {0.25: 1, 0.5: 1}


def test_table_columns_and_rows_can_be_chosen(command, finished) -> None:
    arguments = ["--table", "rounds", "--columns", "lam, round", "--columns", "alignment", "--where", "lam=0.5"]
    said = command("export", finished, *arguments, "--where", "round=[0, 3]", "--out", "here.parquet")
    assert (said.status, said.out) == (0, "written: here.parquet (2 rows)\n")
    found = pd.read_parquet("here.parquet")
    assert found[["lam", "round"]].values.tolist() == [[0.5, 0], [0.5, 3]]
    assert command("export", finished, "--format", "parquet").out == "written: mine-models.parquet (16 rows)\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--table", "modles"], "there is no table 'modles'; did you mean 'models'?"),
        (["--columns", "aligment"], "models has no column 'aligment'; did you mean 'alignment'?"),
        (["--where", "lam"], "write COLUMN=VALUE"),
        (["--where", "lam=1", "--where", "lam=2"], "is given twice"),
        (["--where", "lam=[1"], "is not YAML"),
        (["--where", "lma=1"], "did you mean 'lam'?"),
        (["--out", "."], "is a directory"),
        (["--out", "x" * 5000], "cannot be written"),
        (["--out", "no/such/place.csv"], "cannot be written"),
        (["--format", "xlsx"], "xlsx"),
    ],
)
def test_what_cannot_be_exported_is_told(command, finished, arguments: list[str], told: str) -> None:
    before = sorted(os.listdir())
    said = command("export", finished, *arguments)
    assert said.status == 2
    assert told in said.err
    assert "Traceback" not in said.err
    assert sorted(os.listdir()) == before


def test_a_directory_without_results_is_told(command) -> None:
    Path("empty").mkdir()
    said = command("export", "empty")
    assert said.status == 2
    assert "empty: holds no results" in said.err
