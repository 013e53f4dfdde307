"""The site is built with every warning an error, and loads nothing from another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, ROOT

pytestmark = pytest.mark.slow
pytest.importorskip("mkdocs", reason="the extra [docs] is not installed")

_LOADS = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return place


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md"))) + 5
    for page in pages:
        assert not _LOADS.search(page.read_text(encoding="utf-8")), page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style


@pytest.mark.parametrize("page", ["index", "background/mathematics", "background/architecture", "reference/yaml"])
def test_a_browser_asks_no_other_host(site: Path, browser: Any, page: str) -> None:
    asked: list[str] = []
    shown = browser.new_page()
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto((site / f"{page}.html").as_uri())
    shown.wait_for_load_state()
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []
    assert shown.locator("h1").first.is_visible()
    if page.endswith("mathematics"):
        assert shown.locator("math").count() > 50
    shown.close()
