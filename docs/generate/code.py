"""Links from symbols to code: ``{code: ecosystem.curators.luce.Luce.keep}`` in a page.

The reader sees file and name, and the link leads to a page that shows the object with its source.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

_MENTION = re.compile(r"\{code: ([\w.]+)\}")

_DOCUMENTED = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)

_HEAD = """\
# Code behind the symbols

What [the mathematics](../background/mathematics.md) and other pages link to, with its source; what is public is
described under [Python](python.md) and [Analysis](analysis.md).
"""


def mentions(folder: Path) -> dict[str, list[str]]:
    """Return what is named by the pages of a folder, each with the pages that name it."""
    found: dict[str, list[str]] = {}
    for page in sorted(folder.rglob("*.md")):
        for name in _MENTION.findall(page.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(page.relative_to(folder).as_posix())
    return found


def locate(name: str) -> tuple[str, str]:
    """Return the module and the name in it that a full name means.

    Raises
    ------
    LookupError
        There is no such object.
    """
    module, inside = _split(name)
    value: Any = module
    for part in inside:
        if not hasattr(value, part) and part not in getattr(value, "__annotations__", {}):
            raise LookupError(f"there is no {name}: {module.__name__} is there, but has no {'.'.join(inside)}")
        value = getattr(value, part, None)
    return module.__name__, ".".join(inside)


def _split(name: str) -> tuple[Any, list[str]]:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:length])), parts[length:]
        except ModuleNotFoundError as error:
            if error.name is None or not ".".join(parts[:length]).startswith(error.name):
                raise
    raise LookupError(f"there is no module {parts[0]}")


def linked(markdown: str) -> str:
    """Return a page's Markdown with links for what it names."""
    return _MENTION.sub(lambda found: _link(found[1]), markdown)


def _link(name: str) -> str:
    module, inside = locate(name)
    file = module.replace(".", "/") + ".py"
    shown = f"`{file}`: `{inside}`" if inside else f"`{file}`"
    return f"[{shown}][{name}]"


def page(folder: Path) -> str:
    """Return the page that shows everything that is named, each module's objects together."""
    by_module: dict[str, list[str]] = {}
    elsewhere = _documented(folder)
    for name in sorted(mentions(folder)):
        if name not in elsewhere and name.rpartition(".")[0] not in elsewhere:
            by_module.setdefault(locate(name)[0], []).append(name)
    return _HEAD + "".join(_section(module, names) for module, names in sorted(by_module.items()))


def _documented(folder: Path) -> frozenset[str]:
    """Return what the reference to Python describes already, with its source too."""
    return frozenset(
        name for page in folder.rglob("*.md") for name in _DOCUMENTED.findall(page.read_text(encoding="utf-8"))
    )


def _section(module: str, names: list[str]) -> str:
    options = "    options: {members: false, heading_level: 3}\n"
    return f"\n## {module}\n\n" + "\n".join(f"::: {name}\n{options}" for name in names)
