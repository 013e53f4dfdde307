"""`ecosystem run`: what a user does, sees and finds afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import ecosystem
from ecosystem.cli.naming import directory_name
from ecosystem.learners import crafts
from ecosystem.runner.interrupts import WAITING


def test_results_go_to_a_directory_of_the_scenarios_name(command, write) -> None:
    said = command("run", write())
    assert said.status == 0
    assert "pair: 1 run done, 0 failed (1 now); results in runs/pair" in said.out
    assert said.err == ""
    assert ecosystem.open_results("runs/pair").models["alignment"].between(0, 1).all()


def test_the_alignment_after_the_last_round_is_shown(command, write) -> None:
    lines = command("run", write()).out.splitlines()
    row = next(line.split() for line in lines if line.strip().startswith("p "))
    found = ecosystem.open_results("runs/pair").models
    last = found[(found["round"] == 3) & (found["model"] == "p")]["alignment"].item()
    assert float(row[1]) == pytest.approx(last, rel=1e-5)


def test_a_sweep_is_shown_point_by_point(command, write) -> None:
    said = command("run", write("sweep: {grid: {lam: [0.1, 0.2, 0.3]}}"), "--seeds", "2")
    assert "6 runs done" in said.out
    header = next(line for line in said.out.splitlines() if "lam" in line)
    assert header.split() == ["lam", "alignment", "of", "p", "alignment", "of", "q"]
    assert [line.split()[0] for line in said.out.splitlines()[-3:]] == ["0.1", "0.2", "0.3"]


def test_a_long_table_is_cut(command, write) -> None:
    values = [number / 20 for number in range(1, 14)]
    said = command("run", write(f"sweep: {{grid: {{lam: {values}}}}}"))
    assert said.out.rstrip().endswith("… and 3 more")


def results() -> list[Path]:
    """All files of all results, but for locks, which some versions of filelock touch."""
    return [path for path in Path("runs").rglob("*") if path.name != ".lock"]


def test_the_second_time_nothing_is_run(command, write) -> None:
    command("run", write())
    before = {path: path.stat().st_mtime_ns for path in results()}
    said = command("run", "pair.yaml")
    assert said.status == 0
    assert "1 run done, 0 failed (0 now)" in said.out
    assert {path: path.stat().st_mtime_ns for path in results()} == before


def test_more_seeds_add_to_what_is_there(command, write) -> None:
    command("run", write("mode: sampled", "learning: {examples: 20}"), "--seeds", 2)
    assert "5 runs done, 0 failed (3 now)" in command("run", "pair.yaml", "--seeds", 5).out
    assert "2 runs done, 0 failed (1 now)" in command("run", "pair.yaml", "--seeds", "3,9").out
    assert ecosystem.open_results("runs/pair").runs["seed"].tolist() == [3, 9]


def test_out_is_the_directory_of_one_and_holds_those_of_several(command, write) -> None:
    assert "results in here" in command("run", write(), "--out", "here").out
    assert Path("here/manifest.json").is_file()
    other = write("name: other", file="other.yaml")
    assert command("run", "pair.yaml", other, "--out", "both").status == 0
    assert sorted(os.listdir("both")) == ["other", "pair"]


def test_set_changes_a_setting_or_a_parameter(command, write) -> None:
    command("run", write(), "--set", "learning.rate=0.5", "--set", "lam= = 1/4", "--out", "out")
    scenario = ecosystem.open_results("out").scenario
    assert scenario.learning.rate == 0.5
    assert scenario.models[0].diet.curated == 0.25


def test_a_shipped_scenario_is_run_by_name(command) -> None:
    said = command("run", "two_model_backfire", "--set", "rounds=2")
    assert said.status == 0
    assert Path("runs/two-model-backfire/manifest.json").is_file()


def test_a_changed_scenario_is_refused_before_anything_runs(command, write) -> None:
    command("run", write())
    said = command("run", write("name: new", file="new.yaml"), "pair.yaml", "--set", "rounds=4")
    assert said.status == 2
    assert "runs/pair: holds results of another scenario (rounds is 3 there and 4 here)" in said.err
    assert "--out" in said.err
    assert said.out == ""
    assert os.listdir("runs") == ["pair"]


def test_a_dry_run_shows_runs_and_chunks_and_writes_nothing(command, write) -> None:
    name = write("sweep: {grid: {lam: [0.1, 0.2]}}", "seeds: 30")
    said = command("run", name, "--dry-run")
    assert said.status == 0
    assert "pair: 60 runs (2 points × 30 seeds), 0 there already, 60 to run in 1 chunk" in said.out
    assert "lam=0.1" in said.out
    assert "… and 40 more" in said.out
    assert os.listdir() == ["pair.yaml"]
    command("run", name, "--seeds", 1)
    said = command("run", name, "--dry-run")
    assert "2 there already, 58 to run" in said.out


def test_a_dry_run_reckons_time_from_the_first_rounds(command, write, monkeypatch) -> None:
    from ecosystem.world import trial

    measured = trial.try_out

    def tried(runs, seconds):
        return replace(measured(runs, seconds), built=7.0, rounds=10, seconds=0.5)

    monkeypatch.setattr(trial, "try_out", tried)
    name = write("rounds: 3000", "seeds: 16")
    said = command("run", name, "--dry-run", "--workers", 0).out
    # Eight of the sixteen runs are tried: twice 7 s to build them, and 300 times 0.5 s.
    assert "about 5.2 min in this process, and" in said


def test_a_dry_run_reckons_room_from_the_first_rounds(command, write) -> None:
    name = write("rounds: 3000", "seeds: 4", "mode: sampled", "learning: {examples: 9}")
    said = command("run", name, "--dry-run", "--workers", 0).out
    found = re.search(r"about [\d.]+ (s|min) in this process, and ([\d.]+) (kB|MB) on the disk", said)
    assert found is not None
    command("run", name, "--workers", 0)
    size = sum(file.stat().st_size for file in Path("runs/pair").rglob("*") if file.is_file())
    assert size / 3 < float(found[2]) * {"kB": 1e3, "MB": 1e6}[found[3]] < size * 3


def test_a_dry_run_of_what_may_settle_says_at_most(command, write) -> None:
    said = command("run", write("rounds: {max: 500, until: stable}"), "--dry-run", "--workers", 2).out
    assert re.search(r"at most about [\d.]+ s with 1 worker, and", said)


def test_a_dry_run_of_what_is_there_already_reckons_nothing(command, write) -> None:
    command("run", write())
    said = command("run", "pair.yaml", "--dry-run")
    assert said.status == 0
    assert said.out == "pair: 1 run (1 point × 1 seed), 1 there already, 0 to run in 0 chunks; results in runs/pair\n"


def test_a_dry_run_for_a_cluster_asks_it_nothing(command, write) -> None:
    said = command("run", write(), "--dry-run", "--scheduler", "tcp://127.0.0.1:1")
    assert said.status == 0
    assert re.search(r"about [\d.e-]+ s of one core, shared by the cluster, and", said.out)


def test_failed_runs_are_told_and_the_status_is_one(command, write, monkeypatch) -> None:
    from tests.doubles import Engine

    monkeypatch.setattr("ecosystem.world.simulation.simulate", Engine(failing={1}))
    said = command("run", write(), "--seeds", 3)
    assert said.status == 1
    assert "2 runs done, 1 failed" in said.out
    assert said.err == "1 failed, first point 0 seed 1: seed 1 went wrong\n"
    assert command("run", "pair.yaml", "--seeds", 3).status == 1
    monkeypatch.setattr("ecosystem.world.simulation.simulate", Engine(raising={7}))
    said = command("run", "pair.yaml", "--seeds", "7,", "--out", "out")
    assert said.status == 1
    assert "RuntimeError: seed 7 is cursed" in said.err
    assert "Traceback" not in said.err
    assert "ecosystem.open_results('out').failures" in said.err
    assert "Traceback" in ecosystem.open_results("out").failures["traceback"][0]


@pytest.fixture
def hears_interrupts() -> Iterator[None]:
    """Processes that are started hear of Ctrl-C, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize("workers", [0, 2])
