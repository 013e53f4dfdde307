"""Pages of the documentation, run as their reader would run them.

In a page, blocks in `python` are run in order, in one session; blocks in `sh` are commands; a block in `yaml` is saved
under the file name that the sentence before it gives; a block in `text` is what the block before it prints. Blocks in
`bash` are about the reader's machine, and not run.

``python -m tests.docs.pages`` draws the pages' figures anew.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w.-]+\.ya?ml)`")
_IMAGE = re.compile(r"!\[[^]]*\]\(([^)]+)\)")
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, what it holds, the line it begins at, and the text before it."""

    language: str
    body: str
    line: int
    before: str


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1, text[: found.start()])


def images(page: Path) -> list[str]:
    """The files that a page shows."""
    return _IMAGE.findall(page.read_text(encoding="utf-8"))


def follow(page: Path, folder: Path) -> None:
    """Run a page in a folder.

    Raises
    ------
    AssertionError
        A command failed, or something else was printed than the page says.
    """
    session: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    with contextlib.chdir(folder):
        for block in blocks(page):
            place = f"{page.name}:{block.line}"
            if block.language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile(block.body, place, "exec"), session)
                printed = out.getvalue()
            elif block.language == "sh":
                printed = "".join(_command(line, place) for line in block.body.splitlines())
            elif block.language == "yaml":
                Path(_FILE.findall(block.before)[-1]).write_text(block.body, encoding="utf-8")
            elif block.language == "text":
                same = doctest.OutputChecker().check_output(block.body, printed, _FLAGS)
                assert same, f"{place} says\n{block.body}\nbut this is printed\n{printed}"


def _command(line: str, place: str) -> str:
    words = shlex.split(line)
    assert words[0] == "ecosystem", f"{place}: {line}"
    program = Path(sys.executable).with_name("ecosystem")
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{place}: {line}\n{done.stdout}{done.stderr}"
    return done.stdout


def draw() -> None:
    """Follow every tutorial, and keep the figures that it shows."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    matplotlib.rcParams["svg.hashsalt"] = "the same figure is the same file"
    for page in TUTORIALS:
        with tempfile.TemporaryDirectory() as folder:
            follow(page, Path(folder))
            for image in images(page):
                shutil.copy(Path(folder) / Path(image).name, page.parent / image)
                print(page.parent / image)


if __name__ == "__main__":
    draw()
