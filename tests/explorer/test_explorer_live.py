"""An ecosystem that runs while its settings move: the same numbers as a scenario that says what was done."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import yaml

import ecosystem
from analysis.explorer.knobs import knobs
from analysis.explorer.live import Live
from analysis.explorer.live_callbacks import Touch, act
from analysis.explorer.record import Record, of_run
from analysis.explorer.sessions import Session, Sessions
from analysis.explorer.views import Tabs
from ecosystem import Scenario
from ecosystem.errors import EcosystemError


def reached(scenario: Scenario, rounds: int, seed: int = 0) -> Live:
    live = Live(scenario, seed)
    live.target = rounds
    while not live.advance(60):
        pass
    return live


def run_again(live: Live, path: Any) -> Record:
    """Run what a live ecosystem saves, from its file."""
    path.write_text(live.written(), encoding="utf-8")
    results = ecosystem.run(ecosystem.load_scenario(path))
    return of_run(results, results.runs["run"].iloc[0])


def same(one: Record, other: Record) -> None:
    assert np.array_equal(one.rounds, other.rounds)
    for name in one.models:
        assert np.array_equal(one.models[name], other.models[name], equal_nan=True), name
    for name in one.of_groups:
        assert np.array_equal(one.of_groups[name], other.of_groups[name], equal_nan=True), name


def test_a_live_ecosystem_has_the_numbers_of_a_run(small: Scenario) -> None:
    results = ecosystem.run(small)
    same(reached(small, 6).record, of_run(results, results.runs["run"].iloc[0]))


def test_what_was_moved_on_the_way_is_saved_as_events(small: Scenario, tmp_path) -> None:
    live = reached(small, 4)
    first = live.record
    live.change({"lam": 0.9})
    assert live.round == 4
    live.target = 7
    assert live.advance(60)
    live.change({"lam": 0.1, "learning.rate": 0.5})
    live.target = 9
    assert live.advance(60)
    assert np.array_equal(live.record.models["alignment"][:5], first.models["alignment"])
    assert live.record.models["alignment"][7, 0] > live.record.models["alignment"][9, 0]
    same(run_again(live, tmp_path / "saved.yaml"), live.record)
    assert live.settings == {"lam": 0.1, "learning.rate": 0.5}


def test_several_changes_in_one_round_are_one_event_and_what_stays_is_none(small: Scenario, tmp_path) -> None:
    live = reached(small, 3)
    live.change({"lam": 0.7})
    live.change({"lam": 0.9, "learning.rate": 0.5})
    live.target = 5
    assert live.advance(60)
    before = live.record
    live.change({"lam": 0.9, "learning.rate": 0.5})
    assert live.record is before
    saved = yaml.safe_load(live.written())
    assert saved["events"] == [{"round": 3, "set": {"lam": 0.9, "learning.rate": 0.5}}]
    same(run_again(live, tmp_path / "saved.yaml"), live.record)


def test_settings_from_the_start_give_what_the_scenario_gives_with_them(users: Scenario, tmp_path) -> None:
    live = reached(users, 4)
    live.restart({"learning.sharing": 0.9}, seed=3)
    assert live.round == 0 and live.target == 4
    assert live.advance(60)
    same(run_again(live, tmp_path / "saved.yaml"), live.record)
    assert live.record.overall["disparate_bias"][-1] < reached(users, 4).record.overall["disparate_bias"][-1]


def test_what_is_not_valid_changes_nothing(small: Scenario) -> None:
    live = reached(small, 3)
    before = live.record
    for refused in (live.restart, live.change):
        with pytest.raises(EcosystemError, match=r"shares|real|curated"):
            refused({"lam": 1.7})
    assert live.record is before and live.settings == {} and live.round == 3


def test_a_touch_computes_no_longer_than_the_page_waits(small: Scenario) -> None:
    live = Live(small)
    live.target = 300
    assert not live.advance(0.0)
    assert live.round == 1
    assert live.advance(60) and live.round == 300


def test_rounds_are_bounded_by_what_is_kept(small: Scenario) -> None:
    live = Live(small.with_({"models": [{"name": "m", "count": 2000, "diet": {"raw": 1}}], "network": {"edges": []}}))
    assert live.most == 2000
    live.target = 10**9
    live.advance(0.0)
    assert live.target == 2000


def test_who_asks_for_more_rounds_than_are_kept_is_told(small: Scenario, monkeypatch) -> None:
    session = session_of(small, 3)
    monkeypatch.setattr(session.live, "_most", 5)
    assert act(session, Touch("run-on", {}, more=2), 6, patience=60) == (True, "")
    told = "Only 5 rounds are kept here; run more with “ecosystem run”."
    assert act(session, Touch("run-on", {}, more=1), 6, patience=60) == (True, told)
    assert session.live.round == 5


def test_numbers_that_grow_beyond_bounds_end_at_the_last_good_round() -> None:
    echo = {"from": "a", "to": "a", "channel": {"matrix": [[1e100]]}}
    scenario = Scenario(
        name="diverges",
        rounds=20,
        outputs={"kind": "gaussian", "dimension": 1},
        models=[{"name": "a", "initial": {"mean": [1.0], "covariance": 0}, "diet": {"neighbours_raw": 1}}],
        network={"edges": [echo]},
        learning={"covariance": "fixed"},
    )
    live = Live(scenario)
    live.target = 20
    with pytest.raises(EcosystemError, match="beyond all bounds after round"):
        live.advance(60)
    assert 0 < live.round < 20 and live.target == live.round
    assert np.isfinite(live.record.models["displacement"][:-1]).all()


def session_of(scenario: Scenario, rounds: int = 6) -> Session:
    return Session(reached(scenario, rounds))


def test_a_pinned_baseline_stays_while_sliders_move(small: Scenario) -> None:
    session = session_of(small)
    act(session, Touch("pin", {"lam": 0.5}), 6)
    pinned = session.live.record
    assert act(session, Touch("knob", {"lam": 0.8}), 6, patience=60) == (True, "")
    assert session.baseline is not None and session.baseline.record is pinned
    assert session.live.settings == {"lam": 0.8} and session.live.round == 6
    tabs = Tabs(Sessions(lambda: session.live))
    tabs.sessions._kept["x"] = session
    view = tabs.view({"token": "x"})
    assert view is not None and view.baseline is pinned and view.told == "lam = 0.5"
    difference = session.live.record.models["alignment"] - pinned.models["alignment"]
    assert np.array_equal(view.record.models["versus"], difference)
    act(session, Touch("unpin", {"lam": 0.8}), 6)
    assert session.baseline is None


def test_running_on_resetting_and_another_seed(small: Scenario) -> None:
    drawn = Scenario(**{**small.document.data, "mode": "sampled", "learning": {"examples": 50}})
    session = session_of(drawn)
    act(session, Touch("run-on", {}, more=4), 6, patience=60)
    assert session.live.round == 10
    before = session.live.record.models["alignment"]
    act(session, Touch("seed", {}, seed=1), 6, patience=60)
    assert session.live.round == 10 and session.live.seed == 1
    assert not np.array_equal(session.live.record.models["alignment"], before)
    act(session, Touch("reset", {}, seed=0), 6, patience=60)
    assert session.live.round == 6
    assert np.array_equal(session.live.record.models["alignment"], before[:7])


def test_a_problem_is_told_and_the_ecosystem_stays(small: Scenario) -> None:
    session = session_of(small)
    before = session.live.record
    there, problem = act(session, Touch("knob", {"lam": 1.4}), 6)
    assert there and "diet" in problem
    assert session.live.record is before


def test_of_moves_that_wait_only_the_last_is_made(small: Scenario) -> None:
    session = session_of(small)
    made = []
    session.live.restart = lambda settings, seed=None: made.append(settings["lam"])  # type: ignore[method-assign]
    moves = [threading.Thread(target=act, args=(session, Touch("knob", {"lam": k / 10}), 6)) for k in range(5)]
    with session.lock:
        for number, move in enumerate(moves):
            move.start()
            while session.touches <= number:
                pass
    for move in moves:
        move.join()
    assert made == [0.4]


def test_each_token_has_an_ecosystem_of_its_own_and_the_longest_unused_is_forgotten(small: Scenario) -> None:
    sessions = Sessions(lambda: Live(small), most=2)
    one, born = sessions.open("one")
    assert born and sessions.open("one") == (one, False)
    other, _ = sessions.open("other")
    one.live.restart({"lam": 0.9})
    assert other.live.settings == {}
    sessions.find("one")
    sessions.open("third")
    assert sessions.find("other") is None and sessions.find("one") is one and len(sessions) == 2
    assert Tabs(sessions).view({"token": "other"}) is None
    assert len({sessions.token() for _ in range(100)}) == 100 and len(sessions.token()) >= 32


def test_a_forgotten_tab_begins_again_with_the_settings_of_its_page(small: Scenario) -> None:
    sessions = Sessions(lambda: Live(small))
    session, born = sessions.open("back")
    act(session, Touch("run-on", {"lam": 0.7}, seed=5, more=3), 6, born, patience=60)
    assert (session.live.settings, session.live.seed, session.live.round) == ({"lam": 0.7}, 5, 6)


def test_sliders_go_as_far_as_the_scenario_is_valid() -> None:
    scenario = Scenario(
        name="knobs",
        rounds=2,
        parameters={"lam": 0.3, "scale": 3, "shift": -2.0, "much": 0.2},
        outputs={"kind": "categorical", "size": 2},
        rewards={"first": ["= shift", "= scale"]},
        models=[
            {
                "name": "m",
                "count": 4,
                "reward": "first",
                "diet": {"real": "= 0.6 - lam", "raw": "= 0.4 + lam"},
            }
        ],
        curated={"fraction": 0.25, "curation": {"method": "luce", "candidates": 4, "temperature": "= much"}},
    )
    found = {knob.key: knob for knob in knobs(scenario, {"scale": [3.0, 5.0]})}
    assert (found["lam"].low, found["lam"].high) == (0.0, 0.6)  # 0.6 - lam must not fall below 0
    scale = found["scale"]
    assert (scale.low, scale.high, scale.step, scale.whole) == (0.0, 10.0, 1.0, True)
    assert (found["shift"].low, found["shift"].high) == (-4.0, 4.0)
    assert found["lam"].acts_on == ("models.m.diet.real", "models.m.diet.raw")
    assert (found["curated.fraction"].low, found["curated.fraction"].high) == (0.0, 1.0)
    assert found["curated.curation.candidates"].whole
    assert "curated.curation.temperature" not in found  # it follows from a parameter
    assert "learning.sharing" not in found  # there is one kind of prompt
    for knob in found.values():
        for value in (knob.low, knob.high):
            scenario.with_({knob.key: int(value) if knob.whole else value})
    assert found["lam"].read("0.456") == 0.456
    assert found["lam"].read(7) == 0.6
    assert found["scale"].read("4.4") == 4
    assert found["lam"].read("nan") == found["lam"].read("inf") == 0.3  # no place on a slider: where it stood


def test_a_parameter_without_an_end_has_no_slider(small: Scenario) -> None:
    data = small.document.data
    first, *others = data["models"]
    models = [{**first, "curation": {"method": "luce", "candidates": "= many"}}, *others]
    scenario = Scenario(**{**data, "models": models, "parameters": {"lam": 0.5, "many": float("inf")}})
    assert [knob.key for knob in knobs(scenario)] == ["lam", "learning.rate", "learning.sharing"]
