"""Designs fill their ranges as they promise, and are the same each time."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import sobol_indices

from ecosystem.errors import InputError
from ecosystem.scenario import Scenario, points, variant
from ecosystem.scenario.designs import rows, value
from ecosystem.scenario.fields.designs import Interval, LatinHypercube, Morris, Saltelli, Sobol
from ecosystem.scenario.fields.sweep import MAX_POINTS
from scenario.valid import SMALL

SQUARE: dict[str, Any] = {"a": [0, 1], "b": [0, 1]}


def test_a_latin_hypercube_has_one_point_in_each_part_of_each_range() -> None:
    design = LatinHypercube(samples=50, seed=3, ranges={"a": (2, 4), "b": {"low": 0.01, "high": 100, "scale": "log"}})
    found = np.array(rows(design))
    assert sorted(np.floor((found[:, 0] - 2) / 2 * 50)) == list(range(50))
    assert sorted(np.floor((np.log(found[:, 1]) - math.log(0.01)) / math.log(1e4) * 50)) == list(range(50))


@pytest.mark.parametrize("cut", range(7))
def test_sobol_points_have_one_in_each_box_of_equal_area(cut: int) -> None:
    found = np.array(rows(Sobol(samples=64, seed=1, ranges=SQUARE)))
    boxes = Counter((int(x * 2**cut), int(y * 2 ** (6 - cut))) for x, y in found)
    assert len(boxes) == 64
    assert set(boxes.values()) == {1}


def test_whole_numbers_are_met_equally_often() -> None:
    design = Sobol(samples=64, ranges={"n": {"low": -3, "high": 4, "whole": True}})
    found = [n for (n,) in rows(design)]
    assert all(type(n) is int for n in found)
    assert Counter(found) == {n: 8 for n in range(-3, 5)}


def test_the_saltelli_points_are_a_then_b_then_a_with_one_column_of_b() -> None:
    design = Saltelli(samples=8, seed=5, ranges={**SQUARE, "c": (0, 2)})
    a, b, *mixed = np.split(np.array(rows(design)), 5)
    assert design.size == 40
    assert not np.isclose(a, b).any()
    for index, ab in enumerate(mixed):
        same = [column for column in range(3) if column != index]
        assert (ab[:, same] == a[:, same]).all()
        assert (ab[:, index] == b[:, index]).all()


def test_sobol_indices_follow_from_the_saltelli_points() -> None:
    """A closed form: of f = 3x + y + 4(x − ½)(z − ½), the variance is 9/12 + 1/12 + 16/144."""
    design = Saltelli(samples=2048, ranges={"x": (0, 1), "y": (0, 1), "z": (0, 1)})
    x, y, z = np.array(rows(design)).T
    f_a, f_b, *f_ab = np.split(3 * x + y + 4 * (x - 0.5) * (z - 0.5), 5)
    found = sobol_indices(
        func={"f_A": f_a[None], "f_B": f_b[None], "f_AB": np.array(f_ab)[:, None]},  # type: ignore[arg-type]
        n=2048,
    )
    variance = 9 / 12 + 1 / 12 + 16 / 144
    expected = np.array([9 / 12, 1 / 12, 0]) / variance
    together = 16 / 144 / variance
    assert np.ravel(found.first_order) == pytest.approx(expected, abs=0.01)
    assert np.ravel(found.total_order) == pytest.approx(expected + np.array([together, 0, together]), abs=0.01)


def test_morris_trajectories_move_one_range_after_another() -> None:
    design = Morris(trajectories=20, levels=4, seed=2, ranges={**SQUARE, "c": (10, 40)})
    trajectories = np.array(rows(design)).reshape(20, 4, 3)
    assert design.size == 80
    for trajectory in trajectories:
        steps = np.diff(trajectory, axis=0)
        assert (steps != 0).sum(axis=1).tolist() == [1, 1, 1]
        assert np.abs(steps).sum(axis=0) == pytest.approx([2 / 3, 2 / 3, 20])
    assert set(trajectories[..., 2].ravel()) == {10, 20, 30, 40}


def test_morris_trajectories_move_whole_numbers_too() -> None:
    for high in range(2, 9):
        design = Morris(trajectories=10, ranges={"a": (0, 1), "n": {"low": 1, "high": high, "whole": True}})
        steps = np.diff(np.array(rows(design)).reshape(10, 3, 2), axis=1)
        assert ((steps != 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize("form", ["latin_hypercube", "sobol", "saltelli", "morris"])
def test_a_design_depends_on_its_seed_alone(form: str) -> None:
    def found(seed: int) -> Any:
        size = {"trajectories": 4} if form == "morris" else {"samples": 4}
        return points(_swept({form: {**size, "seed": seed, "ranges": {"lam": [0, 1], "learning.rate": [0.1, 1]}}}))

    assert found(1) == found(1)
    assert found(1) != found(2)


finite = st.floats(-1e12, 1e12)


@given(st.floats(0, 1), finite, finite, st.booleans(), st.booleans())
def test_values_stay_in_their_range(unit: float, one: float, other: float, log: bool, whole: bool) -> None:
    low, high = sorted((one, other))
    if log:
        low, high = 1e-6 + abs(low), 1e-6 + abs(low) + (high - low)
    if whole:
        low, high = float(math.floor(low) + log), float(math.floor(high) + 1 + log)
    if low < high:
        found = value(unit, Interval(low, high, log, whole))
        assert low <= found <= high
        assert not whole or isinstance(found, int)


def test_forms_are_combined_the_last_one_fastest() -> None:
    scenario = _swept(
        {
            "grid": {"learning.regime": ["retrain", "incremental"]},
            "sobol": {"samples": 4, "ranges": {"lam": [0, 1]}},
            "table": [{"learning.rate": 0.5, "learning.sharing": 0}, {"learning.rate": 1, "learning.sharing": 0.5}],
        }
    )
    found = points(scenario)
    lam = [lam for (lam,) in rows(scenario.sweep.sobol)]  # type: ignore[arg-type,union-attr]
    assert scenario.sweep is not None
    assert len(found) == scenario.sweep.size == 16
    assert all(tuple(point) == scenario.sweep.keys for point in found)
    assert scenario.sweep.keys == ("learning.regime", "lam", "learning.rate", "learning.sharing")
    assert [point["learning.regime"] for point in found] == ["retrain"] * 8 + ["incremental"] * 8
    assert [point["lam"] for point in found] == [each for _ in range(2) for each in lam for _ in range(2)]
    assert [point["learning.rate"] for point in found] == [0.5, 1] * 8
    last = variant(scenario, found[-1])
    assert (last.learning.regime, last.learning.rate, last.parameters["lam"]) == ("incremental", 1, lam[-1])
    assert Scenario(**scenario.settings()) == scenario


def test_what_a_design_sweeps_cannot_be_set_beside_it() -> None:
    scenario = _swept({"latin_hypercube": {"samples": 3, "ranges": {"lam": [0, 1]}}})
    with pytest.raises(InputError, match="'lam' is swept"):
        scenario.with_({"lam": 0.3})
    assert len(points(scenario.with_({"sweep.latin_hypercube.samples": 5}))) == 5
    expect = {"table": "rounds", "column": "alignment", "where": {"lam": 0}, "sign": "positive", "source": "t"}
    assert _swept({"latin_hypercube": {"samples": 3, "ranges": {"lam": [0, 1]}}}, expect=[expect]).expect


@pytest.mark.parametrize(
    ("sweep", "told"),
    [
        ({"sobol": {"samples": 100, "ranges": {"lam": [0, 1]}}}, r"sweep.sobol.samples: .* 64 and 128 \(got 100\)"),
        ({"saltelli": {"samples": 3, "ranges": {"lam": [0, 1]}}}, r"sweep.saltelli.samples: .* 2 and 4 \(got 3\)"),
        ({"sobol": {"samples": 4, "ranges": {}}}, "sweep.sobol.ranges: must have at least 1 entry"),
        ({"sobol": {"samples": 4, "ranges": {"lam": [1, 0]}}}, "sweep.sobol.ranges.lam: low must be less than high"),
        ({"sobol": {"samples": 4, "ranges": {"lam": [0]}}}, "sweep.sobol.ranges.lam"),
        ({"sobol": {"samples": 4, "ranges": {"lam": [0, "inf"]}}}, r"ranges.lam\[1\]: must be a finite number"),
        ({"sobol": {"samples": 4, "ranges": {"lam": [-1e308, 1e308]}}}, "the range is too wide"),
        (
            {"sobol": {"samples": 4, "ranges": {"lam": {"low": 0, "high": 1, "scale": "log"}}}},
            r"on a log scale low must be more than 0 \(got 0\)",
        ),
        (
            {"sobol": {"samples": 4, "ranges": {"rounds": {"low": 0.5, "high": 2, "whole": True}}}},
            r"bounds of whole numbers are whole \(got 0.5 and 2\)",
        ),
        ({"sobol": {"samples": 4, "ranges": {"lma": [0, 1]}}}, "sweep.sobol.ranges.lma: 'lma' is neither a parameter"),
        (
            {"sobol": {"samples": 4, "ranges": {"lam": [0, 1], "learning.rate": [0, "= lam"]}}},
            r"sweep.sobol.ranges.learning.rate\[1\]: refers to 'lam', which is swept itself",
        ),
        (
            {"morris": {"trajectories": 2, "levels": 3, "ranges": {"lam": [0, 1]}}},
            "sweep.morris.levels: .*multiple of 2",
        ),
        (
            {"grid": {"lam": [0.1]}, "sobol": {"samples": 4, "ranges": {"lam": [0, 1]}}},
            "'lam' stands under grid and under sobol",
        ),
        ({"table": [{"lam": 0.1}, {"rounds": 2}]}, r"every row of the table has the keys of the first \(row 1 has"),
        (
            {"latin_hypercube": {"samples": MAX_POINTS + 1, "ranges": {"lam": [0, 1]}}},
            "has 100,001 points, and at most",
        ),
        ({"saltelli": {"samples": 2**50, "ranges": {"lam": [0, 1]}}}, r"has more than 10\*\*15 points"),
        (
            {"grid": {f"models.{m}.diet.{k}": list(range(1000)) for m in "pq" for k in ("real", "raw")}},
            "1,000,000,000,000",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep_is_told(sweep: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        _swept(sweep)


def test_morris_without_salib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.sample.morris", None)
    with pytest.raises(InputError, match=r'sweep\.morris: .*pip install "ecosystem-sim\[sensitivity\]"'):
        _swept({"morris": {"trajectories": 2, "ranges": {"lam": [0, 1]}}})


def test_a_sweep_without_a_design_does_not_load_scipy() -> None:
    code = (
        "import sys, ecosystem.scenario as s, scenario.valid as v\n"
        "s.points(s.Scenario(**v.SMALL, sweep={'grid': {'lam': [0.1]}, 'table': [{'learning.rate': 1}]}))\n"
        "assert not {'scipy', 'SALib', 'torch', 'mesa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", f"import sys; sys.path.append('tests'); {code}"], check=True)


def _swept(sweep: Any, **more: Any) -> Scenario:
    return Scenario(**SMALL, sweep=sweep, **more)
