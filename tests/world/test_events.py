"""Events in a run: from their round on it is a run of other settings that begins where the first one was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem import Ecosystem, Scenario
from ecosystem.plan.runs import plan
from ecosystem.world.blueprint import blueprint
from ecosystem.world.simulation import simulate

WRITTEN: dict[str, Any] = {
    "name": "changing",
    "rounds": 8,
    "parameters": {"lam": 0.5},
    "outputs": {"kind": "categorical", "size": 3, "contexts": 2, "scores": {"lean": [1, 1, 0], "quality": [1, 0, 0]}},
    "real": {"draw": "dirichlet", "concentration": 1.0},
    "rewards": {"up": [0, 1, 2], "down": [2, 1, 0]},
    "models": [
        {
            "name": "p",
            "reward": "up",
            "initial": [0.2, 0.3, 0.5],
            "diet": {"real": "= 0.6 - lam", "curated": "= lam", "users": 0.4},
            "curation": {"method": "luce", "candidates": 3},
        },
        {"name": "q", "reward": "down", "diet": {"real": 0.3, "neighbours_curated": 0.7}},
        {"name": "r", "diet": {"raw": 0.5, "neighbours_raw": 0.2, "neighbours_curated": 0.3}},
    ],
    "network": {"edges": [{"from": "p", "to": "q"}, {"from": "q", "to": "r"}, {"from": "p", "to": "r"}]},
    "users": {
        "groups": [
            {
                "name": "A",
                "size": 600,
                "contexts": [0],
                "reward": "up",
                "data": [0.1, 0.2, 0.7],
            },
            {"name": "B", "size": 400, "contexts": {0: 0.3, 1: 0.7}, "reward": "down"},
        ],
        "choice": {"method": "softmax", "temperature": 0.5},
        "feedback": {"method": "retention", "scale": 20.0, "arrivals": 30},
    },
    "learning": {"regime": "incremental", "rate": 0.5, "sharing": 0.2},
}

CHANGES: list[dict[str, Any]] = [
    {"set": {"lam": 0.1}},
    {"set": {"learning.rate": 0.9, "learning.regime": "retrain"}},
    {"set": {"real": [0.1, 0.1, 0.8]}},
    {"set": {"rewards.up": [3, 0, 0]}},
    {"set": {"models.p.curation": None, "models.p.diet": {"real": 0.5, "users": 0.5}}},
    {"set": {"models.q.curation": {"method": "best_of", "candidates": 2}}},
    {"set": {"learning.order": "sequential"}},
    {"set": {"users.feedback.arrivals": 0, "users.groups.A.contexts": [1]}},
    {"set": {"users.choice": {"method": "fixed"}, "users.curate": True}},
    {"set": {"users.groups.B.data": [0, 0, 1]}},
    {"set": {"users.feedback": [{"method": "linear", "group": "B", "step": 0.1, "cap": 0.9}]}},
    {"set": {"remedy": {"method": "rejection_sampling", "candidates": {"A": 1, "B": 3}}}},
    {"set": {"network": {"generator": "cycle"}}},
    {"cut": {"from": "q", "to": "r"}},
    {"cut": [{"from": "p", "to": "r"}, {"from": "q", "to": "r"}]},
    {"add": {"from": "r", "to": "q", "weight": 2.5}},
]

AT = 3


def scenario(*events: dict[str, Any], **changes: Any) -> Scenario:
    return Scenario(**WRITTEN | changes, events=list(events))


def states(model: Ecosystem, rounds: int) -> list[tuple[NDArray[Any], ...]]:
    """Return what models write and where users are, round by round from now on."""

    def now() -> tuple[NDArray[Any], ...]:
        assert model.crowd is not None
        parts: tuple[Tensor, ...] = (model.state.p, model.crowd.activity, model.crowd.choice, model.crowd.data)
        return tuple(part.numpy().copy() for part in parts)

    found = [now()]
    for _ in range(rounds):
        model.step()
        found.append(now())
    return found


def glued(first: Scenario, second: Scenario, seed: int) -> list[tuple[NDArray[Any], ...]]:
    """Run the first settings to the round of the event, then others from the state that was reached."""
    before = Ecosystem(first, seed)
    found = states(before, AT)
    after = Ecosystem.together([replace(blueprint(second, seed), initial=before.batch.initial[0].numpy())])
    assert before.crowd is not None and after.population is not None
    after.state = replace(before.state, corpus=(), held=0)
    # What users bring is settled by what they are at the moment; the rest of the crowd moves over as it is.
    data = after.population.start(after.state.p).data
    after.crowd = replace(before.crowd, data=data)
    return found[:-1] + states(after, int(first.rounds) - AT)  # type: ignore[call-overload]


@pytest.mark.parametrize("mode", ["exact", "sampled"])
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_run_with_an_event_is_two_runs_one_after_the_other(change: dict[str, Any], mode: str) -> None:
    drawn = {"mode": mode, "learning": WRITTEN["learning"] | ({"examples": 200} if mode == "sampled" else {})}
    with_event = scenario({"round": AT, **change}, **drawn)
    found = states(Ecosystem(with_event, seed=5), 8)
    (phase,) = with_event.phases
    second = phase.scenario
    if phase.edits:  # the same edges, written out
        edges = [
            {"from": source, "to": target, "weight": data["weight"]}
            for source, target, data in blueprint(with_event, 5).later[0][1].graph.edges(data=True)
        ]
        second = second.with_({"network": {"edges": edges}})
    expected = glued(scenario(**drawn), second, seed=5)
    for round_, (one, other) in enumerate(zip(found, expected, strict=True)):
        parts = 3 if round_ == AT else 4  # new data are there when the round begins
        for part, wanted in zip(one[:parts], other[:parts], strict=True):
            np.testing.assert_array_equal(part, wanted, err_msg=f"round {round_}")
    without = states(Ecosystem(scenario(**drawn), seed=5), 8)
    assert all(np.array_equal(part, other) for part, other in zip(found[AT], without[AT], strict=True))
    assert any(not np.array_equal(part, other) for part, other in zip(found[-1], without[-1], strict=True))


def test_an_event_acts_after_its_row_and_before_its_round() -> None:
    (run,) = plan(scenario({"round": 2, "set": {"rewards.up": [5, 5, 5]}})).runs
    rows = simulate([run]).tables["models"].to_pandas()
    alignment = rows[rows["model"] == "p"].set_index("round")["alignment"]
    assert alignment[2] < 2 and alignment[3:].tolist() == pytest.approx([5.0] * 6)


def test_an_event_of_round_0_leaves_row_0_as_it_was() -> None:
    (run,) = plan(scenario({"round": 0, "set": {"rewards.up": [5, 5, 5]}})).runs
    rows = simulate([run]).tables["models"].to_pandas()
    alignment = rows[rows["model"] == "p"].set_index("round")["alignment"]
    assert alignment[0] == pytest.approx(0.3 + 2 * 0.5) and alignment[1] == pytest.approx(5.0)


def test_a_model_retrained_after_an_event_starts_from_the_first_initial() -> None:
    change = {"round": AT, "set": {"real": [0, 0, 1], "models.r.diet": {"real": 1}, "learning.rate": 0.25}}
    model = Ecosystem(scenario(change, learning={"regime": "retrain", "rate": 0.5}))
    first = model.state.p[0, 2].clone()
    for _ in range(AT + 1):
        model.step()
    expected = 0.75 * first + 0.25 * torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(model.state.p[0, 2], expected, rtol=0, atol=1e-15)


def test_agents_see_the_network_of_the_moment() -> None:
    model = Ecosystem(scenario({"round": 1, "cut": {"from": "q", "to": "r"}, "add": {"from": "r", "to": "p"}}))
    r = model.models[2]
    assert {one.name for one in r.neighbours} == {"q", "p"} and model.pending
    model.step()
    assert {one.name for one in r.neighbours} == {"q", "p"}
    model.step()
    assert [one.name for one in r.neighbours] == ["p"] and not model.pending
    assert [one.name for one in r.readers] == ["p"]
    assert len(model.agents) == 5


def test_distances_and_edges_are_recorded_as_they_change() -> None:
    events = [{"round": 2, "cut": {"from": "p", "to": "q"}}, {"round": 5, "add": {"from": "p", "to": "q", "weight": 3}}]
    (run,) = plan(scenario(*events)).runs
    tables = simulate([run]).tables
    rows = tables["models"].to_pandas()
    of_q = rows[rows["model"] == "q"].set_index("round")["distance"]
    assert of_q[:3].tolist() == [1, 1, 1] and of_q[3:6].isna().all() and of_q[6:].tolist() == [1, 1, 1]
    edges = tables["network"].to_pandas()
    between = edges[(edges["source"] == "p") & (edges["target"] == "q")][["weight", "since", "until"]]
    assert between.fillna(-1).to_numpy().tolist() == [[1, 0, 2], [3, 5, -1]]
    assert (edges["since"] == 0).sum() == 3


def test_a_remedy_and_a_curator_start_and_stop() -> None:
    remedy = {"method": "rejection_sampling", "candidates": {"B": 3}}
    curation = {"method": "best_of", "candidates": 3}
    quiet = scenario()
    for on, off in (
        ({"remedy": remedy}, {"remedy": None}),
        ({"models.q.curation": curation}, {"models.q.curation": None}),
        ({"users.curate": True}, {"users.curate": False}),
    ):
        # Between its start and its stop a run is one that had it all along, and then one that never had.
        helped = Ecosystem(scenario({"round": 2, "set": on}, {"round": 4, "set": off}))
        plain, always = Ecosystem(quiet), Ecosystem(scenario({"round": 0, "set": on}))
        for model in (helped, plain):
            for _ in range(2):
                model.step()
        always.state, always.crowd = plain.state, plain.crowd
        always._enter([world for _, world in always._ahead.pop(0)])
        for _ in range(2):
            for model in (helped, plain, always):
                model.step()
        assert torch.equal(helped.state.p, always.state.p) and not torch.equal(helped.state.p, plain.state.p)
        plain.state, plain.crowd = helped.state, helped.crowd
        plain._forget()
        for model in (helped, plain):
            for _ in range(2):
                model.step()
        assert torch.equal(helped.state.p, plain.state.p)


def test_a_run_does_not_settle_while_events_are_to_come() -> None:
    still = {"models": [{"name": "m", "diet": {"real": 1}}], "network": {"edges": []}, "users": None}
    event = {"round": 6, "set": {"real": [0, 0, 1]}}
    asked = scenario(event, rounds={"max": 50, "until": "stable"}, learning={}, **still)
    rows = simulate(plan(asked).runs).tables["rounds"].to_pandas()
    assert rows["round"].max() == 8  # it moves in round 6, and in round 7 no longer


def corpus(kind: Any, then: Any, last: Any = None, rounds: int = 6) -> NDArray[np.float64]:
    """Return what a model has become that learns fresh data [t mod 2] each round, by each kind of corpus."""
    sets = [{"round": t, "set": {"real": [1.0 - t % 2, t % 2, 0]}} for t in range(1, rounds)]
    sets[2]["set"]["learning.corpus"] = then  # at round 3
    if last is not None:
        sets[4]["set"]["learning.corpus"] = last  # at round 5
    model = Ecosystem(
        scenario(
            *sets,
            models=[{"name": "m", "diet": {"real": 1}}],
            network={"edges": []},
            users=None,
            real=[1, 0, 0],
            learning={"corpus": kind},
        )
    )
    found = []
    for _ in range(rounds):
        model.step()
        found.append(float(model.state.p[0, 0, 0, 0]))
    return np.array(found)


@pytest.mark.parametrize(
    ("kind", "then", "expected"),
    [
        # Round t learns 1, 0, 1, 0, 1, 0 for t = 0 … 5; the corpus changes before round 3 is run.
        ("accumulate", "accumulate", [1, 1 / 2, 2 / 3, 2 / 4, 3 / 5, 3 / 6]),
        ("accumulate", "replace", [1, 1 / 2, 2 / 3, 0, 1, 0]),
        ("replace", "accumulate", [1, 0, 1, 0, 1 / 2, 1 / 3]),
        ({"window": 3}, "accumulate", [1, 1 / 2, 2 / 3, 1 / 3, 2 / 4, 2 / 5]),
        ({"window": 3}, {"window": 2}, [1, 1 / 2, 2 / 3, 1 / 2, 1 / 2, 1 / 2]),
        ({"window": 2}, {"window": 3}, [1, 1 / 2, 1 / 2, 1 / 2, 2 / 3, 1 / 3]),
        ({"window": 2}, "replace", [1, 1 / 2, 1 / 2, 0, 1, 0]),
        ("accumulate", {"window": 3}, [1, 1 / 2, 2 / 3, 0, 1 / 2, 1 / 3]),
    ],
)
def test_a_corpus_goes_over_into_one_of_another_kind(kind: Any, then: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(corpus(kind, then), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", [{"window": 3}, "accumulate"], ids=str)
def test_while_data_are_replaced_nothing_is_held_for_later(kind: Any) -> None:
    expected = [1, 1 / 2, 2 / 3, 0, 1, 0, 1 / 2, 1 / 3]
    np.testing.assert_allclose(corpus(kind, "replace", {"window": 3}, 8), expected, rtol=0, atol=1e-15)


def test_worlds_with_events_have_the_same_bits_alone_and_together() -> None:
    event = {"round": AT, "set": {"lam": 0.2, "remedy": {"method": "best_of_k", "candidates": 3}}}
    cut = {"round": 5, "cut": {"from": "q", "to": "r"}}
    asked = plan(scenario(event, cut, sweep={"grid": {"learning.rate": [0.3, 0.6, 0.9]}}), 3).runs
    together = simulate(asked).tables["models"].to_pandas()
    for run in asked[::4]:
        alone = simulate([run]).tables["models"].to_pandas()
        same = together[together["run"] == run.id].reset_index(drop=True)
        assert alone.drop(columns="run").equals(same.drop(columns="run").astype(alone.dtypes.drop("run")))


def test_worlds_whose_events_differ_in_kind_or_round_run_side_by_side() -> None:
    asked = [
        plan(scenario(*events)).runs[0]
        for events in ([], [{"round": 2, "set": {"lam": 0.1}}], [{"round": 4, "set": {"lam": 0.1}}])
    ]
    outcome = simulate(asked)
    rows = outcome.tables["models"].to_pandas()
    first = {
        run.id: rows[(rows["run"] == run.id) & (rows["model"] == "p")].set_index("round")["alignment"] for run in asked
    }
    none, second, fourth = (first[run.id] for run in asked)
    assert none[:2].tolist() == second[:2].tolist() and none[3] != second[3]
    assert none[:4].tolist() == fourth[:4].tolist() and none[5] != fourth[5]
