"""What figures do where there is too much to draw, little, or nothing, and what their options add."""

from __future__ import annotations

import io
from typing import Any

import igraph
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Circle, StepPatch, Wedge

import analysis
import ecosystem
from analysis import plots
from analysis.plots.communities import communities
from analysis.plots.style import COLOURS, LINES, number
from analysis.plots.wording import on_axis
from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from tests.doubles import CHAIN, small


def axis() -> Axes:
    return Figure().add_subplot()


def legend_of(figure: Figure) -> list[str]:
    """The texts of all legends of a figure, inside its axes or below them."""
    found = [*figure.legends, *(each for ax in figure.axes if (each := ax.get_legend()) is not None)]
    return [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for each in found for text in each.get_texts()]


def marked(ax: Axes, marker: str) -> list[tuple[list[float], list[float]]]:
    """Where the points of the lines with a marker are."""
    lines = [line for line in ax.lines if line.get_marker() == marker]
    return [([*map(float, line.get_xdata())], [*map(float, line.get_ydata())]) for line in lines]


def titles(figure: Figure) -> list[str]:
    return [ax.get_title(loc="left").replace("\N{NO-BREAK SPACE}", " ") for ax in figure.axes]


# Bias


def test_of_more_groups_than_lines_the_rest_is_counted_and_in_the_mean() -> None:
    count = LINES + 2
    leans = np.linspace(0.2, 0.9, count)
    table = pd.DataFrame(
        [{"run": "r", "round": t, "group": f"g{at}", "lean": lean} for t in (0, 1) for at, lean in enumerate(leans)]
    )
    ax = axis()
    figure = plots.bias(table, ax)
    told = legend_of(figure)
    assert told[: LINES - 1] == [f"g{at}" for at in range(LINES - 1)] and told[-1] == "3 more groups not drawn"
    assert any(np.allclose(line.get_ydata(), leans.mean()) and len(line.get_ydata()) == 2 for line in ax.lines)
    with pytest.raises(ValueError, match="leave out ax"):
        plots.bias(table, axis(), facet="run")


# Communities


def network_of(groups: list[int]) -> igraph.Graph:
    """Groups of models who all read one another, and nobody else."""
    starts = np.cumsum([0, *groups])
    pairs = [(s + i, s + j) for s, size in zip(starts, groups, strict=False) for i in range(size) for j in range(i)]
    graph = igraph.Graph(n=int(starts[-1]), edges=pairs, directed=True)
    graph.es["weight"] = 1.0
    return graph


def test_of_many_communities_the_largest_are_drawn_and_the_share_of_their_models_is_told() -> None:
    ax = axis()
    graph = network_of([4] * 60 + [2] * 5)
    communities(ax, graph, np.ones(250), None, "cividis")
    assert len([patch for patch in ax.patches if isinstance(patch, Circle)]) == 60
    assert ax.get_title(loc="left") == "the 60 largest of 65 communities, 96% of 250 models"


def test_a_network_of_one_community_is_one_disc_whose_ring_shows_the_curated_share() -> None:
    ax = axis()
    image = communities(
        ax, network_of([4]), np.array([0.0, 1.0, 1.0, np.nan]), np.array([True, False, False, False]), "cividis"
    )
    assert ax.get_title(loc="left") == "one community of 4 models; black: share of a community that is curated"
    (disc,) = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert disc.get_facecolor() == tuple(image.to_rgba(2 / 3))
    (dark,) = [patch for patch in ax.patches if isinstance(patch, Wedge) and patch.get_facecolor() == to_rgba("black")]
    assert dark.theta2 - dark.theta1 == 90.0


# Comparison


def changes(groups: list[str | None], quantity: str = "lean", **others: Any) -> pd.DataFrame:
    return pd.DataFrame(
        [
            others
            | {"remedy": remedy, "baseline": "none", "quantity": quantity, "group": group}
            | {"difference": 0.1 * at, "low": 0.1 * at - 0.05, "high": 0.1 * at + 0.05}
            for remedy in ("x", "y")
            for at, group in enumerate(groups)
        ]
    )


def test_groups_have_a_mark_each_and_measures_of_all_one_without_a_name() -> None:
    table = pd.concat([changes([None], "preference_bias"), changes(["A", "B"])])
    figure = plots.comparison(table)
    assert titles(figure) == ["preference bias", "lean"]
    assert legend_of(figure) == ["A", "B"]
    assert figure.legends[0].get_title().get_text() == ""
    bias, lean = figure.axes
    assert marked(bias, "o") == [([0.0, 0.0], [0.0, 1.0])]  # in the middle of its row: there is no other mark
    (a,), (b,) = marked(lean, "s"), marked(lean, "^")
    assert a[0] == [0.0, 0.0] and b[0] == [0.1, 0.1]
    assert a[1] == pytest.approx([-0.15, 0.85]) and b[1] == pytest.approx([0.15, 1.15])


