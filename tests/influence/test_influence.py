"""Influence: published numbers, closed forms, central differences of runs that have come to rest."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecosystem.errors import EcosystemError
from ecosystem.influence import gradient, influence, stable_point, table
from ecosystem.influence.implicit import alignment
from ecosystem.influence.rounds import Round
from ecosystem.influence.stable import settle
from ecosystem.scenario.scenario import Scenario

from .ecosystems import CURATED, ecosystems, one_model, two_models

Change = Callable[[dict[str, Any], float], None]


def at_rest(written: dict[str, Any]) -> np.ndarray:
    round_ = Round(Scenario(**written))
    x = settle(round_, round_.start, 1e-14)
    return alignment(round_, x).numpy()


def at_round(rounds: int) -> Callable[[dict[str, Any]], np.ndarray]:
    def measure(written: dict[str, Any]) -> np.ndarray:
        round_ = Round(Scenario(**written))
        path = round_.path()
        x = next(path)
        for _ in range(rounds):
            x = next(path)
        return alignment(round_, x).numpy()

    return measure


def differences(written: dict[str, Any], change: Change, measure: Callable[[dict[str, Any]], np.ndarray]) -> np.ndarray:
    """Central difference of order 4 with respect to what `change` adds."""
    step, total = 1e-3, 0.0
    for offset, weight in ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12)):
        moved = copy.deepcopy(written)
        change(moved, offset * step)
        total = total + weight / step * measure(moved)
    return np.asarray(total)


def agrees(found: np.ndarray, expected: np.ndarray) -> bool:
    known = ~np.isnan(expected)
    assert (np.isnan(found) == ~known).all()
    bound = 1e-6 * np.abs(found[known]).max(initial=0.0) + 1e-9
    return bool((np.abs(found - expected)[known] <= bound).all())


def move_curation(model: int) -> Change:
    """λ as DESIGN has it: `curated` and `neighbours_curated` in their ratio, the others in proportion."""

    def change(written: dict[str, Any], by: float) -> None:
        diet = written["models"][model]["diet"]
        share = sum(diet.get(key, 0.0) for key in CURATED)
        ratio = {key: diet.get(key, 0.0) / share for key in CURATED} if share else {"curated": 1.0, CURATED[1]: 0.0}
        others = {key: value * (1 - share - by) / (1 - share) for key, value in diet.items() if key not in CURATED}
        written["models"][model]["diet"] = {**others, **{key: part * (share + by) for key, part in ratio.items()}}

    return change


def move_entry(model: int, key: str) -> Change:
    def change(written: dict[str, Any], by: float) -> None:
        diet = written["models"][model]["diet"]
        share = diet.get(key, 0.0)
        others = {name: value * (1 - share - by) / (1 - share) for name, value in diet.items() if name != key}
        written["models"][model]["diet"] = {**others, key: share + by}

    return change


def move_edge(number: int) -> Change:
    def change(written: dict[str, Any], by: float) -> None:
        written["network"]["edges"][number]["weight"] += by

    return change


def move_temperature(model: int) -> Change:
    def change(written: dict[str, Any], by: float) -> None:
        written["models"][model]["curation"]["temperature"] += by

    return change


def levers(written: dict[str, Any]) -> list[tuple[str, str, Change]]:
    """Return (lever, label, change) of all that can be differenced on both sides."""
    found: list[tuple[str, str, Change]] = []
    for number, block in enumerate(written["models"]):
        diet, name = block["diet"], block["name"]
        if sum(diet.get(key, 0.0) for key in CURATED) > 0.01:
            found.append(("curation", name, move_curation(number)))
        for key in diet:
            if 0.01 < diet[key] < 0.99 and not (key.startswith("neighbours") and not _read(written, name)):
                found.append((key, name, move_entry(number, key)))
        curation = block.get("curation", {})
        if "temperature" in curation and curation["candidates"] != 1:
            found.append(("temperature", name, move_temperature(number)))
    for number, edge in enumerate(written["network"]["edges"]):
        label = f"edge:{edge['from']}->{edge['to']}"
        found.append((label, label, move_edge(number)))
    return found


def _read(written: dict[str, Any], name: str) -> bool:
    return any(edge["to"] == name for edge in written["network"]["edges"])


@settings(deadline=None, max_examples=60)
@given(written=ecosystems, data=st.data())
def test_it_agrees_with_central_differences(written: dict[str, Any], data: st.DataObject) -> None:
    written["learning"]["corpus"] = "replace"
    scenario = Scenario(**written)
    point = stable_point(scenario)
    assume(point.attracts and point.spectral_radius < 0.95 and any(levers(written)))
    lever, label, change = data.draw(st.sampled_from(levers(written)))
    found = influence(scenario, lever)[label].to_numpy()
    assert agrees(found, differences(written, change, at_rest))


@settings(deadline=None, max_examples=60)
@given(written=ecosystems, data=st.data(), rounds=st.integers(0, 5))
def test_it_agrees_at_a_finite_round(written: dict[str, Any], data: st.DataObject, rounds: int) -> None:
    assume(any(levers(written)))
    lever, label, change = data.draw(st.sampled_from(levers(written)))
    found = influence(Scenario(**written), lever, round=rounds)[label].to_numpy()
    assert agrees(found, differences(written, change, at_round(rounds)))


@settings(deadline=None, max_examples=25)
@given(written=ecosystems, rounds=st.one_of(st.none(), st.integers(0, 4)), data=st.data())
def test_a_parameter_reaches_everything(written: dict[str, Any], rounds: int | None, data: st.DataObject) -> None:
    """One parameter in rates, sharing, real data, rewards and initial states at once."""
    written["parameters"] = {"z": 0.3}
    written["learning"].update(rate="= 0.4 + z", sharing="= z")
    written["rewards"]["flat"][0] = "= sin(3 * z)"
    written["models"][0]["reward"] = "flat"
    for key in ("real", "initial"):
        written["models"][0][key][0][0] = "= exp(z)"
    written["models"][0][key][0][1:] = [1.0] * (len(written["models"][0][key][0]) - 1)
    written["models"][0]["real"] = [[f"= {1 + k} + z ** {k}" for k in range(written["outputs"]["size"])]]
    written["models"][0]["real"] *= written["outputs"]["contexts"]
    for key in ("real", "initial"):
        rows = written["models"][0][key]
        written["models"][0][key] = [normalised(row) for row in rows]
    if rounds is None:
        written["learning"]["corpus"] = "replace"
    scenario = Scenario(**written)
    if rounds is None:
        point = stable_point(scenario)
        assume(point.attracts and point.spectral_radius < 0.95)

    def change(moved: dict[str, Any], by: float) -> None:
        moved["parameters"]["z"] += by

    found = influence(scenario, "parameter:z", round=rounds)["parameter:z"].to_numpy()
    assert agrees(found, differences(written, change, at_rest if rounds is None else at_round(rounds)))


def normalised(row: list[Any]) -> list[str]:
    """Write each entry of a row over the row's sum, as an expression."""
    terms = [str(entry).removeprefix("= ") for entry in row]
    total = " + ".join(f"({term})" for term in terms)
    return [f"= ({term}) / ({total})" for term in terms]


