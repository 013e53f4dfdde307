"""Trying mutants: one process that has collected the tests forks for each of them.

The process that asks has the libraries imported. For a room it forks once; the fork imports the project, collects the
tests and forks again for every mutant, which then costs no more than the tests that reach its lines: their functions
get the mutant's code in place. A change that acts on import (a constant, a default) is tried in a process that starts
before the project is imported.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib.machinery
import json
import math
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest
from hypothesis import Phase, settings

from mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "mutation"
"""What is kept between runs."""
KILLED, SURVIVED, UNREACHED, LEFT = "killed", "survived", "unreached", "left"
"""What becomes of a mutant; one that is left can only be tried on import."""
PATIENCE = 4.0
"""So many times as long as without the mutant its tests may take, and `GRACE` seconds more."""
GRACE = 5.0
ALONE = 300.0
"""Seconds that the tests may take together with a mutant that acts on import."""
EXAMPLES = 20
"""The most that hypothesis tries of one law."""
MEMORY = 4 << 30
"""Bytes that a mutant may take beyond what the process has."""


@dataclass(frozen=True, eq=False)
class Room:
    """Modules, and the tests that judge them, each of which takes at most `longest` seconds."""

    name: str
    modules: list[str]
    tests: list[str]
    longest: float


@dataclass
class _Reach:
    """What the tests do without a mutant: seconds of each, and which of them run which line of which module."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a line of the mutant, the quickest first; not what runs on import."""
        lines = self.lines.get(mutant.module, {})
        found = {test for line in mutant.lines for test in lines.get(str(line), ()) if test in self.seconds}
        return sorted(found, key=lambda test: self.seconds[test])

    def on_import(self, mutant: Mutant) -> bool:
        """Whether importing the modules runs a line of the mutant."""
        lines = self.lines.get(mutant.module, {})
        return any("" in lines.get(str(line), ()) for line in mutant.lines)


def try_in_place(
    room: Room, mutants: Sequence[Mutant], until: float, say: Callable[[str], None]
) -> Iterator[tuple[Mutant, str]]:
    """Try the mutants of functions of a room's modules until a time; yield each that was tried and what became of it.

    Raises
    ------
    RuntimeError
        If the tests fail without any mutant.
    """
    for told in _told_by_fork(lambda tell: _session(room.tests, _Trials(room, mutants, until, tell))):
        if "failed" in told:
            raise RuntimeError(f"{room.name}: without a mutant fails: {told['failed']}")
        if "seconds" in told:
            say(f"{room.name}: {len(mutants)} mutants; the tests take {told['seconds']:.0f} s without")
        else:
            yield mutants[told["at"]], told["became"]


def try_on_import(room: Room, mutant: Mutant) -> str:
    """Try one mutant in a process of its own that imports the project with it; return what became of it."""
    path = str(ROOT / mutant.module)
    code = compile(mutant.source, path, "exec", dont_inherit=True)
    ordinary = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> types.CodeType | None:
        return code if self.path == path else ordinary(self, fullname)

    def trial() -> bool:
        importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
        return _session(room.tests, _Imported(mutant.module))

    return KILLED if _fails(trial, ALONE) else SURVIVED


