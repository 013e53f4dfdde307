"""What the README shows works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.slow
def test_the_python_of_the_readme_runs_in_order(tmp_path: Path) -> None:
    code = "\n".join(blocks("python"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_scenario_of_the_readme_runs(tmp_path: Path) -> None:
    (scenario,) = blocks("yaml")
    path = tmp_path / "my_scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    program = Path(sys.executable).with_name("ecosystem")
    commands = [
        line.split("#")[0].split() for line in "\n".join(blocks("sh")).splitlines() if line.startswith("ecosystem")
    ]
    assert len(commands) >= 4
    for command in [*commands, ["ecosystem", "run", "my_scenario.yaml"]]:
        if command[1] == "explore":  # serves until it is interrupted
            continue
        done = subprocess.run([program, *command[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_the_readme_names_every_shipped_scenario() -> None:
    text = README.read_text(encoding="utf-8")
    missing = [path.stem for path in (README.parent / "scenarios").glob("*.yaml") if f"`{path.stem}`" not in text]
    assert missing == []
