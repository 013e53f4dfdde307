"""Figures show the numbers of their tables, where they are asked to, and touch nothing else."""

from __future__ import annotations

import io
from typing import Any

import igraph
import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from scipy import stats

import analysis
from analysis import plots
from analysis.plots.style import LINES, look
from ecosystem.errors import EcosystemError

RNG = np.random.default_rng(7)


def rows(
    names: list[str], rounds: int = 6, seeds: int = 4, key: str = "model", column: str = "alignment"
) -> pd.DataFrame:
    """A table of numbers that differ in name, round and seed."""
    return pd.DataFrame(
        [
            {"run": f"r{seed}", "seed": seed, "round": number, key: name, column: place + number + RNG.normal()}
            for seed in range(seeds)
            for number in range(rounds)
            for place, name in enumerate(names)
        ]
    )


def edges(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=1.0)


def models(count: int, curated: set[int] = frozenset()) -> pd.DataFrame:  # type: ignore[assignment]
    return pd.DataFrame(
        {
            "model": [f"m{number}" for number in range(count)],
            "alignment": np.linspace(0, 1, count),
            "distance": pd.array([0 if number in curated else 1 for number in range(count)], dtype="Int64"),
        }
    )


def swept(points: list[dict[str, Any]], quantities: list[str]) -> pd.DataFrame:
    """What `analysis.compare` returns of points."""
    made = [
        point
        | {"baseline": "none", "quantity": name, "n": 5, "difference": value, "low": value - 0.1, "high": value + 0.2}
        for point in points
        for value, name in enumerate(quantities)
    ]
    return pd.DataFrame(made)


PROPAGATION = pd.DataFrame(
    {"distance": [0, 1, 2], "models": [5, 10, 20], "start": 0.0, "end": [0.8, 0.4, 0.2], "gain": [0.8, 0.4, 0.2]}
    | {name: np.nan for name in ("end_low", "end_high", "low", "high")}
    | {"spread": 0.05, "n": 1, "level": 0.95, "method": "t"}
).astype({"distance": "Int64"})
SOBOL = pd.DataFrame(
    [
        {"parameter": name, "order": order, "index": value, "low": value - 0.05, "high": value + 0.05}
        for name, first, total in (("x", 0.2, 0.3), ("y", 0.6, 0.7))
        for order, value in (("first", first), ("total", total))
    ]
)
MORRIS = pd.DataFrame(
    {"parameter": ["x", "y"], "mu_star": [1.0, 3.0], "low": [0.8, 2.5], "high": [1.2, 3.5], "sigma": [0.1, 2.0]}
)
PHASE = pd.DataFrame([[-1.0, 1.0], [-1.0, 1.0]], index=pd.Index([0, 1], name="b"), columns=pd.Index([0, 1], name="a"))
MATRIX = pd.DataFrame([[1.0, -0.5], [0.0, 2.0]], index=pd.Index(["p", "q"], name="affected"), columns=["p", "q"])
GROUPS = rows(["A", "B"], key="group", column="lean")

ONE_AXIS = {
    "bias": lambda ax: plots.bias(GROUPS, ax),
    "comparison": lambda ax: plots.comparison(swept([{"remedy": "x"}, {"remedy": "y"}], ["bias"]), ax),
    "distribution": lambda ax: plots.distribution(rows(["p", "q"]), ax),
    "influence": lambda ax: plots.influence(MATRIX, ax),
    "influence_arrows": lambda ax: plots.influence_arrows(MATRIX, ax),
    "network": lambda ax: plots.network(edges([("m0", "m1"), ("m1", "m2")]), models(3), ax),
    "phase_map": lambda ax: plots.phase_map(PHASE, ax, "J"),
    "propagation": lambda ax: plots.propagation(PROPAGATION, ax),
    "response": lambda ax: plots.response(rows(["p"]).rename(columns={"round": "lam"}), "lam", ax),
    "sensitivity": lambda ax: plots.sensitivity(SOBOL, ax),
    "trajectories": lambda ax: plots.trajectories(rows(["p", "q"]), ax),
}
"""Every figure of one axis."""


def test_every_figure_is_tried() -> None:
    functions = {name for name in plots.__all__ if callable(getattr(plots, name)) and name != "on_axis"}
    assert set(ONE_AXIS) | {"phase_maps", "prediction", "samples"} == functions


