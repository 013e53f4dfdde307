"""What MkDocs calls while it builds: pages that are made from the program, and formulas as MathML.

A page that is made is never kept: it says what the program says now.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.generate import code, command_line, readme, yaml_reference
from docs.generate.mathml import with_mathml

ROOT = Path(__file__).parents[2]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    pages = {
        "index.md": readme.home(ROOT),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        "reference/yaml.md": yaml_reference.page(),
        "reference/commands.md": command_line.page(),
        "reference/code.md": code.page(ROOT / "docs"),
    }
    for address, text in pages.items():
        files.append(File.generated(config, address, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Link what a page names as ``{code: ecosystem.x.y.Z.method}`` to its code."""
    return code.linked(markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Put MathML in the place of TeX, which no browser draws by itself."""
    return with_mathml(html)


def on_post_build(config: MkDocsConfig) -> None:
    """Leave no file with the address of another host that the theme would load something from."""
    for script in Path(config.site_dir).rglob("*.js.map"):
        script.unlink()
    for style in Path(config.site_dir).rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        style.write_text(re.sub(r"/\*# sourceMappingURL=.*?\*/", "", text), encoding="utf-8")
