"""Models that are really trained: with the simplest craft their law is that of the exact engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.learners import crafts
from ecosystem.learners.picks import _picked
from ecosystem.plan.runs import Run
from ecosystem.world import simulate
from ecosystem.world.blueprint import blueprint

REAL = [0.5, 0.3, 0.2]
GROUPS = [
    {"name": "A", "size": 600, "contexts": {0: 0.8, 1: 0.2}, "reward": "first"},
    {"name": "B", "size": 400, "contexts": [1], "reward": "last"},
]
LINEAR = {"method": "linear", "group": "A", "step": 0.07, "cap": 0.95}


@pytest.fixture(autouse=True)
def _tally(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")


def written(**changes: Any) -> dict[str, Any]:
    """Two models that read each other, one of them curated."""
    luce = {"method": "luce", "candidates": 4, "temperature": 0.5}
    return {
        "name": "tally",
        "rounds": 3,
        "mode": "sampled",
        "rewards": {"first": [1, 0, 0], "last": [0, 0, 1]},
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.4, "curated": 0.4, "neighbours_curated": 0.2},
                "curation": luce,
            },
            {"name": "q", "reward": "last", "diet": {"real": 0.2, "raw": 0.5, "neighbours_raw": 0.3}},
        ],
        "network": {"edges": [{"from": "p", "to": "q"}, {"from": "q", "to": "p"}]},
        "learning": {"examples": 4000, "pool": 8000},
    } | changes


def exact(**changes: Any) -> Scenario:
    outputs = {"kind": "categorical", "size": 3, "contexts": 2} | changes.pop("outputs", {})
    return Scenario(**written(mode="exact", real=outputs.pop("real", REAL), **changes) | {"outputs": outputs})


def drawn(**changes: Any) -> Scenario:
    """The same, its outputs really drawn."""

    def judge(values: Any) -> dict[str, Any]:
        return {"judge": "values", "values": values}

    outputs = {"kind": "tally", "size": 3, "real": REAL, "contexts": 2} | changes.pop("outputs", {})
    outputs["scores"] = {name: judge(values) for name, values in outputs.get("scores", {}).items()}
    every = written(**changes)
    every["rewards"] = {name: judge(values) for name, values in every["rewards"].items()}
    return Scenario(**every | {"outputs": outputs})


def tables(scenario: Scenario, seeds: int) -> dict[str, pd.DataFrame]:
    runs = [Run(id=f"{seed:024x}", point=0, seed=seed, scenario=scenario, values={}) for seed in range(seeds)]
    outcome = simulate(runs)
    assert not outcome.errors
    return {name: table.to_pandas() for name, table in outcome.tables.items()}


CASES: dict[str, dict[str, Any]] = {
    "curated and raw, own and a neighbour's": {},
    "best of three, by another's reward": {
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "best_of", "candidates": 3, "reward": "last"},
            }
        ],
        "network": {},
    },
    "a pluralistic curator": {
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "pluralistic", "candidates": 4, "rewards": {"first": 0.3, "last": 0.7}},
            }
        ],
        "network": {},
    },
    "a noisy curator": {
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "noisy", "candidates": 2, "noise": 0.4},
            }
        ],
        "network": {},
    },
    "an adversary": {
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "adversarial", "candidates": 5, "attack": 0.4, "attack_reward": "last"},
            }
        ],
        "network": {},
    },
    "shared between contexts, users who ask unevenly": {
        "users": {"groups": GROUPS, "feedback": LINEAR},
        "learning": {"examples": 4000, "pool": 8000, "sharing": 0.4},
    },
    "users who curate": {"users": {"groups": GROUPS, "curate": True}},
    "what users bring": {
        "users": {"groups": GROUPS},
        "models": [{"name": "p", "reward": "first", "diet": {"raw": 0.5, "users": 0.5}}],
        "network": {},
    },
    "accumulated": {"learning": {"examples": 4000, "corpus": "accumulate"}},
    "refreshed": {"learning": {"examples": 4000, "corpus": {"refresh": 0.3}}},
    "a window of two": {"learning": {"examples": 4000, "corpus": {"window": 2}}},
    "rejection sampling": {
        "outputs": {"scores": {"quality": [0, 1, 0.5], "lean": [1, 0, 0]}},
        "users": {"groups": GROUPS, "feedback": LINEAR},
        "remedy": {
            "method": "rejection_sampling",
            "candidates": {"A": 2, "B": 4},
            "quality": 0.5,
            "similarity": 0.5,  # with either alone, another output would be second best
            "accuracy": 0.8,
        },
    },
    "rejection sampling for whom it finds": {
        "outputs": {"scores": {"quality": [0, 1, 0.5]}, "real": [[0.5, 0.3, 0.2], [0.7, 0.1, 0.2]]},
        "users": {"groups": GROUPS},
        "remedy": {"method": "rejection_sampling", "disadvantaged": {"candidates": 3}},
    },
    "best of k": {
        "outputs": {"scores": {"quality": [0, 1, 0.5]}},
        "remedy": {"method": "best_of_k", "candidates": 3, "accuracy": 0.9},
    },
    "reweighting": {"users": {"groups": GROUPS, "feedback": LINEAR}, "remedy": {"method": "reweighting"}},
    "fresh data": {
        "remedy": {"method": "fresh_data", "share": 0.3},
        "learning": {"examples": 4000, "pool": 8000, "prompts": "reused"},
    },
}


@pytest.mark.parametrize("case", CASES)
def test_the_law_is_that_of_the_exact_engine(case: str) -> None:
    seeds = 24
    expected, found = tables(exact(**CASES[case]), 1), tables(drawn(**CASES[case]), seeds)
    for name, keys, columns in (
        ("models", ["round", "model"], ["alignment", "reward_variance"]),
        ("groups", ["round", "group"], ["active", "satisfaction", "quality", "lean"]),
        ("rounds", ["round"], ["preference_bias", "disparate_bias"]),
    ):
        if name not in expected:
            continue
        wanted = expected[name].set_index(keys)
        several = found[name].groupby(keys, observed=True)
        for column in [column for column in columns if column in wanted and wanted[column].notna().any()]:
            mean, error = several[column].mean(), several[column].std() / np.sqrt(seeds)
            # Choice is not linear in what was drawn, so that a finite training set has a bias of order 1/n.
            assert ((mean - wanted[column]).abs() <= 4.5 * error + 1e-3).all(), (name, column)


def test_a_number_on_a_step_falls_behind_it() -> None:
    # What has no weight is never taken, whichever number in [0, 1) is drawn.
    weights = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]], dtype=torch.float64)
    u = torch.tensor([[0.0, 0.25, 0.5, 0.75, 1 - 2**-53]], dtype=torch.float64)
    assert _picked(weights, u).tolist() == [[1, 1, 3, 3, 3]]


def test_a_world_in_a_batch_is_the_world_alone() -> None:
    scenario = drawn(**CASES["rejection sampling"] | {"learning": {"examples": 100}})
    plans = [blueprint(scenario.with_({"remedy.accuracy": 0.5 + seed / 20}), seed) for seed in range(7)]
    whole = Ecosystem.together(plans)
    for _ in range(3):
        whole.step()
    for start, size in ((0, 1), (6, 1), (1, 3)):
        part = Ecosystem.together(plans[start : start + size])
        for _ in range(3):
            part.step()
        assert torch.equal(part.state.p, whole.state.p[start : start + size])


def test_runs_that_differ_in_one_setting_share_all_other_draws() -> None:
    few = {"examples": 300}
    one, other = (
        Ecosystem(drawn(learning=few)),
        Ecosystem(drawn(learning=few).with_({"models.p.diet.curated": 0.3, "models.p.diet.real": 0.5})),
    )
    one.step(), other.step()
    # The curator of p chose the same in both; q, who reads what it read before, has learned the same.
    assert torch.equal(one.state.weights["shares"][:, 1], other.state.weights["shares"][:, 1])
    assert not torch.equal(one.state.weights["shares"][:, 0], other.state.weights["shares"][:, 0])


def test_a_further_candidate_leaves_the_others_what_they_are() -> None:
    pools = [Ecosystem(drawn().with_({"models.p.curation.candidates": k})).state.pool.items for k in (4, 5)]
    assert torch.equal(pools[0], pools[1][:, :, :, :, :4])


def test_a_model_without_any_source_stays_as_it_is() -> None:
    models = [{"name": "p", "reward": "first", "diet": {"neighbours_raw": 1}}]
    model = Ecosystem(drawn(models=models, network={}, learning={"examples": 10}))
    first = model.state.weights["shares"]
    model.step()
    assert torch.equal(model.state.weights["shares"], first)


def test_a_reader_reads_every_lot_before_it_reads_one_again() -> None:
    model = Ecosystem(drawn(learning={"examples": 40, "pool": 40}))
    lots = model.learner._lot(torch.zeros(1, 80, dtype=torch.int64), 20, 0).reshape(2, 40)
    for each in lots:
        assert torch.equal(torch.bincount(each, minlength=20), torch.full((20,), 2))


def test_samples_are_kept_as_they_were_written() -> None:
    scenario = drawn(record={"samples": 3, "every": 2}, learning={"examples": 50})
    samples = tables(scenario, 2)["samples"]
    assert len(samples) == 2 * 3 * 2 * 2 * 3  # runs, rounds 0, 2 and 3, models, contexts, samples
    model = Ecosystem(scenario, seed=1)
    first = samples[(samples["run"] == f"{1:024x}") & (samples["round"] == 0) & (samples["model"] == "q")]
    wrote = model.state.pool.items[0, 1, :, :3, 0, 0]
    assert first.sort_values(["context", "sample"])["text"].tolist() == [str(int(one)) for one in wrote.flatten()]
    assert first["image"].isna().all()


def test_looking_shows_what_was_written_and_moves_nothing() -> None:
    model = Ecosystem(drawn(learning={"examples": 50}))
    seen = model.models[0].sample(5, context=1)
    assert seen.shape == (5, 1)
    assert set(seen[:, 0]) <= set(model.state.pool.items[0, 0, 1, :, 0, 0].tolist())
    with pytest.raises(EcosystemError, match="wrote 25 outputs"):
        model.models[0].sample(26)


def test_a_broken_world_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from plain.tally import Tally

    scenario = drawn(learning={"examples": 50})
    runs = [Run(id=f"{seed:024x}", point=0, seed=seed, scenario=scenario, values={}) for seed in range(3)]
    whole = simulate(runs).tables["models"].to_pandas()
    train = Tally.train

    def broken(self: Any, weights: Any, first: Any, lessons: Any, round_: int) -> Any:
        learned, loss = train(self, weights, first, lessons, round_)
        if round_ == 1:
            loss[1] = torch.nan
        return learned, loss

    monkeypatch.setattr(Tally, "train", broken)
    outcome = simulate(runs)
    assert list(outcome.errors) == [runs[1].id]
    left = outcome.tables["models"].to_pandas()
    pd.testing.assert_frame_equal(left, whole[whole["run"] != runs[1].id].reset_index(drop=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "exact"}, "mode: outputs of kind tally are really drawn, which has no exact limit"),
        ({"learning": {"examples": 5, "rate": 0.5}}, "learning.rate: does not apply to models that are really trained"),
        ({"learning": {"examples": 5, "smoothing": 0.1}}, "learning.smoothing: does not apply"),
        ({"learning": {"examples": 5, "order": "sequential"}}, "learning.order: models that are really trained"),
        ({"real": [1, 0, 0]}, "real: does not apply to outputs of kind tally"),
        ({"record": {"states": True}}, "record.states: drawn outputs have no probabilities"),
        ({"outputs": {"kind": "tallly"}}, "outputs.kind: there is no kind of outputs 'tallly'; did you mean 'tally'?"),
    ],
)
def test_what_does_not_apply_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        drawn(**changes)
    assert message in str(error.value)


def test_rewards_are_judges_where_outputs_are_drawn_and_only_there() -> None:
    with pytest.raises(InputError, match=r"rewards\.first: must be a judge"):
        Scenario(**written() | {"outputs": {"kind": "tally", "size": 3, "real": REAL, "contexts": 2}})
    judged = {"first": {"judge": "values", "values": [1, 0, 0]}, "last": [0, 0, 1]}
    with pytest.raises(InputError, match=r"rewards\.first: is a judge"):
        Scenario(**written(rewards=judged) | {"outputs": {"kind": "categorical", "size": 3, "contexts": 2}})
    with pytest.raises(InputError, match=r"record\.samples: is for outputs that are really drawn"):
        exact(record={"samples": 3})


def test_weights_are_kept_as_they_were_at_the_end(tmp_path: Path) -> None:
    scenario = drawn(record={"weights": True}, learning={"examples": 50})
    results = ecosystem.run(scenario, tmp_path / "out", seeds=2)
    for run, seed in zip(results.runs["run"], results.runs["seed"], strict=True):
        model = Ecosystem(scenario, seed=seed)
        for _ in range(3):
            model.step()
        kept = results.weights(run)
        assert list(kept) == ["p", "q"]
        for number, name in enumerate(kept):
            assert torch.equal(kept[name]["shares"], model.state.weights["shares"][0, number])
    assert len(results.models) == 2 * 4 * 2
    without = ecosystem.run(drawn(learning={"examples": 50}), tmp_path / "without")
    with pytest.raises(EcosystemError, match=r"record: \{weights: true\} keeps them"):
        without.weights(without.runs["run"].iloc[0])


@pytest.mark.parametrize("case", ["curated and raw, own and a neighbour's", "accumulated", "rejection sampling"])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(tmp_path: Path, case: str) -> None:
    few = CASES[case] | {"learning": CASES[case].get("learning", {}) | {"examples": 60, "pool": 60}}
    scenario = drawn(**few)
    whole = ecosystem.run(scenario, tmp_path / "whole", seeds=2).models

    def stop(done: Any) -> None:
        if done.finished > 1.0:  # two of three rounds of both
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ecosystem.run(scenario, tmp_path / "again", seeds=2, progress=stop, checkpoint=0)
    assert len(list((tmp_path / "again" / "checkpoints").glob("*.safetensors"))) == 2
    again = ecosystem.run(scenario, tmp_path / "again", seeds=2)
    pd.testing.assert_frame_equal(again.models, whole)
