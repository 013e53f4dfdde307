"""A run that was killed goes on from where it was kept, and its tables are those of one that was left in peace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plain.random_societies import random_society
from plain.tally import Tally
from safetensors import safe_open

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError
from ecosystem.learners import crafts
from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import plan
from ecosystem.runner.work import Engine, work
from ecosystem.store import checkpoints as kept
from ecosystem.store.earlier import earlier
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import open_store
from ecosystem.world.recording import Recorder
from tests.doubles import small

KEYS = {
    "models": ["run", "round", "model"],
    "rounds": ["run", "round"],
    "groups": ["run", "round", "group"],
    "alignments": ["run", "round", "model", "reward"],
    "states": ["run", "round", "model", "context", "output"],
    "samples": ["run", "round", "model", "context", "sample"],
    "network": ["network", "source", "target"],
}

RECORD = {"states": True, "alignments": True}


class Killed(BaseException):
    """What nothing that executes runs catches."""


def assert_same(found: Results, expected: Results) -> None:
    columns = ["run", "point", "seed", "network", "status"]
    pd.testing.assert_frame_equal(found.runs[columns], expected.runs[columns])
    assert (expected.runs["status"] == "done").all()
    for name, by in KEYS.items():
        one, other = (results.table(name) for results in (found, expected))
        by = [key for key in by if key in one]
        one, other = (rows.sort_values(by, ignore_index=True) for rows in (one, other))
        assert not one.duplicated(by).any()
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert not (found.path / kept.FOLDER).exists()


@contextmanager
def rounds_run() -> Iterator[list[int]]:
    """Count from which rounds on steps are really taken."""
    taken: list[int] = []
    step = Ecosystem.step

    def counted(model: Ecosystem) -> None:
        taken.append(model.round)
        step(model)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ecosystem, "step", counted)
        yield taken


def killed_at(scenario: Scenario, path: Path, round_: int, seeds: int | Sequence[int] | None = None) -> None:
    """Run a scenario until so many rounds of its batch are done, and no further."""
    asked = plan(scenario, seeds)

    def on_round(done: int, of: int) -> None:
        if done == round_:
            raise Killed

    with open_store(asked, path) as store, pytest.raises(Killed):
        work(Chunk.of(asked.unique), store, Engine(store.checkpoints(0)), on_round)


def goes_on_everywhere(scenario: Scenario, tmp_path: Path, every: int = 1) -> None:
    """Kill a scenario after each of its rounds, and compare what it then gives with what it gives undisturbed."""
    whole = ecosystem.run(scenario, tmp_path / "whole")
    last = int(whole.rounds["round"].max())
    for round_ in range(1, last + 1, every):
        path = tmp_path / f"{round_}"
        killed_at(scenario, path, round_)
        with rounds_run() as taken:
            found = ecosystem.run(scenario, path)
        assert taken == list(range(round_, last))
        assert_same(found, whole)


def with_users(individuals: bool) -> Scenario:
    """A loop of models and counted users, or of users who are each somebody."""
    groups: list[dict[str, Any]] = [
        {"name": "A", "size": 12, "contexts": {0: 0.7, 1: 0.3}, "reward": "first"},
        {"name": "B", "size": 8, "contexts": [1], "reward": "second"},
    ]
    if individuals:
        groups[1]["traits"] = {"patience": 0.5}
    return small(
        rounds=4,
        mode="sampled",
        outputs={"kind": "categorical", "size": 3, "contexts": 2, "scores": {"quality": [1, 0, 0.5]}},
        rewards={"first": [1, 0, 0], "second": [0, 1, 0]},
        models=[
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.3, "curated": 0.4, "users": 0.3},
                "curation": {"method": "luce", "candidates": 2},
            },
            {"name": "q", "reward": "second", "diet": {"raw": 0.5, "neighbours_raw": 0.5}},
        ],
        learning={"examples": 40, "corpus": "accumulate", "rate": 0.7, "sharing": 0.2, "prompts": "reused"},
        users={
            "groups": groups,
            "choice": {"method": "softmax", "temperature": 0.3},
            "feedback": {"method": "retention", "scale": 2.0, "arrivals": 0},
            "curate": True,
            "mode": "sampled",
            "individuals": individuals,
        },
        record=RECORD,
        seeds=2,
    )


GAUSSIAN = Scenario(
    name="gaussian",
    rounds=4,
    mode="sampled",
    outputs={"kind": "gaussian", "dimension": 2},
    rewards={"right": {"linear": [1, 0]}},
    models=[
        {"name": "p", "reward": "right", "diet": {"raw": 0.5, "neighbours_curated": 0.5}},
        {"name": "q", "diet": {"real": 0.2, "neighbours_raw": 0.8}, "curation": {"reward": "right", "candidates": 3}},
    ],
    network={"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
    learning={"examples": 20, "corpus": {"window": 3}},
    record={"states": True},
    seeds=2,
)


@pytest.mark.parametrize(
    "scenario",
    [
        small(rounds=5, record=RECORD, sweep={"grid": {"lam": [0.2, 0.8]}}),
        small(rounds=5, learning={"order": "sequential", "corpus": {"window": 3}}, record={"states": True, "every": 2}),
        with_users(individuals=False),
        with_users(individuals=True),
        GAUSSIAN,
    ],
    ids=["exact", "sequential", "users", "individuals", "gaussian"],
)
def test_killed_after_any_round_it_gives_the_same_bits(tmp_path: Path, scenario: Scenario) -> None:
    goes_on_everywhere(scenario, tmp_path)


def test_killed_before_and_after_events(tmp_path: Path) -> None:
    scenario = small(
        rounds=6,
        mode="sampled",
        learning={"examples": 30, "corpus": "accumulate"},
        events=[
            {"round": 2, "set": {"learning.corpus": {"window": 3}}},
            {"round": 4, "cut": {"from": "p", "to": "q"}},
        ],
        record=RECORD,
    )
    goes_on_everywhere(scenario, tmp_path)


def test_killed_models_that_really_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")
    begun = []
    begin = Tally.begin
    monkeypatch.setattr(Tally, "begin", lambda craft: begun.append(1) or begin(craft))
    scenario = Scenario(
        name="tally",
        rounds=4,
        mode="sampled",
        outputs={"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": 2},
        rewards={"first": {"judge": "values", "values": [1, 0, 0]}},
        models=[
            {"name": "p", "reward": "first", "diet": {"real": 0.4, "curated": 0.6}, "curation": {"candidates": 3}},
            {"name": "q", "diet": {"raw": 0.5, "neighbours_raw": 0.5}},
        ],
        network={"edges": [{"from": "p", "to": "q"}]},
        learning={"examples": 12, "corpus": {"window": 3}},
        record={"samples": 2},
        seeds=2,
    )
    goes_on_everywhere(scenario, tmp_path)
    assert len(begun) == 1 + 4  # what is trained before the first round is not trained again: it may take minutes


@pytest.mark.parametrize("seed", range(6))
def test_random_societies_go_on_with_the_same_bits(tmp_path: Path, seed: int) -> None:
    written = random_society(seed, "sampled" if seed % 2 else "exact")
    if written["mode"] == "sampled":
        written["learning"] |= {"examples": 30}
    scenario = Scenario(**{**written, "rounds": 3, "record": {"states": True}})
    goes_on_everywhere(scenario, tmp_path)


SETTLING = small(
    rounds={"max": 60, "until": "stable", "tolerance": 1e-3},
    learning={"regime": "incremental", "rate": 0.5},
    models=[
        {
            "name": "p",
            "initial": [0.2, 0.8],
            "reward": "first",
            "diet": {"real": "= 1 - lam", "curated": "= lam"},
            "curation": {"method": "luce", "candidates": 2},
        }
    ],
    network={},
    sweep={"grid": {"lam": [0.1, 0.5, 0.9]}},
)


def test_worlds_that_have_come_to_rest_are_not_run_again(tmp_path: Path) -> None:
    whole = ecosystem.run(SETTLING, tmp_path / "whole")
    ends = sorted(whole.rounds.groupby("run")["round"].max())
    assert len(set(ends)) == 3
    for round_ in (ends[0] - 1, ends[0] + 1, ends[1]):
        path = tmp_path / f"{round_}"
        killed_at(SETTLING, path, round_)
        with rounds_run() as taken:
            found = ecosystem.run(SETTLING, path)
        assert taken == list(range(round_, ends[2]))
        assert_same(found, whole)


def test_runs_of_a_chunk_go_on_from_different_rounds(tmp_path: Path) -> None:
    scenario = small(
        rounds=7, mode="sampled", learning={"examples": 30, "corpus": "accumulate"}, record=RECORD, seeds=6
    )
    whole = ecosystem.run(scenario, tmp_path / "whole")
    path = tmp_path / "killed"
    killed_at(scenario, path, 2, seeds=2)
    killed_at(scenario, path, 5, seeds=1)
    assert _rounds_kept(path, whole) == [5, 2]
    with rounds_run() as taken:
        found = ecosystem.run(scenario, path)
    assert sorted(taken) == sorted([*range(5, 7), *range(2, 7), *range(7)])
    assert_same(found, whole)


def _rounds_kept(path: Path, whole: Results) -> list[int]:
    states = [path / kept.FOLDER / f"{run}.safetensors" for run in whole.runs["run"]]
    return [_about(state)["round"] for state in states if state.exists()]


def _about(state: Path) -> dict[str, Any]:
    with safe_open(state, framework="pt") as opened:
        found: dict[str, Any] = json.loads(opened.metadata()["about"])
    return found


def test_rows_that_were_handed_over_before_are_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(rounds=6, record=RECORD, seeds=2)
    whole = ecosystem.run(scenario, tmp_path / "whole")
    monkeypatch.setattr(Recorder.__init__, "__defaults__", (None, 1))  # handed over every round
    keep = kept.RunKeeper.keep
    monkeypatch.setattr(kept.RunKeeper, "keep", lambda self, round_, *more: round_ == 3 and keep(self, round_, *more))
    killed_at(scenario, tmp_path / "killed", 5)
    with rounds_run() as taken:
        found = ecosystem.run(scenario, tmp_path / "killed")
    assert taken == [3, 4, 5]
    assert_same(found, whole)


LONG = small(rounds=5, mode="sampled", learning={"examples": 30}, record=RECORD)


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _flip_last(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-3] ^= 1  # a number of a tensor
    file.write_bytes(content)


def _truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 100)


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        ("safetensors", _flip),
        ("safetensors", _flip_last),
        ("safetensors", _truncate),
        ("safetensors", lambda file: file.write_bytes(b"")),
        ("rows", _flip),
        ("rows", _truncate),
        ("rows", Path.unlink),
    ],
)
def test_a_damaged_checkpoint_costs_time_and_nothing_else(tmp_path: Path, suffix: str, damage: Any) -> None:
    whole = ecosystem.run(LONG, tmp_path / "whole")
    killed_at(LONG, tmp_path / "killed", 3)
    damage(next((tmp_path / "killed" / kept.FOLDER).glob(f"*.{suffix}")))
    with rounds_run() as taken, pytest.warns(UserWarning, match="the run begins anew, for its checkpoint (is|cannot)"):
        found = ecosystem.run(LONG, tmp_path / "killed")
    assert taken == [0, 1, 2, 3, 4]
    assert_same(found, whole)


def test_what_stands_behind_the_rows_that_are_known_means_nothing(tmp_path: Path) -> None:
    whole = ecosystem.run(LONG, tmp_path / "whole")
    killed_at(LONG, tmp_path / "killed", 3)
    with next((tmp_path / "killed" / kept.FOLDER).glob("*.rows")).open("ab") as stream:
        stream.write(b"half a pie")
    with rounds_run() as taken:
        killed_at(LONG, tmp_path / "killed", 4)
        found = ecosystem.run(LONG, tmp_path / "killed")
    assert taken == [3, 4]
    assert_same(found, whole)


def test_the_checkpoint_of_another_version_or_recording_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "RESULTS_VERSION", -1)
    killed_at(LONG, tmp_path / "killed", 3)
    monkeypatch.undo()
    with rounds_run() as taken, pytest.warns(UserWarning, match="its checkpoint is of another version"):
        ecosystem.run(LONG, tmp_path / "killed")
    assert taken[0] == 0
    killed_at(LONG, tmp_path / "other", 3)
    less = LONG.with_({"record.states": False})
    with pytest.warns(UserWarning, match="its checkpoint is of another recording"):
        found = ecosystem.run(less, tmp_path / "other")
    assert_same(found, ecosystem.run(less, tmp_path / "less"))


def test_of_short_runs_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = []
    for name in ("add", "keep"):
        monkeypatch.setattr(kept.RunKeeper, name, lambda *_: touched.append(1))
    ecosystem.run(LONG, tmp_path / "default")
    with monkeypatch.context() as patched:
        patched.setattr(Recorder.__init__, "__defaults__", (None, 1))
        ecosystem.run(LONG, tmp_path / "never", checkpoint=float("inf"))
    assert touched == []
    ecosystem.run(LONG, tmp_path / "always", checkpoint=0)
    assert len(touched) == 10


def test_what_fails_leaves_no_checkpoint_and_begins_anew(tmp_path: Path) -> None:
    asked = plan(LONG)

    def cursed(done: int, of: int) -> None:
        if done == 3:
            raise RuntimeError("cursed")

    with open_store(asked, tmp_path) as store:
        assert work(Chunk.of(asked.unique), store, Engine(store.checkpoints(0)), cursed).failed == 1
    assert list((tmp_path / kept.FOLDER).iterdir()) == []
    with rounds_run() as taken:
        ecosystem.run(LONG, tmp_path, retry_failed=True)
    assert taken == [0, 1, 2, 3, 4]


def test_one_run_of_a_chunk_that_raises_costs_the_others_nothing(tmp_path: Path) -> None:
    asked, told = plan(LONG, 3), []

    def once(done: int, of: int) -> None:
        told.append(done)
        if done == 4:
            raise RuntimeError("once")

    with open_store(asked, tmp_path / "one") as store, rounds_run() as taken:
        assert work(Chunk.of(asked.unique), store, Engine(store.checkpoints(0)), once).failed == 0
    assert taken == [0, 1, 2, 3, 4, 4, 4]
    found = open_results(tmp_path / "one")
    kept.remove_folder(tmp_path / "one")
    assert_same(found, ecosystem.run(LONG, tmp_path / "whole", seeds=3))


def test_checkpoints_of_runs_that_are_in_the_store_are_cleared_away(tmp_path: Path) -> None:
    killed_at(LONG, tmp_path, 3, seeds=2)
    left = {file.name: file.read_bytes() for file in (tmp_path / kept.FOLDER).iterdir()}
    assert len(left) == 4
    ecosystem.run(LONG, tmp_path, seeds=2)
    (tmp_path / kept.FOLDER).mkdir()
    for name, content in left.items():
        (tmp_path / kept.FOLDER / name).write_bytes(content)
    (tmp_path / kept.FOLDER / ".unfinished-0123").touch()
    ecosystem.run(LONG, tmp_path, seeds=3)
    assert not (tmp_path / kept.FOLDER).exists()


def test_a_directory_with_checkpoints_can_be_read_and_begun_from(tmp_path: Path) -> None:
    ecosystem.run(LONG, tmp_path)
    killed_at(LONG, tmp_path, 2, seeds=[0, 1])
    results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["done", "pending"]
    assert len(results.rounds) == 6
    begun = earlier(tmp_path)
    killed_at(LONG, tmp_path, 3, seeds=[0, 1])
    (tmp_path / "manifest.json").touch()
    assert earlier(tmp_path).digest == begun.digest
    now = earlier(tmp_path)
    (tmp_path / kept.FOLDER / "more").touch()
    assert earlier(tmp_path) is now  # read again only if results have changed
    assert results.to_csv(tmp_path / "out.csv") == 12


def test_seconds_count_what_was_spent_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(LONG, tmp_path, 3)
    before = _about(next((tmp_path / kept.FOLDER).glob("*.safetensors")))["seconds"]
    assert before > 0
    find = kept.Checkpoints.find

    def long_ago(self: kept.Checkpoints, run: str) -> kept.Checkpoint | None:
        found = find(self, run)
        return None if found is None else kept.Checkpoint(**{**vars(found), "seconds": 1000.0})

    monkeypatch.setattr(kept.Checkpoints, "find", long_ago)
    assert 1000 < ecosystem.run(LONG, tmp_path).runs["seconds"][0] < 2000


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_seconds_that_cannot_be_are_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(EcosystemError, match="checkpoint: seconds, 0 for after every round"):
        ecosystem.run(LONG, tmp_path, checkpoint=seconds)


PROGRAM = """\
from ecosystem.cli import main