@pytest.mark.parametrize("name", ONE_AXIS)
def test_a_figure_is_drawn_where_it_is_asked_to_be(name: str) -> None:
    figure = Figure()
    ax = figure.add_subplot()
    before = ax.has_data()
    assert ONE_AXIS[name](ax) is figure
    assert not before and (ax.has_data() or ax.patches)
    alone = ONE_AXIS[name](None)
    assert isinstance(alone, Figure) and alone is not figure


@pytest.mark.parametrize("name", sorted(set(ONE_AXIS) - {"network", "influence_arrows"}))
def test_axes_say_what_they_show(name: str) -> None:
    ax = Figure().add_subplot()
    ONE_AXIS[name](ax)
    assert ax.get_xlabel()
    assert ax.get_ylabel() or [tick.get_text() for tick in ax.get_yticklabels()]


def test_no_window_and_no_global_state() -> None:
    settings = dict(matplotlib.rcParams)
    for draw in ONE_AXIS.values():
        draw(None)
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == settings


def test_lines_can_be_told_apart_without_colour() -> None:
    looks = [look(number) for number in range(LINES)]
    assert len({(str(each["marker"]), str(each["linestyle"])) for each in looks}) == LINES
    assert len({each["color"] for each in looks}) == LINES


def test_a_trajectory_is_the_mean_over_seeds_in_its_interval() -> None:
    table = rows(["p"], seeds=6)
    ax = Figure().add_subplot()
    plots.trajectories(table, ax)
    by_round = table.groupby("round")["alignment"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), by_round.mean())
    half = stats.t.ppf(0.975, 5) * by_round.std() / np.sqrt(6)
    (shade,) = ax.collections
    edges_ = shade.get_paths()[0].vertices
    for number in range(6):
        at = edges_[np.isclose(edges_[:, 0], number), 1]
        assert at.max() == pytest.approx(by_round.mean()[number] + half[number])
        assert at.min() == pytest.approx(by_round.mean()[number] - half[number])


def test_one_seed_has_no_shade() -> None:
    ax = Figure().add_subplot()
    plots.trajectories(rows(["p", "q"], seeds=1), ax)
    assert len(ax.lines) == 2 and not ax.collections


def test_a_run_that_came_to_rest_counts_to_the_end() -> None:
    table = pd.DataFrame(
        [{"run": "a", "seed": 0, "round": t, "model": "p", "alignment": 1.0} for t in range(2)]
        + [{"run": "b", "seed": 1, "round": t, "model": "p", "alignment": 3.0} for t in range(5)]
    )
    ax = Figure().add_subplot()
    plots.trajectories(table, ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2.0] * 5)


def test_more_models_than_can_be_told_apart_are_a_median_with_bands() -> None:
    table = rows([f"m{number}" for number in range(20)], seeds=1)
    ax = Figure().add_subplot()
    plots.trajectories(table, ax)
    wide = table.pivot(index="round", columns="model", values="alignment")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), wide.median(axis=1))
    assert len(ax.collections) == 2
    assert "median of 20 models" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_panel_for_each_value() -> None:
    table = pd.concat([rows(["p", "q"]).assign(lam=lam) for lam in (0.0, 0.5)])
    figure = plots.trajectories(table, facet="lam")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["lam = 0", "lam = 0.5"]
    with pytest.raises(ValueError, match="leave out ax"):
        plots.trajectories(table, Figure().add_subplot(), facet="lam")


def test_names_are_drawn_as_they_stand() -> None:
    names = ["$\\frac$", "_hidden", "<b>bold</b>"]
    ax = Figure().add_subplot()
    figure = plots.trajectories(rows(names), ax)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [text.strip("\u2009").replace("\\$", "$") for text in shown] == names
    figure.savefig("/dev/null", format="svg")  # would raise on mathematics that cannot be read


def test_preference_bias_is_the_height_of_the_mean_above_a_half() -> None:
    ax = Figure().add_subplot()
    plots.bias(GROUPS, ax)
    by_group = GROUPS.groupby(["round", "group"])["lean"].mean().unstack()
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    assert any(len(line) == 6 and np.allclose(line, by_group.mean(axis=1)) for line in drawn)
    assert any(np.allclose(line, 0.5) for line in drawn)


