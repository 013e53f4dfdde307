"""Bases are kept in a directory of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("transformers", reason="the extra [language] is not installed")


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECOSYSTEM_CACHE", str(tmp_path_factory.getbasetemp() / "language-cache"))
        yield
