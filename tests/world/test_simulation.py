"""Runs from beginning to end: when they stop, what they write down, what becomes of those that fail."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ecosystem import Ecosystem, Scenario
from ecosystem.plan.runs import Run, plan
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import blueprint
from ecosystem.world.simulation import Outcome, simulate

WRITTEN: dict[str, Any] = {
    "name": "simulated",
    "rounds": 7,
    "parameters": {"lam": 0.5},
    "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
    "real": [0.5, 0.3, 0.2],
    "rewards": {"up": [0, 1, 2], "split": [[1, 0, 0], [0, 0, 1]]},
    "models": [
        {
            "name": "p",
            "reward": "up",
            "diet": {"real": "= 1 - lam", "curated": "= lam"},
            "curation": {"method": "luce", "candidates": 3},
        },
        {"name": "q", "diet": {"real": 0.5, "neighbours_curated": 0.5}},
    ],
    "network": {"edges": [{"from": "p", "to": "q"}]},
}
STABLE = {"max": 2000, "until": "stable", "tolerance": 1e-8}


def runs(seeds: int = 1, **changes: Any) -> tuple[Run, ...]:
    return plan(Scenario(**WRITTEN | changes), seeds).runs


def table(outcome: Outcome, name: str, run: Run) -> pd.DataFrame:
    rows = outcome.tables[name]
    frame: pd.DataFrame = rows.filter(pc.equal(rows["run"], run.id)).to_pandas()
    return frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, "str"))


def recorded(outcome: Outcome, run: Run) -> list[int]:
    return sorted(set(table(outcome, "models", run)["round"]))


# Which rounds


@pytest.mark.parametrize(
    ("rounds", "every", "expected"),
    [
        (7, 1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (7, 3, [0, 3, 6, 7]),
        (6, 3, [0, 3, 6]),
        (7, 100, [0, 7]),
        (0, 1, [0]),
        ({"max": 4, "until": "stable"}, 3, [0, 3, 4]),
    ],
)
def test_every_nth_round_and_the_last_are_written(rounds: Any, every: int, expected: list[int]) -> None:
    asked = runs(rounds=rounds, record={"every": every, "states": True, "alignments": True})
    outcome = simulate(asked)
    for name, rows in {"models": 2, "rounds": 1, "alignments": 4, "states": 12}.items():
        found = table(outcome, name, asked[0])["round"]
        assert found.tolist() == sorted(expected * rows), name


def test_a_world_stops_when_it_is_stable_and_not_before() -> None:
    asked = runs(rounds=STABLE, record={"states": True}, sweep={"grid": {"lam": [0.1, 0.5, 0.9]}})
    outcome = simulate(asked)
    lasts = []
    for run in asked:
        states = table(outcome, "states", run)
        p = states["probability"].to_numpy().reshape(-1, 12)
        moved = np.abs(np.diff(p, axis=0)).max(1)
        assert moved[-1] <= 1e-8
        assert (moved[:-1] > 1e-8).all()
        assert recorded(outcome, run) == list(range(len(p)))
        lasts.append(len(p) - 1)
    assert len(set(lasts)) == 3
    assert max(lasts) < 2000


@pytest.mark.parametrize("every", [1, 10])
def test_a_world_alone_is_the_world_in_a_batch_however_long_the_others_take(every: int) -> None:
    asked = runs(
        rounds=STABLE,
        record={"states": True, "alignments": True, "every": every},
        sweep={"grid": {"lam": [0.9, 0.1, 0.5, 0.7]}},
    )
    together = simulate(asked)
    for run in asked:
        alone = simulate([run])
        assert recorded(alone, run) == recorded(together, run)
        for name in ("models", "rounds", "states", "alignments"):
            assert table(alone, name, run).equals(table(together, name, run)), name


def test_a_world_that_never_rests_ends_at_the_most_rounds() -> None:
    outcome = simulate(asked := runs(rounds={"max": 5, "until": "stable", "tolerance": 1e-300}))
    assert recorded(outcome, asked[0]) == [0, 1, 2, 3, 4, 5]
    assert outcome.errors == {}


USERS: dict[str, dict[str, Any]] = {
    "who leave": {"feedback": {"method": "retention", "scale": 1.0, "arrivals": 2}},
    "who turn to another": {"choice": {"method": "multiplicative", "rate": 0.5}},
}


@pytest.mark.parametrize("users", USERS)
def test_a_world_is_not_stable_while_its_users_move(users: str) -> None:
    groups = [
        {"name": "A", "size": 10, "contexts": [0], "reward": "up"},
        {"name": "B", "size": 30, "contexts": [1], "reward": "split"},
    ]
    models = [
        {"name": name, "initial": law, "diet": {"raw": 1}} for name, law in (("m", [1, 0, 0]), ("n", [0, 0.5, 0.5]))
    ]
    asked = runs(rounds=STABLE, models=models, network={"edges": []}, users={"groups": groups, **USERS[users]})
    outcome = simulate(asked)  # no model ever changes
    found = table(outcome, "groups", asked[0]).pivot(index="round", columns="group", values=["active", "satisfaction"])
    found = found.to_numpy() / [40, 40, 1, 1]
    moved = np.abs(np.diff(found, axis=0)).max(1)
    assert 10 < len(moved) < 2000
    assert moved[-1] < 1e-7
    assert (moved[1:-3] > 1e-8).all()


def test_a_model_that_learns_real_data_alone_rests_after_one_round() -> None:
    still = [{"name": "m", "initial": [1, 0, 0], "diet": {"real": 1}}]
    outcome = simulate(asked := runs(rounds=STABLE, models=still, network={"edges": []}))
    assert recorded(outcome, asked[0]) == [0, 1, 2]  # it moves in the first round, and does not in the second


# Runs that fail


def diverging(dimension: int, mode: str, corpus: Any) -> tuple[Run, ...]:
    """A model that reads itself, stretched: 1 dies out, 1e40 and 1e80 overflow at different rounds."""
    identity = [["= stretch" if row == column else 0 for column in range(dimension)] for row in range(dimension)]
    written = Scenario(
        name="diverging",
        rounds=8,
        mode=mode,
        parameters={"stretch": 0.5},
        outputs={"kind": "gaussian", "dimension": dimension},
        rewards={"sum": {"linear": [1] * dimension}},
        models=[{"name": "m", "reward": "sum", "diet": {"neighbours_raw": 1}, "initial": {"mean": [1] * dimension}}],
        network={"edges": [{"from": "m", "to": "m", "channel": {"matrix": identity}}]},
        learning={"examples": 20, "corpus": corpus},
        sweep={"grid": {"stretch": [1e40, 0.5, 1e80]}},
    )
    return plan(written).runs


@pytest.mark.parametrize("corpus", ["replace", "accumulate", {"window": 2}])
@pytest.mark.parametrize("mode", ["exact", "sampled"])
@pytest.mark.parametrize("dimension", [1, 3])
def test_a_state_that_is_no_longer_finite_fails_its_run_alone(dimension: int, mode: str, corpus: Any) -> None:
    asked = diverging(dimension, mode, corpus)
    outcome = simulate(asked)
    # Second moments are the square of stretch^t: (1e40)^(2·4) and (1e80)^(2·2) exceed 1.8e308.
    assert outcome.errors == {
        asked[0].id: "not finite since round 4: the outputs of m",
        asked[2].id: "not finite since round 2: the outputs of m",
    }
    assert recorded(outcome, asked[1]) == list(range(9))
    for name in ("models", "rounds"):
        assert table(outcome, name, asked[1]).equals(table(simulate([asked[1]]), name, asked[1]))
        assert set(outcome.tables[name].to_pandas()["run"]) == {asked[1].id}
    assert set(outcome.networks) == {asked[1].id}


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_users_whose_data_are_no_longer_finite_fail_their_run_alone(mode: str) -> None:
    drifting = Scenario(
        name="drifting",
        rounds=8,
        mode=mode,
        parameters={"strength": 0.5},
        outputs={"kind": "gaussian", "dimension": 3},
        models=[{"name": "m", "initial": {"mean": [0, 0, 0], "covariance": 1}, "diet": {"users": 1}}],
        learning={"examples": 20},
        users={
            "groups": [{"name": "all", "size": 10, "contexts": [0], "data": {"mean": [1, 1, 1]}}],
            "feedback": {"method": "drift", "strength": "= strength"},
        },
        sweep={"grid": {"strength": [1e80, 0.5]}},
    )
    asked = plan(drifting).runs
    outcome = simulate(asked)
    assert outcome.errors == {asked[0].id: "not finite since round 2: the data of all"}
    alone = simulate([asked[1]])
    for name in ("models", "rounds", "groups"):
        assert table(outcome, name, asked[1]).equals(table(alone, name, asked[1]))


def test_a_network_that_cannot_be_made_fails_its_run_alone() -> None:
    models = [{"name": "m", "count": 5, "diet": {"real": 0.5, "neighbours_raw": 0.5}}]
    asked = runs(
        models=models, network={"generator": "random_regular", "d": 2}, sweep={"grid": {"network.d": [2, 3, 4]}}
    )
    outcome = simulate(asked)  # five nodes of degree three would be seven and a half edges
    assert list(outcome.errors) == [asked[1].id]
    assert "random_regular" in outcome.errors[asked[1].id]
    assert set(outcome.tables["models"].to_pandas()["run"]) == {asked[0].id, asked[2].id}
    assert len(set(outcome.networks.values())) == 2


def test_where_every_run_fails_there_are_no_tables() -> None:
    asked = diverging(1, "exact", "replace")[::2]
    outcome = simulate(asked)
    assert set(outcome.errors) == {run.id for run in asked}
    assert outcome.tables == {}


# What is written


def test_tables_have_their_columns_and_types() -> None:
    asked = runs(seeds=3, record={"states": True, "alignments": True}, sweep={"grid": {"lam": [0.2, 0.4]}})
    tables = simulate(asked).tables
    text = pa.dictionary(pa.int32(), pa.string())
    start = {"run": text, "round": pa.int64()}
    measured = (
        "alignment",
        "alignment_served",
        "reward_variance",
        "entropy",
        "divergence_real",
        "divergence_initial",
        "distance_real",
        "displacement",
        "volume",
    )
    gaps = ("alignment", "preference_bias", "disparate_bias", "representation_gap", "systemic_failure")
    expected: dict[str, dict[str, pa.DataType]] = {
        "models": start | {"model": text} | dict.fromkeys(measured, pa.float64()) | {"distance": pa.int64()},
        "rounds": start | dict.fromkeys(gaps, pa.float64()),
        "alignments": start | {"model": text, "reward": text, "value": pa.float64()},
        "states": start | {"model": text, "context": pa.int64(), "output": pa.int64(), "probability": pa.float64()},
        "network": {
            "network": text,
            "source": text,
            "target": text,
            "weight": pa.float64(),
            "since": pa.int64(),
            "until": pa.int64(),
        },
    }
    assert {name: dict(zip(found.schema.names, found.schema.types, strict=True)) for name, found in tables.items()} == (
        expected
    )
    rows = {"models": 2, "rounds": 1, "alignments": 4, "states": 12}
    assert {name: found.num_rows for name, found in tables.items() if name != "network"} == {
        name: count * 8 * 6 for name, count in rows.items()
    }


def test_states_and_alignments_are_written_only_where_they_are_asked_for() -> None:
    assert set(simulate(runs()).tables) == {"models", "rounds", "network"}
    assert set(simulate(runs(record={"states": True})).tables) == {"models", "rounds", "network", "states"}


@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_states_and_alignments_are_those_of_the_state(mode: str) -> None:
    settings = {"mode": mode, "learning": {"examples": 30}, "record": {"every": 2, "states": True, "alignments": True}}
    asked = runs(seeds=2, **settings)
    outcome = simulate(asked)
    up, split = np.array([[0, 1, 2]] * 2), np.array([[1, 0, 0], [0, 0, 1]])
    for run in asked:
        states = table(outcome, "states", run).set_index(["round", "model", "context", "output"])["probability"]
        values = table(outcome, "alignments", run).set_index(["round", "model", "reward"])["value"]
        model = Ecosystem(run.scenario, run.seed)
        for round_ in range(8):
            if round_ in (0, 2, 4, 6, 7):
                p = model.state.p[0].numpy()
                for index, name in enumerate("pq"):
                    for context in (0, 1):
                        assert states[round_, name, context].to_numpy() == pytest.approx(p[index, context], abs=1e-14)
                    for reward, r in {"up": up, "split": split}.items():
                        assert values[round_, name, reward] == pytest.approx((p[index] * r).sum(-1).mean(), abs=1e-14)
            with one_thread():
                model.step()
        assert len(states) == 5 * 12
        assert len(values) == 5 * 4


def test_the_mean_alignment_of_a_round_leaves_models_without_a_reward_out() -> None:
    models = [*WRITTEN["models"], {"name": "r", "reward": "split", "initial": [1, 0, 0], "diet": {"raw": 1}}]
    outcome = simulate(asked := runs(models=models))
    rows = table(outcome, "models", asked[0]).pivot(index="round", columns="model", values="alignment")
    found = table(outcome, "rounds", asked[0]).set_index("round")["alignment"]
    assert rows["q"].isna().all()
    assert (rows["r"] == 0.5).all()  # all of it in one context, nothing in the other
    assert found.to_numpy() == pytest.approx(((rows["p"] + 0.5) / 2).to_numpy(), abs=1e-15)
    alone = simulate(asked := runs(models=WRITTEN["models"][1:], network={"edges": []}))
    assert alone.tables["rounds"]["alignment"].null_count == 8
    assert alone.tables["models"]["alignment"].null_count == 8


def test_what_needs_users_is_null_without_any() -> None:
    tables = simulate(runs()).tables
    assert tables["models"]["volume"].null_count == 16
    for name in ("preference_bias", "disparate_bias", "representation_gap", "systemic_failure"):
        assert tables["rounds"][name].null_count == 8


def test_runs_of_any_shape_are_done_in_one_call() -> None:
    asked = runs(sweep={"zip": {"lam": [0.2, 0.3, 0.2], "learning.regime": ["retrain", "incremental", "incremental"]}})
    other = runs(
        rounds=2,
        outputs={"kind": "categorical", "size": 2},
        real=[0.5, 0.5],
        rewards={},
        models=[{"name": "z", "diet": {"raw": 1}}],
        network={"edges": []},
    )
    every = (asked[0], *other, *asked[1:])
    assert len({blueprint(run.scenario, run.seed).shape for run in every}) == 3
    outcome = simulate(every)
    assert outcome.errors == {}
    assert set(outcome.seconds) == set(outcome.networks) == {run.id for run in every}
    for run in every:
        assert table(outcome, "models", run).equals(table(simulate([run]), "models", run))
    assert recorded(outcome, other[0]) == [0, 1, 2]


def test_the_same_run_twice_is_the_same_bits() -> None:
    asked = runs(seeds=3, mode="sampled", learning={"examples": 25, "smoothing": 0.1})
    first, second = simulate(asked), simulate(asked)
    assert first.tables["models"].equals(second.tables["models"])
    alignments = [table(first, "models", run)["alignment"].tolist() for run in asked]
    assert alignments[0] != alignments[1] != alignments[2]


def test_progress_is_told_after_every_round() -> None:
    told: list[tuple[int, int]] = []
    simulate(runs(rounds=3), lambda done, rounds: told.append((done, rounds)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    regimes = {"learning.regime": ["retrain", "incremental"]}
    simulate(runs(rounds=3, sweep={"grid": regimes}), lambda done, rounds: told.append((done, rounds)))
    assert told == [(number, 6) for number in range(1, 7)]


def test_what_is_simulated_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Ecosystem]] = []
    together = Ecosystem.together

    def watched(worlds: Any) -> Ecosystem:
        model = together(worlds)
        made.extend([weakref.ref(model), weakref.ref(model.learner), weakref.ref(model.models[0])])
        return model

    monkeypatch.setattr(Ecosystem, "together", watched)
    gc.disable()
    try:
        simulate(diverging(1, "exact", "replace"))
        assert [each() for each in made] == [None, None, None]
    finally:
        gc.enable()


def test_an_ecosystem_that_nobody_holds_is_forgotten() -> None:
    model = weakref.ref(Ecosystem(diverging(1, "exact", "replace")[0].scenario))
    gc.collect()
    assert model() is None
