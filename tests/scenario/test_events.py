"""Events: what they lead to, what they may not change, and where that is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecosystem import Scenario, load_scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.plan.identity import run_id
from ecosystem.plan.runs import plan
from ecosystem.scenario.fields.events import Ends
from ecosystem.scenario.fields.network import Edge
from ecosystem.world.blueprint import blueprint

TEXT = """\
name: changing
rounds: 10
parameters: {lam: 0.5}
outputs: {kind: categorical, size: 2}
rewards: {first: [1, 0], second: [0, 1]}
models:
  - name: p
    reward: first
    diet: {real: = 1 - lam, curated: = lam}
    curation: {method: luce, candidates: 2}
  - {name: q, reward: second, diet: {real: 0.5, neighbours_raw: 0.5}}
network: {edges: [{from: p, to: q}]}
users:
  groups: [{name: A, size: 6, contexts: [0], reward: first}, {name: B, size: 4, contexts: [0], reward: second}]
events:
"""


def written(*events: str) -> str:
    return TEXT + "".join(f"  - {event}\n" for event in events)


def loaded(tmp_path: Path, *events: str) -> Scenario:
    file = tmp_path / "changing.yaml"
    file.write_text(written(*events))
    return load_scenario(file)


def told(tmp_path: Path, *events: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        loaded(tmp_path, *events)
    return str(caught.value).replace(f"{tmp_path}/changing.yaml:", "").splitlines()


def test_expressions_follow_what_an_event_sets(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, "{round: 3, set: {lam: 0.2}}", "{round: 7, set: {learning.rate: = lam / 2}}")
    assert [phase.round for phase in scenario.phases] == [3, 7]
    third, seventh = (phase.scenario for phase in scenario.phases)
    assert third.models[0].diet.real == pytest.approx(0.8) and third.learning.rate == 1
    assert seventh.models[0].diet.real == pytest.approx(0.8) and seventh.learning.rate == pytest.approx(0.1)


def test_events_act_in_the_order_of_their_rounds_and_those_of_one_round_together(tmp_path: Path) -> None:
    scenario = loaded(
        tmp_path,
        "{round: 5, set: {models.p.diet: {real: 1}}}",
        "{round: 5, set: {models.p.curation: null}}",  # alone, either order would leave one of them invalid
        "{round: 2, set: {lam: 0.1}}",
    )
    assert [phase.round for phase in scenario.phases] == [2, 5]
    assert scenario.phases[0].scenario.models[0].curation is not None
    assert scenario.phases[1].scenario.models[0].curation is None


def test_edits_hold_until_the_network_is_set_anew(tmp_path: Path) -> None:
    scenario = loaded(
        tmp_path,
        "{round: 1, add: {from: q, to: p, weight: 2}}",
        "{round: 2, set: {lam: 0.1}}",
        "{round: 3, cut: [{from: p, to: q}, {from: q, to: p}]}",
        "{round: 4, set: {network: {edges: [{from: q, to: p}]}}}",
    )
    kinds = [[type(edit) for edit in phase.edits] for phase in scenario.phases]
    assert kinds == [[Edge], [Edge], [Edge, Ends, Ends], []]
    graphs = [dict(plan.graph.edges) for _, plan in blueprint(scenario, 0).later]
    assert [set(graph) for graph in graphs] == [{("p", "q"), ("q", "p")}] * 2 + [set(), {("q", "p")}]
    assert graphs[0]["q", "p"]["weight"] == 2


def test_one_event_cuts_before_it_adds(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, "{round: 1, add: {from: p, to: q, weight: 5}, cut: {from: p, to: q}}")
    (_, later) = blueprint(scenario, 0).later[0]
    assert later.graph.edges["p", "q"]["weight"] == 5


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            "{round: 10, set: {lam: 0.1}}",
            "16:13: events[0].round: the run ends at round 10, so this never happens",
        ),
        ("{round: -1, set: {lam: 0.1}}", "16:13: events[0].round: must be at least 0 (got -1)"),
        ("{round: 1}", "16:5: events[0]: nothing happens here; give the event `set`, `cut` or `add`"),
        (
            "{round: 1, set: {learning.rate: 2}}",
            "16:37: events[0].set.learning.rate: must be at most 1 (got 2)",
        ),
        (
            "{round: 1, set: {lam: 1.5}}",
            "16:5: events[0]: after this event, models[0].diet.real: must be at least 0 (got -0.5), from '= 1 - lam'",
        ),
        (
            "{round: 1, set: {models.p.curation: null}}",
            "16:5: events[0]: after this event, models[0].diet.curated: a model without a curator",
        ),
        (
            "{round: 1, set: {learning.rat: 1}}",
            "16:22: events[0].set.learning.rat: 'learning.rat' is neither",
        ),
        (
            "{round: 1, set: {nothing: 1}}",
            "16:22: events[0].set.nothing: 'nothing' is neither",
        ),
        (
            "{round: 1, set: {learning.rate: = rate}}",
            "16:37: events[0].set.learning.rate: there is no parameter",
        ),
        ("{round: 1, set: {rounds: 20}}", "16:30: events[0].set.rounds: rounds holds for the whole run"),
        ("{round: 1, set: {seeds: 2}}", "16:29: events[0].set.seeds: seeds holds for the whole run"),
        (
            "{round: 1, set: {outputs.contexts: 2}}",
            "16:40: events[0].set.outputs.contexts: outputs holds for",
        ),
        ("{round: 1, set: {record.every: 2}}", "16:36: events[0].set.record.every: record holds for the whole run"),
        ("{round: 1, set: {events: []}}", "16:22: events[0].set.events: events holds for the whole run"),
        ("{round: 1, set: {models.p.initial: [1, 0]}}", "16:40: events[0].set.models.p.initial: `initial` is what a"),
        ("{round: 1, set: {models.q.name: r}}", "events[0]"),
        (
            "{round: 1, set: {rewards.third: [1, 1]}}",
            "16:37: events[0].set.rewards.third: an event may change",
        ),
        ("{round: 1, set: {users: null}}", "16:29: events[0].set.users: users neither come nor go"),
        ("{round: 1, set: {users.mode: sampled}}", "16:34: events[0].set.users.mode: mode holds for the whole run"),
        ("{round: 1, set: {users.groups.A.size: 7}}", "16:43: events[0].set.users.groups.A.size: what a group is at"),
        ("{round: 1, cut: {from: q, to: p}}", "16:21: events[0].cut: there is no edge from 'q' to 'p' to cut"),
        ("{round: 1, cut: [{from: p, to: z}]}", "16:22: events[0].cut[0]: there is no model 'z'"),
        ("{round: 1, add: {from: p, to: q}}", "16:21: events[0].add: there is an edge from 'p' to 'q' already"),
        ("{round: 1, add: {from: q, to: p, weight: 0}}", "16:46: events[0].add.weight: must be more than 0 (got 0)"),
        ("{round: 1, cut: {from: q}}", "16:21: events[0].cut.to: is missing"),
        ("{round: 1, remove: {from: q, to: p}}", "16:16: events[0].remove: unknown key"),
    ],
)
def test_an_event_that_cannot_be_is_told_of_at_its_place(tmp_path: Path, event: str, message: str) -> None:
    found = told(tmp_path, event)
    assert any(message in line for line in found), found
    assert all(line.startswith("16:") for line in found), found


def test_settings_hold_what_events_lead_to(tmp_path: Path) -> None:
    scenario = loaded(
        tmp_path,
        "{round: 3, set: {lam: 0.2}, cut: {from: p, to: q}}",
        "{round: 3, add: {from: q, to: p}}",
        "{round: 3, cut: {from: q, to: p}}",
        "{round: 7, set: {learning.rate: = lam / 2}}",
    )
    again = Scenario(**scenario.settings())
    assert again.settings() == scenario.settings()
    assert [phase.edits for phase in again.phases] == [phase.edits for phase in scenario.phases]
    assert [phase.scenario.learning.rate for phase in again.phases] == [1, pytest.approx(0.1)]
    assert run_id(again, 0) == run_id(scenario, 0)


def test_the_run_id_knows_what_an_event_does_to_expressions(tmp_path: Path) -> None:
    following = loaded(tmp_path, "{round: 3, set: {lam: 0.2}}")
    file = tmp_path / "fixed.yaml"
    file.write_text(
        written("{round: 3, set: {lam: 0.2}}").replace("real: = 1 - lam, curated: = lam", "real: 0.5, curated: 0.5")
    )
    fixed = load_scenario(file)
    assert following.models == fixed.models and following.phases != fixed.phases
    assert following != fixed
    assert run_id(following, 0) != run_id(fixed, 0)


def test_an_event_without_effect_is_none(tmp_path: Path) -> None:
    idle = loaded(tmp_path, "{round: 3, set: {lam: 0.5}}")
    assert idle.settings()["events"] == []
    assert run_id(idle, 0) == run_id(idle.with_({"events": []}), 0)


def test_events_can_be_swept(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, "{round: 3, set: {learning.rate: = lam}}").with_(
        {"sweep": {"grid": {"events[0].round": [3, 5], "lam": [0.1, 0.2]}}}
    )
    found = [
        (run.scenario.phases[0].round, run.scenario.phases[0].scenario.learning.rate) for run in plan(scenario).runs
    ]
    assert found == [(3, 0.1), (3, 0.2), (5, 0.1), (5, 0.2)]


def test_a_path_into_a_key_of_an_event_is_refused(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, "{round: 3, set: {learning.rate: 0.5}}")
    with pytest.raises(InputError, match=r"leads into a key of events\[0\]\.set; let that value be a parameter"):
        scenario.with_({"events[0].set.learning.rate": 0.25})


def test_the_edges_of_a_file_are_known_when_runs_are_planned(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text("from,to\np,q\n")
    scenario = loaded(tmp_path, "{round: 1, set: {network: {file: edges.csv}}}", "{round: 2, cut: {from: q, to: p}}")
    with pytest.raises(InputError, match="no edge from 'q' to 'p' to cut"):
        plan(scenario)
    (tmp_path / "edges.csv").write_text("from,to\nq,p\n")
    before = plan(scenario).runs[0].id
    (tmp_path / "edges.csv").write_text("from,to\nq,p\np,q\n")
    assert plan(scenario).runs[0].id != before


def test_an_edge_that_a_generator_did_not_draw_cannot_be_cut() -> None:
    written: dict[str, Any] = {
        "name": "drawn",
        "rounds": 3,
        "outputs": {"kind": "categorical", "size": 2},
        "models": [{"name": "m", "count": 5, "diet": {"raw": 0.5, "neighbours_raw": 0.5}}],
        "network": {"generator": "star"},
    }
    there, not_there = ({"round": 1, "cut": {"from": source, "to": "m2"}} for source in ("m0", "m1"))
    with pytest.raises(EcosystemError, match="no edge from 'm1' to 'm2' to cut"):
        blueprint(Scenario(**written, events=[not_there]), 0)
    ((_, later),) = blueprint(Scenario(**written, events=[there]), 0).later
    assert set(later.graph.edges) == {("m0", "m1"), ("m0", "m3"), ("m0", "m4"), *((f"m{i}", "m0") for i in range(1, 5))}
