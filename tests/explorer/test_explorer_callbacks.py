"""What the page gets back when something on it is touched, asked of its server as a browser asks."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from dash import Dash

import ecosystem
from analysis.explorer import applications
from ecosystem import Scenario


class Served:
    """A page without a browser."""

    def __init__(self, app: Dash) -> None:
        self._client = app.server.test_client()
        self._callbacks = self._client.get("/_dash-dependencies").get_json()

    def opened(self) -> dict[str, Any]:
        """The parts of the page that have a name, as a tab that opens it gets them."""
        found: dict[str, Any] = {}
        left = [self._client.get("/_dash-layout").get_json()]
        while left:
            part = left.pop()
            if isinstance(part, list):
                left += part
            elif isinstance(part, dict):
                own = part.get("props", {})
                found[str(own.get("id"))] = own
                left.append(own.get("children"))
        return found

    def touch(self, touched: str, output: str, values: dict[str, Any]) -> dict[str, Any]:
        """What changes, by part and property, after `touched` got its value; empty if nothing.

        It is the callback of `output` that is asked, with these values of what it reads, and none of the rest;
        `knobs` are the values of the sliders.
        """
        (asked,) = (each for each in self._callbacks if output in each["output"].strip(".").split("..."))
        names = [each.rsplit(".", 1) for each in asked["output"].strip(".").split("...")]
        outputs = [{"id": name, "property": key} for name, key in names]

        def valued(read: list[dict[str, Any]]) -> list[Any]:
            return [
                [{"id": {"type": "knob", "number": at}, "property": "value", "value": value}
                 for at, value in enumerate(values["knobs"])]
                if each["id"].startswith("{")
                else {**each, "value": values.get(f"{each['id']}.{each['property']}")}
                for each in read
            ]  # fmt: skip

        answer = self._client.post(
            "/_dash-update-component",
            json={
                "output": asked["output"],
                "outputs": outputs if asked["output"].startswith("..") else outputs[0],
                "inputs": valued(asked["inputs"]),
                "state": valued(asked["state"]),
                "changedPropIds": [touched],
            },
        )
        assert answer.status_code in (200, 204)
        told = answer.get_json()["response"] if answer.status_code == 200 else {}
        return {f"{name}.{key}": value for name, own in told.items() for key, value in own.items()}


@pytest.fixture
def finished(small: Scenario) -> Served:
    return Served(applications.of_results(ecosystem.run(small)))


@pytest.fixture
def live(small: Scenario) -> Served:
    return Served(applications.of_scenario(small))


def view(served: Served) -> Any:
    return served.opened()["view"]["data"]


def picks(served: Served, touched: str, value: Any, picked: Any = None) -> dict[str, Any]:
    return served.touch(touched, "picked.data", {touched: value, "view.data": view(served), "picked.data": picked})


@pytest.mark.parametrize(
    ("name", "picked"),
    [("b", {"model": 1}), (" c ", {"model": 2}), ("", None)],
    ids=["a name", "with spaces", "none"],
)
def test_a_name_that_is_typed_picks_its_model(finished: Served, name: str, picked: Any) -> None:
    assert picks(finished, "name.value", name) == {"picked.data": picked, "name-hint.children": ""}


def test_a_name_that_no_model_has_picks_none_and_is_told(finished: Served) -> None:
    told = picks(finished, "name.value", "nobody", picked={"model": 1})
    assert told == {"name-hint.children": "No model has this name."}


def test_a_model_that_is_picked_already_is_not_picked_again(finished: Served) -> None:
    assert picks(finished, "name.value", "b", picked={"model": 1}) == {"name-hint.children": ""}


def test_a_dot_and_a_name_in_the_lists_pick_a_model_and_write_its_name(finished: Served) -> None:
    tapped = picks(finished, "network.tapNodeData", {"id": "n2"})
    assert tapped == {"picked.data": {"model": 2}, "name.value": "c", "name-hint.children": ""}
    chosen = picks(finished, "chosen.data", {"model": 1})
    assert chosen == {"picked.data": {"model": 1}, "name.value": "b", "name-hint.children": ""}
    assert picks(finished, "chosen.data", {"model": 3}) == {}


def test_a_community_is_picked_by_its_dot(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.explorer.placing.MOST_MODELS", 2)
    served = Served(applications.of_results(ecosystem.run(small)))
    tapped = picks(served, "network.tapNodeData", {"id": "n0"}, picked={"model": 1})
    assert tapped == {"picked.data": {"node": 0}, "name.value": "", "name-hint.children": ""}
    page = {"view.data": view(served), "round.value": 6, "picked.data": {"node": 0}}
    seen = served.touch("picked.data", "about.children", page)
    assert seen["about.children"][0]["props"]["children"] == "Community of 3 models"
    assert seen["influence-box.style"] == {"display": "none"}


@pytest.mark.parametrize(
    ("touched", "output"),
    [
        ("view.data", "network.elements"),
        ("round.value", "told.children"),
        ("quantity.value", "chart-models.figure"),
        ("name.value", "picked.data"),
        ("save.n_clicks", "saved.data"),
    ],
)
def test_on_a_forgotten_tab_all_stays_as_it_is(live: Served, touched: str, output: str) -> None:
    page = {"name.value": "a", "round.value": 0, "quantity.value": "alignment", "save.n_clicks": 1}
    assert live.touch(touched, output, {**page, "view.data": {"token": "forgotten", "version": 3}}) == {}
    assert live.touch(touched, output, {**page, "view.data": view(live)}) != {}


def test_a_picked_model_is_told_with_its_settings_in_the_round_that_is_looked_at(small: Scenario) -> None:
    events = [{"round": 3, "set": {"lam": 0.8}}]
    served = Served(applications.of_results(ecosystem.run(Scenario(**{**small.document.data, "events": events}))))
    page = {"view.data": view(served), "picked.data": {"model": 0}}
    for round_, real, curated in ((2, "50%", "50%"), (4, "20%", "80%")):
        seen = served.touch("round.value", "about.children", {**page, "round.value": round_})
        words = [each for each in strings(seen["about.children"]) if each.strip()]
        assert words[0] == "a" and words[words.index("real data") + 1] == real
        assert words[words.index("its own outputs, curated") + 1] == curated
        assert seen["round-label.children"] == f"Round {round_} of 6"
        assert seen["influence-box.style"] == {}


def strings(part: Any) -> list[str]:
    """What a part of the page says, as it was sent, in order."""
    if isinstance(part, list):
        return [text for each in part for text in strings(each)]
    return [part] if isinstance(part, str) else strings(part["props"].get("children") or []) if part else []


def test_a_network_is_drawn_anew_only_where_it_is_another_one(small: Scenario) -> None:
    swept = Scenario(**{**small.document.data, "sweep": {"grid": {"lam": [0.2, 0.8]}}, "rounds": 4})
    served = Served(applications.of_results(ecosystem.run(swept)))
    page = served.opened()
    first = page["view"]["data"]
    now = {
        "drawn.data": page["drawn"]["data"],
        "quantity.value": page["quantity"]["value"],
        "quantity.options": page["quantity"]["options"],
        "round.value": 2,
        "round.max": 4,
    }
    assert served.touch("view.data", "network.elements", {**now, "view.data": first}) == {}
    second = served.touch("point.data", "view.data", {"point.data": "1", "view.data": first})["view.data"]
    drawn = served.touch("view.data", "network.elements", {**now, "view.data": second})
    assert set(drawn) == {"network.elements", "network.stylesheet", "drawn.data"}
    assert drawn["drawn.data"] == second["run"] and len(drawn["network.elements"]) == 6
    longer = served.touch(
        "view.data", "network.elements", {**now, "view.data": first, "round.value": 1, "round.max": 1}
    )
    assert longer == {"round.max": 4, "round.value": 4}


def test_a_moved_slider_starts_again_beside_the_pinned_baseline_and_a_reset_undoes_it(live: Served) -> None:
    at = view(live)

    def touched(by: str, lam: float) -> dict[str, Any]:
        """What the page is told once the ecosystem is at its target."""
        page = {"view.data": at, "knobs": [lam, 1.0, 0.0], "seed.value": 0, "more.value": 2, "mode.value": "restart"}
        told = live.touch(by, "view.data", page)
        while not told["tick.disabled"]:
            told |= {"tick.disabled": live.touch("tick.n_intervals", "view.data", page)["tick.disabled"]}
        return told

    def seen() -> tuple[str, str]:
        found = live.touch("view.data", "told.children", {"view.data": at, "quantity.value": "alignment"})
        return found["told.children"], found["round-label.children"]

    touched("tick.n_intervals", 0.5)
    told, label = seen()
    assert label == "Round 6 of 6" and "baseline" not in told
    pinned = touched("pin.n_clicks", 0.5)
    assert pinned["view.data"] == {"token": at["token"], "version": 1}
    assert pinned["baseline.children"].startswith("Pinned: 6 rounds, lam = 0.5, ") and not pinned["unpin.disabled"]
    touched('{"number":0,"type":"knob"}.value', 0.9)
    assert "higher than in the baseline (lam = 0.5)" in seen()[0]
    unpinned = touched("unpin.n_clicks", 0.9)
    assert unpinned["baseline.children"] == "" and unpinned["unpin.disabled"]
    touched("run-on.n_clicks", 0.9)
    assert seen()[1] == "Round 8 of 8"
    touched("reset.n_clicks", 0.9)
    assert seen() == (told, label)


def test_what_is_saved_is_a_scenario_that_says_what_was_done(live: Served) -> None:
    saved = live.touch("save.n_clicks", "saved.data", {"save.n_clicks": 1, "view.data": view(live)})["saved.data"]
    assert (saved["filename"], saved["type"]) == ("explored.yaml", "text/yaml")
    again = Scenario(**yaml.safe_load(saved["content"]))
    assert again.parameters == {"lam": 0.5} and again.seed_list == (0,)


def test_a_seed_is_chosen_where_several_were_run(small: Scenario, finished: Served) -> None:
    results = ecosystem.run(small.with_({"seeds": [4, 5]}))
    served = Served(applications.of_results(results))
    page = served.opened()
    assert page["run-seed"]["data"] == 4 and "point" not in page
    at = {"view.data": page["view"]["data"]}
    chosen = served.touch("run-seed.data", "view.data", {**at, "run-seed.data": "5"})
    assert chosen["view.data"]["run"] == results.runs.set_index("seed")["run"][5]
    assert served.touch("run-seed.data", "view.data", {**at, "run-seed.data": "4"}) == {}
    assert "run-seed" not in finished.opened()


def influence(served: Served, touched: str, at: Any, model: int | None) -> Any:
    page = {"view.data": at, "picked.data": None if model is None else {"model": model}}
    return served.touch(touched, "influence.children", page)["influence.children"]


def test_influence_is_worked_out_when_it_is_asked_for_and_known_from_then_on(finished: Served) -> None:
    at = view(finished)
    assert influence(finished, "picked.data", at, 0).startswith("Takes a moment for 3 models; worked out when you ask")
    asked = influence(finished, "ask.n_clicks", at, 0)
    assert asked[0]["props"]["children"].startswith("Curating a more raises its own alignment (+")
    assert influence(finished, "picked.data", at, 0) == asked
    assert influence(finished, "picked.data", at, None) == ""
    assert influence(finished, "ask.n_clicks", {"run": "none"}, 0) == ""


def test_why_there_is_no_influence_is_told(small: Scenario) -> None:
    drawn = Scenario(**{**small.document.data, "mode": "sampled", "learning": {"examples": 20}})
    served = Served(applications.of_results(ecosystem.run(drawn)))
    told = influence(served, "ask.n_clicks", view(served), 0)
    assert told.startswith("No influence to show. ") and "sampled" in told


def test_at_a_point_that_lacks_the_picked_model_there_is_no_influence_of_it(small: Scenario) -> None:
    model = {
        "name": "m",
        "count": 2,
        "reward": "first",
        "diet": {"real": 0.5, "curated": 0.5},
        "curation": {"method": "luce", "candidates": 2},
    }
    sweep = {"grid": {"models.m.count": [2, 3]}}
    data = {**small.document.data, "models": [model], "network": {"edges": []}, "sweep": sweep}
    served = Served(applications.of_results(ecosystem.run(Scenario(**data))))
    few = view(served)
    many = served.touch("point.data", "view.data", {"point.data": "1", "view.data": few})["view.data"]
    for at in (few, many):
        assert influence(served, "ask.n_clicks", at, 1)[0]["type"] == "P"
    assert influence(served, "view.data", many, 2)[0]["type"] == "P"
    assert influence(served, "view.data", few, 2) == ""
