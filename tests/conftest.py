"""Settings of all tests, and a browser for those that look at pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# Everywhere else each run tries new examples; where a change is judged, the same ones.
settings.register_profile("judged", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("judged")

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""What a Chromium may be called."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium that finds no host but this one.

    It goes with the module: while it is there its event loop counts as running, in which no other can be started.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"there is no Chromium on the path ({', '.join(CHROMIUM)}); apt-get install chromium")
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=found, args=["--no-sandbox", nowhere])
        yield started
        started.close()
