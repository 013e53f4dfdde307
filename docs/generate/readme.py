"""The first page of the site: the README, with its links as they are here."""

from __future__ import annotations

import re
from pathlib import Path

_ELSEWHERE = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}


def home(root: Path) -> str:
    """Return the README as a page of the site."""
    return re.sub(r"\]\(([^)]+)\)", _link, (root / "README.md").read_text(encoding="utf-8"))


def _link(found: re.Match[str]) -> str:
    target = found[1].removeprefix("docs/")
    return f"]({_ELSEWHERE.get(target, target)})"
