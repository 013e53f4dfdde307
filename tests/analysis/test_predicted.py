"""Beside language models: probabilities under the same settings, by hand, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
import ecosystem
from analysis import plots
from analysis.report.page import page
from ecosystem import Scenario
from ecosystem.errors import EcosystemError
from tests.doubles.tables import MadeUp, runs_of

pytest.importorskip("transformers", reason="the extra [language] is not installed")

TAU, STEP, FRESH = 0.4, 0.1, 0.25
REAL = {"lean": (0.8, 0.25), "quality": (1.0, 0.5)}


def scenario(**changes: Any) -> Scenario:
    whole = {
        "name": "marked",
        "rounds": 2,
        "seeds": [1, 2],
        "mode": "sampled",
        "outputs": {
            "kind": "text",
            "contexts": 2,
            "corpus": {
                "source": "arithmetic",
                "digits": [1, 1],
                "problems": 10,
                "marks": ["a", "b"],
                "forms": [{"{}": 0.8, "~{}": 0.2}, {"{}": 0.25, "~{}": 0.75}],
                "errors": [0, 0.5],
            },
            "length": 4,
            "scores": {"lean": {"judge": "pattern", "pattern": "[0-9]+"}, "quality": {"judge": "exact"}},
        },
        "models": [{"name": "m", "diet": {"raw": 1}}],
        "learning": {
            "regime": "incremental",
            "sharing": TAU,
            "examples": 100,
            "language": {
                "architecture": {"layers": 1, "width": 16, "heads": 2, "context": 16},
                "base": {"answers": {"steps": 150, "batch": 32, "rate": 1.0e-2}, "seed": 7},
                "training": {"steps": 5, "batch": 32, "rate": 3.0e-3},
            },
        },
        "users": {
            "groups": [{"name": "A", "size": 600, "contexts": [0]}, {"name": "B", "size": 400, "contexts": [1]}],
            "feedback": {"method": "linear", "group": "A", "step": STEP, "cap": 0.95},
        },
        "sweep": {
            "table": [
                {"remedy": None, "learning.corpus": "replace"},
                {"remedy": {"method": "best_of_k", "candidates": 2}, "learning.corpus": "replace"},
                {"remedy": None, "learning.corpus": {"refresh": FRESH}},
            ]
        },
    }
    # What only a network has is left out where probabilities take its place.
    for row in whole["sweep"]["table"]:
        row["learning.language.training.steps"] = 5
    return Scenario(**whole | changes)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECOSYSTEM_CACHE", str(tmp_path_factory.getbasetemp() / "language-cache"))
        yield ecosystem.run(scenario(), tmp_path_factory.mktemp("marked"))


def by_hand(
    start: dict[str, np.ndarray], rate: float, k: int, fresh: float, rounds: int
) -> list[dict[str, np.ndarray]]:
    """Shares of two groups, `[2]` each, round by round: lean and quality are independent, and stay so in the mean."""
    share = 0.6
    now, found = start, [start]
    for _ in range(rounds):
        v = np.array([share, 1 - share])
        read = {"lean": now["lean"], "quality": 1 - (1 - now["quality"]) ** k}
        read = {name: (1 - fresh) * read[name] + fresh * np.array(REAL[name]) for name in read}
        learned = {name: (1 - TAU) * read[name] + TAU * (v * read[name]).sum() for name in read}
        now = {name: (1 - rate) * now[name] + rate * learned[name] for name in now}
        found.append(now)
        share = min(share + STEP, 0.95)
    return found


def started(results: Any, seed: int) -> dict[str, np.ndarray]:
    rows = results.table("groups", parameters=True)
    rows = rows[(rows["round"] == 0) & (rows["seed"] == seed)].astype({"group": str})
    means = rows.groupby("group")[["lean", "quality"]].mean()
    return {name: means.loc[["A", "B"], name].to_numpy() for name in ("lean", "quality")}


def test_probabilities_follow_the_rounds_by_hand(results: Any) -> None:
    assert (results.runs["status"] == "done").all()
    table = analysis.prediction(results, rate=0.5)
    for number, (k, fresh) in enumerate(((1, 0.0), (2, 0.0), (1, FRESH))):
        values = results.runs.drop_duplicates("point").iloc[number]
        here = table[(table["remedy"] == values["remedy"]) & (table["learning.corpus"] == values["learning.corpus"])]
        courses = [by_hand(started(results, seed), 0.5, k, fresh, 2) for seed in (1, 2)]
        for round_ in range(3):
            rows = here[here["round"] == round_].set_index(["quantity", "group"])["predicted"]
            # Answers are kept by quality, whatever their form: two scores that were independent go on as if they were,
            # but where what is shared or fresh mixes groups of different lean and quality: then the means still do.
            lean = np.mean([course[round_]["lean"] for course in courses], axis=0)
            quality = np.mean([course[round_]["quality"] for course in courses], axis=0)
            assert [rows["lean", "A"], rows["lean", "B"]] == pytest.approx(lean, abs=1e-9 if k == 1 else 2e-2)
            assert [rows["quality", "A"], rows["quality", "B"]] == pytest.approx(quality, abs=1e-9)
            gaps = np.mean([abs(np.subtract(*course[round_]["quality"])) for course in courses])
            measures = here[(here["round"] == round_) & here["group"].isna()].set_index("quantity")["predicted"]
            assert measures["disparate_bias"] == pytest.approx(gaps, abs=1e-9)
            if k == 1:
                assert measures["preference_bias"] == pytest.approx(lean.mean() - 0.5, abs=1e-9)


def test_what_was_measured_stands_beside_it_seed_by_seed(results: Any) -> None:
    table = analysis.prediction(results, by="remedy", rate=0.5, round="last")
    rows = results.last("rounds", parameters=True)
    for remedy, here in rows.groupby("remedy"):
        found = table[(table["remedy"] == remedy) & (table["quantity"] == "disparate_bias")].iloc[0]
        each = here.groupby("seed")["disparate_bias"].mean()
        interval = analysis.mean_interval(each)
        assert [found["measured"], found["low"], found["high"]] == pytest.approx(
            [interval.mean, interval.low, interval.high]
        )
        assert found["n"] == 2
        assert found["difference"] == pytest.approx(found["measured"] - found["predicted"])
        assert found["difference_high"] - found["difference_low"] > 0


def test_the_rate_is_fitted_to_the_first_round(results: Any) -> None:
    rows = results.table("groups", parameters=True).astype({"group": str})
    wide = rows.pivot_table(
        index=["remedy", "learning.corpus", "seed", "round"], columns="group", values=["lean", "quality"]
    )
    top = bottom = 0.0
    for remedy, corpus, seed in {key[:3] for key in wide.index}:
        k, fresh = 2 if remedy != "none" else 1, FRESH if corpus != "replace" else 0.0
        due = by_hand(started(results, seed), 1.0, k, fresh, 1)[1]
        for name in ("lean", "quality"):
            before, after = (wide.loc[(remedy, corpus, seed, r), name].to_numpy() for r in (0, 1))
            top += float(((after - before) * (due[name] - before)).sum())
            bottom += float(((due[name] - before) ** 2).sum())
    rate = analysis.prediction(results)["rate"]
    assert rate.nunique() == 1
    assert rate.iloc[0] == pytest.approx(float(np.clip(top / bottom, 0.01, 1)), abs=1e-9)


def test_it_is_drawn_and_stands_in_the_report(results: Any) -> None:
    table = analysis.prediction(results, round="last")
    figure = plots.prediction(table)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    own = [f"{name}, group {group}" for name in ("lean", "quality") for group in "AB"]
    assert titles == ["preference bias", "disparate bias", *own]
    dots = figure.axes[0].lines[0].get_xydata()
    here = table[(table["quantity"] == "preference_bias") & (table["remedy"] == "none")]
    assert dots == pytest.approx(here[["predicted", "measured"]].to_numpy())
    html = page(results)
    assert "Beside the exact prediction" in html
    assert "misses preference bias by" in html


def test_what_probabilities_cannot_stand_for_is_refused(results: Any) -> None:
    with pytest.raises(EcosystemError, match="rate is how far a round moves"):
        analysis.prediction(results, rate=0.0)
    with pytest.raises(EcosystemError, match="'remdy' is not swept; did you mean 'remedy'"):
        analysis.prediction(results, by="remdy", rate=0.5)
    with pytest.raises(EcosystemError, match="a prediction is of language models"):
        analysis.prediction(ecosystem.run("performative_loop"))
    outputs = scenario().settings()["outputs"]
    unknown = outputs | {"scores": {"quality": {"judge": "typical"}}}
    changed = ecosystem.run(scenario(outputs=unknown, rounds=0, sweep=None, seeds=1))
    with pytest.raises(EcosystemError, match="the score quality cannot be told of real answers alone"):
        analysis.prediction(changed, rate=0.5)
    assert "Beside the exact prediction" not in page(changed)


class Made(MadeUp):
    """A run of a scenario with one seed, of which it is known where its model began and what became of it."""

    def __init__(self, scenario: Scenario, start: dict[str, np.ndarray] | None = None) -> None:
        self.scenario = scenario
        runs = runs_of(1)
        at = {"run": runs["run"].repeat(3).to_numpy(), "round": range(3)}
        start = {"lean": np.array([0.7, 0.2]), "quality": np.array([0.9, 0.6])} if start is None else start
        shares = {name: np.tile(values, 3) for name, values in start.items()}
        groups = pd.DataFrame({"run": runs["run"].iloc[0], "round": np.repeat(range(3), 2), "group": list("AB") * 3})
        rounds = pd.DataFrame(at | {"preference_bias": 0.0, "disparate_bias": 0.0})
        super().__init__(runs, rounds=rounds, groups=groups.assign(**shares))


def rewarded(judge: dict[str, Any]) -> Scenario:
    """One model, whose outputs are curated by the better one of two, and nothing swept."""
    curation = {"method": "best_of", "candidates": 2}
    model = {"name": "m", "reward": "wanted", "diet": {"curated": 1}, "curation": curation}
    return scenario(sweep=None, seeds=1, models=[model], rewards={"wanted": judge})


@pytest.mark.parametrize("wanted", ["quality", "lean"])
def test_curation_by_a_score_is_predicted_by_it(wanted: str) -> None:
    scores = scenario().settings()["outputs"]["scores"]
    start = {"lean": np.array([0.7, 0.2]), "quality": np.array([0.9, 0.6])}
    found = analysis.prediction(Made(rewarded(scores[wanted]), start), rate=0.5, round=1)
    found = found.set_index(["quantity", "group"])["predicted"]
    # Of two answers the better by the one score is kept: what the other says of them is as before.
    mirror = {"quality": start[wanted], "lean": start["quality" if wanted == "lean" else "lean"]}
    due = by_hand(mirror, 0.5, 2, 0.0, 1)[1]
    other = "lean" if wanted == "quality" else "quality"
    assert [found[wanted, "A"], found[wanted, "B"]] == pytest.approx(due["quality"], abs=1e-9)
    assert [found[other, "A"], found[other, "B"]] == pytest.approx(due["lean"], abs=1e-9)


def test_a_model_that_does_not_move_where_none_would_has_the_rate_one() -> None:
    """Groups that are served alike stay so, whatever the rate."""
    start = {"lean": np.array([0.5, 0.5]), "quality": np.array([0.8, 0.8])}
    found = analysis.prediction(Made(scenario(sweep=None, seeds=1), start))
    assert (found["rate"] == 1).all()
    own = found[found["group"].notna()]
    assert own["difference"].abs().max() < 1e-12


TWO = [{"name": name, "diet": {"raw": 1}} for name in "mn"]
EVENT = {"round": 1, "set": {"learning.sharing": 0}}
ALIKE = {"groups": [{"name": name, "size": 5, "contexts": [0, 1]} for name in "AB"]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": TWO}, "of one model, over a number of rounds, without events"),
        ({"events": [EVENT]}, "of one model, over a number of rounds, without events"),
        ({"users": ALIKE}, "as many groups as contexts, that ask in different shares"),
        ({"outputs": scenario().settings()["outputs"] | {"scores": {}}}, "scores that are 0 or 1 for every answer"),
    ],
    ids=["models", "events", "groups", "scores"],
)
def test_what_has_no_counterpart_is_refused_in_words(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EcosystemError, match=f"a prediction .*{told}"):
        analysis.prediction(Made(scenario(sweep=None, seeds=1, **changes)), rate=0.5)


def test_a_reward_that_is_no_score_is_refused() -> None:
    with pytest.raises(EcosystemError, match="a prediction needs rewards that are scores"):
        analysis.prediction(Made(rewarded({"judge": "pattern", "pattern": "~.*"})), rate=0.5)
