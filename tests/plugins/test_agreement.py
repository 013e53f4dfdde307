"""A plug-in that does what a built-in member does has its results: exact, drawn, and differentiated."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.plugins import ChoiceRule, Curator, FeedbackRule, NetworkGenerator, Positive, Remedy
from ecosystem.plugins.registry import Scope, within


class Tilt(Curator, name="tilt"):
    """What infinitely many candidates lead to."""

    def keep(self, p, rho, candidates):
        kept = p * (rho - rho.amax(-1, keepdim=True)).exp()
        return kept / kept.sum(-1, keepdim=True)


class Grow(FeedbackRule, name="grow"):
    keeps_total = True
    rate: Positive = 1.0

    def respond(self, activity, served, group):
        weight = activity * (self.rate * served.satisfaction).exp()
        return weight / weight.sum(-1, keepdim=True) * activity.sum(-1, keepdim=True)


class Prefer(ChoiceRule, name="prefer"):
    heat: Positive = 1.0

    def choose(self, choice, experience, best):
        return torch.softmax(experience / self.heat, dim=-1)


class Ring(NetworkGenerator, name="ring"):
    def graph(self, nodes, seed):
        return nx.cycle_graph(nodes)


class Best(Remedy, name="best"):
    """The better of two outputs, where scores do not tie."""

    def filter(self, written):
        p, order = written.outputs, written.scores["quality"][0, 0, 0].argsort()
        up_to = p[..., order].cumsum(-1).square()
        return torch.diff(up_to, dim=-1, prepend=torch.zeros_like(up_to[..., :1]))[..., order.argsort()]


SCOPE = Scope({(cls.kind_of_plugin, cls.plugin_name): cls for cls in (Tilt, Grow, Prefer, Ring, Best)})


@pytest.fixture(autouse=True)
def _known() -> Any:
    with within(SCOPE):
        yield


def written(curation: Any, network: Any = None, users: Any = None, remedy: Any = None, **changes: Any) -> Scenario:
    groups = [
        {"name": "A", "size": 600, "contexts": [0], "reward": "first"},
        {"name": "B", "size": 400, "contexts": [0], "reward": "last"},
    ]
    model = {"diet": {"real": 0.3, "curated": 0.4, "neighbours_curated": 0.3}, "curation": curation}
    return Scenario(
        **{
            "name": "twins",
            "rounds": 4,
            "real": [0.2, 0.3, 0.5],
            "outputs": {"kind": "categorical", "size": 3, "scores": {"quality": [0.3, 1, 0]}},
            "rewards": {"first": [1, 0, 0.2], "last": [0, 0.3, 1]},
            "models": [{"name": f"m{n}", "reward": ("first", "last", "first")[n], **model} for n in range(3)],
            "network": network or {"generator": "cycle"},
            "users": None if users is None else {"groups": groups, **users},
            "remedy": remedy,
        }
        | changes
    )


LUCE = {"method": "luce", "candidates": float("inf"), "temperature": 0.5}
TWINS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "curator": ({"curation": LUCE}, {"curation": LUCE | {"method": "tilt"}}),
    "users who curate": (
        {"curation": LUCE, "users": {"curate": True}},
        {"curation": LUCE | {"method": "tilt"}, "users": {"curate": True}},
    ),
    "feedback": (
        {"curation": LUCE, "users": {"feedback": {"method": "replicator", "rate": 0.7}}},
        {"curation": LUCE, "users": {"feedback": {"method": "grow", "rate": 0.7}}},
    ),
    "choice": (
        {"curation": LUCE, "users": {"choice": {"method": "softmax", "temperature": 0.3}}},
        {"curation": LUCE, "users": {"choice": {"method": "prefer", "heat": 0.3}}},
    ),
    "network": ({"curation": LUCE}, {"curation": LUCE, "network": {"generator": "ring"}}),
    "remedy": (
        {"curation": LUCE, "remedy": {"method": "best_of_k", "candidates": 2}},
        {"curation": LUCE, "remedy": {"method": "best"}},
    ),
}


def results(scenario: Scenario) -> pd.DataFrame:
    model = Ecosystem(scenario)
    for _ in range(4):
        model.step()
    crowd = [] if model.crowd is None else [model.crowd.activity.flatten(), model.crowd.choice.flatten()]
    return pd.Series(torch.cat([model.state.p.flatten(), *crowd]).numpy())


@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize("mode", ["exact", "sampled"])
def test_a_twin_has_the_same_results(twins: tuple[dict[str, Any], dict[str, Any]], mode: str) -> None:
    learning = {"examples": 500} if mode == "sampled" else {}
    one, other = (results(written(**each, mode=mode, learning=learning)) for each in twins)
    assert np.abs(one - other).max() < 1e-9


@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
def test_a_twin_has_the_same_influence(twins: tuple[dict[str, Any], dict[str, Any]]) -> None:
    if "users" in twins[0] and "feedback" in twins[0]["users"]:
        pytest.skip("groups that grow come to no point of rest here")
    one, other = (ecosystem.influence(written(**each)) for each in twins)
    assert np.abs(one - other).to_numpy().max() < 1e-8


def test_influence_by_a_round_goes_through_a_rule_of_feedback() -> None:
    one, other = (ecosystem.influence(written(**each), round=3) for each in TWINS["feedback"])
    assert np.abs(one - other).to_numpy().max() < 1e-8
    assert np.abs(one.to_numpy()).max() > 1e-3


def test_temperature_and_candidates_are_levers_of_a_plugin() -> None:
    one, other = (ecosystem.influence(written(**each), lever="temperature") for each in TWINS["curator"])
    assert np.abs(one - other).to_numpy().max() < 1e-6
    assert np.abs(one.to_numpy()).max() > 1e-3