if __name__ == "__main__":
    main()
"""

YAML = """\
name: long
rounds: 150
mode: sampled
outputs: {kind: categorical, size: 4}
rewards: {first: [1, 0, 0, 0]}
models:
  - {name: m, count: 3, reward: first, diet: {real: 0.5, curated: 0.5}, curation: {candidates: 4}}
learning: {examples: 100, corpus: accumulate}
record: {states: true}
seeds: 3
"""


def _started(folder: Path, out: str, workers: int) -> subprocess.Popen[bytes]:
    (folder / "long.yaml").write_text(YAML, encoding="utf-8")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = ["run", "long.yaml", "--out", out, "--checkpoint", "0", "--workers", str(workers)]
    return subprocess.Popen(
        [sys.executable, "program.py", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_really_killed_it_goes_on(tmp_path: Path, workers: int) -> None:
    whole = ecosystem.run(_scenario(tmp_path), tmp_path / "whole")
    furthest = 0
    for _ in range(3):
        process = _started(tmp_path, "out", workers)
        while process.poll() is None and max(_rounds_kept(tmp_path / "out", whole), default=0) < furthest + 20:
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        furthest = max(_rounds_kept(tmp_path / "out", whole), default=furthest)
    assert furthest >= 60
    process = _started(tmp_path, "out", workers)
    assert process.wait(120) == 0, process.stderr and process.stderr.read()
    assert_same(open_results(tmp_path / "out"), whole)


def _scenario(folder: Path) -> Scenario:
    (folder / "long.yaml").write_text(YAML, encoding="utf-8")
    return ecosystem.load_scenario(folder / "long.yaml")
