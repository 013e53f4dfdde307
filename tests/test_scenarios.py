"""Every shipped scenario tells where it comes from, and gives what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import ecosystem
from ecosystem.expectations import Verdict, compare, tables_of
from ecosystem.learners.crafts import kinds
from ecosystem.scenario.load import load_scenario
from ecosystem.scenario.shipped import shipped

SCENARIOS = shipped()
STORIES = {
    "channel_inversion",
    "co_evolving_fixed_point",
    "collapse",
    "one_model_curated",
    "scale_free_curated",
    "two_model_backfire",
}
SLOW = {"backfire_map", "collapse", "curated_by_users", "mixed_tastes"}
TRAINED = {name for name in SCENARIOS if load_scenario(name).outputs.kind in kinds()}
"""Scenarios that train networks, for minutes to hours: their own tests run them smaller."""


def quick_first() -> list[object]:
    return [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SCENARIOS if name not in TRAINED
    ]


def verdicts(name: str) -> list[Verdict]:
    """Run a scenario and try what it expects, as `ecosystem check` does."""
    scenario = load_scenario(SCENARIOS[name])
    results = ecosystem.run(scenario)
    assert results.runs["status"].tolist() == ["done"] * len(results.runs)
    return compare(tables_of(results), scenario.expect, scenario.name)


def test_the_stories_of_the_literature_are_shipped() -> None:
    assert set(SCENARIOS) >= STORIES
    assert set(SCENARIOS) >= SLOW
    files = Path(__file__).parents[1] / "scenarios"
    assert set(SCENARIOS.values()) == set(files.rglob("*.yaml"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_what_it_shows_and_where_it_comes_from(name: str) -> None:
    scenario = load_scenario(SCENARIOS[name])
    assert scenario.name == name.replace("_", "-")
    assert scenario.description.endswith(".")
    assert scenario.source
    assert scenario.expect
    assert all(item.source for item in scenario.expect)
    assert SCENARIOS[name].read_text(encoding="utf-8").startswith("# ")  # the story, for a reader
    assert load_scenario(name) == scenario


@pytest.mark.parametrize("name", quick_first())
def test_a_scenario_gives_what_it_says(name: str) -> None:
    found = verdicts(name)
    assert len(found) == len(load_scenario(SCENARIOS[name]).expect)
    assert [verdict for verdict in found if not verdict.passed] == []


def test_a_wrong_expectation_is_found() -> None:
    scenario = load_scenario(SCENARIOS["one_model_curated"])
    results = ecosystem.run(scenario)
    wrong = [item.model_copy(update={"value": item.value * 1.001}) for item in scenario.expect if item.value]
    found = compare(tables_of(results), wrong, scenario.name)
    assert len(found) == 6
    assert not any(verdict.passed for verdict in found)
