"""Sobol's and Morris' measures, recovered where they are known: Ishigami's function and a linear one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
import ecosystem
from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from ecosystem.scenario.sweeps import points
from tests.doubles import small
from tests.doubles.tables import MadeUp

CUBE = {name: [-np.pi, np.pi] for name in ("x", "y", "z")}


class Answered(MadeUp):
    """A sweep of which each run gave what a function says of its point."""

    def __init__(self, scenario: Scenario, answer: Callable[..., Any], noise: float = 0.0) -> None:
        self.scenario = scenario
        table = pd.DataFrame(list(points(scenario)))
        seeds = len(scenario.seed_list)
        runs = table.loc[table.index.repeat(seeds)].rename_axis("point").reset_index()
        runs.insert(1, "seed", np.tile(np.arange(seeds), len(table)))
        runs.insert(0, "run", [f"r{number}" for number in range(len(runs))])
        value = answer(**{name: runs[name] for name in table.columns})
        value = value + np.random.default_rng(5).normal(0, noise, len(runs)) if noise else value
        super().__init__(runs, rounds=pd.DataFrame({"run": runs["run"], "round": 2, "alignment": value}))


def swept(sweep: dict[str, Any], seeds: int = 1, **more: float) -> Scenario:
    return small(parameters={"lam": 0.5, "x": 0, "y": 0, "z": 0} | more, sweep=sweep, seeds=seeds)


def ishigami(x: Any, y: Any, z: Any) -> Any:
    return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)


def exact_ishigami() -> dict[str, dict[str, float]]:
    """Sobol's indices of Ishigami's function in closed form (Saltelli et al. 2000), a = 7, b = 0.1."""
    a, b = 7.0, 0.1
    of_x, of_y = (1 + b * np.pi**4 / 5) ** 2 / 2, a**2 / 8
    of_xz = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    total = of_x + of_y + of_xz
    first = {"x": of_x / total, "y": of_y / total, "z": 0.0}
    return {"first": first, "total": {"x": (of_x + of_xz) / total, "y": of_y / total, "z": of_xz / total}}


def test_sobol_indices_of_ishigamis_function_are_recovered() -> None:
    found = analysis.sobol(Answered(swept({"saltelli": {"samples": 2048, "ranges": CUBE}}), ishigami), "alignment")
    assert len(found) == 6 and (found["n"] == 2048).all()
    for order, known in exact_ishigami().items():
        rows = found[found["order"] == order].set_index("parameter")
        for name, index in known.items():
            assert rows.loc[name, "index"] == pytest.approx(index, abs=0.02)
            assert rows.loc[name, "low"] - 0.01 <= index <= rows.loc[name, "high"] + 0.01
    a, b = 7.0, 0.1
    assert found["variance"].iloc[0] == pytest.approx(
        a**2 / 8 + b * np.pi**4 / 5 + b**2 * np.pi**8 / 18 + 0.5, rel=0.02
    )


def test_seeds_of_a_point_are_averaged() -> None:
    sweep = {"saltelli": {"samples": 256, "ranges": CUBE}}
    one = analysis.sobol(Answered(swept(sweep, seeds=1), ishigami), "alignment")
    same = analysis.sobol(Answered(swept(sweep, seeds=3), ishigami), "alignment")
    pd.testing.assert_frame_equal(one, same)
    noisy = analysis.sobol(Answered(swept(sweep, seeds=30), ishigami, noise=2.0), "alignment")
    assert noisy["index"].to_numpy() == pytest.approx(one["index"].to_numpy(), abs=0.1)


def test_other_forms_of_the_sweep_have_indices_of_their_own() -> None:
    """Beside a grid before and a table after the design, each row of answers still meets its point."""
    sweep = {
        "grid": {"a": [1.0, 3.0]},
        "saltelli": {"samples": 512, "ranges": {"x": [0, 1], "y": [0, 1]}},
        "table": [{"b": 0.0}, {"b": 1.0}, {"b": 2.0}],
    }
    results = Answered(swept(sweep, a=1, b=0), lambda a, x, y, b: a * x + b * y)
    found = analysis.sobol(results, "alignment").set_index(["a", "b", "order", "parameter"])["index"]
    for a in (1.0, 3.0):
        for b in (0.0, 1.0, 2.0):
            for order in ("first", "total"):  # nothing interacts
                known = (a**2 / (a**2 + b**2), b**2 / (a**2 + b**2))
                assert found.loc[a, b, order].tolist() == pytest.approx(known, abs=0.03)


def test_a_sample_with_a_failed_run_is_left_out_and_a_flat_result_has_no_index() -> None:
    results = Answered(swept({"saltelli": {"samples": 512, "ranges": CUBE}}), ishigami)
    rounds = results.table("rounds").drop(index=[3, 700, 1500])
    lost = Answered(results.scenario, ishigami)
    lost._tables = {"rounds": rounds}
    found = analysis.sobol(lost, "alignment")
    assert (found["n"] == 509).all()
    assert found["index"].to_numpy() == pytest.approx(
        analysis.sobol(results, "alignment")["index"].to_numpy(), abs=0.15
    )
    flat = analysis.sobol(Answered(results.scenario, lambda x, y, z: 0 * x + 4.0), "alignment")
    assert flat["index"].isna().all() and (flat["variance"] == 0).all()


def test_morris_effects_of_a_linear_function_are_its_slopes_over_the_ranges() -> None:
    ranges = {"x": [0, 2], "y": {"low": 1, "high": 100, "scale": "log"}, "z": {"low": 1, "high": 3, "whole": True}}
    sweep = {"morris": {"trajectories": 20, "ranges": ranges}}
    results = Answered(swept(sweep), lambda x, y, z: 3 * x - 0.5 * np.log10(y))
    found = analysis.morris(results, "alignment").set_index("parameter")
    assert found["mu"].tolist() == pytest.approx([6.0, -1.0, 0.0], abs=1e-9)
    assert found["mu_star"].tolist() == pytest.approx([6.0, 1.0, 0.0], abs=1e-9)
    assert found["sigma"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert found["low"].tolist() == pytest.approx(found["high"].tolist(), abs=1e-9)
    assert (found["n"] == 20).all()


def test_morris_tells_what_interacts_from_what_does_not() -> None:
    """Of f = x·y + z on the unit cube: effects of x are y, uniform over the levels that x's steps meet."""
    unit = {name: [0, 1] for name in ("x", "y", "z")}
    results = Answered(swept({"morris": {"trajectories": 400, "ranges": unit}}), lambda x, y, z: x * y + z)
    found = analysis.morris(results, "alignment").set_index("parameter")
    assert found.loc["x", "mu"] == pytest.approx(0.5, abs=0.05)
    levels = np.array([0, 1 / 3, 2 / 3, 1])
    assert found.loc["x", "sigma"] == pytest.approx(levels.std(), abs=0.03)
    assert found.loc["x", "low"] < 0.5 < found.loc["x", "high"]
    assert found.loc["z", ["mu", "sigma"]].tolist() == pytest.approx([1.0, 0.0], abs=1e-9)