class _Trials:
    """A pytest plugin that tries mutants in place of running the tests once."""

    def __init__(
        self, room: Room, mutants: Sequence[Mutant], until: float, tell: Callable[[dict[str, object]], None]
    ) -> None:
        self._longest, self._mutants, self._until, self._tell = room.longest, mutants, until, tell
        self._kept = PLACE / f"{room.name}-{state_of(*room.modules, *room.tests)}.json"
        self._files = {str(ROOT / module): module for module in room.modules}
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=list(self._files))
        self._coverage.start()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self._kept.exists():
            for told in _told_by_fork(lambda tell: self._clean(session, tell)):
                if "failed" in told:
                    self._tell(told)
                    return True
                self._kept.write_text(json.dumps(told), encoding="utf-8")
        self._coverage.stop()
        reach = _Reach(**json.loads(self._kept.read_text(encoding="utf-8")))
        self._tell({"seconds": float(sum(reach.seconds.values()))})
        items = {item.nodeid: item for item in session.items}
        functions = _functions_of(self._files)
        gc.freeze()
        for at, mutant in enumerate(self._mutants):
            if time.time() > self._until:
                break
            tests = [test for test in reach.tests(mutant) if reach.seconds[test] <= self._longest]
            codes = _new_codes(mutant, functions)
            if not tests and not reach.on_import(mutant):
                self._tell({"at": at, "became": UNREACHED})
            elif not tests or codes is None:
                self._tell({"at": at, "became": LEFT})
            else:
                chosen = [items[test] for test in tests]
                limit = PATIENCE * sum(reach.seconds[test] for test in tests) + GRACE

                def trial(codes: list[tuple[types.FunctionType, types.CodeType]] = codes, chosen=chosen) -> bool:
                    for function, code in codes:
                        function.__code__ = code
                    return _run(session, chosen)

                self._tell({"at": at, "became": KILLED if _fails(trial, limit) else SURVIVED})
        return True

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let hypothesis try few examples of each: a mutant that they do not meet is tried again with all by hand."""
        for item in items:
            test = getattr(item, "obj", None)
            asked = getattr(test, "_hypothesis_internal_use_settings", None)
            if asked is not None and asked.max_examples > EXAMPLES:
                getattr(test, "__func__", test)._hypothesis_internal_use_settings = settings(
                    asked, max_examples=EXAMPLES
                )

    def _clean(self, session: pytest.Session, tell: Callable[[dict[str, object]], None]) -> bool:
        """Run the tests without a mutant, and tell what each runs."""
        seconds: dict[str, float] = {}
        for item in session.items:
            self._coverage.switch_context(item.nodeid)
            before = time.process_time()
            if not _run(session, [item]):
                tell({"failed": item.nodeid})
                return False
            seconds[item.nodeid] = time.process_time() - before
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {module: data.contexts_by_lineno(file) for file, module in self._files.items()}
        tell({"seconds": seconds, "lines": lines})
        return True


def state_of(*names: str) -> str:
    """Return what tells files, or all Python files in directories, from what they were earlier; tests by their file."""
    found = hashlib.sha256()
    for name in names:
        place = ROOT / name.partition("::")[0]
        for path in sorted(place.rglob("*.py")) or [place]:
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _session(tests: Sequence[str], plugin: object) -> bool:
    """Collect tests in this process, with nothing shown, and give the session to a plugin."""
    # The same examples for every mutant; how small a failing one can be made is of no interest.
    settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutation")
    os.environ.pop("CI", None)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    arguments = [
        "-n",
        "0",
        "-q",
        "-x",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        "--rootdir",
        str(ROOT),
        *tests,
    ]
    return pytest.main(arguments, plugins=[plugin]) == 0


def _run(session: pytest.Session, items: Sequence[pytest.Item]) -> bool:
    """Run tests until one fails; return whether none did."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def _functions_of(files: dict[str, str]) -> dict[tuple[str, str, int], list[types.FunctionType]]:
    """Return the functions of modules as they are in this process, by module, qualified name and first line."""
    found: dict[tuple[str, str, int], list[types.FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__code__.co_filename in files:
            code = thing.__code__
            key = files[code.co_filename], code.co_qualname, code.co_firstlineno
            found.setdefault(key, []).append(thing)
    return found


def _new_codes(
    mutant: Mutant, functions: dict[tuple[str, str, int], list[types.FunctionType]]
) -> list[tuple[types.FunctionType, types.CodeType]] | None:
    """Return functions and the code that a mutant gives them; None where it cannot be put in place."""
    changed: list[tuple[types.FunctionType, types.CodeType]] = []
    for code in _codes_in(compile(mutant.source, str(ROOT / mutant.module), "exec", dont_inherit=True)):
        first, last = code.co_firstlineno, max(line for *_, line in code.co_lines() if line is not None)
        outermost = code.co_qualname == mutant.function
        # Functions that were made within it as the project was imported have code of their own.
        within = code.co_qualname.startswith(f"{mutant.function}.<locals>.")
        if (outermost or within) and first <= mutant.lines.start <= last:
            mine = functions.get((mutant.module, code.co_qualname, first), [])
            if any(function.__code__.co_freevars != code.co_freevars for function in mine) or (outermost and not mine):
                return None
            changed += [(function, code) for function in mine]
    return changed or None


def _codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes_in(constant)


class _Imported:
    """A pytest plugin that runs the tests as they are, and sees that the mutant was imported."""

    def __init__(self, module: str) -> None:
        self._name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not session.testsfailed and self._name not in sys.modules:
            os._exit(3)


def _fails(trial: Callable[[], bool], limit: float) -> bool:
    """Run something in a fork; return whether it fails, dies, or takes more than so many seconds of processor."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 1))
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            status = 0 if trial() else 1
        finally:
            os._exit(status)
    started = time.monotonic()
    pause = 0.002
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - started > 5 * limit + 30:  # it waits for something that does not come
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(pause)
        pause = min(1.2 * pause, 0.1)
    return status != 0


def _told_by_fork(work: Callable[[Callable[[dict[str, object]], None]], object]) -> Iterator[dict]:
    """Do something in a fork and yield what it tells, as it tells it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        pipe = os.fdopen(writing, "w", encoding="utf-8")

        def tell(what: dict[str, object]) -> None:
            pipe.write(json.dumps(what) + "\n")
            pipe.flush()

        try:
            work(tell)
        finally:
            pipe.close()
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        for line in pipe:
            yield json.loads(line)
    os.waitpid(child, 0)
