"""A directory takes the results of one scenario, and goes on where it was left."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import ecosystem
from ecosystem import Scenario
from ecosystem.plan.runs import plan
from ecosystem.store import versions
from ecosystem.store.errors import StoreError
from ecosystem.store.manifest import read
from ecosystem.store.results import Results, open_results
from tests.doubles import Engine, carried_out, small


def fill(scenario: Scenario, path: Path, engine: Engine | None = None) -> list[str]:
    """Run a scenario with the stand-in engine; return the ids that were executed."""
    engine = engine or Engine()
    asked = plan(scenario)
    carried_out(asked, path, engine)
    return engine.executed


def content(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_second_time_nothing_is_run_and_nothing_is_written(tmp_path: Path) -> None:
    assert len(fill(small(seeds=3), tmp_path / "out")) == 3
    before = content(tmp_path / "out")
    assert fill(small(seeds=3), tmp_path / "out") == []
    assert content(tmp_path / "out") == before


def test_the_manifest_says_what_was_asked_and_by_what_it_was_computed(tmp_path: Path) -> None:
    scenario = small(seeds=[5, 6], sweep={"grid": {"lam": [0.1, 0.2]}})
    fill(scenario, tmp_path)
    raw = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert raw["format"] == 2
    assert raw["written"]["models"][0]["diet"] == {"real": "= 1 - lam", "curated": "= lam"}
    assert raw["resolved"]["models"][0]["diet"]["real"] == 0.5
    assert raw["points"] == [{"lam": 0.1}, {"lam": 0.2}]
    assert raw["runs"] == [[run.point, run.seed, run.id] for run in plan(scenario).runs]
    (session,) = raw["sessions"]
    assert session["seconds"] >= 0
    assert session["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert session["versions"]["torch"] and session["versions"]["numpy"] and session["versions"]["mesa"]
    assert open_results(tmp_path).scenario == scenario


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": 5},
        {"sweep": {"grid": {"lam": [0.5, 0.6]}}},
        {"expect": [{"table": "models", "column": "alignment", "at_least": 0, "source": "me"}]},
        {"name": "renamed", "description": "better", "source": "somewhere"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_changed_sweep_or_text_reuses_what_is_there(tmp_path: Path, changes: dict[str, Any]) -> None:
    before = fill(small(seeds=2), tmp_path)
    after = small(**{"seeds": 2, **changes})
    executed = fill(after, tmp_path)
    assert not set(executed) & set(before)
    results = open_results(tmp_path)
    assert (results.runs["status"] == "done").all()
    assert set(results.models["run"]) == set(results.runs["run"]) == {run.id for run in plan(after).runs}
    assert results.scenario == after


def test_a_smaller_sweep_shows_only_its_own_runs(tmp_path: Path) -> None:
    fill(small(seeds=6), tmp_path)
    assert fill(small(seeds=[1, 4]), tmp_path) == []
    results = open_results(tmp_path)
    assert results.runs["seed"].tolist() == [1, 4]
    assert results.models["run"].unique().tolist() == results.runs["run"].tolist()
    assert fill(small(seeds=6), tmp_path) == []
    assert len(open_results(tmp_path).rounds) == 18


def test_what_was_recorded_more_finely_is_used_again_and_only_what_is_asked_for_is_shown(tmp_path: Path) -> None:
    lengths = {"grid": {"rounds": [7, 4]}}
    asked = [[0, 3, 6, 7], [0, 3, 6, 7], [0, 3, 4], [0, 3, 4]]
    full = small(seeds=2, sweep=lengths, record={"alignments": True})
    coarse = small(seeds=2, sweep=lengths, record={"every": 3})
    ecosystem.run(full, tmp_path / "out")
    assert fill(coarse, tmp_path / "out") == []
    results, alone = open_results(tmp_path / "out"), ecosystem.run(coarse, tmp_path / "alone")
    for table in (results.models, results.rounds):
        by_run = table.groupby("run", sort=False)["round"].unique()
        assert [sorted(by_run[run]) for run in results.runs["run"]] == asked
    assert results.alignments.empty
    assert results.last("rounds")["round"].tolist() == [7, 7, 4, 4]
    assert len(results.table("models", runs=[results.runs["run"][0]])) == 4 * 2
    keys = ["run", "round", "model"]
    one, other = (each.models.sort_values(keys, ignore_index=True) for each in (results, alone))
    assert one.equals(other)
    assert fill(full, tmp_path / "out") == []
    assert len(open_results(tmp_path / "out").models) == 2 * 2 * (8 + 5)


def test_what_was_recorded_more_coarsely_is_run_again(tmp_path: Path) -> None:
    first = fill(small(seeds=2, record={"every": 2}), tmp_path)
    assert fill(small(seeds=2), tmp_path) == first
    assert len(open_results(tmp_path).rounds) == 2 * 3
    assert fill(small(seeds=2, record={"every": 2}), tmp_path) == []
    assert set(fill(small(seeds=2, record={"alignments": True}), tmp_path)) == set(first)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rounds": 3}, "rounds is 2 there and 3 here"),
        ({"learning": {"rate": 0.5}}, "learning.rate is 1.0 there and 0.5 here"),
        ({"parameters": {"lam": 0.25}}, "models[0].diet.real is 0.5 there and 0.75 here"),
        ({"network": {}}, "network.edges"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_another_scenario_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    fill(small(), tmp_path)
    before = content(tmp_path)
    with pytest.raises(StoreError) as caught:
        fill(small(**changes), tmp_path)
    assert said in str(caught.value)
    assert "--out" in str(caught.value)
    assert content(tmp_path) == before


def test_results_of_other_contents_of_a_file_are_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("edges.csv").write_text("from,to\np,q\n", encoding="utf-8")
    fill(small(network={"file": "edges.csv"}), tmp_path / "out")
    Path("edges.csv").write_text("from,to\nq,p\n", encoding="utf-8")
    with pytest.raises(StoreError, match=r"the contents of 'edges\.csv' are not what they were"):
        fill(small(network={"file": "edges.csv"}), tmp_path / "out")


@pytest.mark.parametrize(("damage", "field"), [({"runs": [1]}, "runs"), ({"sessions": [{"a": 1}]}, "sessions")])
def test_a_manifest_of_other_fields_is_told(tmp_path: Path, damage: dict[str, Any], field: str) -> None:
    fill(small(), tmp_path)
    raw = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps(raw | damage), encoding="utf-8")
    with pytest.raises(StoreError, match=r"manifest\.json: is damaged"):
        open_results(tmp_path)


def test_results_of_another_version_are_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(small(), tmp_path)
    raw = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    raw["identity"]["version"] = 0
    (tmp_path / "manifest.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(StoreError, match="another version of the program"):
        fill(small(), tmp_path)


def test_a_directory_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("important", encoding="utf-8")
    with pytest.raises(StoreError, match="not empty and holds no results"):
        fill(small(), tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    for place in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(StoreError, match="out"):
            fill(small(), place)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        fill(small(), tmp_path / "out")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "x"}', "\x00"])
def test_a_damaged_manifest_is_told(tmp_path: Path, text: str) -> None:
    fill(small(), tmp_path)
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"manifest\.json"):
        open_results(tmp_path)
    with pytest.raises(StoreError, match=r"manifest\.json"):
        fill(small(), tmp_path)


def test_a_newer_store_is_not_opened(tmp_path: Path) -> None:
    fill(small(), tmp_path)
    raw = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    raw.update(format=99, something="new")
    (tmp_path / "manifest.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(StoreError, match="newer version"):
        open_results(tmp_path)


def test_an_older_store_is_not_opened(tmp_path: Path) -> None:
    fill(small(), tmp_path)
    raw = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**raw, "format": 1}), encoding="utf-8")
    with pytest.raises(StoreError, match=r"older version.*before parts had checksums; run .* another --out"):
        open_results(tmp_path)


def test_a_place_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no results"):
        Results(tmp_path / "nowhere")


def test_sessions_add_up(tmp_path: Path) -> None:
    fill(small(seeds=1), tmp_path)
    fill(small(seeds=2), tmp_path)
    manifest = read(tmp_path)
    assert len(manifest.sessions) == 2
    assert all(session.seconds is not None for session in manifest.sessions)


def test_what_is_not_known_of_the_program_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*arguments: Any, **options: Any) -> None:
        raise FileNotFoundError("git")

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(versions.ecosystem, "__path__", [str(tmp_path / "ecosystem")])
    monkeypatch.setattr(versions, "_DISTRIBUTION", "no-such-package")
    monkeypatch.setattr(versions.subprocess, "run", no_git)
    found = versions.versions.__wrapped__()
    assert (found["program"], found["revision"]) == (None, None)
    assert found["torch"]


def test_the_revision_is_that_of_the_programs_own_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(versions.versions()) >= {"program", "revision", "python", "torch", "mesa", "numpy", "platform"}
    monkeypatch.setattr(versions.ecosystem, "__path__", [str(tmp_path / "site-packages" / "ecosystem")])
    assert versions.versions.__wrapped__()["revision"] is None
