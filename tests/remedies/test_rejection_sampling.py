"""Rejection sampling: the published effect on the performative loop, and what it must not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from users.test_oracles import LINEAR, loop

from ecosystem import Ecosystem, Scenario
from ecosystem.errors import InputError

REMEDY = {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}, "quality": 0.7, "similarity": 0.3}


def after_five(regime: str, **more: Any) -> Ecosystem:
    written = loop(regime, LINEAR) | {key: value for key, value in more.items() if key != "real"}
    if more.get("real") == "initial":
        written["models"][0]["real"] = written["models"][0]["initial"]
    model = Ecosystem(Scenario(**written))
    for _ in range(5):
        model.step()
    return model


def preference_bias(model: Ecosystem) -> float:
    return float(model.group_values()["lean"].mean()) - 0.5


@pytest.mark.parametrize(
    ("regime", "real", "before", "after"),
    [
        ("incremental", "initial", 0.129, 0.083),
        ("retrain", "initial", 0.108, 0.087),
        ("incremental", "uniform", 0.129, 0.132),
        ("retrain", "uniform", 0.108, 0.112),
    ],
)
def test_the_published_effect(regime: str, real: str, before: float, after: float) -> None:
    assert preference_bias(after_five(regime, real=real)) == pytest.approx(before, abs=5e-4)
    assert preference_bias(after_five(regime, real=real, remedy=REMEDY)) == pytest.approx(after, abs=5e-4)


def test_it_lowers_bias_by_driving_the_groups_apart() -> None:
    plain = after_five("incremental", real="initial").group_values()["lean"][0].tolist()
    remedied = after_five("incremental", real="initial", remedy=REMEDY).group_values()["lean"][0].tolist()
    assert plain == pytest.approx([0.729, 0.530], abs=5e-4)
    assert remedied == pytest.approx([0.915, 0.251], abs=5e-4)


def test_a_judge_who_guesses_is_no_remedy() -> None:
    guessing = after_five("incremental", remedy=REMEDY | {"accuracy": 0.5}).state.p
    assert float((guessing - after_five("incremental").state.p).abs().max()) < 1e-15


def test_one_round_by_hand() -> None:
    # Quality alone, perfect judge, two candidates: P(good) = 1 − (1 − q)². Nothing is shared, all is learned.
    written = loop("incremental", LINEAR) | {"remedy": {"method": "rejection_sampling", "candidates": {"B": 2}}}
    written["learning"] = {"regime": "incremental", "rate": 1.0, "sharing": 0.0}
    model = Ecosystem(Scenario(**written))
    model.step()
    p = np.array(written["models"][0]["initial"])
    good = np.array([True, False, True, False])
    q = p[1, good].sum()
    expected = np.where(good, p[1] * (1 - (1 - q) ** 2) / q, p[1] * (1 - q))
    assert model.models[0].distribution[0] == pytest.approx(p[0], abs=1e-14)  # A has one candidate: no filter
    assert model.models[0].distribution[1] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"candidates": {"C": 2}}, "remedy.candidates.C: there is no group 'C'"),
        ({"accuracy": 0.4}, "remedy.accuracy: must be at least 0.5 (got 0.4)"),
        ({"candidates": 0}, "remedy.candidates: must be at least 1 (got 0)"),
    ],
)
def test_wrong(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**loop("retrain", LINEAR) | {"remedy": REMEDY | changes})
    assert told in str(caught.value)
