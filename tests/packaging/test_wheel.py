"""The wheel, installed where nothing else is, runs what it ships."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

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
    assert "report" in run(program, "report", "runs/two-model-backfire", cwd=tmp_path)
