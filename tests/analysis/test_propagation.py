"""Alignment by distance, on tables whose answer is known, and the page about a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

import analysis
import ecosystem
from analysis import plots
from analysis.report.page import page
from ecosystem import Scenario

CHAIN = {
    "name": "chain",
    "rounds": 3,
    "outputs": {"kind": "categorical", "size": 2},
    "rewards": {"first": [1, 0]},
    "models": [
        {"name": "a", "reward": "first", "diet": {"curated": 1}, "curation": {"candidates": "inf"}},
        {"name": "b", "reward": "first", "diet": {"neighbours_raw": 1}},
        {"name": "c", "reward": "first", "diet": {"neighbours_raw": 1}},
        {"name": "d", "reward": "first", "diet": {"raw": 1}},
    ],
    "network": {"edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]},
}


def test_what_the_curated_gain_arrives_a_hop_a_round_later() -> None:
    table = analysis.propagation(ecosystem.run(Scenario(**CHAIN))).set_index("distance")
    # Each round multiplies the odds of the first output by e; a hop is a round.
    for hops in (0, 1, 2):
        odds = 2.718281828459045 ** (3 - hops)
        assert table.loc[hops, "end"] == pytest.approx(odds / (1 + odds))
        assert table.loc[hops, "gain"] == pytest.approx(odds / (1 + odds) - 0.5)
        assert table.loc[hops, "models"] == 1
    unreached = table[table.index.isna()]
    assert unreached["gain"].tolist() == [0.0]


def test_a_row_for_each_point_and_distance() -> None:
    results = ecosystem.run(Scenario(**CHAIN, sweep={"grid": {"models.a.curation.temperature": [1.0, 2.0]}}, seeds=3))
    table = analysis.propagation(results)
    assert len(table) == 2 * 4
    assert table["models"].tolist() == [3] * 8
    assert isinstance(plots.propagation(table), Figure)


def test_figures_are_drawn_where_they_are_asked_to_be() -> None:
    axis = Figure().add_subplot()
    table = analysis.propagation(ecosystem.run(Scenario(**CHAIN)))
    assert plots.propagation(table, ax=axis) is axis.get_figure()
    assert axis.get_xlabel() and axis.get_ylabel()


def test_the_page_asks_no_host_and_escapes_what_a_scenario_says(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    text = page(ecosystem.run(Scenario(**CHAIN | {"name": hostile, "description": hostile}), out=tmp_path / "run"))
    assert hostile not in text
    assert "&lt;img src=x" in text
    for asks in ("src=", 'href="http', "@import", "url(http"):
        assert asks not in text.replace("&lt;img src=x", "")
    assert "How far curation reaches" in text


def test_the_page_tells_of_expectations() -> None:
    expect = [{"table": "models", "where": {"model": "a"}, "round": "last", "column": "alignment", "sign": "positive",
               "source": "closed form"}]  # fmt: skip
    assert "1 of 1 expectations hold" in page(ecosystem.run(Scenario(**CHAIN, expect=expect)))


def test_the_page_shows_bias_with_group_values_and_no_empty_chart() -> None:
    text = page(ecosystem.run("performative_loop"))
    for title in ("Preference bias over rounds", "Disparate bias over rounds", "Groups at the end"):
        assert title in text
    assert "Alignment over rounds" not in text  # its model has no reward