def test_disparate_bias_is_the_height_of_the_gap() -> None:
    table = rows(["A", "B", "C"], key="group", column="quality", seeds=1)
    ax = Figure().add_subplot()
    plots.bias(table, ax, column="quality")
    (gap,) = ax.collections
    across = table.groupby("round")["quality"].agg(["min", "max"])
    vertices = gap.get_paths()[0].vertices
    for number, low, high in across.itertuples():
        at = vertices[np.isclose(vertices[:, 0], number), 1]
        assert (at.min(), at.max()) == pytest.approx((low, high))


def test_the_zero_line_lies_where_the_quantity_changes_sign() -> None:
    ax = Figure().add_subplot()
    plots.phase_map(PHASE, ax)
    lines = [path for collection in ax.collections[1:] for path in collection.get_paths() if len(path.vertices)]
    zero = [path.vertices for path in lines if np.allclose(path.vertices[:, 0], 0.5)]
    assert zero and np.ptp(zero[0][:, 1]) == pytest.approx(2.0)  # over both cells, to their outer edges


def test_no_zero_line_without_a_change_of_sign() -> None:
    ax = Figure().add_subplot()
    plots.phase_map(PHASE.abs(), ax)
    assert len(ax.collections) == 1


def test_the_fitted_decay_goes_through_gains_that_halve() -> None:
    ax = Figure().add_subplot()
    plots.propagation(PROPAGATION, ax)
    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    x, y = (np.asarray(data, dtype=float) for data in (curve.get_xdata(), curve.get_ydata()))
    np.testing.assert_allclose(y, 0.8 * 0.5**x, rtol=1e-6)
    assert "1/e in 1.4 hops" in ax.get_legend().get_texts()[0].get_text()  # 1/log 2 = 1.44


def test_a_fit_that_is_given_is_drawn() -> None:
    fit = pd.DataFrame({"length": [3.0], "size": [0.5]})
    ax = Figure().add_subplot()
    plots.propagation(PROPAGATION, ax, fit=fit)
    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    np.testing.assert_allclose(curve.get_ydata(), 0.5 * np.exp(-np.asarray(curve.get_xdata(), dtype=float) / 3))


def test_a_few_models_are_drawn_one_by_one_and_curated_ones_as_diamonds() -> None:
    ax = Figure().add_subplot()
    plots.network(edges([(f"m{k}", f"m{k + 1}") for k in range(29)]), models(30, curated={0, 7}), ax)
    marks = [found for found in ax.collections if isinstance(found, PathCollection) and len(found.get_offsets())]
    assert [len(found.get_offsets()) for found in marks] == [28, 2]
    assert len(marks[1].get_paths()[0].vertices) == 5  # four corners, closed


def test_a_large_network_is_drawn_as_communities() -> None:
    count = plots.LARGEST + 100
    rings = [[f"m{k}" for k in range(part, count, 3)] for part in range(3)]
    pairs = [pair for ring in rings for pair in zip(ring, [*ring[1:], ring[0]], strict=True)]
    ax = Figure().add_subplot()
    plots.network(edges(pairs), models(count, curated=set(range(0, count, 3))), ax)
    assert not [found for found in ax.collections if isinstance(found, PathCollection)]
    assert 3 <= len(ax.patches) < 400
    assert "communities" in ax.get_title(loc="left")


def test_places_are_the_same_each_time_and_leave_igraph_its_own_chance() -> None:
    def places() -> Any:
        ax = Figure().add_subplot()
        plots.network(edges([(f"m{k}", f"m{(k * 7 + 3) % 150}") for k in range(150)]), models(150), ax)
        return ax.collections[1].get_offsets()

    import random

    first = places()
    random.seed(5)
    between = igraph.Graph.Erdos_Renyi(30, 0.2).get_edgelist()
    np.testing.assert_array_equal(first, places())
    random.seed(5)
    assert igraph.Graph.Erdos_Renyi(30, 0.2).get_edgelist() == between


def test_a_network_of_two_networks_is_refused() -> None:
    two = edges([("m0", "m1"), ("m1", "m0")]).assign(network=["a", "b"])
    with pytest.raises(EcosystemError, match="edges of 2 networks"):
        plots.network(two, models(2))
    with pytest.raises(EcosystemError, match="several rows"):
        plots.network(edges([("m0", "m1")]), pd.concat([models(2), models(2)]))


def test_a_model_that_was_not_recorded_is_drawn_white() -> None:
    ax = Figure().add_subplot()
    plots.network(edges([("m0", "m1"), ("m1", "elsewhere")]), models(2), ax)
    (marks,) = [found for found in ax.collections if isinstance(found, PathCollection) and len(found.get_offsets())]
    white = [tuple(face) == (1.0, 1.0, 1.0, 1.0) for face in marks.get_facecolors()]
    assert white == [False, False, True]


