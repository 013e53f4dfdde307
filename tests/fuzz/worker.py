"""A process that gives spoilt scenarios to the command line, one after another, and tells what went wrong.

It answers each line of its input, a case, with one line: what no case may do, or null. What takes more than
5 s of computing, more than 1 GB of memory, or writes outside ``runs`` is told too.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Command = Callable[[], None]

SECONDS = 5
BYTES = 1_000_000_000
SMALL = 100_000
"""Cells times rounds of a plan that is run, too: fractions of a second."""

PLACED = re.compile(r"(scenario\.yaml: )?(\./)?(scenario\.yaml|points\.csv):\d+:\d+: \S")
TOO_LARGE = re.compile(r"a run \(of point \d+\) would need .+ may be held \(--max-memory\)")
"""What is said of a plan, whose size no single line of the file makes."""

ALONE = ("--workers", "0", "--max-memory", "500MB")
PROGRAMS_OWN = re.compile(
    r"\b(Type|Attribute|Index|Key|Name|Assertion|UnboundLocal|ZeroDivision|Recursion|NotImplemented|Memory|Unicode\w*)Error\b"
)
_WRITING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}


class TooLongError(BaseException):
    """A case computes for more than its time; no `except Exception` takes it."""


def main(command: Command | None = None) -> None:
    """Answer cases until there are none left; `command` is what is tried, by default the command line."""
    if command is None:
        from ecosystem.cli import main as command
        from ecosystem.world import simulate  # noqa: F401  (what takes seconds to import is there before a case)

    _limit_memory()
    signal.signal(signal.SIGPROF, _too_long)
    written = _watch_writes()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for line in sys.stdin:
            case = {name: base64.b64decode(content) for name, content in json.loads(line).items()}
            work = root / "outer" / "work"
            work.mkdir(parents=True)
            for name, content in case.items():
                (work / name).write_bytes(content)
            os.chdir(work)
            written.clear()
            problem = _problem(command) or _outside(written, root, work, set(case))
            os.chdir(root)
            shutil.rmtree(root / "outer", ignore_errors=True)
            answers.write(json.dumps(problem) + "\n")
            answers.flush()


def _problem(command: Command) -> str | None:
    """Return what is wrong with how the commands end."""
    status, out, err = _said(command, "validate", "scenario.yaml")
    problem = _wrong(status, out, err, (0, 2))
    if problem or status == 2:
        return problem and f"validate: {problem}"
    status, out, err = _said(command, "run", "scenario.yaml", "--dry-run", *ALONE)
    problem = _wrong(status, out, err, (0, 2))
    if problem or status == 2 or not _is_small():
        return problem and f"dry run: {problem}"
    status, out, err = _said(command, "run", "scenario.yaml", *ALONE)
    problem = _wrong(status, out, err, (0, 1, 2))
    return problem and f"run: {problem}"


def _wrong(status: int | str, out: str, err: str, allowed: tuple[int, ...]) -> str | None:
    told = f"{out[-1500:]}\n{err[-3000:]}"
    if isinstance(status, str):
        return f"{status}\n{told}"
    if status not in allowed:
        return f"exit status {status}\n{told}"
    if "Traceback" in err:
        return f"a traceback\n{told}"
    if PROGRAMS_OWN.search(err):
        return f"an error of the program's own\n{told}"
    lines = [line for line in err.splitlines() if line]
    if status == 2:
        if not lines:
            return "exit status 2 without a message"
        for line in lines:
            placed = PLACED.match(line) or TOO_LARGE.match(line)
            if not placed and not re.fullmatch(r"(scenario\.yaml: )?and [\d,]+ more", line):
                return f"a message without file, line and column: {line[:300]!r}\n{told}"
    if len(err) > 200_000:
        return f"messages of {len(err)} characters"
    return None


def _said(command: Command, *arguments: str) -> tuple[int | str, str, str]:
    """Call a command; return its exit status, or what went wrong in its place, and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["ecosystem", *arguments]
    status: int | str = "the command did not exit"
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command()
    except SystemExit as end:
        status = int(end.code or 0)
    except TooLongError:
        status = f"more than {SECONDS} s\n{traceback.format_exc()[-2000:]}"
    except BaseException:
        status = traceback.format_exc()[-4000:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return status, out.getvalue(), err.getvalue()


def _is_small() -> bool:
    """Tell whether a plan is run in no time."""
    from ecosystem.cli.targets import plans
    from ecosystem.scenario.fields.drawn import DrawnOutputs
    from ecosystem.scenario.fields.learning import Until

    (plan,) = plans(["scenario.yaml"])
    cells = 0
    for run in plan.unique:
        scenario = run.scenario
        if isinstance(scenario.outputs, DrawnOutputs):
            return False  # networks are trained
        rounds = scenario.rounds.max if isinstance(scenario.rounds, Until) else scenario.rounds
        numbers = len(scenario.model_names) * scenario.outputs.contexts * scenario.outputs.numbers
        users = 0 if scenario.users is None else len(scenario.users.groups)
        cells += (rounds + 20) * (numbers + (scenario.learning.examples or 0) + 10 * users)
        if cells > SMALL:
            return False
    return True


def _limit_memory() -> None:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    used = int(re.findall(r"VmData:\s+(\d+)", status)[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + BYTES, used + BYTES))


def _too_long(*_: Any) -> None:
    raise TooLongError


def _watch_writes() -> list[str]:
    """Return a list that grows by every path that is written to."""
    written: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, (str, bytes)) and (
                (isinstance(mode, str) and set(mode) & set("wax+"))
                or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            ):
                written.append(os.path.abspath(os.fsdecode(path)))
        elif event in _WRITING:
            written.extend(os.path.abspath(os.fsdecode(each)) for each in arguments if isinstance(each, (str, bytes)))

    sys.addaudithook(watch)
    return written


def _outside(written: list[str], root: Path, work: Path, given: set[str]) -> str | None:
    """Return what was written where nothing may be: by what Python was told, and by what lies there."""
    allowed = f"{work / 'runs'}"
    strangers = [path for path in written if path != allowed and not path.startswith(allowed + os.sep)]
    found = [str(path) for path in _files(root) if not str(path).startswith(allowed)]
    kept = {str(root / "outer"), str(work), *(str(work / name) for name in given)}
    strangers += [path for path in found if path not in kept]
    ignored = ("/dev/null", "/proc/")
    strangers = [path for path in strangers if not path.startswith(ignored)]
    return f"written outside the output directory: {strangers[:5]}" if strangers else None


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *files))


if __name__ == "__main__":
    main()