@settings(deadline=None, max_examples=25)
@given(written=ecosystems, aim=st.sampled_from(["mean", "worst", "one"]))
def test_the_gradient_combines_rows(written: dict[str, Any], aim: str) -> None:
    scenario = Scenario(**written)
    point = stable_point(scenario)
    assume(point.attracts and any(levers(written)))
    lever = levers(written)[-1][0]
    matrix = influence(scenario, lever)
    aligned = matrix.index[matrix.notna().all(axis=1)]
    wanted = {aligned[-1]: 2.5} if aim == "one" else aim
    found = gradient(scenario, wanted, lever)
    if aim == "mean":
        expected = matrix.loc[aligned].mean()
    elif aim == "one":
        expected = 2.5 * matrix.loc[aligned[-1]]
    else:
        round_ = Round(scenario)
        levels = alignment(round_, torch.from_numpy(point.p)).numpy()
        expected = matrix.loc[scenario.model_names[int(np.nanargmin(levels))]]
    assert np.abs(found - expected).max() <= 1e-10 * max(1.0, np.abs(matrix.loc[aligned]).to_numpy().max())


def test_two_items_as_published() -> None:
    matrix = influence(two_models())
    assert matrix.loc["p", "p"] == pytest.approx(-0.1198, abs=5e-5)
    assert matrix.loc["q", "p"] > 0
    assert (matrix.index.name, matrix.columns.name) == ("affected", "lever")
    # The parameter lam is the same lever, written down.
    named = influence(two_models(), "parameter:lam")["parameter:lam"]
    assert named.to_numpy() == pytest.approx(matrix["p"].to_numpy(), abs=1e-11)


