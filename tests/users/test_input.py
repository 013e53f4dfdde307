"""What is wrong with a population or a remedy is told at its place, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from users.test_oracles import LINEAR, hashimoto, loop

from ecosystem import Scenario
from ecosystem.errors import InputError
from ecosystem.scenario import load_scenario

TEXT = """\
name: asked
rounds: 5
outputs: {kind: categorical, size: 4, contexts: 2, scores: {lean: [1, 1, 0, 0], quality: [1, 0, 1, 0]}}
rewards: {good: [1, 0, 1, 0]}
models:
  - {name: m, reward: good, diet: {raw: 0.5, users: 0.5}, curation: {candidates: 2}}
users:
  groups:
    - {name: A, size: 600, contexts: [0], reward: good}
    - {name: B, size: 400, contexts: {0: 0.3, 1: 0.7}, reward: good, data: [0.1, 0.2, 0.3, 0.4], models: {m: 1}}
  choice: {method: fixed}
  feedback: {method: retention, scale: 2, arrivals: 5}
remedy: {method: rejection_sampling, candidates: {A: 2, B: 4}, accuracy: 0.9}
events:
  - {round: 2, set: {users.feedback.arrivals: 0}}
"""


REMEDY = "{method: rejection_sampling, candidates: {A: 2, B: 4}, accuracy: 0.9}"
WRONG: list[tuple[dict[str, str], str]] = [
    (
        {"raw: 0.5, users: 0.5": "raw: 0.5, users: 0.4"},
        "6:35: models[0].diet: the shares of a diet must sum to 1 (they sum to 0.9)",
    ),
    (
        {"data: [0.1, 0.2, 0.3, 0.4]": "data: [0.1, 0.2, 0.3, 0.5]"},
        "10:76: users.groups[1].data: the probabilities must sum to 1 (got 0.1, 0.2, 0.3, 0.5, which sum to 1.1)",
    ),
    (
        {"data: [0.1, 0.2, 0.3, 0.4]": "data: [0.1, 0.2, 0.7]"},
        "10:76: users.groups[1].data: a distribution must have a number per output, outputs.size = 4 (got 3 numbers)",
    ),
    (
        {"contexts: [0], ": ""},
        "9:7: users.groups[0].contexts: is missing",
    ),
    (
        {"contexts: [0]": "contexts: []"},
        "9:38: users.groups[0].contexts: must have at least 1 entry (got an empty list)",
    ),
    (
        {"contexts: [0]": "contexts: {}"},
        "9:38: users.groups[0].contexts: must have at least 1 entry (got an empty mapping)",
    ),
    (
        {"contexts: [0]": "contexts: [2]"},
        "9:38: users.groups[0].contexts: contexts go from 0 to 1, outputs.contexts (got 2)",
    ),
    (
        {"contexts: [0]": "contexts: [-1]"},
        "9:39: users.groups[0].contexts[0]: must be at least 0 (got -1)",
    ),
    (
        {"contexts: {0: 0.3, 1: 0.7}": "contexts: {0: 0.3, 5: 0.7}"},
        "10:38: users.groups[1].contexts: contexts go from 0 to 1, outputs.contexts (got 5)",
    ),
    (
        {"contexts: {0: 0.3, 1: 0.7}": "contexts: {0: 0, 1: 0}"},
        "10:38: users.groups[1].contexts: the weights are all 0; at least one must be above 0",
    ),
    (
        {"contexts: {0: 0.3, 1: 0.7}": "contexts: {0: -0.3, 1: 0.7}"},
        "10:42: users.groups[1].contexts[0]: must be at least 0 (got -0.3)",
    ),
    (
        {"contexts: {0: 0.3, 1: 0.7}": "contexts: [0, 0]"},
        "10:38: users.groups[1].contexts: a context stands twice; give weights as a map instead",
    ),
    (
        {"candidates: {A: 2, B: 4}": "candidates: {A: 2, C: 4}"},
        "13:60: remedy.candidates.C: there is no group 'C'; known here: A, B",
    ),
    (
        {"candidates: {A: 2, B: 4}": "candidates: 2, disadvantaged: {candidates: 4, group: D}"},
        "13:91: remedy.disadvantaged.group: there is no group 'D'; known here: A, B",
    ),
    (
        {"candidates: {A: 2, B: 4}, accuracy: 0.9": "candidates: {A: 2, B: 4}, accuracy: 0.3"},
        "13:74: remedy.accuracy: must be at least 0.5 (got 0.3)",
    ),
    (
        {"candidates: {A: 2, B: 4}, accuracy: 0.9": "candidates: {A: 2, B: 0}"},
        "13:60: remedy.candidates.B: must be at least 1 (got 0)",
    ),
    (
        {"candidates: {A: 2, B: 4}, accuracy: 0.9": "accuracy: 0.9"},
        "13:9: remedy: say how many candidates there are: `candidates`, or `disadvantaged` for one group",
    ),
    (
        {REMEDY: "{method: reweighting, weights: {A: 1, E: 2}}"},
        "13:50: remedy.weights.E: there is no group 'E'; known here: A, B",
    ),
    (
        {REMEDY: "{method: reweighting, weights: {A: 0}}"},
        "13:40: remedy.weights: the weights are all 0; at least one must be above 0",
    ),
    (
        {REMEDY: "{method: fresh_data, share: 1.2}"},
        "13:37: remedy.share: must be at most 1 (got 1.2)",
    ),
    (
        {REMEDY: "{method: rejection, share: 1.2}"},
        "13:18: remedy.method: there is no remedy 'rejection'; did you mean 'rejection_sampling'?",
    ),
    (
        {"scale: 2": "scale: 0"},
        "12:40: users.feedback.scale: must be more than 0 (got 0)",
    ),
    (
        {"scale: 2": "scale: -1"},
        "12:40: users.feedback.scale: must be more than 0 (got -1)",
    ),
    (
        {"scale: 2, ": ""},
        "12:13: users.feedback.scale: is missing",
    ),
    (
        {"arrivals: 5": "arrivals: -5"},
        "12:53: users.feedback.arrivals: must be at least 0 (got -5)",
    ),
    (
        {"arrivals: 5": "arrival: 5"},
        "12:43: users.feedback.arrival: unknown key; did you mean 'arrivals'?",
    ),
    (
        {"size: 600": "size: -3"},
        "9:23: users.groups[0].size: must be at least 0 (got -3)",
    ),
    (
        {
            "size: 600, contexts: [0], reward: good}": "size: 0, contexts: [0], reward: good}",
            "arrivals: 5": "arrivals: 0",
        },
        "9:23: users.groups[0].size: nobody is in this group, and nobody ever comes; give it users",
    ),
    (
        {"method: retention, scale: 2, arrivals: 5": "method: linear, group: C, step: 0.1"},
        "12:37: users.feedback.group: there is no group 'C'; known here: A, B",
    ),
    (
        {"method: retention, scale: 2, arrivals: 5": "method: linear, group: A, step: 0.1, cap: 1.5"},
        "12:56: users.feedback.cap: must be at most 1 (got 1.5)",
    ),
    (
        {"method: retention, scale: 2, arrivals: 5": "method: linear, group: A, step: -0.1"},
        "12:46: users.feedback.step: must be at least 0 (got -0.1)",
    ),
    (
        {"method: retention, scale: 2, arrivals: 5": "method: drift, strength: 0.1"},
        "12:13: users.feedback: drift moves means, which categorical outputs have not; use outputs: {kind: gaussian}",
    ),
    (
        {"method: retention, scale: 2, arrivals: 5": "method: leaving"},
        "12:22: users.feedback.method: there is no rule of feedback 'leaving'; known here: drift, linear",
    ),
    (
        {"models: {m: 1}": "models: {n: 1}"},
        "10:106: users.groups[1].models: there is no model 'n'; known here: m",
    ),
    (
        {"models: {m: 1}": "models: {m: 0}"},
        "10:106: users.groups[1].models: the weights are all 0; at least one must be above 0",
    ),
    (
        {"choice: {method: fixed}": "choice: {method: softmax, temperature: 0}"},
        "11:42: users.choice.temperature: must be more than 0 (got 0)",
    ),
    (
        {"choice: {method: fixed}": "choice: {method: softmax, switching_cost: -1}"},
        "11:45: users.choice.switching_cost: must be at least 0 (got -1)",
    ),
    (
        {"name: B": "name: A"},
        "10:14: users.groups[1].name: groups[0] already has the name 'A'",
    ),
    (
        {"reward: good, data": "reward: god, data"},
        "10:64: users.groups[1].reward: there is no reward 'god'; did you mean 'good'?",
    ),
    (
        {"contexts: [0], reward: good": "contexts: [0]"},
        "9:7: users.groups[0]: has no reward; retention goes by risk, so every group needs a reward",
    ),
    (
        {"choice: {method: fixed}": "curate: true", "contexts: [0], reward: good": "contexts: [0]"},
        "9:7: users.groups[0]: has no reward; retention goes by risk, so every group needs a reward",
    ),
    (
        {"choice: {method: fixed}": "mode: sampled", "size: 600": "size: 600.5"},
        "9:23: users.groups[0].size: mode: sampled counts users, so the size must be a whole number (got 600.5)",
    ),
    (
        {"choice: {method: fixed}": "individuals: true", "size: 600": "size: 1000000000"},
        "11:16: users.individuals: individuals are at most 100000 users in all (the groups have 1e+09); leave it out",
    ),
    (
        {"reward: good, data": "reward: good, traits: {patience: 1}, data"},
        "10:78: users.groups[1].traits: traits make users of a group differ; write individuals: true under users",
    ),
    (
        {"quality: [1, 0, 1, 0]": "qualit: [1, 0, 1, 0]"},
        "13:9: remedy: goes by the score `quality`; add it to outputs.scores, or write quality: 0",
    ),
    (
        {"users.feedback.arrivals: 0": "remedy.candidates: {Z: 2}"},
        "15:41: events[0].set.remedy.candidates: Z: there is no group 'Z'; known here: A, B",
    ),
    (
        {"scores: {lean: [1, 1, 0, 0]": "scores: {lean: [1, 1, 0]"},
        "3:67: outputs.scores.lean: a score must have a number per output, outputs.size = 4 (got 3 numbers)",
    ),
]


@pytest.mark.parametrize(("changes", "told"), WRONG, ids=[told for _, told in WRONG])
def test_wrong(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    text = TEXT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "asked.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    lines = str(caught.value).splitlines()
    assert f"asked.yaml:{told}" in lines[0]
    assert len(lines) == (2 if "already has the name" in told else 1)  # what names it is lost with a name


def test_what_is_not_wrong(tmp_path: Path) -> None:
    path = tmp_path / "asked.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_scenario(path).remedy is not None
    # A group may be empty at first where some arrive, be it before or after an event.
    path.write_text(TEXT.replace("size: 600", "size: 0"), encoding="utf-8")
    load_scenario(path)
    later = TEXT.replace("arrivals: 5", "arrivals: 0").replace("arrivals: 0}}", "arrivals: 3}}")
    path.write_text(later.replace("size: 600", "size: 0"), encoding="utf-8")
    load_scenario(path)


def test_what_an_event_makes_wrong_is_told_at_the_event(tmp_path: Path) -> None:
    for change, told in (
        ("users.feedback.arrival: 0", "15:22: events[0].set.users.feedback.arrival: "),
        ("users.groups.A.size: 5", "15:43: events[0].set.users.groups.A.size: what a group is at the start"),
        ("users.groups.A.contexts: [7]", "15:47: events[0].set.users.groups.A.contexts: contexts go from 0 to 1"),
        ("remedy.candidates: {Z: 2}", "15:41: events[0].set.remedy.candidates: Z: there is no group 'Z'"),
        ("users.feedback.scale: 0", "15:44: events[0].set.users.feedback.scale: must be more than 0 (got 0)"),
    ):
        path = tmp_path / "asked.yaml"
        path.write_text(TEXT.replace("users.feedback.arrivals: 0", change), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_scenario(path)
        assert f"asked.yaml:{told}" in str(caught.value)


def group(**changes: Any) -> dict[str, Any]:
    written = loop("retrain", LINEAR)
    written["users"]["groups"][0] |= changes
    return written


def test_settings_make_the_same_scenario_again_though_json_has_texts_for_keys() -> None:
    scenario = Scenario(**group(contexts={0: 0.3, 1: 0.7}))
    settings = json.loads(json.dumps(scenario.settings()))
    assert Scenario(**settings) == scenario
    assert Scenario(**settings).settings() == scenario.settings()
    told = "users.groups.0..contexts: contexts go from 0 to 1"
    with pytest.raises(InputError, match=told):
        Scenario(**group(contexts={"2": 1}))


def test_a_reward_without_an_end_wants_its_best() -> None:
    written = hashimoto(1.0)
    written["rewards"]["near_A"] = {"linear": [1]}
    with pytest.raises(InputError, match="state `best`"):
        Scenario(**written)
    written["users"]["groups"][0]["best"] = 2.0
    Scenario(**written)


def test_users_in_a_diet_want_users() -> None:
    written = loop("retrain", LINEAR)
    del written["users"]
    written["models"][0]["diet"] = {"users": 1}
    with pytest.raises(InputError, match=r"diet\.users: the scenario has no users"):
        Scenario(**written)
