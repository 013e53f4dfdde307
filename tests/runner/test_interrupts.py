"""Interrupted, work ends after the round that it is in, and goes on from there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.plan import chunks as chunking
from ecosystem.plan.chunks import chunks
from ecosystem.plan.runs import plan
from ecosystem.runner import cluster, interrupts
from ecosystem.runner.interrupts import Interrupts, heard
from ecosystem.runner.progress import Progress
from ecosystem.runner.work import Engine, work
from ecosystem.store import checkpoints as kept
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import Store, open_store
from ecosystem.world.keeping import Keeper
from tests.doubles import small

SCENARIO = small(rounds=6, mode="sampled", learning={"examples": 30}, seeds=3)


@pytest.fixture(autouse=True)
def hears_interrupts() -> Iterator[None]:
    """Ctrl-C is heard as in a terminal, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_at(scenario: Scenario, path: Path, round_: int, **execution: Any) -> list[int]:
    """Send this process a Ctrl-C within the step after a round; return from which rounds steps were taken."""
    taken: list[int] = []
    step = Ecosystem.step

    def pressed(model: Ecosystem) -> None:
        taken.append(model.round)
        if model.round == round_:
            os.kill(os.getpid(), signal.SIGINT)
        step(model)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ecosystem, "step", pressed)
        with pytest.raises(KeyboardInterrupt):
            ecosystem.run(scenario, path, **execution)
    return taken


def rounds_kept(scenario: Scenario, path: Path) -> list[int]:
    asked = plan(scenario)
    store = Store(path, open_results(path)._manifest.recording)
    return list(store.checkpoints(30).rounds([run.id for run in asked.unique]).values())


def assert_same(found: Results, expected: Results) -> None:
    for name in ("models", "rounds", "network"):
        pd.testing.assert_frame_equal(found.table(name), expected.table(name), check_exact=True)
    assert not (found.path / kept.FOLDER).exists()


def test_the_round_under_way_is_ended_and_kept(tmp_path: Path) -> None:
    assert interrupted_at(SCENARIO, tmp_path / "out", 3) == [0, 1, 2, 3]
    assert rounds_kept(SCENARIO, tmp_path / "out") == [4, 4, 4]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert_same(ecosystem.run(SCENARIO, tmp_path / "out"), ecosystem.run(SCENARIO, tmp_path / "whole"))


def test_never_means_never(tmp_path: Path) -> None:
    assert interrupted_at(SCENARIO, tmp_path, 3, checkpoint=float("inf"))[-1] == 3
    assert rounds_kept(SCENARIO, tmp_path) == []


def test_what_came_to_its_end_in_an_earlier_batch_of_the_chunk_is_kept_too(tmp_path: Path) -> None:
    """Networks that differ from seed to seed are batches of their own."""
    scenario = several_batches()
    (chunk,) = chunks(plan(scenario), [run.id for run in plan(scenario).unique])
    assert len(chunk.runs) == 3
    seen = interrupted_at(scenario, tmp_path / "out", 2)
    assert seen == [0, 1, 2]
    assert sorted(rounds_kept(scenario, tmp_path / "out")) == [3]
    later = interrupted_after(scenario, tmp_path / "out", steps=10)
    assert len(later) == 10
    assert sorted(rounds_kept(scenario, tmp_path / "out")) == [1, 6, 6]
    assert_same(ecosystem.run(scenario, tmp_path / "out"), ecosystem.run(scenario, tmp_path / "whole"))


def several_batches() -> Scenario:
    return small(
        rounds=6,
        models=[
            {
                "name": "m",
                "count": 8,
                "reward": "first",
                "diet": {"real": 0.5, "curated": 0.3, "neighbours_raw": 0.2},
                "curation": {"candidates": 2},
            }
        ],
        network={"generator": "erdos_renyi", "p": 0.4},
        mode="sampled",
        learning={"examples": 30},
        seeds=3,
    )


def interrupted_after(scenario: Scenario, path: Path, steps: int) -> list[int]:
    taken: list[int] = []
    step = Ecosystem.step

    def pressed(model: Ecosystem) -> None:
        taken.append(model.round)
        if len(taken) == steps:
            os.kill(os.getpid(), signal.SIGINT)
        step(model)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ecosystem, "step", pressed)
        with pytest.raises(KeyboardInterrupt):
            ecosystem.run(scenario, path)
    return taken


