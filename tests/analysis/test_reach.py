"""Decay lengths, communities and reach, on tables and chains whose answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
import ecosystem
from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from tests.doubles.tables import MadeUp, runs_of

TRIALS = 300


def decaying(length: float, seeds: int, generator: np.random.Generator, noise: float) -> pd.DataFrame:
    """Models at distances 0 to 5; each seed has a length around the true one, each model noise of its own."""
    distance = np.tile(np.repeat(np.arange(6), 12), seeds)
    seed = np.repeat(np.arange(seeds), 72)
    rate = 1 / length + (generator.normal(0, 0.05, seeds) if seeds > 1 else np.zeros(1))
    gain = 0.4 * np.exp(-rate[seed] * distance) + generator.normal(0, noise, len(seed))
    return pd.DataFrame({"seed": seed, "distance": distance.astype(float), "gain": gain})


@pytest.mark.parametrize("seeds", [1, 8])
def test_a_decay_length_is_recovered_with_an_interval_that_holds_it(seeds: int) -> None:
    generator = np.random.default_rng(1)
    held, found = 0, []
    for _ in range(TRIALS):
        row = analysis.decay_of(decaying(2.5, seeds, generator, 0.02)).iloc[0]
        held += row["low"] <= 2.5 <= row["high"]
        found.append(row["length"])
    assert np.median(found) == pytest.approx(2.5, rel=0.03)
    assert 0.92 <= held / TRIALS <= 0.98
    assert row["method"] == ("t over seeds" if seeds > 1 else "t of regression")


def test_without_noise_it_is_exact_and_unreachable_models_do_not_count() -> None:
    table = decaying(1.7, 1, np.random.default_rng(0), 0.0)
    lost = pd.concat([table, pd.DataFrame({"seed": [0], "distance": [np.nan], "gain": [5.0]})])
    row = analysis.decay_of(lost).iloc[0]
    assert (row["length"], row["size"]) == pytest.approx((1.7, 0.4))
    assert row["models"] == 72


def test_what_does_not_fall_has_no_largest_length() -> None:
    generator = np.random.default_rng(2)
    distance = np.repeat(np.arange(4.0), 30)
    flat = pd.DataFrame({"distance": distance, "gain": 0.3 + generator.normal(0, 0.05, len(distance))})
    assert analysis.decay_of(flat).iloc[0]["high"] == math.inf
    one = analysis.decay_of(flat[flat["distance"] == 0]).iloc[0]
    assert one["n"] == 0 and np.isnan(one["length"])


def test_what_does_not_fall_at_all_reaches_infinitely_far() -> None:
    same = pd.DataFrame({"distance": [0.0, 1.0, 2.0, 3.0], "gain": 1.0})
    assert analysis.decay_of(same).iloc[0]["length"] == math.inf


@pytest.mark.parametrize("size", [0.4, -0.4])
def test_gains_that_are_losses_fall_as_well(size: float) -> None:
    distance = np.repeat(np.arange(5.0), 2)
    row = analysis.decay_of(pd.DataFrame({"distance": distance, "gain": size * np.exp(-distance / 1.3)})).iloc[0]
    assert (row["length"], row["size"]) == pytest.approx((1.3, size))


def test_a_gain_of_nothing_is_a_gain_too() -> None:
    # The least squares of one rate are those of a fine grid of rates, each with its best size.
    distance, gain = np.arange(4.0), np.array([1.0, 0.5, 0.2, 0.0])
    rates = np.linspace(0.2, 2, 200_001)
    curves = np.exp(-rates[:, None] * distance)
    sizes = curves @ gain / (curves**2).sum(-1)
    best = ((sizes[:, None] * curves - gain) ** 2).sum(-1).argmin()
    row = analysis.decay_of(pd.DataFrame({"distance": distance, "gain": gain})).iloc[0]
    assert (row["length"], row["size"]) == pytest.approx((1 / rates[best], sizes[best]), rel=1e-4)


def test_the_interval_of_one_seed_is_that_of_student_with_two_numbers_fitted() -> None:
    table = decaying(2.0, 1, np.random.default_rng(4), 0.05).iloc[::9]
    x, y = table["distance"].to_numpy(), table["gain"].to_numpy()
    row = analysis.decay_of(table, level=0.9).iloc[0]
    rate, size = 1 / row["length"], row["size"]
    slopes = np.column_stack([np.exp(-rate * x), -x * size * np.exp(-rate * x)])
    freedom = len(x) - 2
    variance = ((y - size * slopes[:, 0]) ** 2).sum() / freedom
    reach = stats.t.ppf(0.95, freedom) * math.sqrt(variance * np.linalg.inv(slopes.T @ slopes)[1, 1])
    assert (1 / row["high"], 1 / row["low"]) == pytest.approx((rate - reach, rate + reach), rel=1e-5)


def test_two_models_give_a_length_without_an_interval(recwarn: pytest.WarningsRecorder) -> None:
    row = analysis.decay_of(pd.DataFrame({"distance": [0.0, 2.0], "gain": [1.0, math.exp(-1)]})).iloc[0]
    assert row["length"] == pytest.approx(2.0)
    assert row[["low", "high"]].isna().all() and not recwarn.list


@pytest.mark.parametrize(("seeds", "method"), [(2, "t of regression"), (3, "t over seeds")])
def test_from_three_seeds_on_their_spread_makes_the_interval(seeds: int, method: str) -> None:
    table = decaying(2.0, seeds, np.random.default_rng(4), 0.01)
    assert analysis.decay_of(table)["method"].item() == method


def test_a_table_without_distances_is_told_of() -> None:
    with pytest.raises(EcosystemError, match="distance"):
        analysis.decay_of(pd.DataFrame({"gain": [1.0, 0.5]}))


def test_each_swept_point_has_a_length_of_its_own() -> None:
    generator = np.random.default_rng(3)
    tables = [decaying(length, 1, generator, 0.001).assign(lam=length) for length in (1.0, 3.0)]
    found = analysis.decay_of(pd.concat(tables), by=["lam"])
    assert found["length"].to_numpy() == pytest.approx(found["lam"].to_numpy(), rel=0.02)


def chain(length: int, copied: float) -> Scenario:
    """A curated model, and readers in a row; each takes a part of its training from the one before."""
    models: list[dict[str, Any]] = [
        {"name": "m0", "reward": "first", "diet": {"real": 0.5, "curated": 0.5}, "curation": {"candidates": 4}}
    ]
    models += [
        {"name": f"m{i}", "reward": "first", "diet": {"real": 1 - copied, "neighbours_raw": copied}}
        for i in range(1, length)
    ]
    edges = [{"from": f"m{i}", "to": f"m{i + 1}"} for i in range(length - 1)]
    return Scenario(
        name="chain",
        rounds=40,
        outputs={"kind": "categorical", "size": 2},
        rewards={"first": [1, 0]},
        models=models,
        network={"edges": edges},
    )


def test_the_decay_length_of_a_chain_is_what_its_readers_copy() -> None:
    """At rest a reader's gain is a part c of the gain of the one it reads: exp(−1/length) = c."""
    results = ecosystem.run(chain(8, 0.6))
    found = analysis.decay(results, reference=analysis.counterfactual(results, "curation")).iloc[0]
    assert found["length"] == pytest.approx(-1 / math.log(0.6), rel=1e-6)


