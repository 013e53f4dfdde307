"""Agents are Mesa's, and their numbers are those of the state."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import plan
from ecosystem.threads import one_thread
from ecosystem.world.agents import ModelAgent
from ecosystem.world.blueprint import blueprint
from ecosystem.world.simulation import simulate

WRITTEN: dict[str, Any] = {
    "name": "agents",
    "rounds": 4,
    "outputs": {"kind": "categorical", "size": 3, "contexts": 2},
    "real": [0.5, 0.3, 0.2],
    "rewards": {"up": [0, 1, 2], "split": [[1, 0, 0], [0, 0, 1]]},
    "models": [
        {
            "name": "p",
            "reward": "up",
            "initial": [[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]],
            "diet": {"real": 0.25, "curated": 0.5, "neighbours_raw": 0.25},
            "curation": {"method": "luce", "candidates": 3},
        },
        {"name": "q", "reward": "split", "diet": {"real": 0.5, "neighbours_curated": 0.5}},
        {"name": "r", "diet": {"raw": 0.5, "neighbours_raw": 0.5}},
    ],
    "network": {"edges": [{"from": "p", "to": "q"}, {"from": "q", "to": "r"}, {"from": "p", "to": "r"}]},
}
SAMPLED: dict[str, Any] = WRITTEN | {"mode": "sampled", "learning": {"examples": 40, "rate": 0.5}}


def ecosystem(written: dict[str, Any] = WRITTEN, seed: int = 0) -> Ecosystem:
    return Ecosystem(Scenario(**written), seed)


def by_name(model: Ecosystem) -> dict[str, ModelAgent]:
    return {agent.name: agent for agent in model.models}


# Mesa


def test_a_data_collector_sees_what_the_table_models_says() -> None:
    written = {**SAMPLED, "seeds": [7]}
    model = ecosystem(written, 7)
    collector = mesa.DataCollector(
        model_reporters={"round": "round", "most": lambda m: max(agent.entropy for agent in m.models)},
        agent_reporters={"name": "name", "alignment": "alignment", "entropy": "entropy"},
    )
    with one_thread():
        collector.collect(model)
        for _ in range(4):
            model.step()
            collector.collect(model)
    table = simulate(plan(Scenario(**written)).runs).tables["models"].to_pandas()
    seen = collector.get_agent_vars_dataframe()
    assert seen["name"].tolist() == table["model"].tolist()
    assert np.array_equal(seen["alignment"].to_numpy(), table["alignment"].to_numpy(), equal_nan=True)
    assert np.array_equal(seen["entropy"].to_numpy(), table["entropy"].to_numpy())
    assert seen["alignment"].groupby(seen["name"].to_numpy()).nunique().to_dict() == {"p": 5, "q": 5, "r": 0}
    whole = collector.get_model_vars_dataframe()
    assert whole["round"].tolist() == [0, 1, 2, 3, 4]
    assert whole["most"].tolist() == table.groupby("round")["entropy"].max().tolist()


def test_sets_of_agents_are_those_of_mesa() -> None:
    model = ecosystem()
    model.step()
    agents = model.agents
    assert isinstance(agents, type(mesa.Model().agents))
    assert [agent.name for agent in agents] == ["p", "q", "r"]
    assert agents.select(lambda agent: agent.curated).get("name") == ["p"]
    assert agents.select(lambda agent: agent.alignment > 0.6).get("name") == ["p"]
    assert agents.agg("entropy", max) == max(agents.get("entropy"))
    assert sorted(agents.do("sample", 5).get("name")) == ["p", "q", "r"]
    assert agents.sort("entropy", ascending=True).get("entropy") == sorted(agents.get("entropy"))
    grouped = agents.groupby(lambda agent: len(agent.neighbours))
    assert {key: group.get("name") for key, group in grouped} == {0: ["p"], 1: ["q"], 2: ["r"]}


def test_agents_stand_on_the_nodes_of_the_network() -> None:
    model = ecosystem()
    assert list(model.graph) == ["p", "q", "r"]
    assert [model.graph.nodes[name]["agent"] for name in "pqr"] == model.models
    assert set(model.graph.edges()) == {("p", "q"), ("q", "r"), ("p", "r")}


def test_an_edge_of_the_network_is_changed_alone() -> None:
    written = {**WRITTEN, "network": {"generator": "complete"}}
    model, other = ecosystem(written), ecosystem(written)
    model.graph.edges["p", "q"]["weight"] = 9.0
    assert [data["weight"] for *_, data in model.graph.edges(data=True)].count(9.0) == 1
    assert {
        data["weight"] for graph in (model.blueprint.graph, other.graph) for *_, data in graph.edges(data=True)
    } == {1}


# Views


def test_neighbours_are_read_and_readers_read() -> None:
    agents = by_name(ecosystem())
    names = {name: [other.name for other in agent.neighbours] for name, agent in agents.items()}
    assert names == {"p": [], "q": ["p"], "r": ["p", "q"]}
    readers = {name: [other.name for other in agent.readers] for name, agent in agents.items()}
    assert readers == {"p": ["q", "r"], "q": ["r"], "r": []}


def test_settings_are_those_of_the_scenario() -> None:
    agents = by_name(ecosystem())
    assert {name: agent.curated for name, agent in agents.items()} == {"p": True, "q": False, "r": False}
    eaten = {source: share for source, share in agents["p"].diet.items() if share > 0}
    assert eaten == {"real": 0.25, "curated": 0.5, "neighbours_raw": 0.25}
    assert repr(agents["q"]) == "ModelAgent('q')"


def test_numbers_are_those_of_the_state_after_every_round() -> None:
    model = ecosystem()
    up, split = np.array([[0, 1, 2]] * 2), np.array([[1, 0, 0], [0, 0, 1]])
    seen = []
    for _ in range(3):
        agents, state = by_name(model), model.state.p[0].numpy()
        for index, name in enumerate("pqr"):
            assert np.array_equal(agents[name].distribution, state[index])
        assert agents["p"].alignment == pytest.approx((state[0] * up).sum(-1).mean(), abs=1e-14)
        assert agents["q"].alignment == pytest.approx((state[1] * split).sum(-1).mean(), abs=1e-14)
        assert np.isnan(agents["r"].alignment)
        assert np.isnan(agents["r"].reward_variance)
        square = (state[0] * up**2).sum(-1) - (state[0] * up).sum(-1) ** 2
        assert agents["p"].reward_variance == pytest.approx(square.mean(), abs=1e-14)
        logs = np.log(np.where(state > 0, state, 1))
        assert agents["p"].entropy == pytest.approx(-(state[0] * logs[0]).sum(-1).mean(), abs=1e-14)
        seen.append(agents["p"].alignment)
        model.step()
    assert seen[0] < seen[1] < seen[2]


def test_a_view_is_no_way_into_the_state() -> None:
    model = ecosystem()
    model.models[0].distribution[:] = 7
    assert model.state.p.sum().item() == pytest.approx(6)


def test_agents_show_the_selected_world() -> None:
    scenarios = [
        Scenario(**WRITTEN).with_({"models.p.diet.real": r, "models.p.diet.curated": 0.75 - r}) for r in (0.75, 0.1)
    ]
    model = Ecosystem.together([blueprint(each, seed) for seed, each in enumerate(scenarios)])
    model.step()
    p = model.models[0]
    first = (p.distribution, p.alignment, p.diet["real"])
    model.world = 1
    second = (p.distribution, p.alignment, p.diet["real"])
    assert np.array_equal(first[0], model.state.p[0, 0].numpy())
    assert np.array_equal(second[0], model.state.p[1, 0].numpy())
    assert (first[2], second[2]) == (0.75, 0.1)
    assert second[1] > first[1]
    assert second[1] == pytest.approx((second[0] * [0, 1, 2]).sum(-1).mean())


def test_a_scenario_with_a_sweep_is_no_one_ecosystem() -> None:
    with pytest.raises(EcosystemError, match="without a sweep"):
        ecosystem({**WRITTEN, "sweep": {"grid": {"learning.rate": [0.5, 1]}}})


# Samples


def test_samples_have_the_law_of_the_model_in_the_context() -> None:
    model = ecosystem()
    model.step()
    p, n = model.models[0], 20_000
    for context in (0, 1):
        drawn = p.sample(n, context)
        assert drawn.shape == (n,)
        counts = np.bincount(drawn, minlength=3)
        assert chisquare(counts, n * p.distribution[context]).pvalue > 0.001
    assert chisquare(np.bincount(p.sample(n), minlength=3), n * p.distribution[0]).pvalue > 0.001


def test_what_is_not_written_is_not_sampled() -> None:
    drawn = by_name(ecosystem())["p"].sample(5000, 0)
    assert set(drawn.tolist()) == {0, 1}


@pytest.mark.parametrize("context", [-1, 2])
def test_a_context_that_is_not_there_is_an_error(context: int) -> None:
    with pytest.raises(IndexError, match="context must be from 0 to 1"):
        ecosystem().models[0].sample(3, context)


def test_every_look_is_new_and_the_same_in_the_same_run() -> None:
    def looks(seed: int) -> list[list[int]]:
        model = ecosystem(seed=seed)
        p, q = model.models[:2]
        return [p.sample(50).tolist(), p.sample(50).tolist(), q.sample(50).tolist()]

    first = looks(0)
    assert first == looks(0)
    assert first[0] != first[1]
    assert all(here != there for here, there in zip(first, looks(1), strict=True))


@pytest.mark.parametrize("learning", [{"examples": 40}, {"examples": 40, "pool": 20, "order": "sequential"}])
def test_looking_moves_nothing(learning: dict[str, Any]) -> None:
    written = SAMPLED | {"learning": learning}
    blind, looking = ecosystem(written), ecosystem(written)
    for _ in range(4):
        looking.agents.do("sample", 100)
        looking.agents.shuffle().do("sample", 3, 1)
        for agent in looking.models:
            _ = agent.alignment, agent.entropy, agent.distribution, agent.neighbours
        blind.step()
        looking.step()
        assert torch.equal(blind.state.p, looking.state.p)
    assert not torch.equal(blind.state.p, blind.batch.initial)
