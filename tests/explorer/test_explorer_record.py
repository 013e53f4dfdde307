"""Runs as arrays, where models are drawn, and what is said of them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecosystem
from analysis.explorer import charts, colours, elements
from analysis.explorer.looking import figures, frame, look, told
from analysis.explorer.placing import MOST_MODELS, picture
from analysis.explorer.portrait import portrait
from analysis.explorer.quantities import bounds, called, offered, values
from analysis.explorer.record import Record, of_run, record, versus
from analysis.explorer.settings import of_model, phase
from analysis.explorer.views import Stored, View
from analysis.explorer.words import number, percent, sentences
from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from ecosystem.world.blueprint import blueprint
from tests.doubles.records import network


def stored(scenario: Scenario) -> tuple[ecosystem.Results, Record]:
    results = ecosystem.run(scenario)
    return results, of_run(results, results.runs["run"].iloc[0])


def test_a_record_holds_what_the_tables_hold(small: Scenario) -> None:
    results, found = stored(small)
    assert found.names == ("a", "b", "c")
    table = results.models.pivot(index="round", columns="model", values="alignment")
    assert np.array_equal(found.models["alignment"], table[list(found.names)].to_numpy())
    assert np.array_equal(found.overall["alignment"], results.rounds["alignment"])
    assert [found.names[index] for index in found.network.source] == results.network["source"].tolist()
    assert found.curated(0).tolist() == [True, False, False]
    assert found.readers.tolist() == [2, 1, 0]


def test_rows_in_any_order_make_the_same_record(small: Scenario) -> None:
    results, found = stored(small)
    shuffled = results.models.sort_values(["alignment", "round"])
    names = {name: index for index, name in enumerate(pd.unique(shuffled["model"]))}
    again = record(shuffled, results.rounds[::-1], None, results.network)
    order = [names[name] for name in found.names]
    assert np.array_equal(again.models["entropy"][:, order], found.models["entropy"])
    assert np.array_equal(again.overall["alignment"], found.overall["alignment"])


def test_groups_of_users_are_there_round_by_round(users: Scenario) -> None:
    results, found = stored(users)
    assert found.groups == ("A", "B")
    assert found.of_groups["share"][:, 0] == pytest.approx([0.6, 0.67, 0.74, 0.81, 0.88])
    assert np.array_equal(found.overall["disparate_bias"], results.rounds["disparate_bias"])


def test_of_a_sample_of_models_those_are_shown_with_what_joins_them(small: Scenario) -> None:
    results, found = stored(Scenario(**{**small.document.data, "record": {"models": ["b", "c"]}}))
    assert found.names == ("b", "c") and found.all_models == 3
    ends = zip(found.network.source.tolist(), found.network.target.tolist(), strict=True)
    assert list(ends) == [(0, 1)]
    assert "of 2 models (of 3)" in sentences(found, called("alignment", found), 6)[0]
    source = Stored(results)
    plan = source.plan(source.address(0, 0))
    assert plan is not None and of_model(plan, found.names[0]).diet[0] == ("neighbours' outputs", 0.6)


def test_where_no_model_has_rows_that_is_told(small: Scenario) -> None:
    with pytest.raises(EcosystemError, match="no model has rows of its own"):
        stored(Scenario(**{**small.document.data, "record": {"models": "aggregate"}}))


def test_edges_are_there_from_the_round_they_come_to_the_round_they_go(small: Scenario) -> None:
    events = [{"round": 2, "cut": {"from": "a", "to": "b"}}, {"round": 4, "add": {"from": "c", "to": "b"}}]
    results, found = stored(Scenario(**{**small.document.data, "events": events}))
    ends = list(zip(found.network.source.tolist(), found.network.target.tolist(), strict=True))
    there = [{ends[at] for at in np.flatnonzero(found.network.at(round_))} for round_ in (1, 2, 4)]
    assert there == [{(0, 1), (1, 2), (0, 2)}, {(1, 2), (0, 2)}, {(1, 2), (0, 2), (2, 1)}]
    view = View(found, picture(3, found.network), "x")
    assert frame(look(view, 1))["absent"] == []  # c → b is drawn on the line of b → c
    assert frame(look(view, 3))["absent"] == ["0-1"]
    plan = blueprint(results.scenario, 0)
    assert [phase(plan, round_).edges.source.size for round_ in (1, 2, 3, 4)] == [3, 2, 2, 3]


def test_of_a_sweep_each_point_is_one_run_with_its_own_settings(small: Scenario) -> None:
    results = ecosystem.run(
        Scenario(**{**small.document.data, "sweep": {"grid": {"lam": [0.2, 0.8]}}, "seeds": [4, 5]})
    )
    source = Stored(results)
    assert [choice.told for choice in source.points] == ["lam = 0.2", "lam = 0.8"]
    assert [choice.value for choice in source.seeds] == [4, 5]
    address = source.address(1, 5, compared=0)
    view, plan = source.view(address), source.plan(address)
    assert view is not None and plan is not None
    assert plan.diet[0].max() == pytest.approx(0.8) and plan.seed == 5
    assert view.told == "lam = 0.2"
    asked = source.scenario(address)
    assert asked is not None and asked[0].parameters == {"lam": 0.8} and asked[1] == 5
    last = results.last("models", parameters=True).set_index(["lam", "seed", "model"])["alignment"]
    assert values(view.record, "versus")[-1, 0] == pytest.approx(last[0.8, 5, "a"] - last[0.2, 5, "a"])
    gone = {"run": "none"}
    assert source.view(gone) is source.plan(gone) is source.scenario(gone) is None


def test_the_last_runs_that_were_looked_at_are_kept_and_each_is_read_once(small: Scenario, monkeypatch) -> None:
    results = ecosystem.run(small.with_({"seeds": 7, "rounds": 1}))
    read: list[str] = []

    def of_run_counted(results: ecosystem.Results, run: str) -> Record:
        read.append(run)
        return of_run(results, run)

    monkeypatch.setattr("analysis.explorer.views.of_run", of_run_counted)
    source, runs = Stored(results), results.runs["run"].tolist()
    for run in [*runs[:6], runs[0], runs[6], runs[0], runs[1]]:
        assert source.view({"run": run}) is not None
    assert read == [*runs, runs[1]]  # the seventh run took the place of the second, which was longest unused


def test_a_baseline_of_other_length_is_compared_where_both_are(small: Scenario) -> None:
    _, short = stored(small)
    _, long = stored(small.with_({"rounds": 9, "lam": 0.7}))
    difference = values(versus(long, short), "versus")
    assert np.isfinite(difference).all(axis=1).tolist() == [True] * 7 + [False] * 3
    assert difference[6] == pytest.approx(long.models["alignment"][6] - short.models["alignment"][6])
    assert versus(long, None) is long
    view = View(versus(long, short), picture(3, long.network), "x", short, "lam = 0.5")
    by = number(float(long.models["alignment"][9].mean() - short.models["alignment"][6].mean()))
    assert f"is {by} higher than in the baseline (lam = 0.5) at its round 6, which is at" in told(look(view, 9))
    assert "(lam = 0.5), which is at" in told(look(view, 4))


def test_a_picture_keeps_every_model_in_its_place_and_joins_edges_of_both_ways() -> None:
    found = picture(5, network((0, 1), (1, 0), (1, 2), (3, 2)))
    assert found.node.tolist() == [0, 1, 2, 3, 4]
    lines = {(int(s), int(t)): bool(b) for s, t, b in zip(found.source, found.target, found.both, strict=True)}
    assert lines == {(0, 1): True, (1, 2): False, (3, 2): False}
    assert (found.place >= 0).all() and (found.place <= 1).all()
    apart = np.linalg.norm(found.place[:, None] - found.place[None], axis=-1)[np.triu_indices(5, 1)]
    assert apart.min() > 0.02
    again = picture(5, network((0, 1), (1, 0), (1, 2), (3, 2)))
    assert np.array_equal(found.place, again.place)


@given(st.integers(1, 40), st.data())
def test_every_picture_stays_on_its_sheet(models: int, data: st.DataObject) -> None:
    ends = st.tuples(st.integers(0, models - 1), st.integers(0, models - 1))
    found = picture(models, network(*data.draw(st.lists(ends, max_size=60, unique=True))))
    assert found.place.shape == (models, 2)
    assert np.isfinite(found.place).all() and (found.place >= -1e-9).all() and (found.place <= 1 + 1e-9).all()


def test_too_many_models_are_drawn_as_the_communities_that_they_form() -> None:
    size, count = 50, MOST_MODELS // 50 + 10
    rings = [
        (c * size + i, c * size + (i + step) % size) for c in range(count) for i in range(size) for step in (1, 2, 3)
    ]
    joints = [(c * size, (c + 1) * size % (count * size)) for c in range(count)]
    found = picture(size * count, network(*rings, *joints))
    assert found.grouped and found.nodes == count
    assert all(len(set(found.node[c * size : (c + 1) * size].tolist())) == 1 for c in range(count))
    quantity = np.arange(size * count, dtype=float)
    community = int(found.node[0])
    assert found.means(quantity)[community] == pytest.approx(quantity[:size].mean())
    assert len(found.members(community)) == size
    assert int(found.weight.sum()) == count


def test_means_leave_out_what_is_not_known() -> None:
    found = picture(3, network((0, 1)))
    assert found.means(np.array([1.0, np.nan, 3.0]))[[0, 2]].tolist() == [1.0, 3.0]
    assert np.isnan(found.means(np.array([1.0, np.nan, 3.0]))[1])


def test_the_elements_name_no_model_but_in_labels(small: Scenario) -> None:
    _, found = stored(small)
    view = View(found, picture(3, found.network), "x")
    drawn = elements.elements(found, view.picture, 0, look(view).fills)
    assert [each["data"]["id"] for each in drawn if "id" in each["data"]] == ["n0", "n1", "n2"]
    assert {each["data"].get("label") for each in drawn} == {"a", "b", "c", None}
    assert [each["data"]["ring"] for each in drawn[:3]] == [1.0, 0.0, 0.0]
    diameters = [each["data"]["size"] for each in drawn[:3]]
    assert diameters[0] > diameters[1] > diameters[2]  # read by two, by one, by none
    assert len(drawn) == 6 and json.dumps(drawn)


def test_colours_order_as_numbers_do_and_the_middle_of_a_signed_scale_is_white() -> None:
    def light(colour: str) -> float:
        red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    shades = [light(colour) for colour in colours.fills(np.linspace(0, 1, 50), (0.0, 1.0), signed=False)]
    assert all(after < before for before, after in pairwise(shades))
    low, zero, high = colours.fills(np.array([-1.0, 0.0, 1.0]), (-1.0, 1.0), signed=True)
    assert light(zero) > 230 and low[1:3] > low[5:7] and high[1:3] < high[5:7]  # red below, blue above


def test_a_scale_holds_all_rounds_so_that_colours_of_rounds_compare(small: Scenario) -> None:
    _, found = stored(small)
    quantity = called("alignment", found)
    view = View(found, picture(3, found.network), "x")
    ends = (found.models["alignment"].min(), found.models["alignment"].max())
    assert look(view, 0, "alignment").bounds == look(view, 6, "alignment").bounds == ends
    low, high = look(view, 3, "gain").bounds
    assert low == -high and high == pytest.approx(values(found, "gain").max())
    assert bounds(quantity, np.full((2, 2), 0.3)) == pytest.approx((-0.2, 0.8))
    assert [each.key for each in offered(found)] == ["alignment", "gain", "entropy", "distance_real"]


def test_sentences_say_what_the_numbers_are(small: Scenario, users: Scenario) -> None:
    _, found = stored(small)
    alignment = found.models["alignment"]
    text = " ".join(sentences(found, called("alignment", found), 6))
    mean, start = alignment[6].mean(), alignment[0].mean()
    assert f"the mean alignment of 3 models is {number(mean)}, up {number(mean - start)} since the start" in text
    assert "3 went up, 0 went down" in text
    outside = number(alignment[6, 1:].mean())
    assert f"The curated model is at {number(alignment[6, 0])} on average, the others at {outside}." in text
    _, found = stored(users)
    text = told(look(View(found, picture(1, found.network), "x")))
    assert "88% of the users are in the largest group, A (at the start 60%)" in text
    assert "A is served best and B worst" in text
    assert f"disparate bias is {number(float(found.overall['disparate_bias'][-1]))}" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (1000.0, "1,000"), (1234.5, "1,234"), (-0.25, "−0.25"), (3e-6, "3.0e−06"), (np.inf, "∞")],
)
def test_numbers_read_well(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(0, 1))
def test_a_percentage_is_near_to_its_share(share: float) -> None:
    written = percent(share).removesuffix("%").replace("−", "-")
    assert float(written) == pytest.approx(100 * share, rel=0.051, abs=1e-5)


def test_a_portrait_splits_shares_by_weight(small: Scenario) -> None:
    _, found = stored(small)
    seen = portrait(found, called("alignment", found), 2, 6)
    assert [(each.model, each.share) for each in seen.sources] == [(0, 0.75), (1, 0.25)]
    assert seen.readers == ()
    assert portrait(found, called("alignment", found), 0, 6).readers[0].share == 1.0  # b reads nobody else
    assert "1 step from the nearest curated model" in seen.standing
    assert re.search(r"number 2 from the top of 3 models|number 3 from the top of 3 models", seen.standing)


CURATORS: dict[str, tuple[dict[str, Any], str]] = {
    "luce": ({"method": "luce", "candidates": 4, "temperature": 0.5}, "likes “first” keeps one of 4 outputs, better"),
    "best": ({"method": "best_of", "candidates": 3}, "keeps one of 3 outputs, always the best"),
    "all": ({"method": "luce", "candidates": "inf"}, "keeps one of all it could write"),
    "noisy": ({"method": "noisy", "candidates": 2, "noise": 0.2}, "“first” 80%, chance 20% of the time"),
    "adversarial": (
        {"method": "adversarial", "candidates": 2, "attack": 0.3, "attack_reward": "second"},
        "“first” 70%, “second” 30% of the time",
    ),
    "pluralistic": (
        {"method": "pluralistic", "candidates": 2, "rewards": {"first": 3, "second": 1}},
        "“first” 75%, “second” 25% of the time",
    ),
}


@pytest.mark.parametrize("kind", CURATORS)
def test_curators_are_told_in_words(small: Scenario, kind: str) -> None:
    curation, words = CURATORS[kind]
    data = small.document.data
    models = [{**data["models"][0], "curation": curation}, *data["models"][1:]]
    plan = blueprint(Scenario(**{**data, "rewards": {"first": [1, 0], "second": [0, 1]}, "models": models}), 0)
    assert words in of_model(plan, "a").curator
    assert of_model(plan, "b").curator == "nobody"
    assert of_model(plan, "b").diet == (("neighbours' outputs", 0.6), ("real data", 0.4))
    assert of_model(plan, "a").reward == "first"


def test_charts_hold_the_mean_the_picked_model_the_baseline_and_axes_that_say_what_they_show(small: Scenario) -> None:
    _, base = stored(small)
    _, found = stored(small.with_({"lam": 0.9}))
    view = View(versus(found, base), picture(3, found.network), "x", base, "lam = 0.5")
    figure = figures(look(view, 3, "alignment", model=1))["models"]
    assert figure is not None
    lines = {trace["name"]: trace["y"] for trace in figure["data"]}
    assert lines["mean of all models"] == pytest.approx(found.models["alignment"].mean(axis=1))
    assert lines["b"] == found.models["alignment"][:, 1].tolist()
    assert lines["baseline: mean"] == pytest.approx(base.models["alignment"].mean(axis=1))
    assert lines["baseline: b"] == base.models["alignment"][:, 1].tolist()
    assert figure["layout"]["xaxis"]["title"]["text"] == "round"
    assert figure["layout"]["yaxis"]["title"]["text"] == "alignment (expected reward)"
    assert figure["layout"]["shapes"] == [charts.cursor(3)]


def test_long_runs_are_thinned_to_what_a_screen_shows_ends_included(small: Scenario) -> None:
    _, found = stored(small.with_({"rounds": 2000}))
    figure = charts.over_rounds(found, called("alignment", found), None, 0)
    drawn = figure["data"][-1]["x"]
    assert len(drawn) == 600 and drawn[0] == 0 and drawn[-1] == 2000


def test_what_a_page_asks_for_and_is_not_there_is_left_out(small: Scenario) -> None:
    _, found = stored(small)
    view = View(found, picture(3, found.network), "x")
    assert look(view, "99").row == 6
    assert look(view, -3).row == 0
    assert look(view, None, "no such").quantity.key == "alignment"
    assert (look(view, model=17).model, look(view, node=17).picked) == (None, None)
    assert look(view, node=2).model == 2
