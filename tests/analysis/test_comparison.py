"""Differences seed by seed: against a plain computation, with intervals that hold what they say."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
import ecosystem
from ecosystem import Results, Scenario
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import plan
from ecosystem.store import manifest
from tests.doubles.tables import MadeUp, runs_of


@pytest.fixture(scope="module")
def remedies(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return ecosystem.run("remedies", out=tmp_path_factory.mktemp("runs") / "remedies", seeds=6)


def made_up(differences: np.ndarray, noise: np.ndarray) -> MadeUp:
    """Two variants in many settings: what seeds have in common is large, how they differ is known."""
    settings, seeds = differences.shape
    runs = runs_of(seeds, setting=range(settings), variant=["old", "new"])
    value = noise[runs["setting"], runs["seed"]]
    value = value + np.where(runs["variant"] == "new", differences[runs["setting"], runs["seed"]], 0.0)
    return MadeUp(runs, rounds=pd.DataFrame({"run": runs["run"], "round": 3, "alignment": value}))


def test_a_difference_is_that_of_two_runs_of_one_seed(remedies: Results) -> None:
    scenario = ecosystem.load_scenario("remedies")
    written = scenario.sweep.grid["remedy"][1]
    found = analysis.compare(remedies, "remedy", columns=["preference_bias", "disparate_bias"])
    row = found[
        (found["remedy"] == "rejection_sampling")
        & (found["learning.regime"] == "retrain")
        & (found["quantity"] == "disparate_bias")
    ].iloc[0]
    plain = dict(scenario.document.data) | {"sweep": None, "expect": []}
    plain["learning"] = dict(plain["learning"]) | {"regime": "retrain"}
    by_seed = []
    for remedy in (written, None):
        rounds = ecosystem.run(ecosystem.Scenario(**plain | {"remedy": remedy}), seeds=6).table(
            "rounds", parameters=True
        )
        by_seed.append(rounds[rounds["round"] == 5].sort_values("seed")["disparate_bias"].to_numpy())
    differences = by_seed[0] - by_seed[1]
    low, high = stats.t.interval(0.95, 5, loc=differences.mean(), scale=stats.sem(differences))
    assert row["n"] == 6 and row["baseline"] == "none"
    assert row["value"] == pytest.approx(by_seed[0].mean()) and row["reference"] == pytest.approx(by_seed[1].mean())
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((differences.mean(), low, high))
    assert row["p"] == pytest.approx(stats.ttest_rel(*by_seed).pvalue)


def test_over_other_settings_the_mean_is_taken_within_each_seed() -> None:
    rng = np.random.default_rng(3)
    differences, noise = rng.normal(0.2, 1.0, (4, 6)), rng.normal(0.0, 9.0, (4, 6))
    results = made_up(differences, noise)
    found = analysis.compare(results, "variant", "old", over=["setting"]).iloc[0]
    expected = differences.mean(0)
    low, high = stats.t.interval(0.95, 5, loc=expected.mean(), scale=stats.sem(expected))
    assert "setting" not in found.index and found["n"] == 6
    assert (found["difference"], found["low"], found["high"]) == pytest.approx((expected.mean(), low, high))
    assert len(analysis.compare(results, "variant", "old")) == 4
    with pytest.raises(EcosystemError, match="over names what is swept, and 'settings' is not; did you mean 'setting'"):
        analysis.compare(results, "variant", over=["settings"])


def test_every_question_counts_in_the_adjustment(remedies: Results) -> None:
    found = analysis.compare(remedies, "remedy", columns="preference_bias")
    assert len(found) == 2 * 5
    assert found["p_adjusted"].to_numpy() == pytest.approx(analysis.adjusted(found["p"], "holm"))
    each = analysis.compare(remedies, "remedy", columns="preference_bias", round=None, adjust="bh")
    assert len(each) == 6 * 2 * 5
    final = each[each["round"] == 5]
    assert final["p_adjusted"].to_numpy() == pytest.approx(analysis.adjusted(final["p"], "bh"))
    first = each[each["round"] == 0]
    assert (first[["difference", "low", "high"]] == 0).all(axis=None) and (first["p"] == 1).all()


def test_all_that_was_measured_is_compared_by_default_group_by_group(remedies: Results) -> None:
    found = analysis.compare(remedies, "remedy", table="groups")
    assert set(found["quantity"]) == {"active", "share", "lean", "quality"}  # its groups have no reward
    assert set(found["group"]) == {"A", "B"}
    together = analysis.compare(remedies, "remedy", table="groups", columns="lean", by=[])
    mean = found[found["quantity"] == "lean"].groupby(["learning.regime", "remedy"], sort=False)["difference"].mean()
    assert together["difference"].to_numpy() == pytest.approx(mean.to_numpy())


def test_an_interval_of_a_paired_difference_holds_it_95_times_of_100() -> None:
    generator = np.random.default_rng(1)
    differences = generator.normal(0.5, 1.0, size=(2000, 8))
    found = analysis.compare(made_up(differences, generator.normal(0, 10, size=(2000, 8))), "variant")
    assert len(found) == 2000
    held = (found["low"] <= 0.5) & (found["high"] >= 0.5)
    assert 0.93 <= held.mean() <= 0.97
    # unpaired, the noise that both share would make it ten times as wide
    assert (found["high"] - found["low"]).mean() < 2.5


def test_one_seed_gives_a_difference_and_no_interval() -> None:
    found = analysis.compare(made_up(np.array([[0.25]]), np.array([[1.0]])), "variant").iloc[0]
    assert found["difference"] == 0.25 and found["n"] == 1
    assert found[["low", "high", "p", "p_adjusted"]].isna().all()


def test_seeds_without_a_partner_are_left_out() -> None:
    made = made_up(np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3)))
    fewer = MadeUp(made.runs.iloc[:-1, :5], rounds=made.table("rounds").iloc[:-1])
    assert analysis.compare(fewer, "variant").iloc[0][["n", "difference"]].tolist() == [2, 1.5]


def test_runs_that_end_at_rounds_of_their_own_are_compared_at_their_last() -> None:
    runs = runs_of(2, variant=["old", "new"])
    rounds = pd.DataFrame({"run": runs["run"], "round": [3, 4, 5, 6], "alignment": [1.0, 2.0, 4.0, 4.0]})
    found = analysis.compare(MadeUp(runs, rounds=rounds), "variant")
    assert found[["n", "difference"]].to_numpy().tolist() == [[2, 2.5]]


def test_a_setting_may_be_called_like_a_column() -> None:
    # `share` is a column of groups, and `quality` one of its scores.
    def asked(names: dict[str, str]) -> Results:
        mix, judge = names["mix"], names["judge"]
        return ecosystem.run(
            Scenario(
                name="names",
                rounds=3,
                parameters={mix: 0.5, judge: 0.2},
                outputs={"kind": "categorical", "size": 2, "scores": {"quality": [1, 0], "lean": [0, f"= {judge}"]}},
                real=[0.7, 0.3],
                models=[{"name": "m", "initial": [0.2, 0.8], "diet": {"real": f"= 1 - {mix}", "raw": f"= {mix}"}}],
                users={"groups": [{"name": name, "size": 5, "contexts": [0]} for name in "AB"]},
                sweep={"grid": {mix: [0.2, 0.8], judge: [0.1, 0.4]}},
            )
        )

    plain, clashing = {"mix": "lam", "judge": "c"}, {"mix": "share", "judge": "quality"}
    back = {f"parameters.{clashing[key]}": plain[key] for key in plain}
    one, other = asked(plain), asked(clashing)
    for answer in (
        lambda results, names: analysis.biases(results),
        lambda results, names: analysis.bias_table(results, by=names["mix"]),
        lambda results, names: analysis.bias_changes(results, names["mix"]),
        lambda results, names: analysis.compare(results, names["judge"], table="groups", over=[names["mix"]]),
        lambda results, names: analysis.convergence(results, "quality", "groups", by=["group"]),
        lambda results, names: analysis.outcome(results, "quality", "groups").drop(columns="run"),
    ):
        found = answer(other, clashing).rename(columns=back)
        pd.testing.assert_frame_equal(found, answer(one, plain))
    assert len(analysis.convergence(other, "quality", "groups", by=["group"])) == 8


def test_two_runs_are_compared_by_what_both_sweep(remedies: Results) -> None:
    scenario = ecosystem.load_scenario("remedies")
    alone = dict(scenario.document.data) | {
        "expect": [],
        "sweep": {"grid": {"learning.regime": ["incremental", "retrain"]}},
    }
    without = ecosystem.run(ecosystem.Scenario(**alone), seeds=6)
    found = analysis.compare_runs(remedies, without, columns="preference_bias")
    expected = analysis.compare(remedies, "remedy", columns="preference_bias")
    both = found[found["remedy"] != "none"]
    assert both["difference"].to_numpy() == pytest.approx(expected["difference"].to_numpy())
    assert (found.loc[found["remedy"] == "none", "difference"] == 0).all()


def test_a_gain_is_a_models_own() -> None:
    runs = runs_of(2)
    rows = {"run": runs["run"].repeat(2), "round": 1, "model": ["p", "q"] * 2, "distance": [0.0, 1.0] * 2}
    run = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [1.0, 2.0, 3.0, 4.0]}))
    other = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [0.5, 0.5, 0.5, 0.0]}))
    found = analysis.gains(run, other)
    assert found["gain"].tolist() == [0.5, 1.5, 2.5, 4.0]
    assert found["distance"].tolist() == [0, 1, 0, 1]


def test_a_gain_is_taken_point_by_point() -> None:
    runs = runs_of(1, lam=[0.2, 0.8])
    rows = {"run": runs["run"], "round": 1, "model": "p", "distance": 0.0}
    run = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [1.0, 2.0]}))
    other = MadeUp(runs, models=pd.DataFrame(rows | {"alignment": [0.5, 0.0]}))
    assert analysis.gains(run, other)["gain"].tolist() == [0.5, 2.0]


def test_what_has_no_remedy_is_what_others_are_compared_with() -> None:
    runs = runs_of(2, remedy=["reweighting", "none", "best_of_k"])
    rounds = pd.DataFrame({"run": runs["run"], "round": 1, "alignment": np.arange(6.0)})
    found = analysis.compare(MadeUp(runs, rounds=rounds), "remedy")  # type: ignore[arg-type]
    assert found["remedy"].tolist() == ["reweighting", "best_of_k"] and set(found["baseline"]) == {"none"}
    first = runs["remedy"] != "none"
    without = analysis.compare(MadeUp(runs[first], rounds=rounds[first]), "remedy")  # type: ignore[arg-type]
    assert set(without["baseline"]) == {"reweighting"}


def test_what_cannot_be_compared_is_told(remedies: Results) -> None:
    with pytest.raises(EcosystemError, match=r"vary names what is swept, and 'remdy' is not.*'remedy'"):
        analysis.compare(remedies, "remdy")
    with pytest.raises(EcosystemError, match="remedy is never 'nothing'"):
        analysis.compare(remedies, "remedy", "nothing")
    with pytest.raises(EcosystemError, match="nothing was recorded at round 7"):
        analysis.compare(remedies, "remedy", round=7)
    with pytest.raises(EcosystemError, match="one of models, groups, rounds, alignments"):
        analysis.compare(remedies, "remedy", table="round")
    others = MadeUp(runs_of(2).assign(seed=[7, 8]), rounds=remedies.last("rounds").head(2).assign(run=["r0", "r1"]))
    with pytest.raises(EcosystemError, match="the two have no run in common: none agrees in seed"):
        analysis.compare_runs(remedies, others)  # type: ignore[arg-type]


def test_what_cannot_be_read_is_told() -> None:
    results = made_up(np.zeros((1, 2)), np.zeros((1, 2)))
    with pytest.raises(EcosystemError, match=r"table is one of models, groups, rounds, alignments \(got 'round'\)"):
        analysis.outcome(results, "alignment", "round")  # type: ignore[arg-type]
    models = MadeUp(runs_of(1), models=pd.DataFrame({"run": ["r0"], "round": 1, "model": "p", "alignment": 0.5}))
    assert analysis.outcome(models, "alignment", "models", where={"model": "p"})["value"].tolist() == [0.5]  # type: ignore[arg-type]
    with pytest.raises(EcosystemError, match="there is no model 'q' in the table models"):
        analysis.outcome(models, "alignment", "models", where={"model": "q"})  # type: ignore[arg-type]


def test_a_table_for_reading_is_empty_where_nothing_is_known() -> None:
    table = pd.DataFrame({"variant": ["old", "new"], "quantity": "lean", "difference": [np.nan, 0.25]})
    text = analysis.readable(table.assign(low=np.nan, high=np.nan), ["variant"], ["quantity"])
    assert text["lean"].tolist() == ["", "0.25"]


def test_where_there_is_nothing_it_is_told(tmp_path: Path) -> None:
    collapse = ecosystem.run("collapse", seeds=1)  # no users
    with pytest.raises(EcosystemError, match="the table alignments holds nothing"):
        analysis.compare(collapse, "learning.corpus", table="alignments")
    with pytest.raises(EcosystemError, match="no users"):
        analysis.bias_changes(collapse, "learning.corpus")
    assert analysis.convergence(collapse, "preference_bias").empty
    manifest.write(tmp_path, manifest.describe(plan(ecosystem.load_scenario("remedies")), created=""))
    pending = ecosystem.open_results(tmp_path)
    for ask in (analysis.propagation, analysis.bias_table, analysis.convergence, analysis.decay):
        with pytest.raises(EcosystemError, match="no run is done"):
            ask(pending)


def test_analysis_is_imported_at_once_and_its_functions_are_no_modules() -> None:
    told = "import sys, analysis; print(sorted({'pandas', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
    modules = {module.name for module in pkgutil.iter_modules(analysis.__path__)}
    assert not modules & set(analysis.__all__)
    for name in analysis.__all__:
        assert callable(getattr(analysis, name))
    with pytest.raises(AttributeError, match="no attribute 'propagate'"):
        _ = analysis.propagate
