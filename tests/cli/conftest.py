"""The command line, called in this process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecosystem.cli import main


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit status."""

    out: str
    err: str
    status: int


Command = Callable[..., Said]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call ``ecosystem`` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Said:
        monkeypatch.setattr("sys.argv", ["ecosystem", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Said(said.out, said.err, int(end.value.code or 0))

    return call


SCENARIO = """\
name: pair
description: Two models, one of them curated.
rounds: 3
parameters: {lam: 0.5}
outputs: {kind: categorical, size: 2}
rewards: {first: [1, 0]}
models:
  - {name: p, reward: first, diet: {real: = 1 - lam, curated: = lam}, curation: {method: luce, candidates: 2}}
  - {name: q, reward: first, diet: {real: 0.5, neighbours_raw: 0.5}}
network: {edges: [{from: p, to: q}]}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a scenario file, the lines given in place of its own or after them; return its name."""

    def write(*lines: str, file: str = "pair.yaml") -> str:
        given = {line.split(":")[0] for line in lines}
        blocks = re.split(r"^(?=\w)", SCENARIO.rstrip("\n"), flags=re.MULTILINE)
        own = [block.rstrip("\n") for block in blocks if block and block.split(":")[0] not in given]
        (tmp_path / file).write_text("\n".join([*own, *lines]) + "\n", encoding="utf-8")
        return file

    return write
