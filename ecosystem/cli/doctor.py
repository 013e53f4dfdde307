"""``ecosystem doctor``: whether what is installed fits, and what this machine has."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import typer

PACKAGE = "ecosystem-sim"
WRONG = 1
_ROOM = 1e9
"""So many bytes should be free where results go."""
_NAMED = 3
"""So many libraries that an extra lacks are named; more are counted, so that lines stay short."""
_FLAWS = frozenset({"wrong", "missing"})


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what, found : str
        What it is, and what was found.
    verdict : str
        `ok`, `wrong` or `missing` (which make the exit status 1), or `optional` where nothing needs it.
    advice : str
        What to do about it.
    """

    what: str
    found: str
    verdict: str = "ok"
    advice: str = ""


def doctor() -> None:
    """Look at versions, device, threads, disk, extras and plug-ins, and say what to do about what is wrong.

    Exit status 1 says that something is.
    """
    findings = [*_python(), *_libraries(), *_machine(), *_extras(), *_plugins()]
    for line in _table(findings):
        print(line)
    flaws = [each for each in findings if each.verdict in _FLAWS]
    print("all is well" if not flaws else f"wrong or missing: {', '.join(each.what for each in flaws)}")
    if flaws:
        raise typer.Exit(WRONG)


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding. It is written by hand: rich may be what is missing."""
    what = max(len(each.what) for each in findings)
    found = max(len(each.found) for each in findings)
    for each in findings:
        yield f"{each.what:<{what}}  {each.found:<{found}}  {each.verdict:<8}  {each.advice}".rstrip()


def _python() -> Iterator[Finding]:
    from ecosystem import __version__

    yield Finding("ecosystem", __version__)
    yield Finding("python", platform.python_version())


def _requirements() -> list[str]:
    """Return what the installed package says it needs, one line each; nothing where it is not installed."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        return requires(PACKAGE) or []
    except PackageNotFoundError:
        return []


def _libraries() -> Iterator[Finding]:
    """Compare each library that is needed with the version that is there."""
    lines = _requirements()
    if not lines:
        yield Finding(PACKAGE, "not installed", "wrong", "pip install -e . in its folder")
        return
    needed = [line for line in lines if "extra ==" not in line]
    yield from (_library(line) for line in needed)


def _library(line: str) -> Finding:
    """Compare one requirement with what is installed."""
    from importlib.metadata import PackageNotFoundError, version

    name, wanted = _split(line)
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "not installed", "missing", f'pip install "{name}{wanted}"')
    if not _fits(found, wanted):
        return Finding(name, found, "wrong", f'pip install "{name}{wanted}"')
    return Finding(name, found)


def _split(line: str) -> tuple[str, str]:
    """Return name and range of a requirement such as ``mesa<5,>=3.3.1; extra == "dev"``.

    >>> _split('mesa<5,>=3.3.1; extra == "dev"')
    ('mesa', '<5,>=3.3.1')
    """
    import re

    found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)", line)
    return (found[1], found[2].strip()) if found else (line, "")


def _fits(version: str, wanted: str) -> bool:
    """Tell whether a version is in a range; without `packaging` there is no telling, and nothing is said."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(wanted).contains(version, prereleases=True)


def _machine() -> Iterator[Finding]:
    """Look at what computes: device, threads, room for results."""
    yield _device()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS")
    yield Finding("threads", f"{cores} cores" + (f", OMP_NUM_THREADS={limit}" if limit else ""))
    yield _disk()


def _device() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken library raises whatever it likes
        return Finding(
            "device", f"torch does not load: {type(error).__name__}", "wrong", "pip install --force-reinstall torch"
        )
    if not torch.cuda.is_available():
        return Finding("device", "cpu")
    return Finding("device", f"cpu, cuda ({torch.cuda.get_device_name(0)})")


def _disk() -> Finding:
    import shutil

    try:
        free = shutil.disk_usage(".").free
        writable = os.access(".", os.W_OK)
    except OSError as error:
        return Finding("disk", str(error.strerror), "wrong", "go to a directory that can be read")
    told = f"{free / 1e9:.1f} GB free here"
    if not writable:
        return Finding("disk", told, "wrong", "results cannot be written here; go elsewhere, or use --out")
    return (
        Finding("disk", told) if free > _ROOM else Finding("disk", told, "wrong", "make room, or use --out elsewhere")
    )


def _plugins() -> Iterator[Finding]:
    """Say which packages bring plug-ins, and load each of them: a name alone says nothing of whether it works."""
    try:
        from ecosystem.plugins import registry
    except Exception:  # a library that is needed is missing or broken, which is told above
        return
    packages: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for kind, entry in registry.installed():
        package = (entry.dist.name, entry.dist.version) if entry.dist is not None else (entry.module, "")
        try:
            registry.find(kind, entry.name)
            wrong = ""
        except Exception as error:  # whatever a stranger's package lacks
            wrong = str(error)
        packages.setdefault(package, []).append((entry.name, wrong))
    for (name, version), members in packages.items():
        flaws = [wrong for _, wrong in members if wrong]
        count = f"{len(members)} plug-in{'s' if len(members) > 1 else ''}"
        yield Finding(name, f"{version} ({count})".lstrip(), "wrong" if flaws else "ok", "; ".join(flaws))


def _extras() -> Iterator[Finding]:
    """Say which extras are there; one that is not there is nothing wrong."""
    import re
    from importlib.metadata import PackageNotFoundError, version

    from ecosystem.extras import install

    extras: dict[str, list[str]] = {}
    for line in _requirements():
        marked = re.search(r"""extra == ['"]([\w-]+)['"]""", line)
        name, _ = _split(line)
        if marked and name != PACKAGE:
            extras.setdefault(marked[1], []).append(name)
    for extra, names in extras.items():
        missing = []
        for name in names:
            try:
                version(name)
            except PackageNotFoundError:
                missing.append(name)
        if missing:
            named = ", ".join(missing) if len(missing) <= _NAMED else f"{len(missing)} of {len(names)} libraries"
            yield Finding(f"[{extra}]", f"lacks {named}", "optional", install(extra))
        else:
            yield Finding(f"[{extra}]", "installed")
