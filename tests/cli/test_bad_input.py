"""Bad input gets plain lines that say where and what, and exit status 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["run", "validate"])
def test_every_file_is_told_about_and_nothing_runs(command, write, name: str) -> None:
    good = write()
    bad = write("rounds: -1", file="bad.yaml")
    worse = write("rewards: {first: [1, 0, 5]}", "learning: {rat: 1}", file="worse.yaml")
    said = command(name, good, bad, worse, "absent.yaml")
    assert said.status == 2
    assert said.out == ""
    lines = said.err.splitlines()
    assert any(line.startswith("bad.yaml:") and "rounds" in line and "-1" in line for line in lines)
    assert any(line.startswith("worse.yaml:") and "rewards.first" in line for line in lines)
    assert any(line.startswith("worse.yaml:") and "did you mean 'rate'" in line for line in lines)
    assert any("absent.yaml" in line and "no such file" in line for line in lines)
    assert "Traceback" not in said.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("models: [{name: p, diet: {real: 0.5, raw: 0.4}}]", "models[0].diet"),
        ("network: {edges: [{from: p, to: z}]}", "network.edges[0].to"),
        ("network: {edges: [{from: p, to: q, weight: -1}]}", "network.edges[0].weight"),
        ("network: {edges: [{from: p, to: q, channel: {matrix: [[1, 1], [0, 1]]}}]}", "channel.matrix"),
        ("rewards: {first: [1, .nan]}", "rewards.first"),
        ("sweep: {grid: {lam: []}}", "sweep.grid.lam"),
        ("parameters: {lam: = other, other: = lam}", "parameters"),
        ("parameters: {lam: = __import__('os')}", "parameters.lam"),
    ],
)
def test_bad_values_are_told_at_their_place(command, write, line: str, said: str) -> None:
    for name in ("run", "validate"):
        found = command(name, write(line))
        assert found.status == 2
        assert said in found.err
        assert found.err.startswith("pair.yaml:")
        assert "Traceback" not in found.err


def test_any_point_of_a_sweep_is_validated(command, write) -> None:
    said = command("validate", write("sweep: {grid: {lam: [0.5, 1.5]}}"))
    assert said.status == 2
    assert "1.5" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "learning.rat=0.5"], "did you mean 'rate'"),
        (["--set", "learning.rate"], "write PATH=VALUE"),
        (["--set", "=1"], "write PATH=VALUE"),
        (["--set", "lam=[1"], "--set lam: is not YAML"),
        (["--set", "lam=1", "--set", "lam=2"], "given twice"),
        (["--set", "rounds=-4"], "rounds"),
        (["--seeds", "many"], "--seeds wants a count or a list"),
        (["--seeds", "0"], "seeds"),
        (["--seeds", "1,1"], "seeds"),
        (["--nonsense"], "--nonsense"),
    ],
    ids=" ".join,
)
def test_bad_options_are_told(command, write, arguments: list[str], said: str) -> None:
    found = command("run", write(), *arguments)
    assert found.status == 2
    assert said in found.err
    assert "Traceback" not in found.err
    assert os.listdir() == ["pair.yaml"]


@pytest.mark.parametrize("name", ["run", "validate", "influence"])
def test_what_is_swept_cannot_be_set_beside_it(command, write, name: str) -> None:
    file = write("sweep: {grid: {lam: [0.2, 0.4]}}")
    found = command(name, file, "--set", "lam=0.3")
    assert found.status == 2
    assert "'lam' is swept, so a value of its own has no effect" in found.err
    assert found.err.endswith("; change the sweep, or drop it (sweep=null)\n")
    for other in (("lam=0.3", "sweep=null"), ("sweep.grid.lam=[0.3]",)):
        given = [part for each in other for part in ("--set", each)]
        assert command(name, file, *given, *(["--dry-run"] if name == "run" else [])).status == 0


def test_nothing_to_run_is_told(command) -> None:
    assert command("run").status == 2
    assert command("validate", "two_model_backfir").status == 2
    assert "did you mean 'two_model_backfire'" in command("run", "two_model_backfir").err


def test_two_scenarios_that_would_share_a_directory_are_refused(command, write) -> None:
    write()
    write("rounds: 4", file="again.yaml")
    said = command("run", "pair.yaml", "again.yaml")
    assert said.status == 2
    assert "two scenarios would write to runs/pair" in said.err
    assert not Path("runs").exists()


def test_a_place_that_cannot_take_results_is_told(command, write) -> None:
    Path("notes").mkdir()
    Path("notes/mine.txt").write_text("mine", encoding="utf-8")
    for arguments in ([], ["--dry-run"]):
        said = command("run", write(), "--out", "notes", *arguments)
        assert said.status == 2
        assert said.err == "notes: is not empty and holds no results; choose another directory with --out\n"
    assert os.listdir("notes") == ["mine.txt"]
    said = command("run", "pair.yaml", "--out", "pair.yaml")
    assert said.status == 2
    assert "pair.yaml: is a file" in said.err


@pytest.mark.parametrize("name", ["x" * 5000, "a\\0b", "../" * 2000])
def test_names_that_no_file_can_have_are_told_at_their_place(command, write, name: str) -> None:
    for line in (
        f'network: {{file: "{name}"}}',
        f'models: [{{name: p, diet: {{real: 1}}, initial: {{from: "{name}"}}}}]',
        f'sweep: {{table: "{name}"}}',
    ):
        said = command("validate", write(line))
        assert (said.status, said.err[:10]) == (2, "pair.yaml:")
        assert "Traceback" not in said.err
    said = command("validate", name)
    assert said.status == 2
    assert "neither a file nor a shipped scenario" in said.err or "no such file" in said.err
