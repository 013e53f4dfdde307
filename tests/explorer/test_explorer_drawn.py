"""What the explorer draws: the network, its communities, and charts, of records whose numbers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.explorer import charts, colours, elements
from analysis.explorer.looking import figures, look
from analysis.explorer.placing import LINES, picture
from analysis.explorer.quantities import called
from analysis.explorer.record import Record, versus
from analysis.explorer.views import View
from tests.doubles.records import made_up, network, view_of

NAN = float("nan")


def lines(figure: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The lines of a chart by name."""
    assert figure is not None
    return {trace["name"]: trace for trace in figure["data"] if "name" in trace}


def of_many(record: Record, quantity: str = "alignment") -> dict[str, Any]:
    return charts.over_rounds(record, called(quantity, record), None, 0)


def test_of_many_models_bands_hold_nine_tenths_and_a_half() -> None:
    rows = np.stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9) ** 2])
    drawn = of_many(made_up(rows.tolist()))["data"]
    assert [trace.get("name") for trace in drawn] == [
        None, "middle 90% of models", None, "middle half", "mean of all models",
    ]  # fmt: skip
    for place, percents in ((0, (5, 95)), (2, (25, 75))):
        for trace, percent in zip(drawn[place : place + 2], percents, strict=True):
            assert trace["y"] == pytest.approx(np.percentile(rows, percent, axis=1))
    assert drawn[-1]["y"] == pytest.approx(rows.mean(axis=1))


def test_bands_end_where_nothing_is_known_any_more() -> None:
    long, short = made_up([[0.5] * 9, [0.75] * 9]), made_up([[0.25] * 9])
    drawn = of_many(versus(long, short), "versus")["data"]
    assert [trace["y"] for trace in drawn] == [[0.25, None]] * 5


def test_up_to_eight_models_have_a_line_each() -> None:
    found = lines(of_many(made_up([[number / 10 for number in range(8)]])))
    assert set(found) == {*(f"m{number}" for number in range(8)), "mean of all models"}


def groups(share: Any, lean: Any, bias: Any) -> Record:
    found = {"share": share, "satisfaction": lean, "lean": lean, "quality": lean}
    return made_up([[0.5]] * len(share), of_groups=found, overall={"preference_bias": bias, "disparate_bias": bias})


def test_groups_of_the_baseline_are_dotted_beside_those_of_the_run() -> None:
    now = groups([[0.5, 0.5], [0.8, 0.2]], [[0.4, 0.6], [0.4, 0.9]], [0.0, 0.15])
    then = groups([[0.5, 0.5], [0.6, 0.4]], [[0.4, 0.6], [0.4, 0.7]], [0.0, 0.05])
    found = figures(look(view_of(now, then, "lam = 0.5")))
    share = lines(found["share"])
    assert set(share) == {"a", "b", "a (baseline)", "b (baseline)"}
    assert share["a"]["y"] == [0.5, 0.8] and share["a (baseline)"]["y"] == [0.5, 0.6]
    assert share["a (baseline)"]["line"]["dash"] == "dot" and share["a"]["line"]["dash"] == "solid"
    assert share["a (baseline)"]["line"]["color"] == share["a"]["line"]["color"]
    bias = lines(found["preference"])
    assert bias["preference bias"]["y"] == [0.0, 0.15] and bias["preference bias (baseline)"]["y"] == [0.0, 0.05]
    assert bias["b: lean"]["y"] == [0.6, 0.9]


def test_groups_of_another_division_are_not_drawn_beside_them() -> None:
    now = groups([[0.5, 0.5]], [[0.4, 0.6]], [0.0])
    then = groups([[0.5, 0.3, 0.2]], [[0.4, 0.6, 0.5]], [0.1])
    assert set(lines(figures(look(view_of(now, then)))["share"])) == {"a", "b"}


def nodes_of(view: View) -> dict[str, dict[str, Any]]:
    drawn = elements.elements(view.record, view.picture, 0, look(view).fills)
    return {each["data"]["id"]: each["data"] for each in drawn if "id" in each["data"]}


