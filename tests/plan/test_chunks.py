"""Runs of like shape are executed together, as many as fit."""

from __future__ import annotations

import pytest

from ecosystem.plan import chunks as chunking
from ecosystem.plan.chunks import bytes_per_world, chunks
from ecosystem.plan.runs import Plan, plan
from tests.doubles import small


def packed(asked: Plan) -> list[list[tuple[int, int]]]:
    found = chunks(asked, [run.id for run in asked.unique])
    return [[(run.point, run.seed) for run in chunk.runs] for chunk in found]


def test_runs_that_differ_in_numbers_share_a_chunk() -> None:
    assert packed(plan(small(seeds=2, sweep={"grid": {"lam": [0.1, 0.2]}}))) == [[(0, 0), (0, 1), (1, 0), (1, 1)]]


def test_runs_of_another_shape_do_not() -> None:
    found = packed(plan(small(sweep={"grid": {"learning.regime": ["retrain", "incremental"], "lam": [0.1, 0.2]}})))
    assert found == [[(0, 0), (1, 0)], [(2, 0), (3, 0)]]
    assert len(packed(plan(small(sweep={"grid": {"rounds": [1, 2]}})))) == 2


def test_a_chunk_has_at_most_256_runs_and_every_run_is_in_one() -> None:
    asked = plan(small(seeds=600))
    found = chunks(asked, [run.id for run in asked.runs])
    assert [len(chunk.runs) for chunk in found] == [256, 256, 88]
    assert [run for chunk in found for run in chunk.runs] == list(asked.runs)
    assert len({chunk.id for chunk in found}) == 3


def test_a_chunk_keeps_to_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plan(small(seeds=10))
    monkeypatch.setattr(chunking, "MOST_BYTES", 3 * bytes_per_world(small()))
    assert [len(chunk) for chunk in packed(asked)] == [3, 3, 3, 1]
    monkeypatch.setattr(chunking, "MOST_BYTES", 1)
    assert [len(chunk) for chunk in packed(asked)] == [1] * 10


def test_larger_runs_need_more() -> None:
    size = bytes_per_world(small())
    assert bytes_per_world(small(rounds=200)) > size
    assert bytes_per_world(small(record={"states": True})) > size
    assert bytes_per_world(small(rounds=200, record={"every": 100})) < bytes_per_world(small(rounds=200))
    until = {"max": 200, "until": "stable"}
    assert bytes_per_world(small(rounds=until)) == bytes_per_world(small(rounds=200))


def test_only_what_is_missing_is_packed() -> None:
    asked = plan(small(seeds=4))
    (chunk,) = chunks(asked, [asked.runs[1].id, asked.runs[3].id])
    assert [run.seed for run in chunk.runs] == [1, 3]
    assert chunks(asked, []) == ()


def test_runs_that_are_the_same_are_executed_once() -> None:
    parameters = {"lam": 0.5, "unused": 0}
    asked = plan(small(parameters=parameters, sweep={"grid": {"lam": [0.3, 0.4], "unused": [1, 2]}}))
    assert len(asked.runs) == 4
    assert packed(asked) == [[(0, 0), (2, 0)]]


def test_the_packing_is_always_the_same() -> None:
    asked = plan(small(seeds=3, sweep={"grid": {"learning.regime": ["retrain", "incremental"]}}))
    ids = [run.id for run in asked.runs]
    assert chunks(asked, ids) == chunks(asked, ids[::-1])
