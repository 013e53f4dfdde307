"""Whatever happens to a run, it is accounted for, and the others go on."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import ecosystem
from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.plan.size import bytes_per_world
from ecosystem.runner.execute import execute
from ecosystem.runner.progress import Progress
from ecosystem.store.manifest import read
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import open_store
from tests.doubles import Engine, carried_out, small


def executed(path: Path, engine: Any, seeds: int = 4) -> Results:
    asked = plan(small(seeds=seeds))
    carried_out(asked, path, engine)
    return open_results(path)


def test_a_run_that_fails_is_a_row_and_the_others_are_done(tmp_path: Path) -> None:
    results = executed(tmp_path, Engine(failing={2}))
    assert results.runs["status"].tolist() == ["done", "done", "failed", "done"]
    assert results.runs["error"].tolist()[2] == "seed 2 went wrong"
    assert set(results.models["run"]) == set(results.runs["run"][results.runs["status"] == "done"])


def test_of_a_chunk_only_the_run_that_raises_fails(tmp_path: Path) -> None:
    engine = Engine(raising={1})
    results = executed(tmp_path, engine)
    assert results.runs["status"].tolist() == ["done", "failed", "done", "done"]
    assert [len(call) for call in engine.calls] == [4, 1, 1, 1, 1]
    assert results.runs["error"][1] == "RuntimeError: seed 1 is cursed"
    assert set(results.models["run"]) == set(results.runs["run"][results.runs["status"] == "done"])
    (failure,) = results.failures.to_dict("records")
    assert (failure["run"], failure["seed"], failure["exception"]) == (results.runs["run"][1], 1, "RuntimeError")
    assert "Traceback" in failure["traceback"] and "seed 1 is cursed" in failure["traceback"]
    assert json.loads(failure["settings"])["models"][0]["diet"]["real"] == 0.5


def test_what_failed_is_run_again_when_that_is_asked(tmp_path: Path) -> None:
    executed(tmp_path, Engine(failing={0, 1, 2, 3}))
    asked = plan(small(seeds=4))
    assert carried_out(asked, tmp_path) == 0
    assert carried_out(asked, tmp_path, Engine(failing={2}), retry_failed=True) == 4
    results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["done", "done", "failed", "done"]
    again = Engine()
    assert carried_out(asked, tmp_path, again, retry_failed=True) == 1
    assert again.executed == [asked.runs[2].id]
    results = open_results(tmp_path)
    assert (results.runs["status"] == "done").all()
    assert results.failures.empty
    assert not results.models.duplicated(["run", "round", "model"]).any()


def test_of_two_failures_the_last_is_told(tmp_path: Path) -> None:
    executed(tmp_path, Engine(failing={2}))

    def broken(*_: object) -> Any:
        raise EcosystemError("now for another reason")

    carried_out(plan(small(seeds=4)), tmp_path, broken, retry_failed=True)
    assert open_results(tmp_path).runs["error"][2] == "now for another reason"


class Slow(Engine):
    """An engine whose runs with seed 1 never come to their end."""

    def __call__(self, runs: Any, on_round: Any = None, on_rows: Any = None) -> Any:
        while any(run.seed == 1 for run in runs):
            time.sleep(0.01)
            on_round(1, 2)
        return super().__call__(runs, on_round)


def test_a_run_that_never_ends_fails_alone(tmp_path: Path) -> None:
    asked = plan(small(seeds=4))
    carried_out(asked, tmp_path, Slow(), timeout=0.1)
    results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["done", "failed", "done", "done"]
    assert results.runs["error"][1] == "took longer than 0.1 s (timeout)"
    assert results.failures["traceback"].isna().all()


@pytest.mark.parametrize(
    ("execution", "said"),
    [
        ({"workers": -1}, "workers: a number of processes, 0 for none but this one (got -1)"),
        ({"timeout": 0.0}, "timeout: seconds above 0 (got 0)"),
        ({"timeout": float("nan")}, "timeout: seconds above 0 (got nan)"),
        ({"max_memory": 0}, "max_memory: bytes above 0 (got 0)"),
        ({"max_memory": 1000}, "a run (of point 0) would need about"),
    ],
)
def test_what_cannot_be_executed_so_is_refused(tmp_path: Path, execution: dict[str, Any], said: str) -> None:
    engine = Engine()
    with pytest.raises(EcosystemError, match=re.escape(said)):
        carried_out(plan(small(seeds=4)), tmp_path, engine, **execution)
    assert engine.calls == []


def test_chunks_are_made_to_fit_the_memory(tmp_path: Path) -> None:
    engine = Engine()
    carried_out(plan(small(seeds=5)), tmp_path, engine, max_memory=int(2.5 * bytes_per_world(small())))
    assert [len(call) for call in engine.calls] == [2, 2, 1]


def test_what_a_chunk_took_is_told(tmp_path: Path) -> None:
    chunk = executed(tmp_path, Engine()).chunks.iloc[0]
    assert (chunk["runs"], chunk["process"]) == (4, os.getpid())
    assert chunk["seconds"] > 0
    assert 10_000_000 < chunk["memory"] < 10_000_000_000
    assert chunk["torch"] and chunk["numpy"] and chunk["started"] < datetime.now(UTC).isoformat()


def test_an_input_error_in_the_engine_is_told_without_a_traceback(tmp_path: Path) -> None:
    def engine(*_: object) -> Any:
        raise EcosystemError("the graph does not fit")

    assert set(executed(tmp_path, engine).runs["error"]) == {"the graph does not fit"}


def test_an_engine_that_cannot_be_loaded_fails_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecosystem.world", None)
    asked = plan(small(seeds=4))
    with pytest.raises(ImportError), open_store(asked, tmp_path) as store:
        execute(asked, store)
    assert open_results(tmp_path).runs["status"].tolist() == ["pending"] * 4


def test_failed_runs_are_not_run_again(tmp_path: Path) -> None:
    executed(tmp_path, Engine(failing={2}))
    engine = Engine()
    assert executed(tmp_path, engine).runs["status"].tolist() == ["done", "done", "failed", "done"]
    assert engine.calls == []


def test_an_interruption_ends_it_and_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 1)
    inner = Engine()

    def engine(runs: Any, *listeners: Any) -> Any:
        if runs[0].seed == 2:
            raise KeyboardInterrupt
        return inner(runs, *listeners)

    with pytest.raises(KeyboardInterrupt):
        executed(tmp_path, engine)
    assert open_results(tmp_path).runs["status"].tolist() == ["done", "done", "pending", "pending"]
    assert read(tmp_path).sessions[0].seconds is not None


def test_progress_is_told_and_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 2)
    told: list[Progress] = []
    asked = plan(small(seeds=4))
    assert carried_out(asked, tmp_path, Engine(failing={0}), told.append) == 4
    finished = [each.finished for each in told]
    assert finished == sorted(finished)
    assert (finished[0], finished[-1]) == (0, 4)
    assert any(0 < each < 2 for each in finished)
    assert {each.over for each in told} == {0, 2, 4}
    assert all(each.over <= each.finished for each in told)
    assert {each.total for each in told} == {4}
    assert told[-1].failed == 1
    assert carried_out(asked, tmp_path, Engine(), told.append) == 0


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

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecosystem.runner.run.execute", broken)
    with pytest.raises(KeyboardInterrupt):
        ecosystem.run(small())
    assert list(tmp_path.iterdir()) == []
