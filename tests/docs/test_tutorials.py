"""Tutorials work as they stand: every block is run, every output compared, every figure drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import TUTORIALS, blocks, follow, images


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_as_it_stands(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)
    for image in images(page):
        assert (tmp_path / Path(image).name).stat().st_size > 5_000, f"{image} is not what the page draws"
        assert (page.parent / image).is_file(), "python -m tests.docs.pages draws the figures of all pages"


def test_there_are_tutorials_with_code_and_figures() -> None:
    assert {page.stem for page in TUTORIALS} >= {"backfire", "performative-loop", "large-network"}
    for page in TUTORIALS:
        assert len([block for block in blocks(page) if block.language == "python"]) >= 3
        assert images(page)


def test_a_page_that_says_what_is_not_printed_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"page\.md:5 says\n3\n"):
        follow(page, tmp_path)