def test_what_changes_bias_is_drawn_as_it_is_returned() -> None:
    scenario = Scenario(
        name="asked",
        rounds=1,
        outputs={"kind": "categorical", "size": 2, "contexts": 2, "scores": {"lean": [1, 0], "quality": [0, 1]}},
        rewards={"first": [1, 0]},
        models=[{"name": "m", "reward": "first", "diet": {"raw": 1}}],
        learning={"regime": "incremental", "rate": 0.5},
        users={
            "groups": [
                {"name": name, "size": 10, "contexts": [place], "reward": "first"} for place, name in enumerate("AB")
            ]
        },
        sweep={"grid": {"learning.rate": [0.5, 0.9]}},
    )
    results = ecosystem.run(scenario)
    table = analysis.bias_changes(results, "learning.rate", 0.5)
    figure = plots.comparison(table)
    assert titles(figure) == [name.replace("_", " ") for name in table["quantity"].unique()]
    assert legend_of(figure) == ["A", "B"]


def test_more_combinations_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=f"group has 8 combinations; {LINES} can be told apart"):
        plots.comparison(changes(list("ABCDEFGH")))


# Distribution


def spread_of(start: list[float], end: list[float]) -> pd.DataFrame:
    rows = [("r", t, each) for t, values in ((0, start), (3, end)) for each in values]
    return pd.DataFrame(rows, columns=["run", "round", "alignment"])


def test_models_that_start_apart_have_an_outline_and_those_that_start_alike_a_line() -> None:
    start, end = [0.1, 0.2, 0.2, 0.9], [0.6, 0.7, 0.8, 0.9]
    apart, alike = axis(), axis()
    plots.distribution(spread_of(start, end), apart)
    plots.distribution(spread_of([0.5] * 4, end), alike)
    first, last = (patch.get_data() for patch in apart.patches if isinstance(patch, StepPatch))
    assert np.array_equal(first.edges, last.edges)
    for drawn, numbers in ((first, start), (last, end)):
        assert np.array_equal(drawn.values, np.histogram(numbers, first.edges)[0]) and drawn.values.sum() == 4
    assert legend_of(apart.figure) == ["at the start", "at the end"]
    assert legend_of(alike.figure) == ["all, at the start", "at the end"]
    assert [*alike.lines[0].get_xdata()] == [0.5, 0.5]


def test_where_no_model_has_a_number_there_is_no_distribution() -> None:
    with pytest.raises(EcosystemError, match="no model has a number in the column alignment"):
        plots.distribution(spread_of([np.nan] * 2, [np.nan] * 2))


# Influence


def square(count: int) -> pd.DataFrame:
    names = [f"m{at}" for at in range(count)]
    return pd.DataFrame(np.linspace(-1, 2, count**2).reshape(count, count), index=names, columns=names)


