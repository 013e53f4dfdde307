"""`new`, `doctor` and `schema --out`: what somebody meets in the first hour."""

from __future__ import annotations

import errno
import importlib.metadata
import itertools
import json
import os
import sys
from pathlib import Path

import pytest

import ecosystem
from ecosystem.cli import doctor, new
from ecosystem.cli.draft import Kind, Links, Mode, Wish, draft
from ecosystem.scenario.schema import schema

EVERY = [
    Wish("w", kind, models, network, curated, users, mode, sweep=False)
    for kind, models, network, curated, users, mode in itertools.product(
        Kind, (1, 2, 5), Links, (True, False), (True, False), Mode
    )
    if models > 1 or network is Links.NONE
]


@pytest.mark.parametrize(
    "wish", EVERY, ids=lambda w: f"{w.outputs}-{w.models}-{w.network}-{w.curated:d}{w.users:d}-{w.mode}"
)
def test_whatever_is_asked_for_runs(wish: Wish, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(draft(wish, new.SCHEMA), encoding="utf-8")
    scenario = ecosystem.load_scenario(path)
    assert len(scenario.model_names) == wish.models
    assert scenario.outputs.kind == wish.outputs and scenario.mode == wish.mode
    assert (scenario.users is not None, scenario.models[0].curation is not None) == (wish.users, wish.curated)
    if wish.models == 2:  # as with five
        return
    results = ecosystem.run(scenario.with_({"rounds": 2}), seeds=1)
    assert results.runs["status"].tolist() == ["done"]
    assert (len(results.network) > 0) == wish.linked


def test_curated_models_of_a_draft_move_to_what_curators_like(tmp_path: Path) -> None:
    for curated, rises in ((True, True), (False, False)):
        path = tmp_path / f"{curated}.yaml"
        path.write_text(draft(Wish("w", models=3, curated=curated), new.SCHEMA), encoding="utf-8")
        ends = ecosystem.run(path).rounds.groupby("run")["alignment"].agg(["first", "last"])
        assert len(ends) == 3
        assert (ends["last"] > ends["first"] + 0.01).all() == rises


def test_new_writes_a_scenario_and_what_its_first_line_refers_to(command) -> None:
    said = command("new", "shop.yaml", "--models", 3, "--users")
    assert said.status == 0
    first = Path("shop.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=ecosystem.schema.json"
    assert json.loads(Path("ecosystem.schema.json").read_text(encoding="utf-8")) == schema()
    assert said.out.splitlines()[-1] == "run it with: ecosystem run shop.yaml"
    assert command("validate", "shop.yaml").out == "shop.yaml: valid (shop: 3 points, 3 runs)\n"


def test_new_writes_over_nothing_unless_it_is_told_to(command) -> None:
    Path("shop.yaml").write_text("mine", encoding="utf-8")
    Path("ecosystem.schema.json").write_text("mine too", encoding="utf-8")
    said = command("new", "shop.yaml")
    assert (said.status, said.err) == (
        2,
        "shop.yaml: is there already; give another name, or --force to write over it\n",
    )
    assert Path("shop.yaml").read_text(encoding="utf-8") == "mine"
    said = command("new", "shop.yaml", "--force")
    assert said.status == 0 and "name: shop" in Path("shop.yaml").read_text(encoding="utf-8")
    assert Path("ecosystem.schema.json").read_text(encoding="utf-8") == "mine too"
    assert "`ecosystem schema --out ecosystem.schema.json --force` renews it" in said.out


def test_new_asks_at_a_terminal_what_it_was_not_told(command, monkeypatch) -> None:
    asked: list[str] = []
    answers = iter(["asked.yaml", "none", "4", "gaussian", "scale_free", "sampled"])

    def prompt(question: str, default: str) -> str:
        asked.append(f"{question} [{default}]")
        return next(answers)

    monkeypatch.setattr(new, "_terminal", lambda: True)
    monkeypatch.setattr(new.typer, "prompt", prompt)
    monkeypatch.setattr(new.typer, "confirm", lambda question, default: "users" in question)
    said = command("new", "--curated")
    assert said.status == 0
    assert "'none' is no answer to this" in said.err
    assert [question.split(" (")[0] for question in asked][1:3] == ["How many models [2]", "How many models [2]"]
    scenario = ecosystem.load_scenario("asked.yaml")
    assert (len(scenario.model_names), scenario.mode, scenario.sweep) == (4, "sampled", None)
    assert scenario.models[0].curation is not None and scenario.users is not None


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt, new.typer.Abort])
def test_new_that_is_interrupted_at_a_question_writes_nothing_and_says_so(command, monkeypatch, interrupted) -> None:
    def prompt(question: str, default: str) -> str:
        raise interrupted

    monkeypatch.setattr(new, "_terminal", lambda: True)
    monkeypatch.setattr(new.typer, "prompt", prompt)
    said = command("new")
    assert (said.status, said.out, said.err) == (130, "", "interrupted\n")
    assert not Path("scenario.yaml").exists()


