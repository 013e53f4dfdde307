"""Runs that begin where earlier ones ended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.plan.identity import run_id
from ecosystem.plan.runs import plan
from ecosystem.scenario import load_scenario
from tests.doubles import Engine

MODELS = """\
models:
  - {name: p, reward: good, initial: INITIAL, diet: {raw: 0.4, curated: 0.6}, curation: {candidates: 3}}
  - {name: q, count: 2, reward: good, initial: INITIAL, diet: {real: 0.1, neighbours_raw: 0.9}}
network: {edges: [{from: p, to: q0}, {from: q0, to: q1}]}
learning: {regime: incremental, rate: 0.5}
record: {every: 2, states: true}
"""
CATEGORICAL = "outputs: {kind: categorical, size: 3, contexts: 2}\nrewards: {good: [0, 1, 2]}\n" + MODELS
GAUSSIAN = "outputs: {kind: gaussian, dimension: 2, contexts: 2}\nrewards: {good: {linear: [1, 0.5]}}\n" + MODELS
KINDS = {
    "categorical": (CATEGORICAL, "[0.5, 0.3, 0.2]"),
    "gaussian": (GAUSSIAN, "{mean: [1, 2], covariance: [[1, 0.3], [0.3, 2]]}"),
}


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(kind: str, rounds: int, initial: str | None = None, more: str = "") -> Scenario:
    """The ecosystem of a kind, from its first state or from an earlier one."""
    text, first = KINDS[kind]
    path = Path(f"{kind}{rounds}{'' if initial is None else 'on'}.yaml")
    path.write_text(f"name: on\nrounds: {rounds}\n{more}" + text.replace("INITIAL", initial or first), encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_goes_on_where_an_earlier_one_ended(kind: str) -> None:
    ecosystem.run(written(kind, 5), out="runs/first")  # the last round is recorded, though not a second one
    whole, later = Ecosystem(written(kind, 9)), Ecosystem(written(kind, 4, "{from: runs/first}"))
    for _ in range(5):
        whole.step()
    assert np.abs((later.state.p - whole.state.p).numpy()).max() < 1e-14
    for _ in range(4):
        whole.step()
        later.step()
    assert np.abs((later.state.p - whole.state.p).numpy()).max() < 1e-13
    results = ecosystem.run(written(kind, 4, "{from: runs/first}"), out="runs/second")
    assert results.runs["status"].tolist() == ["done"]


def test_each_seed_goes_on_from_its_own_run_unless_one_is_named() -> None:
    scenario = written("categorical", 3).with_({"mode": "sampled", "learning.examples": 20})
    results = ecosystem.run(scenario, out="runs/seeds", seeds=[3, 8])
    states = results.last("states").set_index(["run", "model", "context", "output"])["probability"]
    runs = results.runs.set_index("seed")["run"]
    for initial, of in (
        ("{from: runs/seeds}", runs[8]),
        (f"{{from: runs/seeds, run: {runs[3]}}}", runs[3]),
    ):
        model = Ecosystem(written("categorical", 2, initial), seed=8)
        found = model.models[0].distribution
        assert found[1].tolist() == [states[of, "p", 1, output] for output in range(3)]
    with pytest.raises(InputError, match=r"no run of seed 5 among 2; say which one is meant"):
        plan(written("categorical", 2, "{from: runs/seeds}"), [5])


def test_what_the_earlier_run_came_to_is_part_of_the_identity() -> None:
    ecosystem.run(written("categorical", 5), out="runs/first")
    scenario = written("categorical", 4, "{from: runs/first}")
    before = run_id(scenario, 0)
    assert run_id(scenario, 0) == before
    shutil.rmtree("runs/first")
    ecosystem.run(written("categorical", 6), out="runs/first")
    after = run_id(scenario, 0)
    assert after != before
    shutil.rmtree("runs/first")
    ecosystem.run(written("categorical", 5), out="runs/first")
    assert run_id(scenario, 0) == before  # the same states in other files


def test_it_stays_what_it_was_when_an_event_changes_something_else() -> None:
    ecosystem.run(written("categorical", 5), out="runs/first")
    event = "events: [{round: 2, set: {learning.rate: 0.9}}]\n"
    model = Ecosystem(written("categorical", 4, "{from: runs/first}", event))
    first = model.state.p.clone()
    for _ in range(3):
        model.step()
    assert np.array_equal(model.batch.initial.numpy(), first.numpy())
    assert Scenario(**written("categorical", 4, "{from: runs/first}").settings()) is not None


def test_results_that_are_not_there_are_told_at_their_place() -> None:
    with pytest.raises(InputError) as caught:
        written("categorical", 4, "{from: runs/none}")
    assert "categorical4on.yaml:6:45: models[0].initial.from: there are no results (got 'runs/none'" in str(
        caught.value
    )
    with pytest.raises(InputError, match=r"models\[0\]\.initial\.form: unknown key|models\[0\]\.initial"):
        written("categorical", 4, "{form: runs/none}")


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ({"record.states": False}, {}, r"models\[0\]\.initial.*have no states; run 'on' again with record"),
        (
            {"outputs.contexts": 1},
            {},
            "categorical outputs of size 3 in 1 context, those of this scenario .* 2 contexts",
        ),
        ({"models.p.name": "r", "network": {}}, {}, r"no model of .*first is called 'p'"),
    ],
)
def test_results_that_do_not_fit_are_refused(first: dict[str, Any], then: dict[str, Any], told: str) -> None:
    ecosystem.run(written("categorical", 3).with_(first), out="runs/first")
    with pytest.raises(InputError, match=told):
        plan(written("categorical", 4, "{from: runs/first}").with_(then))


def test_a_run_that_failed_is_nothing_to_begin_from(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as failing:
        failing.setattr("ecosystem.world.simulation.simulate", Engine(failing={0}))
        ecosystem.run(written("categorical", 3), out="runs/first")
    with pytest.raises(InputError, match=r"models\[0\]\.initial.*no run in .*first is done"):
        plan(written("categorical", 4, "{from: runs/first}"))


def test_a_run_that_is_not_there_is_refused() -> None:
    ecosystem.run(written("categorical", 3), out="runs/first")
    with pytest.raises(InputError, match="has no run 'abc' that is done"):
        plan(written("categorical", 4, "{from: runs/first, run: abc}"))
    with pytest.raises(EcosystemError, match="has no run 'abc'"):
        Ecosystem(written("categorical", 4, "{from: runs/first, run: abc}"))
    os.remove("runs/first/manifest.json")
    with pytest.raises(InputError, match="there are no results"):
        written("categorical", 4, "{from: runs/first}")
