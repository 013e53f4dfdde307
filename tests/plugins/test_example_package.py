"""The example of a package with plug-ins: it installs, is found by its entry points, and keeps to the laws."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import ecosystem
import ecosystem.errors
from ecosystem.plan.identity import run_id
from ecosystem.plugins import registry
from ecosystem.plugins.blame import raised_in
from ecosystem.plugins.registry import PluginError

EXAMPLE = Path(__file__).parents[2] / "examples" / "satisficing"
PROJECT = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def forget() -> None:
    registry._entries.cache_clear()
    registry._loaded.cache_clear()


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = PROJECT["version"], **more: str) -> None:
    """Lay down what says that the package is installed, as an installer would, and let it be found."""
    groups = PROJECT["entry-points"] | {group.replace("_", "."): {"it": where} for group, where in more.items()}
    text = "".join(
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in members.items())
        for group, members in groups.items()
    )
    about = folder / f"ecosystem_satisficing-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    forget()


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget()


def test_its_scenario_runs_without_asking_for_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    results = ecosystem.run(EXAMPLE / "scenario.yaml")
    assert set(results.runs["status"]) == {"done"}
    last = results.table("models", parameters=True).query("round == 30")
    means = last.groupby("models.m.curation.aspiration")["alignment"].mean()
    assert means[0.5] > means[0.1]
    users = results.groups.groupby("run")["active"]
    assert (users.last() > users.first()).all()
    assert (users.last() < 5000).all()
    assert len(results.network.query("network == network.iloc[0]")) == 2 * 10 + 3


def test_its_own_tests_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    spec = importlib.util.spec_from_file_location("laws_of_the_example", EXAMPLE / "tests" / "test_laws.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        test()


def test_its_version_is_part_of_what_a_run_is_known_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for version in ("0.1.0", "0.2.0"):
        folder = tmp_path / version
        folder.mkdir()
        with monkeypatch.context() as there:
            installed(folder, there, version)
            scenario = ecosystem.load_scenario(EXAMPLE / "scenario.yaml")
            assert scenario.scope.used == {"ecosystem-satisficing": version}
            ids.append(run_id(scenario.with_({"name": "another"}), 0))
    assert ids[0] != ids[1]


def test_a_kind_of_outputs_is_noted_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, ecosystem_crafts="nowhere:Craft")
    scenario = ecosystem.Scenario(
        name="x",
        rounds=1,
        mode="sampled",
        outputs={"kind": "it"},
        models=[{"name": "m", "diet": {"raw": 1}}],
        learning={"examples": 10},
    )
    assert scenario.scope.used == {"ecosystem-satisficing": "0.1.0"}


def test_without_it_the_names_are_unknown() -> None:
    with pytest.raises(ecosystem.errors.InputError, match="there is no method of curation 'satisficing'") as found:
        ecosystem.load_scenario(EXAMPLE / "scenario.yaml")
    told = "or it is of a plug-in that is not installed, or whose file is not named under plugins"
    assert str(found.value).count(told) == 3  # a curator, a rule of feedback, a network


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("nowhere:Thing", r"plug-in it \(ecosystem.curators: nowhere:Thing\) does not load: ModuleNotFoundError"),
        ("ecosystem_satisficing.network:TwoCamps", "is no subclass of ecosystem.plugins.Curator"),
        ("ecosystem_satisficing.curator:Satisficing", "calls itself 'satisficing'"),
        ("ecosystem.plugins.kinds:Curator", "has no keep"),
    ],
)
def test_a_package_that_does_not_work_is_told_of(
    where: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, ecosystem_curators=where)
    with pytest.raises(PluginError, match=told):
        ecosystem.Scenario(
            name="x",
            rounds=1,
            outputs={"kind": "categorical", "size": 2},
            rewards={"a": [1, 0]},
            models=[{"name": "m", "reward": "a", "diet": {"raw": 1}, "curation": {"method": "it", "candidates": 2}}],
        )


def told_by_the_doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What `ecosystem doctor` says of the package, with its exit status."""
    from ecosystem.cli import doctor

    status = 0
    try:
        doctor.doctor()
    except typer.Exit as end:
        status = end.exit_code
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{PROJECT['name']} ")]
    return status, " ".join(line.split())


def test_the_doctor_finds_that_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(tmp_path, monkeypatch)
    assert told_by_the_doctor(capsys) == (0, f"{PROJECT['name']} {PROJECT['version']} (3 plug-ins) ok")


def test_the_doctor_says_which_of_its_members_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(tmp_path, monkeypatch, ecosystem_judges="nowhere:Thing")
    status, line = told_by_the_doctor(capsys)
    assert status == 1
    assert "(4 plug-ins) wrong plug-in it (ecosystem.judges: nowhere:Thing) does not load: ModuleNotFoundError" in line


def test_a_traceback_through_it_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    inside = EXAMPLE / "ecosystem_satisficing" / "curator.py"
    ours = '  File "/home/ecosystem_satisficing/.venv/ecosystem/world/round.py", line 3, in step\n    x\n'
    text = f'Traceback (most recent call last):\n{ours}  File "{inside}", line 14, in keep\n{ours}KeyError: 1\n'
    assert raised_in(text, []) == f"ecosystem-satisficing ({inside}, line 14, in keep)"
    assert raised_in(ours, []) is None


@pytest.mark.slow
def test_it_installs(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--target", str(tmp_path), str(EXAMPLE)], check=True, timeout=300)
    code = "import ecosystem, sys; print(ecosystem.load_scenario(sys.argv[1]).models[0].curation.plugin_name)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(EXAMPLE / "scenario.yaml")],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.strip() == "satisficing"