def test_new_asks_before_it_writes_over_a_file_and_again_for_what_is_no_number(command, monkeypatch) -> None:
    command("new", "asked.yaml")
    before = Path("asked.yaml").read_text(encoding="utf-8")
    answers = iter(["0", "3"])
    agreed = iter([False, True])
    monkeypatch.setattr(new, "_terminal", lambda: True)
    monkeypatch.setattr(new.typer, "prompt", lambda question, default: next(answers))
    monkeypatch.setattr(new.typer, "confirm", lambda question, default: next(agreed))
    given = ("new", "asked.yaml", "--outputs", "categorical", "--network", "none", "--mode", "exact")
    given = (*given, "--no-curated", "--no-users", "--no-sweep")
    said = command(*given)
    assert said.status == 2 and "is there already" in said.err
    assert Path("asked.yaml").read_text(encoding="utf-8") == before
    said = command(*given)
    assert said.status == 0 and "'0' is no answer to this" in said.err
    assert len(ecosystem.load_scenario("asked.yaml").model_names) == 3
    assert "ecosystem.schema.json" not in said.out  # it is there, and up to date


@pytest.mark.parametrize("name", ["true", "one two", "Ökosystem: 1", "12"])
def test_any_file_name_makes_a_name(command, name: str) -> None:
    assert command("new", f"{name}.yaml").status == 0
    assert ecosystem.load_scenario(f"{name}.yaml").name == name


def test_new_wants_a_yaml_file_where_it_can_write(command) -> None:
    assert command("new", "shop").err == "shop: a scenario is a YAML file; call it shop.yaml\n"
    said = command("new", "nowhere/shop.yaml")
    assert said.status == 2 and said.err.startswith("cannot write nowhere/shop.yaml: No such file")


def test_the_schema_is_written_to_a_file_but_over_none(command) -> None:
    assert command("schema", "--out", "s.json").out == "written: s.json\n"
    assert Path("s.json").read_text(encoding="utf-8") == command("schema").out
    assert command("schema", "--out", "s.json").status == 2
    assert command("schema", "--out", "s.json", "--force").status == 0
    assert command("schema", "--out", "nowhere/s.json").err.startswith("cannot write nowhere/s.json")


def verdicts(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()}


def test_doctor_finds_that_all_is_well(command) -> None:
    said = command("doctor")
    rows = verdicts(said.out)
    assert said.status == 0
    assert said.out.splitlines()[-1] == "all is well"
    assert rows["torch"] == [importlib.metadata.version("torch"), "ok"]
    assert {"ecosystem", "python", "numpy", "device", "threads", "disk", "[explore]", "[report]"} <= set(rows)


def test_doctor_says_what_is_missing_too_old_or_optional(command, monkeypatch) -> None:
    lines = ["nothing-like-it>=1.0", "numpy>=99", "mesa<5,>=3.3.1", 'also-not-there>=2; extra == "report"']
    monkeypatch.setattr(doctor, "_requirements", lambda: lines)
    said = command("doctor")
    rows = verdicts(said.out)
    assert said.status == 1
    assert rows["nothing-like-it"] == ["not", "installed", "missing", "pip", "install", '"nothing-like-it>=1.0"']
    assert rows["numpy"][1:] == ["wrong", "pip", "install", '"numpy>=99"']
    assert rows["mesa"][1:] == ["ok"]
    assert rows["[report]"] == ["lacks", "also-not-there", "optional", "pip", "install", '"ecosystem-sim[report]"']
    assert said.out.splitlines()[-1] == "wrong or missing: nothing-like-it, numpy"


def test_doctor_survives_what_is_not_there(command, monkeypatch) -> None:
    for module in ("torch", "packaging.specifiers", "rich", "pandas", "mesa"):
        monkeypatch.setitem(sys.modules, module, None)
    said = command("doctor")
    assert said.status == 1
    assert verdicts(said.out)["device"][:4] == ["torch", "does", "not", "load:"]
    assert "wrong or missing: device" in said.out


def test_doctor_of_a_program_that_is_not_installed(command, monkeypatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGE", "no-such-package")
    assert "no-such-package" in command("doctor").out.splitlines()[-1]


def test_doctor_tells_a_full_disk(command, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    said = command("doctor")
    assert said.status == 1 and verdicts(said.out)["disk"][4] == "wrong"


def test_doctor_tells_where_nothing_can_be_written(command, monkeypatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = command("doctor")
    assert said.status == 1
    assert "results cannot be written here; go elsewhere, or use --out" in said.out


def test_doctor_on_a_file_system_that_does_not_answer(command, monkeypatch) -> None:
    def stale(path: str) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr("shutil.disk_usage", stale)
    said = command("doctor")
    assert said.status == 1
    told = f"disk {os.strerror(errno.ESTALE)} wrong go to a directory that can be read"
    assert told in [" ".join(line.split()) for line in said.out.splitlines()]


def test_doctor_names_the_gpu(command, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda index: "Abacus 3000")
    assert verdicts(command("doctor").out)["device"] == ["cpu,", "cuda", "(Abacus", "3000)", "ok"]


def test_what_needs_an_extra_says_which(monkeypatch) -> None:
    from ecosystem.errors import EcosystemError
    from ecosystem.extras import need

    need("this", "report", "json")
    with pytest.raises(
        EcosystemError, match=r'^this needs nosuch_a, nosuch_b, which are missing: pip install "ecosystem-sim\[x\]"$'
    ):
        need("this", "x", "json", "nosuch_a", "nosuch_b")
