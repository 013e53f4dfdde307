"""Behaviour: the points of a sweep, and the scenario at each."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ecosystem.errors import InputError
from ecosystem.scenario import Scenario, points, variant
from scenario.valid import SMALL


def test_one_point_without_a_sweep() -> None:
    scenario = Scenario(**SMALL)
    assert points(scenario) == ({},)
    assert variant(scenario, {}) == scenario


def test_every_combination_of_the_grid_with_every_row_of_the_zip() -> None:
    scenario = _swept(grid={"lam": [0.1, 0.2], "rounds": [1, 2]}, zip={"seeds": [1, 2], "learning.rate": [0.3, 0.4]})
    found = points(scenario)
    assert len(found) == 8
    assert list(found[0]) == ["lam", "rounds", "seeds", "learning.rate"]
    assert [tuple(point.values()) for point in found[:5]] == [
        (0.1, 1, 1, 0.3),
        (0.1, 1, 2, 0.4),
        (0.1, 2, 1, 0.3),
        (0.1, 2, 2, 0.4),
        (0.2, 1, 1, 0.3),
    ]


def test_values_may_be_expressions_and_infinity() -> None:
    scenario = _swept(grid={"models.p.curation.candidates": [2, "inf", "= 2 ** 3"]})
    assert [point["models.p.curation.candidates"] for point in points(scenario)] == [2, float("inf"), 8]


def test_a_variant_has_the_values_of_its_point_and_no_sweep() -> None:
    expect = {
        "table": "models",
        "column": "alignment",
        "where": {"lam": 0.1},
        "sign": "positive",
        "source": "t",
    }
    scenario = _swept(grid={"lam": [0.1, 0.2], "models.q.diet": [{"raw": 1}, {"real": 1}]}, expect=[expect])
    found = variant(scenario, points(scenario)[3])
    assert found.parameters["lam"] == 0.2
    assert found.models[0].diet.curated == 0.2
    assert found.models[1].diet.real == 1
    assert found.sweep is None
    assert found.expect == ()
    assert scenario.models[0].diet.curated == 0.5


def test_a_parameter_goes_before_a_setting_of_its_name() -> None:
    scenario = Scenario(**{**SMALL, "parameters": {"lam": 0.5, "rounds": 1}, "rounds": "= rounds + 1"})
    assert variant(scenario, {"rounds": 4}).rounds == 5


def test_an_error_names_the_point() -> None:
    scenario = _swept(grid={"lam": [0.1, 1.2], "rounds": [3]})
    with pytest.raises(InputError, match=r"must be at least 0 .*\(at lam = 1.2; rounds = 3\)"):
        variant(scenario, points(scenario)[1])


def test_a_sweep_whose_first_point_is_not_valid_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(at lam = 1.2\)"):
        _swept(grid={"lam": [1.2, 0.1]})


def test_thousands_of_variants_take_seconds() -> None:
    scenario = _swept(grid={"lam": [index / 2000 for index in range(2000)]})
    started = time.process_time()
    for point in points(scenario):
        variant(scenario, point)
    assert time.process_time() - started < 4  # 0.3 s of an idle machine


def _swept(expect: Any = (), **sweep: Any) -> Scenario:
    return Scenario(**SMALL, sweep=sweep, expect=expect)
