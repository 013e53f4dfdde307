"""Alignment by distance, on tables whose answer is known."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

import analysis
import ecosystem
from analysis import plots
from ecosystem import Scenario
from tests.doubles import CHAIN


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