def test_a_trajectory_with_a_failed_run_is_left_out() -> None:
    unit = {name: [0, 1] for name in ("x", "y", "z")}
    results = Answered(swept({"morris": {"trajectories": 10, "ranges": unit}}), lambda x, y, z: x + 2 * y)
    results._tables = {"rounds": results.table("rounds").drop(index=[0, 9])}
    found = analysis.morris(results, "alignment")
    assert (found["n"] == 8).all()
    assert found["mu"].tolist() == pytest.approx([1, 2, 0], abs=1e-9)


def test_of_a_single_trajectory_there_are_no_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = {"morris": {"trajectories": 2, "ranges": {"x": [0, 1], "y": [0, 1]}}}
    results = Answered(swept(sweep), lambda x, y: x + 2 * y)
    results._tables = {"rounds": results.table("rounds").drop(index=[0])}
    found = analysis.morris(results, "alignment")
    assert found["parameter"].tolist() == ["x", "y"] and (found["n"] == 1).all()
    assert found[["mu", "mu_star", "low", "high", "sigma"]].isna().all(axis=None)
    monkeypatch.setitem(sys.modules, "SALib.analyze.morris", None)
    with pytest.raises(EcosystemError, match=r"Morris' effects need SALib: pip install .*\[sensitivity\]"):
        analysis.morris(results, "alignment")


def test_a_run_of_the_program_gives_the_sensitivity_of_its_results() -> None:
    """A model that takes a part lam of its training from what is curated; an idle parameter matters nothing."""
    scenario = small(
        parameters={"lam": 0.5, "idle": 0},
        sweep={"saltelli": {"samples": 16, "ranges": {"lam": [0.1, 0.9], "idle": [0, 1]}}},
    )
    results = ecosystem.run(scenario)
    found = analysis.sobol(results, "alignment", "models", where={"model": "p"})
    index = found.set_index(["order", "parameter"])["index"]
    assert index["total", "idle"] == pytest.approx(0, abs=1e-12)
    assert index["total", "lam"] > 0.9
    # the same estimate as the one that SciPy makes of these runs
    value = analysis.outcome(results, "alignment", "models", where={"model": "p"}).sort_values("point")["value"]
    a, b, *mixed = value.to_numpy().reshape(4, 16)
    plain = stats.sobol_indices(func={"f_A": a[None], "f_B": b[None], "f_AB": np.array(mixed)[:, None]}, n=16)
    for order, expected in (("first", plain.first_order), ("total", plain.total_order)):
        assert [index[order, name] for name in ("lam", "idle")] == pytest.approx(np.ravel(expected))


def test_disparate_bias_depends_on_rate_and_sharing_alone() -> None:
    """DB is 0.2 (1 − ητ)^5, η and τ uniform on [.1, .9]: each makes .4911 of the variance, both together the rest."""
    results = ecosystem.run("performative_sensitivity")
    found = analysis.sobol(results, "disparate_bias").set_index(["learning.regime", "order", "parameter"])
    there = found.loc["incremental"]
    nodes, weights = np.polynomial.legendre.leggauss(20)
    unit, weights = 0.5 + 0.4 * nodes, weights / 2
    f = 0.2 * (1 - np.outer(unit, unit)) ** 5
    mean, square = weights @ f @ weights, weights @ f**2 @ weights
    first = (weights @ (f @ weights) ** 2 - mean**2) / (square - mean**2)
    for order, index in (("first", first), ("total", 1 - first)):
        rows = there.loc[order]
        assert abs(rows.loc["step", "index"]) < 1e-12
        for name in ("learning.rate", "learning.sharing"):
            assert rows.loc[name, "low"] < index < rows.loc[name, "high"]
            assert rows.loc[name, "index"] == pytest.approx(index, abs=0.06)
    assert there["variance"].iloc[0] == pytest.approx(square - mean**2, rel=0.02)


def test_without_the_design_there_is_nothing_to_compute() -> None:
    results = Answered(swept({"grid": {"x": [0, 1]}}), lambda x: x)
    for measure, form in ((analysis.sobol, "saltelli"), (analysis.morris, "morris")):
        with pytest.raises(EcosystemError, match=f"no sweep of the form {form}"):
            measure(results, "alignment")  # type: ignore[arg-type]