def test_interrupted_it_says_what_is_left(tmp_path: Path, write, workers: int) -> None:
    name = write("sweep: {grid: {rounds: [1, 2000000]}}", "record: {every: 1000000}")
    process = subprocess.Popen(
        [sys.executable, "-m", "ecosystem", "run", name, "--workers", str(workers)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        # the first run is written, the second takes very long
        while not list(tmp_path.glob("runs/pair/parts/[!.]*/runs.parquet")) and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers hear it too
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    waited = rf"({re.escape(WAITING)}\n)?"  # on a machine that has much else to do
    kept = r"1 run left, 1 of them under way and kept at round [\d,]+"
    said = rf"{waited}runs/pair: interrupted; {kept}; the same command goes on\n"
    assert re.fullmatch(said, errors), errors


FULL = """
import resource, sys
from ecosystem.cli import main

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
    main()
"""
"""The command on a disk that is full: no file may grow beyond some bytes."""


def _unmeasured() -> dict[str, str]:
    """The environment without what has coverage measured: on a full disk its files too cannot be written."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_full_disk_is_told_and_what_is_there_stays(tmp_path: Path, command, write, workers: int) -> None:
    name = write("rounds: 1000", "mode: sampled", "learning: {examples: 9}", "record: {states: true}")
    command("run", name, "--seeds", 1)
    before = ecosystem.open_results("runs/pair").models
    (tmp_path / "full.py").write_text(FULL, encoding="utf-8")
    arguments = ["full.py", "15000", "run", name, "--seeds", "3", "--workers", str(workers)]
    process = subprocess.run(
        [sys.executable, *arguments],
        env={**_unmeasured(), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 2, process.stderr
    assert "File too large" in process.stderr and "runs/pair" in process.stderr
    assert "Traceback" not in process.stderr
    results = ecosystem.open_results("runs/pair")
    assert results.runs["status"].tolist() == ["done", "pending", "pending"]
    assert results.models.equals(before)
    assert command("run", name, "--seeds", 3).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "-1"], "Invalid value for '--workers'"),
        (["--timeout", "0"], "timeout: seconds above 0 (got 0)"),
        (["--max-memory", "lots"], "--max-memory: a size such as 16GB (got 'lots')"),
        (["--max-memory", "1kB"], "a run (of point 0) would need about"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "--workers and --scheduler exclude each other"),
        (["--device", "cpu", "--set", "device=auto"], "--device 'cpu': --set device=auto says something else"),
    ],
)
def test_options_that_make_no_sense_are_refused(command, write, arguments: list[str], said: str) -> None:
    found = command("run", write(), *arguments)
    assert found.status == 2
    assert said in found.err
    assert "Traceback" not in found.err


def test_a_run_that_takes_too_long_fails_and_is_tried_again_when_asked(command, write) -> None:
    name = write("rounds: 2000000", "record: {every: 1000000}")
    said = command("run", name, "--timeout", 0.2, "--workers", 0)
    assert said.status == 1
    assert "1 failed, first point 0 seed 0: took longer than 0.2 s (timeout)" in said.err
    assert "0 runs done, 1 failed (0 now)" in command("run", name, "--workers", 0).out
    assert "(1 now)" in command("run", name, "--timeout", 0.2, "--workers", 0, "--retry-failed").out


def test_damaged_results_are_told_and_computed_anew(command, write) -> None:
    command("run", write())
    (file,) = Path("runs/pair/parts").glob("*/models.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    said = command("run", "pair.yaml")
    assert said.status == 0
    assert said.err == "runs/pair: 1 part of the results had been damaged and will be computed anew\n"
    assert "1 run done, 0 failed (1 now)" in said.out


def test_a_second_process_is_refused(command, write) -> None:
    from ecosystem.plan.runs import plan
    from ecosystem.store.store import open_store

    with open_store(plan(ecosystem.load_scenario(write())), Path("runs/pair")):
        said = command("run", "pair.yaml")
    assert said.status == 2
    assert "another process is writing there" in said.err


def test_progress_is_a_line_now_and_then_where_nobody_looks(command, write, monkeypatch) -> None:
    monkeypatch.setattr("ecosystem.cli.terminal.EVERY_SECONDS", 0.3)
    said = command("run", write("rounds: 3000"), "--workers", 0)
    assert said.status == 0
    line = r"pair: 0/1 runs( \(\d+% of the work\))?(, [\d.e-]+ runs/(s|min|h), about [\d.]+ (s|min) left)?\n"
    assert re.fullmatch(f"({line})+", said.err)


@pytest.mark.parametrize(
    ("name", "directory"),
    [
        ("two_model_backfire", "two_model_backfire"),
        ("two models", "two-models"),
        ("Zwei Modelle, größer", "Zwei-Modelle-größer-"),
        ("../../etc/passwd", "etcpasswd-"),
        ("/absolute", "absolute-"),
        ("..", "scenario-"),
        ("a\nb", "a-b"),
        ("\x00\x1b[31m", "31m-"),
        ("CON", "CON-"),
        ("😀" * 10_000, "scenario-"),
        ("ä" * 10_000, "ä"),
        ("x" * 10_000, "x" * 80 + "-"),
        (".hidden", "hidden-"),
    ],
)
def test_any_name_is_one_harmless_component(name: str, directory: str) -> None:
    found = directory_name(name)
    assert found.startswith(directory)
    assert len(found) - len(directory) in (0, 8) or set(name) == {"ä"}
    assert os.path.basename(found) == found
    assert found not in ("", ".", "..") and found.isprintable()
    assert len(found.encode()) <= 100


def test_names_that_lose_something_stay_different() -> None:
    names = ["a/b", "a:b", "ab", "a*b", "AB", "x" * 200, "x" * 201]
    assert len({directory_name(name) for name in names}) == len(names)


def test_a_hostile_name_stays_in_its_place(command, write) -> None:
    name = '"../../outside\\n[red]\\e[31m' + "😀" * 50 + '"'
    said = command("run", write(f"name: {name}"))
    assert said.status == 0
    (found,) = os.listdir("runs")
    assert found.startswith("outside")
    assert "\x1b" not in said.out
    assert "[red]" in said.out
    assert sorted(os.listdir()) == ["pair.yaml", "runs"]


def test_a_dry_run_of_points_that_differ_in_shape(command, write) -> None:
    """How many models are curated is a share times their number, so that runs of one chunk may differ in it."""
    models = "models: [{name: m, count: 8, reward: first, diet: {real: 0.5, neighbours_raw: 0.5}}]"
    curated = "curated: {fraction: 0.5, diet: {real: 0.5, curated: 0.5}, curation: {candidates: 2}}"
    sweep = "sweep: {grid: {curated.fraction: [0.25, 0.5, 0.75]}}"
    network = "network: {generator: barabasi_albert, m: 2, seed: 1}"
    said = command("run", write(models, curated, sweep, network), "--dry-run", "--workers", 0)
    assert (said.status, said.err) == (0, "")
    assert "3 to run in 1 chunk" in said.out
    assert "measured on the first rounds" in said.out


def test_a_dry_run_trains_no_network(command, tmp_path, monkeypatch) -> None:
    from plain.tally import Tally

    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")
    monkeypatch.setattr(Tally, "begin", lambda self: pytest.fail("a network was trained"))
    (tmp_path / "drawn.yaml").write_text(
        "name: drawn\nrounds: 3\nmode: sampled\noutputs: {kind: tally, size: 2, real: [1, 1]}\n"
        "models: [{name: p, diet: {raw: 1}}]\nlearning: {examples: 10}\n"
    )
    said = command("run", "drawn.yaml", "--dry-run", "--workers", "0")
    assert said.status == 0
    assert "about 2 s in this process, guessed from the settings (no round was tried)" in said.out


RAISES = """
from ecosystem.plugins import Curator


class Raises(Curator, name="raises"):
    def keep(self, p, rho, candidates):
        raise KeyError("mine")
"""

RAISING = """
name: raising
rounds: 2
plugins: [own.py]
outputs: {kind: categorical, size: 2}
rewards: {r: [1, 0]}
models: [{name: m, reward: r, diet: {curated: 1}, curation: {method: raises, candidates: 2}}]
"""


def test_what_a_plugin_raises_is_told_of_as_the_plug_in_s(command) -> None:
    Path("own.py").write_text(RAISES, encoding="utf-8")
    Path("raising.yaml").write_text(RAISING, encoding="utf-8")
    said = command("run", "raising.yaml", "--allow-code", "--out", "raised")
    assert said.status == 1
    assert "raised in the plug-in own.py (line 7, in keep); the tracebacks are in " in said.err
    assert "should not happen" not in said.err
