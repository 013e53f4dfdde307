"""Stable points: closed forms, the plain iteration, and every verdict."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from ecosystem.errors import EcosystemError
from ecosystem.influence import influence, stable_point
from ecosystem.influence.anderson import accelerate
from ecosystem.influence.rounds import Round
from ecosystem.influence.stable import _look, settle
from ecosystem.scenario.scenario import Scenario

from .ecosystems import ecosystems, one_model, two_models


def models(*blocks: dict[str, Any], size: int = 3, edges: list[dict[str, Any]] | None = None, **more: Any) -> Scenario:
    return Scenario(
        name="few",
        rounds=3,
        outputs={"kind": "categorical", "size": size},
        models=list(blocks),
        network={"edges": edges or []},
        **more,
    )


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.2, (0.441196, 0.283670, 0.275135)), (0.8, (0.126856, 0.0921712, 0.780973))],
)
def test_closed_form_of_one_model(share: float, expected: tuple[float, ...]) -> None:
    point = stable_point(one_model(share, [0.5, 0.3, 0.2], [0, 0.5, 1.5], math.inf))
    assert point.verdict == "stable"
    assert point.p[0, 0] == pytest.approx(expected, abs=6e-7)


@pytest.mark.parametrize(
    ("lam", "c_p", "c_q", "expected"),
    [
        (0.5, 0, 0, (0.609943, 0.609943)),
        (0.6, 0, 0.3, (0.656349, 0.502073)),
        (0.5, 0.7, 0.3, (0.454176, 0.545824)),
        (0.6, 0.7, 0.3, (0.441384, 0.548847)),
    ],
)
def test_two_items(lam: float, c_p: float, c_q: float, expected: tuple[float, float]) -> None:
    p = stable_point(two_models(lam, c_p, c_q)).p
    assert (p[0, 0, 0], p[1, 0, 1]) == pytest.approx(expected, abs=6e-7)


@settings(deadline=None, max_examples=15)
@given(written=ecosystems)
def test_the_plain_iteration_ends_at_the_stable_point(written: dict[str, Any]) -> None:
    written["learning"]["corpus"] = "replace"
    scenario = Scenario(**written)
    point = stable_point(scenario)
    if not point.attracts or point.spectral_radius > 0.95:
        return
    path = Round(scenario).path()
    x = next(path)
    for _ in range(700):
        x = next(path)
    assert np.abs(x.numpy() - point.p).max() < 1e-11
    # What is left of the way shrinks by the spectral radius a round.
    assert point.residual < 1e-11


@pytest.mark.parametrize("corpus", ["accumulate", {"window": 3}])
def test_the_corpus_does_not_move_the_stable_point(corpus: Any) -> None:
    plain, other = (stable_point(two_models(learning={"corpus": each})).p for each in ("replace", corpus))
    assert np.abs(plain - other).max() < 1e-11


def test_spectral_radius_of_one_model_is_its_slope() -> None:
    # p⁺ = (1 − s) p_ref + s H(p) with two outputs: the slope of one number.
    s, w = 0.6, math.e
    point = stable_point(one_model(s, [0.5, 0.5], [1.0, 0.0], math.inf))
    p = point.p[0, 0, 0]
    assert point.spectral_radius == pytest.approx(s * w / (w * p + 1 - p) ** 2, rel=1e-9)


def test_without_real_data_it_is_neutral() -> None:
    point = stable_point(models({"name": "m", "diet": {"raw": 1}, "initial": [0.5, 0.3, 0.2]}))
    assert (point.verdict, point.spectral_radius) == ("neutral", pytest.approx(1.0))
    assert np.abs(point.p[0, 0] - [0.5, 0.3, 0.2]).max() < 1e-12


def test_a_permutation_on_the_way_is_a_cycle() -> None:
    turn = {"matrix": [[0, 1, 0], [0, 0, 1], [1, 0, 0]]}
    block = {"name": "m", "diet": {"neighbours_raw": 1}, "initial": [0.5, 0.3, 0.2]}
    scenario = models(block, edges=[{"from": "m", "to": "m", "channel": turn}])
    point = stable_point(scenario)
    assert (point.verdict, point.period) == ("cycle", 3)
    # From the even distribution it is at rest, and neither attracted nor repelled.
    still = models({**block, "initial": [1 / 3] * 3}, edges=[{"from": "m", "to": "m", "channel": turn}])
    assert stable_point(still).verdict == "neutral"


def test_a_cycle_that_attracts_has_its_period() -> None:
    # Best of 5 by a reward against what is common: what was worst becomes best through the channel.
    swap = {"matrix": [[0, 1], [1, 0]]}
    scenario = models(
        {
            "name": "m",
            "diet": {"real": 0.05, "neighbours_curated": 0.95},
            "initial": [0.6, 0.4],
            "curation": {"method": "best_of", "candidates": 5, "reward": "r"},
        },
        size=2,
        rewards={"r": [1, 0]},
        edges=[{"from": "m", "to": "m", "channel": swap}],
    )
    point = stable_point(scenario)
    assert (point.verdict, point.period) == ("cycle", 2)
    assert point.spectral_radius > 1
    with pytest.raises(EcosystemError, match="cycle"):
        influence(scenario)


def test_a_point_that_repels_is_unstable() -> None:
    # A mirrored best-of-5 that starts exactly at its fixed point: the smallest push leads away from it.
    share = 0.95
    low, high = 0.0, 1.0
    for _ in range(200):  # p = ½(1 − s) + s (1 − p)^5, the chance that none of five is the best one
        p = (low + high) / 2
        low, high = (p, high) if 0.5 * (1 - share) + share * (1 - p) ** 5 > p else (low, p)
    scenario = models(
        {
            "name": "m",
            "diet": {"real": 1 - share, "neighbours_curated": share},
            "initial": [p, 1 - p],
            "curation": {"method": "best_of", "candidates": 5, "reward": "r"},
        },
        size=2,
        rewards={"r": [1, 0]},
        edges=[{"from": "m", "to": "m", "channel": {"matrix": [[0, 1], [1, 0]]}}],
    )
    point = stable_point(scenario)
    assert point.spectral_radius == pytest.approx(share * 5 * (1 - p) ** 4, rel=1e-6)
    assert point.verdict == "unstable"
    with pytest.raises(EcosystemError, match="unstable"):
        influence(scenario)


def passed_back_and_forth(of_n: float, of_m: float = 0.9) -> Scenario:
    """m keeps more of the first output, n less: together a → (1 − (1 − a)²)², at rest near 0 and near 1."""
    best = {"method": "best_of", "candidates": 2}
    return models(
        {
            "name": "m",
            "diet": {"real": 0.02, "neighbours_curated": 0.98},
            "initial": [of_m, 1 - of_m],
            "curation": {**best, "reward": "first"},
        },
        {
            "name": "n",
            "diet": {"neighbours_curated": 1},
            "initial": [of_n, 1 - of_n],
            "curation": {**best, "reward": "second"},
        },
        size=2,
        rewards={"first": [1, 0], "second": [0, 1]},
        edges=[{"from": "n", "to": "m"}, {"from": "m", "to": "n"}],
    )


def test_what_has_not_come_to_rest_has_no_spectral_radius() -> None:
    residuals, rounds = [], []
    for most in (1, 2, 5):
        point = stable_point(two_models(), max_rounds=most)
        assert not point.attracts and math.isnan(point.spectral_radius)
        residuals.append(point.residual)
        rounds.append(point.rounds)
    assert residuals == sorted(residuals, reverse=True) and residuals[-1] > 1e-6
    assert 0 < rounds[0] < rounds[1] < rounds[2]


def test_what_is_to_be_at_rest_and_is_not_is_told() -> None:
    round_ = Round(two_models())
    with pytest.raises(EcosystemError, match="did not come to rest"):
        settle(round_, round_.start, max_rounds=2)


def test_several_stable_points_are_found_from_several_starts() -> None:
    alone = stable_point(passed_back_and_forth(0.9))
    assert alone.verdict == "stable"
    everywhere = stable_point(passed_back_and_forth(0.9), starts=5)
    assert everywhere.verdict == "several stable points"
    assert len(everywhere.points) == 2
    assert str(everywhere).startswith("several stable points (2); spectral radius ")
    assert str(alone).startswith("stable; spectral radius ")
    assert np.abs(everywhere.p - alone.p).max() < 1e-11
    assert everywhere.points[0][0, 0, 0] > 0.9
    assert everywhere.points[1][0, 0, 0] < 0.1
    for point in everywhere.points:
        a, b = point[:, 0, 0]
        assert (a, b) == pytest.approx((0.01 + 0.98 * b**2, 1 - (1 - a) ** 2), abs=1e-11)


def test_where_another_start_has_not_settled_there_is_no_point() -> None:
    round_ = Round(one_model(0.6, [0.5, 0.5], [1.0, 0.0], 2))
    far, points = round_.start + 1.0, []
    for most, found in ((1, 0), (1000, 1)):
        points = [far]
        _look(round_, round_.start, points, 1e-12, most)
        assert len(points) == 1 + found


def test_from_one_start_no_other_is_tried() -> None:
    # The first of the other starts, near the first output, leads to the other point.
    verdicts = [stable_point(passed_back_and_forth(0.1, 0.1), starts=starts).verdict for starts in (1, 2)]
    assert verdicts == ["stable", "several stable points"]


@pytest.mark.parametrize(("of_m", "of_n", "low"), [(0.25, 0.15, True), (0.25, 0.25, True), (0.65, 0.85, False)])
def test_it_is_where_the_plain_iteration_ends_though_acceleration_ends_elsewhere(
    of_m: float, of_n: float, low: bool
) -> None:
    scenario = passed_back_and_forth(of_n, of_m)
    round_ = Round(scenario)
    x = round_.start
    for _ in range(200):
        x = round_.step(x)
    assert float((accelerate(round_, round_.start, 1e-12, 1000).x - x).abs().max()) > 0.3
    point = stable_point(scenario)
    assert point.verdict == "stable" and (point.p[0, 0, 0] < 0.1) == low
    assert np.abs(point.p - x.numpy()).max() < 1e-11
    # What one model keeps follows from the other: a = 0.01 + 0.98 b², b = 1 − (1 − a)².
    a, b = point.p[:, 0, 0]
    assert point.spectral_radius == pytest.approx(math.sqrt(0.98 * 2 * b * 2 * (1 - a)), abs=1e-9)


def test_where_acceleration_does_not_settle_the_plain_iteration_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def given_up(round_: Any, start: Any, tolerance: float, most: int) -> Any:
        calls.append(most)
        return accelerate(round_, start, tolerance, 8 if len(calls) == 1 else most)

    monkeypatch.setattr("ecosystem.influence.stable.accelerate", given_up)
    point = stable_point(passed_back_and_forth(0.9))
    assert point.verdict == "stable" and point.residual < 1e-11
    assert len(calls) == 2


def test_where_each_round_goes_to_another_point_it_is_a_cycle() -> None:
    # n starts on the other side, and the two take turns: each model goes to and fro between both points.
    point = stable_point(passed_back_and_forth(0.3))
    assert (point.verdict, point.period) == ("cycle", 2)


def test_sampled_scenarios_and_sweeps_are_refused() -> None:
    scenario = one_model(0.5, [0.5, 0.5], [1, 0], 2, mode="sampled", learning={"examples": 10})
    with pytest.raises(EcosystemError, match="sampled"):
        stable_point(scenario)
    with pytest.raises(EcosystemError, match="sweep"):
        stable_point(two_models(sweep={"grid": {"lam": [0.1, 0.2]}}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"events": [{"round": 2, "set": {"lam": 0.2}}]}, "events"),
        ({"remedy": {"method": "fresh_data", "share": 0.1}}, "remedy"),
        ({"users": {"groups": [{"name": "A", "size": 5, "contexts": [0]}], "mode": "sampled"}}, r"users\.mode"),
        ({"learning": {"corpus": {"refresh": 0.2}}}, r"learning\.corpus"),
    ],
)
def test_what_a_round_does_besides_learning_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(EcosystemError, match=field):
        stable_point(two_models(**changes))
