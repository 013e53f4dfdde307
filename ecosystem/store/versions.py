"""What computed a result: program, libraries, machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path

import ecosystem

_LIBRARIES = ("torch", "mesa", "numpy", "networkx", "pandas", "pyarrow")
_DISTRIBUTION = "ecosystem-sim"


@cache
def versions() -> dict[str, str | None]:
    """Return the versions of all that results may depend on; None for what is not known."""
    return {
        "program": _version(_DISTRIBUTION),
        "revision": _revision(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _LIBRARIES},
        "platform": platform.platform(),
    }


def here() -> tuple[str, int]:
    """Return the name of this machine, and the number of this process on it."""
    return platform.node(), os.getpid()


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _revision() -> str | None:
    """Return the git revision of the program's own checkout, with ``+`` where files differ from it."""
    root = Path(ecosystem.__path__[0]).parent
    if not (root / ".git").exists():
        return None  # installed: a repository further up would be another one
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