def written(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_levers_that_are_no_models_have_a_map_and_no_arrows() -> None:
    matrix = square(2)
    assert len(plots.influence(matrix).axes) == 3  # the map, the arrows, the colours
    assert len(plots.influence(matrix.set_axis(["lever a", "lever b"], axis=1)).axes) == 2


def test_numbers_are_written_on_few_cells_and_none_where_there_is_none() -> None:
    matrix = square(3)
    few, gaps, many = axis(), axis(), axis()
    plots.influence(matrix, few)
    assert written(few) == [number(value, 3) for value in matrix.to_numpy().ravel()]
    plots.influence(matrix.where(matrix < 1), gaps)
    assert written(gaps) == [number(value, 3) for value in matrix.to_numpy().ravel() if value < 1]
    plots.influence(square(9), many)
    assert written(many) == []


def test_models_have_their_names_by_the_arrows_where_there_is_room() -> None:
    few, many = axis(), axis()
    plots.influence_arrows(square(12), few)
    plots.influence_arrows(square(13), many)
    assert written(few) == [f"m{at}" for at in range(12)] and written(many) == []


def test_arrows_of_rows_are_those_of_the_matrix_blue_for_help_and_dashed_for_harm() -> None:
    matrix = pd.DataFrame([[1.0, -0.5], [0.25, 0.0]], index=["p", "q"], columns=["p", "q"])
    rows = matrix.rename_axis(index="affected", columns="lever").stack().rename("influence").reset_index()
    looks = []
    for table in (matrix, rows):
        ax = axis()
        plots.influence_arrows(table, ax)
        looks.append({(arrow.get_edgecolor(), arrow.get_linestyle(), arrow.get_linewidth()) for arrow in ax.patches})
    assert (
        looks[0]
        == looks[1]
        == {
            (to_rgba(COLOURS[0]), "solid", 0.5 + 3 * 0.25),
            (to_rgba(COLOURS[1]), "dashed", 0.5 + 3 * 0.5),
        }
    )


# Phase maps


def phase(values: Any) -> pd.DataFrame:
    return pd.DataFrame(values, index=pd.Index([0, 1], name="b"), columns=pd.Index([0, 1], name="a"))


def test_phase_maps_beside_one_another_have_the_same_colours() -> None:
    figure = plots.phase_maps({"lam = 0": phase([[0.0, 1.0]] * 2), "lam = 1": phase([[-3.0, 0.5]] * 2)}, "J")
    *maps, colours = figure.axes
    assert titles(figure)[:2] == ["lam = 0", "lam = 1"] and colours.get_ylabel() == "J"
    assert [ax.collections[0].get_clim() for ax in maps] == [(-3.0, 3.0)] * 2
    assert [ax.get_xlabel() for ax in maps] == ["a", "a"] and [ax.get_ylabel() for ax in maps] == ["b", ""]
    assert len(maps[0].collections) == 1 < len(maps[1].collections)  # zero is crossed in the second alone


def test_a_phase_map_without_a_value_has_no_coloured_cell() -> None:
    ax = axis()
    plots.phase_map(phase(np.nan), ax)
    assert ax.collections[0].get_array().mask.all()
    assert ax.collections[0].get_clim() == (0.0, 1.0)


# Prediction


def test_a_prediction_of_one_setting_has_dots_and_no_legend() -> None:
    table = pd.DataFrame(
        {"quantity": "lean", "group": ["A", "B"], "predicted": [0.4, 0.6], "measured": [0.5, 0.55]}
    ).assign(low=lambda rows: rows["measured"] - 0.1, high=lambda rows: rows["measured"] + 0.1)
    figure = plots.prediction(table)
    assert titles(figure) == ["lean, group A", "lean, group B"]
    assert [marked(ax, "o") for ax in figure.axes] == [[([0.4], [0.5])], [([0.6], [0.55])]]
    assert legend_of(figure) == []


# Propagation


def by_distance(factors: dict[float, float]) -> pd.DataFrame:
    """Gains that fall by a factor a hop, a line for each value of `lam`."""
    table = pd.DataFrame(
        [
            {"lam": lam, "distance": hops, "models": 1, "gain": factor**hops, "spread": 0.0}
            for lam, factor in factors.items()
            for hops in range(3)
        ]
    )
    return table.assign(low=np.nan, high=np.nan).astype({"distance": "Int64"})


def test_each_swept_point_has_a_line_and_its_decay() -> None:
    ax = axis()
    plots.propagation(by_distance({0.25: np.exp(-1), 0.5: np.exp(-0.5), 0.75: 1.0}), ax)
    assert legend_of(ax.figure) == ["lam = 0.25: 1/e in 1 hops", "lam = 0.5: 1/e in 2 hops", "lam = 0.75: no decay"]


def test_more_swept_points_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=f"lam take 8 values together; {LINES} lines can be told apart"):
        plots.propagation(by_distance(dict.fromkeys(range(8), 0.5)))


def test_a_fit_that_is_given_is_drawn_at_the_point_it_is_of() -> None:
    fit = pd.DataFrame({"lam": [0.0, 1.0], "length": [4.0, 5.0], "size": 1.0})
    ax = axis()
    plots.propagation(by_distance({0.0: 0.5, 1.0: 0.5}), ax, fit=fit)
    assert legend_of(ax.figure) == ["lam = 0.0: 1/e in 4 hops", "lam = 1.0: 1/e in 5 hops"]


def test_where_no_model_is_curated_that_is_told() -> None:
    models = [{"name": name, "reward": "first", "diet": {"raw": 1}} for name in "ab"]
    results = ecosystem.run(Scenario(**{**CHAIN, "rounds": 1, "models": models, "network": {"edges": []}}))
    ax = axis()
    plots.propagation(analysis.propagation(results), ax)
    assert written(ax) == ["no model is curated"] and legend_of(ax.figure) == []


def test_communities_stand_at_their_curated_share_and_gain_as_large_as_they_are() -> None:
    table = pd.DataFrame({"community": [0, 1], "models": [10, 5], "curated": [5, 0], "gain": [0.4, 0.1]})
    ax = axis()
    plots.propagation(table.assign(low=[0.3, np.nan], high=[0.6, np.nan]), ax)
    bars, dots = ax.collections
    assert dots.get_offsets().tolist() == [[0.5, 0.4], [0.0, 0.1]]
    assert dots.get_sizes().tolist() == [300.0, 150.0]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [pytest.approx([0.3, 0.6]), [0.1, 0.1]]
    assert ax.get_xlabel() == "curated share of a community’s models"