def test_reached_is_who_gains_more_than_the_threshold() -> None:
    results = ecosystem.run(chain(8, 0.6))
    other = analysis.counterfactual(results, "curation")
    gains = analysis.gains(results, other).sort_values("distance")["gain"].to_numpy()
    assert gains[1:] == pytest.approx(gains[:-1] * 0.6, rel=1e-6)
    found = analysis.reached(results, other, threshold=(gains[3] + gains[4]) / 2)
    assert found.loc[~found["whole"], "reached"].tolist() == [1.0] * 4 + [0.0] * 4
    whole = found[found["whole"]].iloc[0]
    assert (whole["reached"], whole["models"]) == (0.5, 8)


def test_the_part_that_is_reached_has_an_interval_over_seeds() -> None:
    runs = runs_of(3)
    rows = {
        "run": runs["run"].repeat(4),
        "round": 1,
        "model": list("pqrs") * 3,
        "distance": [0.0, 1.0, 1.0, np.nan] * 3,
    }
    run = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]}))
    none = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": 0.0}))
    found = analysis.reached(run, none, 0.5).set_index(["whole", "distance"])
    expected = analysis.mean_interval([0.5, 0.0, 1.0])
    row = found.loc[(False, 1)]
    assert (row["reached"], row["low"], row["high"]) == pytest.approx((0.5, expected.low, expected.high))
    assert found.loc[(True, pd.NA), "reached"].item() == pytest.approx(np.mean([0.5, 0.25, 0.75]))


def test_each_swept_point_has_its_own_part_that_is_reached() -> None:
    runs = runs_of(2, lam=[0.1, 0.9])
    rows = {"run": runs["run"].repeat(2), "round": 1, "model": list("pq") * 4, "distance": [0.0, 1.0] * 4}
    run = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [1, 0, 1, 0, 1, 1, 1, 0]}))
    none = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": 0.0}))
    found = analysis.reached(run, none, 0.5)
    assert found[["lam", "whole", "models"]].to_numpy().tolist() == [
        *([0.1, False, 2], [0.1, False, 2], [0.1, True, 4]),
        *([0.9, False, 2], [0.9, False, 2], [0.9, True, 4]),
    ]
    assert found["reached"].tolist() == [1.0, 0.0, 0.5, 1.0, 0.5, 0.75]


