"""A library that is not there, and one that is there and does not load, are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem.errors import EcosystemError
from ecosystem.outputs.text.extra import needed


@pytest.mark.parametrize(
    ("holds", "told"),
    [
        (None, 'this needs the package halfthere: pip install "ecosystem-sim[language]"'),
        ("from json import nosuch", "this needs the package halfthere, which cannot be imported: cannot import name"),
        (
            "import nosuch_at_all",
            "this needs the package halfthere, which cannot be imported: No module named",
        ),
    ],
    ids=["missing", "of another version", "without what it needs"],
)
def test_what_does_not_load_is_told(
    holds: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    if holds is not None:
        (tmp_path / "halfthere").mkdir()
        (tmp_path / "halfthere" / "__init__.py").write_text(holds, encoding="utf-8")
    with pytest.raises(EcosystemError) as error:
        needed("this", "halfthere.part")
    assert str(error.value).startswith(told)
