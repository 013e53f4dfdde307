"""A plan holds every point of the sweep with every seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem import load_scenario
from ecosystem.errors import InputError
from ecosystem.plan.identity import run_id
from ecosystem.plan.runs import plan
from tests.doubles import small


def test_points_times_seeds_in_order() -> None:
    found = plan(small(seeds=[4, 2], sweep={"grid": {"lam": [0.1, 0.2]}}))
    assert [(run.point, run.seed, dict(run.values)) for run in found.runs] == [
        (0, 4, {"lam": 0.1}),
        (0, 2, {"lam": 0.1}),
        (1, 4, {"lam": 0.2}),
        (1, 2, {"lam": 0.2}),
    ]
    assert [run.scenario.models[0].diet.curated for run in found.runs] == [0.1, 0.1, 0.2, 0.2]
    assert all(run.id == run_id(run.scenario, run.seed) for run in found.runs)


def test_without_a_sweep_there_is_one_point() -> None:
    (run,) = plan(small()).runs
    assert (run.point, run.seed, dict(run.values)) == (0, 0, {})


def test_seeds_can_be_replaced() -> None:
    assert [run.seed for run in plan(small(seeds=5), seeds=2).runs] == [0, 1]
    assert [run.seed for run in plan(small(seeds=5), seeds=[7, 3]).runs] == [7, 3]


@pytest.mark.parametrize("seeds", [0, -1, [], [1, 1], [-1]])
def test_seeds_that_are_none_are_refused(seeds: object) -> None:
    with pytest.raises(InputError, match="seeds"):
        plan(small(), seeds=seeds)  # type: ignore[arg-type]


def test_points_that_resolve_alike_are_one_run() -> None:
    parameters = {"lam": 0.5, "unused": 0}
    found = plan(small(parameters=parameters, sweep={"grid": {"unused": [1, 2], "lam": [0.3, 0.4]}}))
    assert [run.point for run in found.runs] == [0, 1, 2, 3]
    assert found.runs[0].id == found.runs[2].id
    assert [run.point for run in found.unique] == [0, 1]


def test_every_point_that_is_not_valid_is_told() -> None:
    with pytest.raises(InputError) as caught:
        plan(small(sweep={"grid": {"lam": [0.5, 1.5, 2.5]}}))
    assert "lam = 1.5" in str(caught.value)
    assert "lam = 2.5" in str(caught.value)


@pytest.mark.parametrize("key", ["name", "record.every", "seeds"])
def test_what_changes_no_result_cannot_be_swept(key: str) -> None:
    with pytest.raises(InputError, match=key):
        plan(small(sweep={"grid": {key: ["a", "b"] if key == "name" else [1, 2]}}))


def test_a_network_file_that_does_not_fit_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text("from,to\na,stranger\n", encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: n\nrounds: 1\noutputs: {kind: categorical, size: 2}\n"
        "models: [{name: a, diet: {real: 1}}]\nnetwork: {file: edges.csv}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="stranger"):
        plan(load_scenario(path))