# Response


def test_lines_panels_and_marks_of_a_response() -> None:
    table = pd.DataFrame(
        [
            {"lam": lam, "seed": seed, "judge": judge, "regime": regime, "alignment": lam + seed + place}
            for place, judge in enumerate(("good", "poor"))
            for regime in ("i", "r")
            for lam in (0.0, 1.0)
            for seed in (0, 1)
            if (judge, regime) != ("poor", "r")
        ]
    )
    figure = plots.response(table, "lam", by="judge", facet="regime", marks=[0.3])
    assert titles(figure) == ["regime = i", "regime = r"]
    both, one = figure.axes
    assert marked(both, "o") == [([0.0, 1.0], [0.5, 1.5])] and marked(both, "s") == [([0.0, 1.0], [1.5, 2.5])]
    assert marked(one, "o") == [([0.0, 1.0], [0.5, 1.5])] and marked(one, "s") == []  # a judge that was not tried
    assert legend_of(figure) == ["good", "poor"] and figure.legends[0].get_title().get_text() == "judge"
    assert all(any([*line.get_xdata()] == [0.3, 0.3] for line in ax.lines) for ax in figure.axes)
    assert all(ax.containers for ax in figure.axes)  # bars of two seeds
    alone = axis()
    plots.response(table[(table["seed"] == 0) & (table["judge"] == "good") & (table["regime"] == "i")], "lam", alone)
    assert not alone.containers
    with pytest.raises(ValueError, match="leave out ax"):
        plots.response(table, "lam", axis(), facet="regime")


def test_an_outcome_is_drawn_under_the_name_of_what_it_is() -> None:
    results = ecosystem.run(small(parameters={"lam": 0.5}, sweep={"grid": {"lam": [0.2, 0.8]}}))
    outcome = analysis.outcome(results, "alignment")
    ax = axis()
    plots.response(outcome, "lam", ax)
    assert marked(ax, "o") == [([0.2, 0.8], outcome["value"].tolist())]
    assert ax.get_ylabel() == on_axis("alignment")
    with pytest.raises(EcosystemError, match="no column 'quality'"):
        plots.response(outcome, "lam", axis(), column="quality")


def test_more_lines_of_a_response_than_can_be_told_apart_are_refused() -> None:
    table = pd.DataFrame({"lam": 0.0, "alignment": 1.0, "model": [f"m{at}" for at in range(LINES + 1)]})
    with pytest.raises(ValueError, match=f"model has {LINES + 1} values; a panel holds {LINES} lines"):
        plots.response(table, "lam", by="model")


def test_a_table_of_means_is_drawn_as_it_stands() -> None:
    table = pd.DataFrame({"lam": [1.0, 0.0], "mean": [0.7, 0.2], "low": [0.6, 0.2], "high": [0.9, 0.2]})
    ax = axis()
    plots.response(table, "lam", ax, column="mean")
    assert marked(ax, "o") == [([0.0, 1.0], [0.2, 0.7])]
    (bars,) = ax.collections
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0.2, 0.2], pytest.approx([0.6, 0.9])]


# Samples


def test_images_of_one_model_need_no_title() -> None:
    picture = io.BytesIO()
    imsave(picture, np.zeros((2, 2, 3)), format="png")
    table = pd.DataFrame([{"round": 0, "model": "p", "context": 0, "sample": 0, "image": picture.getvalue()}])
    assert titles(plots.samples(table)) == [""]
    assert titles(plots.samples(table, facet="context")) == ["context = 0"]


# Sensitivity


def test_indices_at_several_points_want_a_panel_each() -> None:
    rows = [("x", "first", 0.2), ("x", "total", 0.3), ("y", "first", 0.6), ("y", "total", 0.7)]
    each = pd.DataFrame(rows, columns=["parameter", "order", "index"])
    each = each.assign(low=each["index"] - 0.1, high=each["index"] + 0.1)
    table = pd.concat([each.assign(regime=regime) for regime in ("i", "r")])
    assert titles(plots.sensitivity(table)) == ["regime = i", "regime = r"]
    with pytest.raises(ValueError, match=r"one axis shows the indices at one point; the table has 2 \(regime\)"):
        plots.sensitivity(table, axis())


# Numbers


@pytest.mark.parametrize(("value", "text"), [(np.inf, "∞"), (-np.inf, "−∞"), (np.nan, "–"), (-1e-15, "0")])
def test_numbers_without_digits_have_a_sign_of_their_own(value: float, text: str) -> None:
    assert number(value) == text
