"""What is wrong with a population is told at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from users.test_oracles import LINEAR, hashimoto, loop

from ecosystem import Scenario
from ecosystem.errors import InputError


def population(**changes: Any) -> dict[str, Any]:
    written = loop("retrain", LINEAR)
    written["users"] |= changes
    return written


def group(**changes: Any) -> dict[str, Any]:
    written = loop("retrain", LINEAR)
    written["users"]["groups"][0] |= changes
    return written


WRONG = [
    (group(contexts=[2]), "users.groups[0].contexts: contexts go from 0 to 1"),
    (group(contexts=[]), "users.groups[0].contexts"),
    (group(contexts={0: 0.0}), "users.groups[0].contexts: the weights are all 0"),
    (group(size=0), "users.groups[0].size: nobody is in this group, and nobody ever comes; give it users"),
    (group(name="B"), "users.groups[1].name: groups[0] already has the name 'B'"),
    (group(reward="likes"), "users.groups[0].reward: there is no reward 'likes'"),
    (group(models=["n"]), "users.groups[0].models: there is no model 'n'"),
    (population(feedback=LINEAR | {"group": "C"}), "users.feedback.group: there is no group 'C'"),
    (population(feedback={"method": "retention", "scale": 0}), "users.feedback.scale: must be more than 0 (got 0)"),
    (
        population(feedback={"method": "retention", "scale": 1}),
        "users.groups[0]: has no reward; retention goes by risk",
    ),
    (population(feedback={"method": "drift", "strength": 1}), "users.feedback: drift moves means"),
    (population(choice={"method": "softmax"}), "users.groups[0]: has no reward; softmax goes by experience"),
    (population(curate=True), "users.groups[0]: has no reward; the group's users curate"),
]


@pytest.mark.parametrize(("written", "told"), WRONG, ids=[told for _, told in WRONG])
def test_wrong(written: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**written)
    assert told in str(caught.value)


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


def test_contexts_as_a_map_survive_json_whose_keys_are_text() -> None:
    scenario = Scenario(**group(contexts={0: 0.7, 1: 0.3}))
    again = Scenario(**json.loads(json.dumps(scenario.settings())))
    assert again == scenario
    with pytest.raises(InputError, match="contexts go from 0 to 1"):
        Scenario(**group(contexts={"2": 1.0}))
