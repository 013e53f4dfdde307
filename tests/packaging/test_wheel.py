"""Wheel and sdist: the one, installed where nothing else is, runs what it ships; the other has all that is needed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

import ecosystem

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_runs_a_shipped_scenario_in_an_empty_environment(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    held = zipfile.ZipFile(wheel).namelist()
    for name in (path.name for path in (ROOT / "scenarios").glob("*.yaml")):
        assert f"scenarios/{name}" in held
    assert not [name for name in held if name.startswith(("tests/", "benchmarks/"))]
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    pinned = ("-c", ROOT / "constraints.txt")
    run(python, "-m", "pip", "install", "--quiet", *pinned, "torch", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--quiet", *pinned, wheel, cwd=tmp_path)
    program = python.with_name("ecosystem")
    assert "two_model_backfire" in run(program, "list", cwd=tmp_path)
    told = run(program, "run", "two_model_backfire", cwd=tmp_path)
    assert "0 failed" in told
    assert (tmp_path / "runs" / "two-model-backfire" / "manifest.json").is_file()
    assert "all is well" in run(program, "doctor", cwd=tmp_path)
    refused = subprocess.run(
        [program, "report", "runs/two-model-backfire"], cwd=tmp_path, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert refused.stderr.endswith('missing: pip install "ecosystem-sim[report]"\n')
    run(python, "-m", "pip", "install", "--quiet", *pinned, f"{wheel}[report]", cwd=tmp_path)
    assert "report" in run(program, "report", "runs/two-model-backfire", cwd=tmp_path)


@pytest.mark.slow
def test_the_sdist_has_what_its_tests_and_pages_need(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, cwd=ROOT)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    files = ("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "Makefile", "constraints.txt")
    assert {
        *files,
        "mkdocs.yml",
        "pyproject.toml",
        ".pre-commit-config.yaml",
        ".ci/lowest.py",
        "docs/generate/hook.py",
    } <= held
    for folder in ("analysis", "docs", "ecosystem", "scenarios", "tests"):
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        kept = {name for name in here if "__pycache__" not in name and not name.endswith((".pyc", ".pyo"))}
        assert kept <= held, sorted(kept - held)[:5]
    assert not [name for name in held if name.startswith((".venv/", "site/", "build/", "runs/"))]


def test_all_that_tell_the_version_tell_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert ecosystem.__version__ == project["version"] == citation["version"]
    assert citation["license"] == project["license"]
    assert citation["cff-version"] == "1.2.0" and citation["authors"] and citation["title"] and citation["message"]


def test_every_bound_is_stated_and_met_by_what_is_pinned() -> None:
    done = run(sys.executable, ROOT / ".ci" / "lowest.py", "--constraints", cwd=ROOT)
    lowest = dict(line.split("==") for line in done.splitlines())
    pinned = dict(
        line.lower().replace("_", "-").split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    assert len(lowest) > 15
    for name, version in lowest.items():
        assert Version(version) <= Version(pinned[name.lower().replace("_", "-")]), name