def test_without_exchange_own_curation_helps_and_touches_nobody() -> None:
    matrix = influence(two_models(c_p=0, c_q=0))
    assert matrix.loc["p", "p"] > 0
    assert matrix.loc["q", "p"] == 0


def test_own_share_alone_does_not_invert() -> None:
    assert influence(two_models(), "curated").loc["p", "p"] > 0


@pytest.mark.parametrize("order", ["synchronous", "sequential"])
def test_closed_form_of_the_limit(order: str) -> None:
    # p = (1 − s) p_ref Z/(Z − s e^r): differentiate Z(s) of Σ p_ref e^r (1 − s)/(Z − s e^r) = 1.
    s, ref, r = 0.6, np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.5, 1.5])
    w = np.exp(r)
    low, high = s * w.max() + 1e-12, w.max()
    for _ in range(200):
        z = (low + high) / 2
        low, high = (z, high) if (ref * w * (1 - s) / (z - s * w)).sum() > 1 else (low, z)
    by_z = -(ref * w * (1 - s) / (z - s * w) ** 2).sum()
    by_s = (ref * w * (w - z) / (z - s * w) ** 2).sum()
    dz = -by_s / by_z
    dp = ref * (-z / (z - s * w) + (1 - s) * dz / (z - s * w) - (1 - s) * z * (dz - w) / (z - s * w) ** 2)
    scenario = one_model(s, ref.tolist(), r.tolist(), math.inf, learning={"order": order})
    assert influence(scenario).loc["m", "m"] == pytest.approx(dp @ r, rel=1e-10)


def test_candidates_agree_with_the_formula_for_any_real_number() -> None:
    found = influence(one_model(0.5, [0.5, 0.5], [1.0, 0.0], 3), "candidates").loc["m", "m"]
    step = 1e-3
    expected = (share_of_the_first(3 + step) - share_of_the_first(3 - step)) / (2 * step)
    assert found == pytest.approx(expected, rel=1e-6)


def share_of_the_first(candidates: float) -> float:
    """Return p* of p = ¼ + ½ H(p), H the integral of DESIGN by a plain sum, for any real K."""
    s = np.linspace(-40, 5, 20_001)
    z = np.exp(s)[:, None] * np.exp([1.0, 0.0])
    p = 0.5
    for _ in range(80):
        left = np.array([p, 1 - p]) * np.exp(-z)
        won = (left[:, 0] * z[:, 0] * left.sum(1) ** (candidates - 1)).sum() * (s[1] - s[0])
        p = 0.25 + 0.5 * candidates * float(won)
    return p


def test_at_round_zero_nothing_has_happened() -> None:
    assert (influence(two_models(), round=0).to_numpy() == 0).all()
    with pytest.raises(EcosystemError, match=r"round: must be at least 0 \(got -1\)"):
        influence(two_models(), round=-1)


def test_many_rounds_approach_the_stable_point() -> None:
    late = influence(two_models(), round=80).to_numpy()
    assert np.abs(late - influence(two_models()).to_numpy()).max() < 1e-11


def test_a_table_has_a_row_a_pair() -> None:
    rows = table(two_models())
    assert list(rows.columns) == ["affected", "lever", "influence"]
    pair = rows[(rows["affected"] == "p") & (rows["lever"] == "p")]
    assert float(pair["influence"].iloc[0]) == pytest.approx(-0.1198, abs=5e-5)


