"""The report in a real browser that reaches no host: it opens from the disk, draws everything and runs nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import ecosystem
from analysis.report.page import page as page_of
from ecosystem import Scenario

HOSTILE = "<img src=x onerror=alert(1)>"
WIDE, NARROW = 1100, 360


@dataclass
class Opened:
    """A page, and what went wrong on it."""

    page: Any
    wrong: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url[:80]}"))
        self.page.on("console", lambda said: self.wrong.append(f"console: {said.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on(
            "request",
            lambda request: (
                self.wrong.append(f"asked: {request.url}") if not request.url.startswith(("file:", "data:")) else None
            ),
        )


Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Write the page about a run, and open it from the disk."""
    contexts = []

    def open_(scenario: Scenario | str, width: int = WIDE) -> Opened:
        file = tmp_path / "report.html"
        file.write_text(page_of(ecosystem.run(scenario)), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        found = Opened(contexts[-1].new_page())
        found.listen()
        found.page.goto(file.as_uri())
        return found

    yield open_
    for context in contexts:
        context.close()


def drawn(found: Opened) -> list[int]:
    """Return the natural widths of the images that were drawn; 0 for one that could not be."""
    return list(found.page.evaluate("Array.from(document.images, i => i.complete ? i.naturalWidth : 0)"))


def hostile() -> Scenario:
    return Scenario(
        name=HOSTILE,
        description=HOSTILE,
        rounds=4,
        outputs={"kind": "categorical", "size": 2},
        rewards={HOSTILE: [1, 0]},
        models=[
            {"name": HOSTILE, "reward": HOSTILE, "diet": {"curated": 1}, "curation": {"candidates": 2}},
            {"name": "b", "reward": HOSTILE, "diet": {"neighbours_raw": 1}},
            {"name": "c", "reward": HOSTILE, "diet": {"neighbours_raw": 1}},
        ],
        network={"edges": [{"from": HOSTILE, "to": "b"}, {"from": "b", "to": "c"}]},
    )


def test_the_report_draws_its_figures_and_asks_nobody(opened: Open) -> None:
    found = opened("two_model_backfire")
    widths = drawn(found)
    assert len(widths) == 3 and min(widths) > 300
    assert found.wrong == []
    found.page.click("nav a >> text=Influence of curation")
    assert found.page.url.endswith("#influence-of-curation")


def test_a_hostile_name_is_shown_and_runs_nothing(opened: Open) -> None:
    found = opened(hostile())
    assert found.page.inner_text("h1") == HOSTILE
    assert found.page.title().startswith(HOSTILE)
    assert min(drawn(found)) > 0
    assert found.page.evaluate("document.scripts.length") == 0
    assert found.wrong == []


def test_nothing_runs_even_if_something_slipped_in(opened: Open) -> None:
    found = opened(hostile())
    found.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    found.page.wait_for_timeout(200)
    assert found.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in said for said in found.wrong)  # refused, and said so


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_is_wider_than_the_window_or_lies_over_its_neighbour(opened: Open, width: int) -> None:
    found = opened("performative_loop", width)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = found.page.evaluate(
        "Array.from(document.querySelectorAll('h1, h2, h3, p, figure, .sheet, dl, pre, nav'),"
        " e => { const b = e.getBoundingClientRect(); return [b.top, b.bottom, b.left, b.right] })"
    )
    for (_, above, _, _), (below, _, left, right) in itertools.pairwise(boxes):
        assert below >= above - 0.5
        assert left >= 0 and right <= width + 0.5


def test_what_is_scrolled_on_a_screen_is_whole_in_print(opened: Open) -> None:
    found = opened("performative_loop")
    found.page.emulate_media(media="print")
    cut = "Array.from(document.querySelectorAll('.sheet'), e => e.scrollHeight - e.clientHeight)"
    assert max(found.page.evaluate(cut)) <= 1
    assert found.page.pdf()[:5] == b"%PDF-"