def test_an_edge_that_was_cut_is_not_drawn() -> None:
    ax, other = Figure().add_subplot(), Figure().add_subplot()
    pairs = edges([("m0", "m1"), ("m1", "m2")])
    plots.network(pairs.assign(until=pd.array([pd.NA, 3], dtype="Int64")), models(3), ax)
    plots.network(pairs, models(3), other)
    assert (len(ax.patches), len(other.patches)) == (1, 2)


def test_differences_stand_at_their_values_with_their_intervals() -> None:
    points = [{"regime": regime, "remedy": remedy} for regime in ("i", "r") for remedy in ("x", "y")]
    figure = plots.comparison(swept(points, ["first", "second"]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["first", "second"]
    second: Axes = figure.axes[1]
    dots = [line for line in second.lines if line.get_linestyle() == "None" and line.get_marker() in ("o", "s")]
    assert all(np.allclose(np.asarray(line.get_xdata(), dtype=float), 1.0) for line in dots)
    assert len(dots) == 2
    (bar, *_) = [part for found in second.collections for part in found.get_segments()]
    assert sorted(bar[:, 0]) == pytest.approx([0.9, 1.2])
    with pytest.raises(ValueError, match="one axis shows one quantity"):
        plots.comparison(swept(points, ["first", "second"]), Figure().add_subplot())


def test_an_effect_over_the_accuracy_of_a_judge() -> None:
    table = pd.DataFrame({"accuracy": [1.0, 0.75], "difference": [-0.4, -0.1], "low": -0.5, "high": 0.1})
    table = table.assign(baseline=0.5, quantity="preference_bias")
    ax = Figure().add_subplot()
    plots.response(table, "accuracy", ax, column="difference", zero=True)
    (line,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert ax.get_ylabel() == "preference bias: difference from accuracy = 0.5"
    assert list(line.get_xdata()) == [0.5, 0.75, 1.0] and list(line.get_ydata()) == [0.0, -0.1, -0.4]


@pytest.mark.parametrize("table", [SOBOL, MORRIS], ids=["sobol", "morris"])
def test_the_parameter_that_matters_most_is_on_top(table: pd.DataFrame) -> None:
    ax = Figure().add_subplot()
    plots.sensitivity(table, ax)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["y", "x"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert {round(bar.get_width(), 3) for bar in ax.patches} == (
        {0.2, 0.3, 0.6, 0.7} if "order" in table.columns else {1.0, 3.0}
    )


def test_three_lines_from_a_run_to_a_figure(tmp_path: Any) -> None:
    import ecosystem
    from tests.doubles import SMALL

    ecosystem.run(ecosystem.Scenario(**SMALL), out=tmp_path / "x")
    r = ecosystem.open_results(tmp_path / "x")
    t = analysis.propagation(r)
    assert isinstance(analysis.plots.propagation(t), Figure)


def png(colour: tuple[float, float, float]) -> bytes:
    buffer = io.BytesIO()
    pyplot.imsave(buffer, np.full((2, 2, 3), colour), format="png")
    return buffer.getvalue()


def test_samples_stand_where_their_round_and_context_are() -> None:
    table = pd.DataFrame(
        [
            {"run": "r", "round": number, "model": name, "context": context, "sample": 0}
            | {"image": png((number / 8, context / 2, float(name == "q"))), "text": None}
            for number in (0, 4, 8)
            for name in ("p", "q")
            for context in (0, 1)
        ]
    )
    figure = plots.samples(table)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["model p", "model q"]
    for blue, ax in enumerate(figure.axes):
        assert [label.get_text() for label in ax.get_yticklabels()] == ["round 0", "round 4", "round 8"]
        shown = np.asarray(ax.get_images()[0].get_array())
        for row in range(3):
            for column in range(2):
                at = shown[3 * row, 3 * column]
                np.testing.assert_allclose(at, [row / 2, column / 2, blue], atol=1 / 255)
    some = plots.samples(table, rounds=[8])
    assert [label.get_text() for label in some.axes[0].get_yticklabels()] == ["round 8"]
    with pytest.raises(EcosystemError, match="the table holds no images"):
        plots.samples(table.assign(image=None))
