"""Whatever happens to a run, it is accounted for, and the others go on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import ecosystem
from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.runner.execute import Progress, execute
from ecosystem.store.manifest import read
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import open_store
from tests.doubles import Engine, small


def executed(path: Path, engine: Any, seeds: int = 4) -> Results:
    asked = plan(small(seeds=seeds))
    execute(asked, open_store(asked, path), simulate=engine)
    return open_results(path)


def test_a_run_that_fails_is_a_row_and_the_others_are_done(tmp_path: Path) -> None:
    results = executed(tmp_path, Engine(failing={2}))
    assert results.runs["status"].tolist() == ["done", "done", "failed", "done"]
    assert results.runs["error"].tolist()[2] == "seed 2 went wrong"
    assert set(results.models["run"]) == set(results.runs["run"][results.runs["status"] == "done"])


def test_an_exception_fails_its_chunk_with_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    results = executed(tmp_path, Engine(raising={1}))
    assert results.runs["status"].tolist() == ["failed", "failed", "done", "done"]
    assert "Traceback" in results.runs["error"][0]
    assert results.runs["error"][1].strip().endswith("RuntimeError: seed 1 is cursed")


def test_an_input_error_in_the_engine_is_told_without_a_traceback(tmp_path: Path) -> None:
    def engine(*_: object) -> Any:
        raise EcosystemError("the graph does not fit")

    assert set(executed(tmp_path, engine).runs["error"]) == {"the graph does not fit"}


def test_an_engine_that_cannot_be_loaded_fails_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecosystem.world", None)
    with pytest.raises(ImportError):
        executed(tmp_path, None)
    assert open_results(tmp_path).runs["status"].tolist() == ["pending"] * 4


def test_failed_runs_are_not_run_again(tmp_path: Path) -> None:
    executed(tmp_path, Engine(failing={2}))
    engine = Engine()
    assert executed(tmp_path, engine).runs["status"].tolist() == ["done", "done", "failed", "done"]
    assert engine.calls == []


def test_an_interruption_ends_it_and_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)
    inner = Engine()

    def engine(runs: Any, on_round: Any = None) -> Any:
        if runs[0].seed == 2:
            raise KeyboardInterrupt
        return inner(runs, on_round)

    with pytest.raises(KeyboardInterrupt):
        executed(tmp_path, engine)
    assert open_results(tmp_path).runs["status"].tolist() == ["done", "done", "pending", "pending"]
    assert read(tmp_path).sessions[0].seconds is not None


def test_progress_is_told_and_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    told: list[Progress] = []
    asked = plan(small(seeds=4))
    assert execute(asked, open_store(asked, tmp_path), told.append, Engine(failing={0})) == 4
    finished = [each.finished for each in told]
    assert finished == sorted(finished)
    assert (finished[0], finished[-1]) == (0, 4)
    assert any(0 < each < 2 for each in finished)
    assert {each.total for each in told} == {4}
    assert told[-1].failed == 1
    assert execute(asked, open_store(asked, tmp_path), told.append, Engine()) == 0


def test_the_python_function_runs_shipped_scenarios_files_and_objects(tmp_path: Path) -> None:
    results = ecosystem.run("two_model_backfire", overrides={"rounds": 1, "record.every": 1})
    assert (results.runs["status"] == "done").all()
    assert results.path.is_dir()
    assert ecosystem.run(small(), seeds=[3]).runs["seed"].tolist() == [3]
    changed = ecosystem.run(small(), tmp_path / "out", overrides={"lam": 0.25})
    assert changed.scenario.parameters["lam"] == 0.25
    assert ecosystem.open_results(tmp_path / "out").models.equals(changed.models)


def test_a_run_is_the_same_bits_in_any_company(tmp_path: Path) -> None:
    scenario = small(mode="sampled", learning={"examples": 50}, record={"states": True})
    together = ecosystem.run(scenario, seeds=5)
    for seed, run in zip(together.runs["seed"], together.runs["run"], strict=True):
        alone = ecosystem.run(scenario, seeds=[seed])
        for name in ("models", "states", "rounds"):
            table = getattr(together, name)
            expected = table[table["run"] == run].reset_index(drop=True)
            assert expected.equals(getattr(alone, name)), (seed, name)


def test_a_scenario_that_cannot_start_leaves_no_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecosystem.runner.run.execute", broken)
    with pytest.raises(KeyboardInterrupt):
        ecosystem.run(small())
    assert list(tmp_path.iterdir()) == []
