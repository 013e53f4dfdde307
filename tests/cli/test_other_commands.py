"""`check`, `validate`, `list`, `schema`, help, and the commands that others add."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ecosystem.learners import crafts
from ecosystem.scenario.shipped import shipped
from ecosystem.store.results import open_results

MET = "  - {table: models, where: {model: p}, round: 0, column: alignment, value: 0.5, tolerance: 1.0e-12, source: me}"
NOT_MET = "  - {table: models, where: {model: p}, round: last, column: alignment, sign: negative, source: Book 1}"


def test_check_says_what_agrees(command, write) -> None:
    said = command("check", write("expect:", MET))
    assert said.status == 0
    header, _, row, last = said.out.splitlines()
    assert header.split() == ["scenario", "quantity", "expected", "found", "verdict", "source"]
    assert re.split(r"\s{2,}", row.strip()) == [
        "pair",
        "models.alignment, model=p, round 0",
        "0.5 ± 1e-12",
        "0.5",
        "pass",
        "me",
    ]
    assert last == "1 of 1 expectations met"
    assert os.listdir() == ["pair.yaml"]


def test_check_fails_where_one_expectation_does(command, write) -> None:
    said = command("check", write("expect:", MET, NOT_MET))
    assert said.status == 1
    assert "1 of 2 expectations met" in said.out
    assert [line.split()[-2:] for line in said.out.splitlines() if "Book" in line] == [["Book", "1"]]
    assert " fail " in said.out


def test_check_keeps_results_where_it_is_told_to(command, write) -> None:
    command("check", write("expect:", MET), "--out", "kept")
    assert Path("kept/manifest.json").is_file()


def test_check_fails_where_a_run_does(command, write, monkeypatch) -> None:
    from tests.doubles import Engine

    monkeypatch.setattr("ecosystem.world.simulation.simulate", Engine(failing={0}))
    said = command("check", write())
    assert said.status == 1
    assert "1 of 1 failed: seed 0 went wrong" in said.out


def test_check_takes_all_shipped_scenarios_by_default(command, write, tmp_path, monkeypatch) -> None:
    write("expect:", MET)
    module = sys.modules["ecosystem.scenario.shipped"]  # its package has a function of this name
    monkeypatch.setattr(module, "shipped", lambda: {"pair": tmp_path / "pair.yaml"})
    said = command("check")
    assert said.status == 0
    assert "1 of 1 expectations met" in said.out


def test_check_tries_what_it_is_told_to(command, write) -> None:
    expected = MET.replace("round: 0", "round: last")
    assert command("check", write("expect:", expected)).status == 1
    said = command("check", "pair.yaml", "--set", "rounds=0", "--seeds", "2", "--workers", "1", "--out", "kept")
    assert said.status == 0
    assert open_results("kept").runs["seed"].tolist() == [0, 1]


def test_check_leaves_out_what_trains_networks(command, write, tmp_path, monkeypatch) -> None:
    write("expect:", MET)
    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")
    (tmp_path / "drawn.yaml").write_text(
        "name: drawn\nrounds: 1\nmode: sampled\noutputs: {kind: tally, size: 2, real: [1, 1]}\n"
        "models: [{name: p, diet: {raw: 1}}]\nlearning: {examples: 10}\n"
        "expect: [{table: models, round: last, column: loss, value: 10, tolerance: 0, source: me}]\n"
    )
    module = sys.modules["ecosystem.scenario.shipped"]
    monkeypatch.setattr(module, "shipped", lambda: {name: tmp_path / f"{name}.yaml" for name in ("drawn", "pair")})
    assert "1 of 1 expectations met" in command("check").out
    assert "2 of 2 expectations met" in command("check", "--trained").out


def test_check_of_a_scenario_that_expects_nothing(command, write) -> None:
    said = command("check", write())
    assert (said.status, said.out) == (0, "0 of 0 expectations met\n")


def test_check_tells_bad_input(command, write) -> None:
    said = command("check", write("rounds: -1"))
    assert said.status == 2
    assert said.err.startswith("pair.yaml:3:" if "pair.yaml:3:" in said.err else "pair.yaml:")


def test_validate_says_what_it_found(command, write) -> None:
    said = command("validate", write("sweep: {grid: {lam: [0.1, 0.2]}}", "seeds: 3"), "two_model_backfire")
    assert said.status == 0
    first, second = said.out.splitlines()
    assert first == "pair.yaml: valid (pair: 2 points, 6 runs)"
    assert second.startswith("two_model_backfire: valid")


def test_list_shows_every_shipped_scenario(command) -> None:
    said = command("list")
    assert said.status == 0
    listed = [line.split()[0] for line in said.out.splitlines()[2:]]
    assert listed == sorted(shipped())
    assert "Curating p more can lower p's own alignment" in said.out


def test_list_shows_a_scenario_that_is_not_valid_as_such(command, write, tmp_path, monkeypatch) -> None:
    names = {"good": tmp_path / write(file="good.yaml"), "spoilt": tmp_path / write("rounds: -1", file="spoilt.yaml")}
    monkeypatch.setattr(sys.modules["ecosystem.scenario.shipped"], "shipped", lambda: names)
    said = command("list")
    assert said.status == 0
    good, spoilt = said.out.splitlines()[2:]
    assert good.split()[:2] == ["good", "Two"]
    assert "spoilt" in spoilt and "(not valid:" in spoilt and "spoilt.yaml:10:9: roun" in spoilt


def test_schema_is_json_schema(command) -> None:
    said = command("schema")
    assert said.status == 0
    assert set(json.loads(said.out)["properties"]) >= {"name", "models", "learning", "sweep", "expect"}


def test_version_and_help(command) -> None:
    assert command("--version").out.startswith("ecosystem 0.")
    said = command("--help")
    assert said.status == 0
    for name in ("run", "validate", "check", "list", "schema"):
        assert name in said.out
    assert "--dry-run" in command("run", "--help").out
    assert command().status == 2
    assert command("dance").status == 2


LIGHT = """
import sys
from ecosystem.cli import main
sys.argv = ["ecosystem", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"torch", "mesa", "pandas"} & set(sys.modules)
    print("heavy:", sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["validate", "two_model_backfire"], ["list"], ["schema"]],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == "heavy: []\n"


