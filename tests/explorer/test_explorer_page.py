"""The explorer in a real browser that reaches no other host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ecosystem
from analysis.explorer import applications
from ecosystem import Scenario

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module", autouse=True)
def _needs(browser: Any) -> None:
    """Skip all where there is no browser."""


def test_a_finished_run_is_drawn_and_a_key_moves_it_a_round_back(show, small: Scenario) -> None:
    seen = show(applications.of_results(ecosystem.run(small)))
    seen.painted(6)
    page = seen.page
    assert page.evaluate("document.getElementById('network')._cyreg.cy.nodes().length") == 3
    assert page.evaluate("document.getElementById('network')._cyreg.cy.edges().length") == 3
    page.wait_for_selector("#chart-models .scatterlayer path.js-line")
    told, first = page.inner_text("#told"), seen.fill(0)
    page.focus("#round")
    page.keyboard.press("Home")
    seen.painted(0)
    assert page.inner_text("#round-label") == "Round 0 of 6"
    assert page.inner_text("#told") != told
    assert seen.fill(0) != first
    page.keyboard.press("ArrowRight")
    seen.painted(1)
    assert page.get_attribute("#round", "aria-valuetext") == "round 1 of 6"
    seen.clean()


def test_a_picked_model_tells_of_its_settings_its_neighbours_and_its_influence(show, small: Scenario) -> None:
    seen = show(applications.of_results(ecosystem.run(small)))
    seen.painted(6)
    page = seen.page
    page.fill("#name", "c")
    page.wait_for_selector("#portrait-title:text-is('c')")
    about = page.inner_text("#about")
    assert "neighbours' outputs" in about and "60%" in about
    sources = page.locator(".picks").first
    assert [text.split("\n")[:2] for text in sources.locator("button").all_inner_texts()] == [
        ["a", "75%"],
        ["b", "25%"],
    ]
    sources.locator("button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#portrait-title:text-is('a')")
    assert page.input_value("#name") == "a"
    assert "a curator who likes “first” keeps one of 2 outputs" in page.inner_text("#about")
    page.click("#ask")
    page.wait_for_selector("#influence:has-text('raises its own alignment')", timeout=60_000)
    assert page.evaluate("document.getElementById('network')._cyreg.cy.$('.picked').map(n => n.data('title'))") == ["a"]
    seen.clean()


def test_points_of_a_sweep_are_chosen_and_compared(show, small: Scenario) -> None:
    swept = Scenario(**{**small.document.data, "sweep": {"grid": {"lam": [0.2, 0.8]}}})
    seen = show(applications.of_results(ecosystem.run(swept)))
    seen.painted(6)
    page = seen.page
    page.select_option("#compared-select", label="lam = 0.8")
    page.wait_for_selector("#told:has-text('lower than in the baseline (lam = 0.8)')")
    page.wait_for_selector("label:has-text('Against the baseline')")
    page.select_option("#point-select", label="lam = 0.8")
    page.wait_for_function("() => !document.getElementById('told').innerText.includes('baseline')")
    page.select_option("#compared-select", label="lam = 0.2")
    page.wait_for_selector("#told:has-text('higher than in the baseline (lam = 0.2)')")
    seen.clean()


def test_a_live_slider_moves_by_keys_and_the_pinned_baseline_stays(show, small: Scenario) -> None:
    seen = show(applications.of_scenario(small))
    seen.painted(6)
    page = seen.page
    page.click("#pin")
    page.wait_for_selector("#baseline:has-text('Pinned: 6 rounds, lam = 0.5, ')")
    before = seen.fill(2)
    slider = page.get_by_role("slider", name="lam")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    page.wait_for_selector("#told:has-text('higher than in the baseline')")
    page.wait_for_selector("#chart-models .legendtext:has-text('baseline: mean')")
    assert float(slider.input_value()) == pytest.approx(0.8)
    assert page.get_attribute(".knob .value", "data-value") == "0.8"
    page.click("label:has-text('Against the baseline')")
    drawn = "document.getElementById('network')._cyreg.cy.getElementById('n2').style('background-color')"
    page.wait_for_function(f"before => {drawn} !== before", arg=before)
    page.click("#run-on")
    seen.painted(12)
    page.click("#reset")
    seen.painted(6)
    page.wait_for_function("() => document.querySelector('.knob input').value === '0.5'")
    seen.clean()


def test_two_tabs_know_nothing_of_each_other(show, small: Scenario) -> None:
    app = applications.of_scenario(small)
    one, other = show(app), show(app)
    one.painted(6), other.painted(6)
    told = other.page.inner_text("#told")
    one.page.get_by_role("slider", name="lam").focus()
    one.page.keyboard.press("End")
    one.page.wait_for_function("told => document.getElementById('told').innerText !== told", arg=told)
    other.page.focus("#round")
    other.page.keyboard.press("ArrowLeft")
    other.painted(5)
    other.page.keyboard.press("ArrowRight")
    other.painted(6)
    assert other.page.inner_text("#told") == told


def test_users_have_charts_of_their_own_with_every_group(show, users: Scenario) -> None:
    seen = show(applications.of_results(ecosystem.run(users)))
    seen.painted(4)
    for name, texts in {"share": ["A", "B"], "disparate": ["A: quality", "B: quality", "disparate bias"]}.items():
        for text in texts:
            seen.page.wait_for_selector(f"#chart-{name} .legendtext:text-is('{text}')")
    axes = seen.page.locator("#charts .g-ytitle").all_text_contents()
    assert len(axes) == 5 and all(axes)
    assert "600,000" not in seen.page.inner_text(".groups")  # A has grown
    seen.clean()


@pytest.mark.parametrize("live", [False, True], ids=["finished", "live"])
def test_names_of_a_scenario_are_only_ever_text(show, small: Scenario, tmp_path: Path, live: bool) -> None:
    data: dict[str, Any] = {**small.document.data, "name": HOSTILE, "description": HOSTILE, "source": HOSTILE}
    models = [{**model, "name": f"{HOSTILE}{model['name']}"} for model in data["models"]]
    edges = [
        {**edge, "from": f"{HOSTILE}{edge['from']}", "to": f"{HOSTILE}{edge['to']}"}
        for edge in data["network"]["edges"]
    ]
    scenario = Scenario(**{**data, "models": models, "network": {"edges": edges}})
    seen = show(applications.of_scenario(scenario) if live else applications.of_results(ecosystem.run(scenario)))
    alerts: list[str] = []
    seen.page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    seen.painted(6)
    seen.page.fill("#name", f"{HOSTILE}b")
    seen.page.wait_for_function("() => document.getElementById('portrait-title').innerText !== 'No model picked'")
    seen.page.wait_for_selector("#chart-models .legendtext")
    assert seen.page.inner_text("h1") == HOSTILE
    assert seen.page.title() == HOSTILE
    assert seen.page.inner_text("#portrait-title") == f"{HOSTILE}b"
    assert seen.page.locator("img[src=x]").count() == 0
    assert any(HOSTILE in text for text in seen.page.locator("#chart-models .legendtext").all_text_contents())
    assert alerts == []
    seen.clean()


def test_every_control_has_a_name_and_is_reached_by_tab(show, small: Scenario) -> None:
    seen = show(applications.of_scenario(small))
    seen.painted(6)
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to what is seen"
    unnamed = page.evaluate(
        """Array.from(document.querySelectorAll('input, select, button'))
             .filter(each => each.offsetParent !== null && !each.innerText && !each.getAttribute('aria-label')
                             && !(each.labels && each.labels.length))
             .map(each => each.outerHTML)"""
    )
    assert unnamed == []
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        at_rest = page.evaluate("document.activeElement === document.body")
        assert at_rest or ring in ("solid", "auto")
    assert {"round", "name", "run-on", "pin", "play", "zoom-in"} <= reached


def test_a_layout_fits_the_width_of_any_screen(show, small: Scenario) -> None:
    seen = show(applications.of_scenario(small))
    seen.painted(6)
    for width in (1720, 1280, 820, 390):
        seen.page.set_viewport_size({"width": width, "height": 900})
        # What adapts to a new width may take a moment; what does not, never fits.
        seen.page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
