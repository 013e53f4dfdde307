"""Pages of the documentation, run as their reader would run them.

In a page, blocks in `python` are run in order, in one session; blocks in `sh` are commands; a block in `yaml`, or in
`{.python .file}`, is saved under the file name that the sentence before it gives; a block in `text` is what the block
before it prints. Blocks in `bash` are about the reader's machine, and not run. A block in `{.yaml .part}` is a part of
a file, which is read and not run. Blocks in `{.python .elsewhere}` need what is not here (a cluster): they are
compiled, and what they take from this package is there and takes what it is given.

``python -m tests.docs.pages`` draws the pages' figures anew.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

import ecosystem
from ecosystem.scenario.reader import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if page not in TUTORIALS)]
"""All pages that are written by hand, but for the tutorials."""

_BLOCK = re.compile(r"^```(\w+| ?\{[^}]*\})\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LANGUAGES = {"python", "sh", "bash", "yaml", "text", "{.python .elsewhere}", "{.python .file}", "{.yaml .part}"}
_FILE = re.compile(r"`([\w.-]+\.ya?ml)`")
_MODULE = re.compile(r"`([\w-]+\.py)`")
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
        assert found[1].strip() in _LANGUAGES, f"{page.name}: nobody knows what to do with a block in {found[1]}"
        yield Block(found[1].strip(), found[2], text.count("\n", 0, found.start()) + 1, text[: found.start()])


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
            elif block.language == "{.python .file}":
                Path(_MODULE.findall(block.before)[-1]).write_text(block.body, encoding="utf-8")
            elif block.language == "{.python .elsewhere}":
                _look_over(block.body, place)
            elif block.language == "{.yaml .part}":
                parse(block.body, place)
            elif block.language == "yaml":
                Path(_FILE.findall(block.before)[-1]).write_text(block.body, encoding="utf-8")
            elif block.language == "text":
                same = doctest.OutputChecker().check_output(block.body, printed, _FLAGS)
                assert same, f"{place} says\n{block.body}\nbut this is printed\n{printed}"


def _command(line: str, place: str) -> str:
    words = shlex.split(line, comments=True)
    if not words:
        return ""
    assert words[0] == "ecosystem", f"{place}: {line}"
    program = str(Path(sys.executable).with_name("ecosystem"))
    if words[1] == "explore":
        return _serve([program, *words[1:]], place)
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{place}: {line}\n{done.stdout}{done.stderr}"
    return done.stdout


def _serve(command: list[str], place: str) -> str:
    """Start what serves a page until it is interrupted, and ask for the page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [*command, "--no-browser", "--port", str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as served:
        try:
            assert served.stdout is not None
            told = served.stdout.readline()
            assert f":{port}" in told, f"{place}: {told}{served.stdout.read()}"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
                assert page.status == 200
        finally:
            served.terminate()
    return told


def _look_over(code: str, place: str) -> None:
    """Compile a block, and compare its calls of `ecosystem.…` with what these functions take."""
    for node in ast.walk(ast.parse(code, place)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("ecosystem."):
            function = getattr(ecosystem, ast.unparse(node.func).removeprefix("ecosystem."))
            inspect.signature(function).bind(*node.args, **{str(each.arg): each.value for each in node.keywords})


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