ADDED = '''
import typer
from typing import Annotated

from ecosystem.errors import EcosystemError


def greet(who: Annotated[str, typer.Argument(help="Whom.")], loud: bool = False) -> None:
    """Greet somebody."""
    if who == "nobody":
        raise EcosystemError("nobody is here")
    print(f"hello {who}" + "!" * loud)
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of other packages: one that works, one whose module is broken, one that hides another."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "greeting_of_a_stranger.py").write_text(ADDED, encoding="utf-8")
    (modules / "broken_of_a_stranger.py").write_text("raise RuntimeError('out of order')", encoding="utf-8")
    monkeypatch.syspath_prepend(modules)
    entries = [
        EntryPoint("greet", "greeting_of_a_stranger:greet", "ecosystem.commands"),
        EntryPoint("broken", "broken_of_a_stranger:run", "ecosystem.commands"),
        EntryPoint("validate", "greeting_of_a_stranger:greet", "ecosystem.commands"),
    ]
    monkeypatch.setattr("ecosystem.cli.app.entry_points", lambda group: entries)


@pytest.mark.usefixtures("added")
def test_other_packages_add_commands(command, write) -> None:
    assert command("greet", "you", "--loud").out == "hello you!\n"
    assert "Greet somebody." in command("--help").out
    assert "Whom." in command("greet", "--help").out
    said = command("greet", "nobody")
    assert (said.status, said.err) == (2, "nobody is here\n")
    assert "valid" in command("validate", write()).out


@pytest.mark.usefixtures("added")
def test_a_broken_command_of_another_package_harms_no_other(command, write) -> None:
    said = command("--help")
    assert said.status == 0
    assert "cannot be loaded" in said.out
    assert command("validate", write()).status == 0
    said = command("broken")
    assert said.status == 2
    assert "RuntimeError: out of order" in said.err