def test_time_counts_over_the_batches_of_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three batches takes 6 s by this clock; after 10 s, in the second, both are kept."""
    clock = [0.0]
    monkeypatch.setattr("ecosystem.world.keeping.time.monotonic", lambda: clock[0])
    step = Ecosystem.step

    def slow(model: Ecosystem) -> None:
        clock[0] += 1.0
        step(model)

    monkeypatch.setattr(Ecosystem, "step", slow)
    keep, moments = Keeper.keep, []

    def counted(self: Keeper, *given: Any) -> None:
        moments.append(clock[0])
        keep(self, *given)
        if len(moments) == 1:
            assert sorted(rounds_kept(scenario, tmp_path)) == [4, 6]

    monkeypatch.setattr(Keeper, "keep", counted)
    scenario = several_batches()
    ecosystem.run(scenario, tmp_path, checkpoint=10)
    assert moments == [10.0]


def test_a_listener_that_interrupts_has_it_kept(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.finished >= 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ecosystem.run(SCENARIO, tmp_path, progress=stop)
    assert rounds_kept(SCENARIO, tmp_path) == [2, 2, 2]


def test_who_interrupts_when_all_is_done_is_heard_too(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.over == progress.total:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        ecosystem.run(SCENARIO, tmp_path, progress=stop)
    assert open_results(tmp_path).runs["status"].tolist() == ["done"] * 3
    assert not (tmp_path / kept.FOLDER).exists()


def test_runs_that_are_executed_alone_are_kept_too(tmp_path: Path) -> None:
    asked, ask = plan(SCENARIO), Interrupts()
    steps = []

    def once(done: int, of: int) -> None:
        raise RuntimeError("once")

    def check() -> None:
        steps.append(1)
        if len(steps) == 4:
            ask.ask()
        ask.check()

    (chunk,) = chunks(asked, [run.id for run in asked.unique])
    with open_store(asked, tmp_path) as store, pytest.raises(KeyboardInterrupt):
        work(chunk, store, Engine(store.checkpoints(30)), once, check=check)
    assert rounds_kept(SCENARIO, tmp_path) == [3]


def test_the_second_interruption_does_not_wait() -> None:
    with heard() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_round_that_takes_long_is_told_of_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    for seconds, said in ((0.5, interrupts.WAITING + "\n"), (0.0, "")):
        with heard():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(seconds)
        time.sleep(0.1)
        assert capsys.readouterr().err == said


def test_what_another_program_does_with_an_interruption_stays() -> None:
    told = []
    signal.signal(signal.SIGINT, lambda *_: told.append(1))
    with heard() as asked:
        os.kill(os.getpid(), signal.SIGINT)
    assert (told, asked.asked) == ([1], False)
    found = []

    def elsewhere() -> None:
        with heard() as heard_there:
            found.append(heard_there.asked)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [False]


def test_only_what_is_of_use_counts_as_kept(tmp_path: Path) -> None:
    interrupted_at(SCENARIO, tmp_path, 3)
    first, second, _ = sorted((tmp_path / kept.FOLDER).glob("*.safetensors"))
    first.write_bytes(b"")
    content = bytearray(second.read_bytes())
    content[content.index(b"recording") + 20] ^= 1
    second.write_bytes(content)
    assert rounds_kept(SCENARIO, tmp_path) == [4]


def test_a_cluster_ends_what_is_under_way_and_calls_off_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "MOST_WORLDS", 1)
    scenario = small(rounds=300, mode="sampled", learning={"examples": 30}, record={"every": 100}, seeds=6)

    pressed: list[int] = []

    def stop(progress: Progress) -> None:
        if progress.over == 1 and not pressed:
            pressed.append(1)
            os.kill(os.getpid(), signal.SIGINT)

    with cluster.local(1, 4_000_000_000) as client:
        with pytest.raises(KeyboardInterrupt):
            ecosystem.run(scenario, tmp_path / "out", scheduler=client, progress=stop)
        found = open_results(tmp_path / "out").runs["status"].tolist()
        assert found.count("done") < 6 and found[0] == "done"
        assert client.processing() == dict.fromkeys(client.processing(), ())
        again = ecosystem.run(scenario, tmp_path / "out", scheduler=client)  # its workers can be used as before
    assert_same(again, ecosystem.run(scenario, tmp_path / "whole"))


YAML = """\
name: long
rounds: 2500
mode: sampled
outputs: {kind: categorical, size: 4}
rewards: {first: [1, 0, 0, 0]}
models:
  - {name: m, count: 8, reward: first, diet: {real: 0.4, curated: 0.4, neighbours_raw: 0.2}, curation: {candidates: 2}}
network: {generator: erdos_renyi, p: 0.5}
learning: {examples: 100}
record: {every: 100}
seeds: 2
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_the_command_says_what_is_kept_and_goes_on(tmp_path: Path, workers: int) -> None:
    (tmp_path / "long.yaml").write_text(YAML, encoding="utf-8")
    command = [sys.executable, "-m", "ecosystem", "run", "long.yaml", "--out", "out", "--workers", str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}

    def started() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    process = started()
    try:
        while not list(tmp_path.glob("out/parts/.unfinished*")) and process.poll() is None:
            time.sleep(0.02)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        said = re.search(r"interrupted; 2 runs left, [12] of them under way and kept at rounds? ([\d,]+)", errors)
        assert said is not None, errors
        assert 0 < int(said[1].replace(",", "")) <= 2500
        process = started()
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert_same(open_results(tmp_path / "out"), ecosystem.run(tmp_path / "long.yaml", tmp_path / "whole"))