def large(models: int = 60) -> Scenario:
    g = np.random.default_rng(0)
    return Scenario(
        name="large",
        rounds=1,
        outputs={"kind": "categorical", "size": 8, "contexts": 2},
        real={"draw": "dirichlet"},
        rewards={f"r{k}": g.normal(size=8).tolist() for k in range(4)},
        models=[
            {
                "name": f"m{index}",
                "reward": f"r{index % 4}",
                "diet": {"real": 0.5, "curated": 0.2, "neighbours_curated": 0.2, "neighbours_raw": 0.1},
                "curation": {"method": "luce", "candidates": 3},
            }
            for index in range(models)
        ],
        network={"generator": "barabasi_albert", "m": 2, "seed": 1},
    )


def test_krylov_and_matrix_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = large().with_({"learning": {"rate": 0.6, "sharing": 0.0}})
    assert Round(scenario).start.numel() > 800
    found = influence(scenario)
    monkeypatch.setattr("ecosystem.influence.implicit._COLUMNS", 7 * Round(scenario).start.numel())
    assert np.abs(influence(scenario) - found).to_numpy().max() < 1e-11
    monkeypatch.setattr("ecosystem.influence.implicit.DENSE", 10_000)
    exact = influence(scenario)
    assert np.abs(found - exact).to_numpy().max() < 1e-11
    assert np.abs(gradient(scenario) - exact.mean()).max() < 1e-12


def test_as_few_columns_as_memory_allows_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = influence(two_models())
    monkeypatch.setattr("ecosystem.influence.implicit._COLUMNS", 1)  # less than one column has
    assert np.abs(influence(two_models()) - found).to_numpy().max() < 1e-13


def test_permuting_models_permutes_influence() -> None:
    scenario = two_models()
    data = scenario.settings()
    data["models"] = data["models"][::-1]
    found, turned = influence(scenario), influence(Scenario(**data))
    assert np.abs(found - turned.loc[found.index, found.columns]).to_numpy().max() < 1e-13


@pytest.mark.parametrize(
    ("change", "lever", "message"),
    [
        ({}, "colour", "no lever 'colour'"),
        ({}, "edge:p->p", "no such edge"),
        ({}, "users", "no model of this scenario has the lever users"),
        ({}, "parameter:zeta", "neither a parameter"),
        ({}, "parameter:models.p.curation.candidates", "cannot be changed a little"),
        ({"lam": 1.0}, "curation", "is 1"),
        ({"models.p.curation": {"method": "best_of", "candidates": float("inf")}}, "curation", "infinitely many"),
        ({"network": {}}, "edges", "no edge of this scenario can be a lever"),
        ({}, "parameter:models.p.diet.nothing.at.all", "neither a parameter"),
        ({}, "parameter:models.9.diet.real", "neither a parameter"),
    ],
)
def test_what_has_no_derivative_is_refused(change: dict[str, Any], lever: str, message: str) -> None:
    with pytest.raises(EcosystemError, match=message):
        influence(two_models().with_(change), lever)


@pytest.mark.parametrize("tied", [[1, 0, 0], [0, 1, 0]])
def test_best_of_with_ties_is_refused_by_name(tied: list[float]) -> None:
    data = two_models().settings()
    data["outputs"]["size"] = 3
    data["rewards"] = {"first": tied, "second": [0, 1, 2]}
    data["models"][0]["curation"] = {"method": "best_of", "candidates": 2}
    with pytest.raises(EcosystemError, match="'p': best_of with tied rewards"):
        influence(Scenario(**data))
    with pytest.raises(EcosystemError, match="'p': best_of with tied rewards"):
        influence(Scenario(**data), round=2)


def test_a_kink_of_an_expression_is_refused() -> None:
    scenario = two_models()
    data = scenario.settings()
    data["parameters"] = {"z": 0.5}
    data["models"][1]["diet"] = {"real": "= 1 - max(z, 0.5)", "curated": "= max(z, 0.5)"}
    with pytest.raises(EcosystemError, match="no derivative"):
        influence(Scenario(**data), "parameter:z")


def test_a_neutral_point_has_no_influence_but_rounds_have() -> None:
    data = two_models().settings()
    data["models"][0]["diet"] = {"raw": 1.0}
    scenario = Scenario(**data)
    with pytest.raises(EcosystemError, match="neutral"):
        influence(scenario)
    assert influence(scenario, round=3).loc["p", "p"] != 0
