"""What is written of whom, and rows that are handed over as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecosystem import Scenario
from ecosystem.plan.runs import Run, plan
from ecosystem.scenario.fields.learning import Record
from ecosystem.world import recording, simulation
from ecosystem.world.blueprint import blueprint
from ecosystem.world.network import hops
from ecosystem.world.simulation import Outcome, simulate

WRITTEN: dict[str, Any] = {
    "name": "recorded",
    "rounds": 6,
    "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
    "real": {"draw": "dirichlet"},
    "rewards": {"up": [0, 1, 2]},
    "models": [
        {"name": "m", "count": 12, "reward": "up", "diet": {"real": 0.5, "neighbours_raw": 0.5}},
        {"name": "silent", "diet": {"raw": 1}},
    ],
    "curated": {"count": 2, "by": "degree", "curation": {"method": "luce", "candidates": 3, "reward": "up"}},
    "network": {"generator": "gnp_random", "p": 0.2, "directed": True},
    "users": {
        "groups": [
            {"name": "A", "size": 10, "contexts": [0], "reward": "up"},
            {"name": "B", "size": 20, "contexts": [0, 1]},
        ]
    },
}
MEANS = ("alignment_served", "reward_variance", "entropy", "divergence_real", "displacement", "volume")


def runs(seeds: int = 2, **changes: Any) -> tuple[Run, ...]:
    return plan(Scenario(**WRITTEN | changes), seeds).runs


def frame(tables: Mapping[str, pa.Table], name: str) -> pd.DataFrame:
    found: pd.DataFrame = tables[name].to_pandas()
    return found.astype(dict.fromkeys(found.select_dtypes("category").columns, "str"))


def test_a_sample_of_models_is_part_of_all_of_them_and_of_a_larger_sample() -> None:
    every = {"states": True, "alignments": True}
    whole, few, more = (simulate(runs(record=every | {"models": models})).tables for models in ("all", 3, 7))
    for name in ("models", "states", "alignments"):
        all_rows, some = frame(whole, name), frame(few, name)
        assert some["model"].nunique() == 3
        assert set(some["model"]) < set(frame(more, name)["model"])
        matching = all_rows[all_rows["model"].isin(set(some["model"]))].reset_index(drop=True)
        pd.testing.assert_frame_equal(some, matching)
    for name in ("rounds", "groups"):
        pd.testing.assert_frame_equal(frame(whole, name), frame(few, name))


def test_named_models_alone_are_written_in_their_order() -> None:
    tables = simulate(runs(1, record={"models": ["silent", "m3"], "every": 3})).tables
    assert frame(tables, "models")["model"].tolist() == ["m3", "silent"] * 3


def test_aggregates_are_means_over_the_models_that_have_the_quantity() -> None:
    whole = frame(simulate(runs()).tables, "models")
    tables = simulate(runs(record={"models": "aggregate"})).tables
    assert set(tables) == {"rounds", "groups", "network"}
    rounds = frame(tables, "rounds")
    assert len(rounds) == 2 * 7
    expected = whole.groupby(["run", "round"], sort=False)[["alignment", *MEANS]].mean()
    found = rounds.set_index(["run", "round"])[["alignment", *MEANS]]
    np.testing.assert_allclose(found.to_numpy(), expected.loc[found.index].to_numpy(), rtol=0, atol=1e-13)
    assert whole["alignment"].isna().any() and not rounds["alignment"].isna().any()


@pytest.mark.parametrize("changes", [{}, {"record": {"every": 2, "states": True, "models": 4}}])
def test_rows_handed_over_as_they_come_are_those_held_to_the_end(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = runs(3, **changes)
    held = simulate(asked)
    handed: list[Mapping[str, pa.Table]] = []
    monkeypatch.setattr(simulation, "Recorder", _of_few_bytes)
    outcome = simulate(asked, on_rows=handed.append)
    assert len(handed) > 2
    assert set(outcome.tables) == {"network"}
    for name in held.tables:
        if name == "network":
            continue
        together = pd.concat([frame(tables, name) for tables in handed])
        ours = together.sort_values("run", key=_places(asked), kind="stable").reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, frame(held.tables, name))
    assert outcome.networks == held.networks


def _of_few_bytes(*arguments: Any) -> recording.Recorder:
    return recording.Recorder(*arguments, most=2000)


def _places(asked: tuple[Run, ...]) -> Any:
    place = {run.id: number for number, run in enumerate(asked)}
    return lambda column: column.map(place)


def test_no_more_rows_than_asked_for_are_ever_held(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(simulation, "Recorder", _of_few_bytes)
    simulate(runs(1, rounds=50), on_rows=lambda tables: sizes.append(tables["models"].num_rows))
    assert sum(sizes) == 51 * 13
    assert max(sizes) <= 3 * 13


def test_a_network_is_written_once_however_many_runs_share_it() -> None:
    outcome: Outcome = simulate(runs(5, network={"generator": "barabasi_albert", "m": 2, "seed": 1}))
    assert len(set(outcome.networks.values())) == 1
    network = frame(outcome.tables, "network")
    assert not network.duplicated(["source", "target"]).any()


@pytest.mark.parametrize("seed", range(5))
def test_hops_are_the_shortest_directed_paths(seed: int) -> None:
    world = blueprint(Scenario(**WRITTEN), seed)
    start = np.zeros(len(world.names), dtype=bool)
    start[[1, 4]] = True
    found = dict(zip(world.names, hops(world.edges, start).tolist(), strict=True))
    expected = nx.multi_source_dijkstra_path_length(world.graph, {"m1", "m4"}, weight=None)
    assert {name: steps for name, steps in found.items() if steps >= 0} == expected
    assert set(hops(world.edges, np.zeros_like(start)).tolist()) == {-1}


def test_a_sample_depends_on_nothing_but_the_names() -> None:
    names = [f"m{index}" for index in range(100)]
    first, second = (recording.recorded_models(Record(models=10), names) for _ in range(2))
    assert first is not None and second is not None
    assert first.tolist() == second.tolist() == sorted(set(first.tolist()))
    assert len(first) == 10