def styles(view: View, selector: str) -> dict[str, Any]:
    """How what a selector chooses looks; what is said later holds."""
    merged: dict[str, Any] = {}
    for each in elements.stylesheet(view.picture):
        merged |= each["style"] if each["selector"] == selector else {}
    return merged


def test_names_and_arrows_are_there_for_as_many_nodes_as_have_room_for_them() -> None:
    def ring(count: int) -> View:
        edges = network(*((at, (at + 1) % count) for at in range(count)))
        return view_of(made_up([[0.5] * count], edges))

    few, many = ring(elements.FEW), ring(elements.FEW + 1)
    assert nodes_of(few)["n7"]["label"] == "m7" and "label" not in nodes_of(many)["n7"]
    assert nodes_of(many)["n7"]["title"] == "m7"
    assert styles(few, "node")["label"] == "data(label)" and "label" not in styles(many, "node")
    assert styles(few, "edge")["target-arrow-shape"] == "triangle"
    assert "target-arrow-shape" not in styles(many, "edge")
    assert styles(few, "edge.both") and not styles(many, "edge.both")


@pytest.fixture
def communities(monkeypatch: pytest.MonkeyPatch) -> View:
    """Six models: four that read one another, one pair, and one alone."""
    monkeypatch.setattr("analysis.explorer.placing.MOST_MODELS", 6)
    every = [(at, to) for at in range(4) for to in range(4) if at != to]
    rows = [[0.0, 0.2, 0.4, 0.6, 0.5, 0.7, 1.0], [0.1, 0.3, 0.5, 0.7, 0.6, 0.6, 0.9]]
    return view_of(made_up(rows, network(*every, (4, 5), (5, 4)), distance=[[0, 1, 1, 1, 0, 0, NAN]] * 2))


def test_communities_hold_the_number_of_their_models_and_are_as_large(communities: View) -> None:
    found = nodes_of(communities)
    assert [each["title"] for each in found.values()] == ["4 models", "2 models", "m6"]
    assert [each["label"] for each in found.values()] == ["4", "2", "1"]
    assert [each["ring"] for each in found.values()] == [0.25, 1.0, 0.0]
    sizes = [each["size"] for each in found.values()]
    assert sizes[0] > sizes[1] > sizes[2]
    assert styles(communities, "node")["text-valign"] == "center"


def test_colours_of_communities_go_from_the_least_mean_to_the_largest(communities: View) -> None:
    assert look(communities, 0).bounds == look(communities, 1).bounds == pytest.approx((0.3, 1.0))
    least, _, most = look(communities, 0, "alignment").fills
    assert [least, most] == colours.fills(np.array([0.0, 1.0]), (0.0, 1.0), signed=False)


def test_a_picked_community_is_no_model_but_a_community_of_one_is(communities: View) -> None:
    assert (look(communities, node=0).picked, look(communities, node=0).model) == (0, None)
    assert (look(communities, node=2).picked, look(communities, node=2).model) == (2, 6)
    assert look(communities, model=5).picked == 1


def test_between_communities_the_strongest_lines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    count, size = 12, 6
    monkeypatch.setattr("analysis.explorer.placing.MOST_MODELS", count * size - 1)
    inside = [(c * size + i, c * size + j) for c in range(count) for i in range(size) for j in range(size) if i != j]
    joints = [(c * size, d * size + 1) for c in range(count) for d in range(c)]
    weight = [1.0] * len(inside) + [float(number) for number in range(1, len(joints) + 1)]
    found = picture(count * size, network(*inside, *joints, weight=weight))
    assert found.grouped and found.nodes == count
    assert len(joints) == 66 > LINES * count
    assert sorted(found.weight.tolist()) == [float(number) for number in range(19, 67)]
    strongest = found.weight.argmax()
    ends = {int(found.source[strongest]), int(found.target[strongest])}
    assert ends == {int(found.node[joints[-1][0]]), int(found.node[joints[-1][1]])}