def two_villages() -> MadeUp:
    """Two sets of five models who all read one another, joined by one edge, and a hermit; drawn edges have ended."""
    names = [f"{village}{i}" for village in "ab" for i in range(5)]
    edges = [(x, y, 1.0) for x in names for y in names if x != y and x[0] == y[0]] + [("a0", "b0", 0.1)]
    network = pd.DataFrame(edges, columns=["source", "target", "weight"]).assign(network="net", until=pd.NA)
    ended = pd.DataFrame([(f"a{i}", f"b{i}", 9.0) for i in range(5)], columns=["source", "target", "weight"])
    network = pd.concat([network, ended.assign(network="net", until=3)], ignore_index=True)
    runs = runs_of(2)
    models = [*names, "hermit"]
    rows = {"run": runs["run"].repeat(22), "round": ([0] * 11 + [5] * 11) * 2, "model": models * 4}
    distance = [0.0 if name == "b0" else 1.0 if name[0] == "b" else np.nan for name in models]
    alignment = [0.0] * 11 + [0.5 if name[0] == "b" else 0.1 for name in models]
    beside = {"distance": distance * 4, "alignment": [*alignment, *(2 * value for value in alignment)]}
    return MadeUp(runs, network=network, models=pd.DataFrame(rows | beside))


def test_communities_are_those_who_read_one_another() -> None:
    found = analysis.communities(two_villages())
    assert len(found) == 11 and found["network"].unique().tolist() == ["net"]
    by = found.groupby("community")["model"].agg(lambda names: "".join(sorted({name[0] for name in names})))
    assert by.tolist() == ["a", "b", "h"]
    assert found["size"].tolist() == [5] * 10 + [1]


def test_models_that_are_not_recorded_belong_to_communities_too() -> None:
    made = two_villages()
    models = made.table("models")
    few = MadeUp(
        made.runs[["run", "point", "seed"]], network=made.table("network"), models=models[models["model"] == "a3"]
    )
    found = analysis.communities(few)
    assert len(found) == 10 and found["size"].tolist() == [5] * 10
    assert analysis.propagation(few, by="community")["models"].tolist() == [2]


def test_what_communities_gain() -> None:
    found = analysis.propagation(two_villages(), by="community")
    assert found["curated"].tolist() == [0, 2, 0]  # counted over two runs, as models are
    assert found["models"].tolist() == [10, 10, 2]
    assert found["gain"].to_numpy() == pytest.approx([0.15, 0.75, 0.15])
    expected = analysis.mean_interval([0.5, 1.0])
    row = found.iloc[1]
    assert (row["low"], row["high"], row["n"]) == pytest.approx((expected.low, expected.high, 2))
    with pytest.raises(EcosystemError, match="by is distance or community"):
        analysis.propagation(two_villages(), by="village")  # type: ignore[arg-type]


def test_seeds_count_alike_however_many_models_they_have_at_a_distance() -> None:
    runs = runs_of(2)
    rows = {"run": [runs["run"][0]] * 4 + [runs["run"][1]] * 4, "round": [0, 0, 1, 1] * 2, "model": list("pqpq") * 2}
    beside = {"distance": [0.0, 0.0] * 2 + [0.0, 1.0] * 2, "alignment": [0, 0, 1, 1, 0, 0, 2, 5]}
    found = analysis.propagation(MadeUp(runs, models=pd.DataFrame(rows | beside))).set_index("distance")
    assert found["models"].tolist() == [3, 1]
    assert found["end"].tolist() == [1.5, 5.0]
    assert found["n"].tolist() == [2, 1]


def test_the_fit_is_that_of_least_squares_where_gains_rise_with_distance() -> None:
    """Nothing at distance 0 and one half beyond: the logarithms of what is positive lie on a line without slope."""
    gain = np.array([0.0, 0.5, 0.5])
    row = analysis.decay_of(pd.DataFrame({"distance": [0.0, 1.0, 2.0], "gain": gain})).iloc[0]
    rates = np.linspace(-3, 3, 600_001)
    curves = np.exp(-np.outer(np.arange(3), rates))
    sizes = gain @ curves / (curves**2).sum(0)
    best = int(((gain[:, None] - sizes * curves) ** 2).sum(0).argmin())
    assert row["length"] == pytest.approx(1 / rates[best], rel=1e-4)
    assert row["size"] == pytest.approx(sizes[best], rel=1e-4)


def test_what_curation_costs_decays_like_what_it_gives() -> None:
    table = decaying(1.7, 1, np.random.default_rng(0), 0.0)
    row = analysis.decay_of(table.assign(gain=-table["gain"])).iloc[0]
    assert (row["length"], row["size"]) == pytest.approx((1.7, -0.4))


def test_a_fit_that_finds_no_end_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("Optimal parameters not found: Number of calls to function has reached maxfev = 10000.")

    monkeypatch.setattr("analysis.reach.optimize.curve_fit", endless)
    row = analysis.decay_of(decaying(1.7, 1, np.random.default_rng(0), 0.0)).iloc[0]
    assert row["n"] == 0 and row["method"] == "none" and np.isnan(row["length"])
