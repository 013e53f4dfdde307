"""Laws that every ecosystem obeys, whatever its settings."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.random_ecosystems import ecosystems, random_ecosystem

from ecosystem import Ecosystem, Scenario

Written = dict[str, Any]
ROUNDS = 3
few = settings(deadline=None, max_examples=60)


def states(written: Written, rounds: int = ROUNDS) -> np.ndarray:
    """p of every round, ``[rounds + 1, models, contexts, outputs]``."""
    model = Ecosystem(Scenario(**written))
    found = [model.state.p[0].numpy()]
    for _ in range(rounds):
        model.step()
        found.append(model.state.p[0].numpy())
    return np.array(found)


def alignments(written: Written) -> np.ndarray:
    """J of every model after the last round, ``[models]``."""
    model = Ecosystem(Scenario(**written))
    for _ in range(ROUNDS):
        model.step()
    found: np.ndarray = model.measure("alignment")[0].numpy()
    return found


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).max())


def changed(written: Written) -> Written:
    return deepcopy(written)


def curations(written: Written) -> list[Written]:
    return [model["curation"] for model in written["models"] if "curation" in model]


SAMPLINGS: list[Written] = [
    {"examples": 3},
    {"examples": 40, "smoothing": 0.2},
    {"examples": 5, "pool": 4},
    {"examples": 500},
]


@few
@given(ecosystems)
def test_probabilities_stay_probabilities(written: Written) -> None:
    p = states(written, rounds=10)
    assert (p >= 0).all()
    assert np.abs(p.sum(-1) - 1).max() < 1e-14


@few
@given(ecosystems, st.sampled_from(SAMPLINGS))
def test_sampled_probabilities_stay_probabilities(written: Written, sampling: Written) -> None:
    p = states(written | {"mode": "sampled", "learning": written["learning"] | sampling}, rounds=10)
    assert (p >= 0).all()
    assert np.abs(p.sum(-1) - 1).max() < 1e-14


@pytest.mark.parametrize("candidates", [2, 1000])
def test_probabilities_stay_probabilities_for_a_thousand_rounds(candidates: int) -> None:
    # Without renormalising, errors of mass grow by K a round.
    written = {
        "name": "long",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 4},
        "rewards": {"r": [0, 1, 1, 0.3]},
        "models": [
            {"name": "m", "reward": "r", "diet": {"curated": 1}, "curation": {"candidates": candidates}},
        ],
    }
    p = states(written, rounds=1000)
    assert np.isfinite(p).all()
    assert np.abs(p.sum(-1) - 1).max() < 1e-14
    assert p[-1, 0, 0, 1] == pytest.approx(0.5, abs=1e-12)  # the two best outputs, alike, are what is left


@few
@given(ecosystems, st.randoms(use_true_random=False))
def test_permuting_models_permutes_results(written: Written, random: Any) -> None:
    written = written | {"learning": written["learning"] | {"order": "synchronous"}}
    order = list(range(len(written["models"])))
    random.shuffle(order)
    other = changed(written)
    other["models"] = [other["models"][index] for index in order]
    random.shuffle(other["network"]["edges"])
    assert difference(states(written)[:, order], states(other)) < 1e-12


@few
@given(ecosystems, st.randoms(use_true_random=False))
def test_permuting_outputs_permutes_results(written: Written, random: Any) -> None:
    order = list(range(written["outputs"]["size"]))
    random.shuffle(order)

    def permuted(values: Any) -> Any:
        return np.asarray(values)[..., order].tolist()

    other = changed(written)
    other["real"] = permuted(other["real"])
    other["rewards"] = {name: permuted(values) for name, values in other["rewards"].items()}
    for model in other["models"]:
        model |= {key: permuted(model[key]) for key in ("real", "initial") if key in model}
    for edge in other["network"]["edges"]:
        if "channel" in edge:
            edge["channel"]["matrix"] = permuted(np.array(edge["channel"]["matrix"])[order])
    assert difference(states(written)[..., order], states(other)) < 1e-12
    assert difference(alignments(written), alignments(other)) < 1e-12


@few
@given(ecosystems, st.data())
def test_only_the_ratios_of_weights_into_a_reader_count(written: Written, data: st.DataObject) -> None:
    other = changed(written)
    factors = {model["name"]: data.draw(st.floats(1e-3, 1e3)) for model in other["models"]}
    for edge in other["network"]["edges"]:
        edge["weight"] *= factors[edge["to"]]
    assert difference(states(written), states(other)) < 1e-12


@few
@given(ecosystems, st.floats(-50, 50))
def test_rewards_count_by_their_differences(written: Written, constant: float) -> None:
    other = changed(written)
    other["rewards"] = {name: (np.array(values) + constant).tolist() for name, values in other["rewards"].items()}
    assert difference(states(written), states(other)) < 1e-12
    assert difference(alignments(written) + constant, alignments(other)) < 1e-11


@few
@given(ecosystems, st.floats(0.01, 100))
def test_rewards_count_by_their_ratio_to_the_temperature(written: Written, factor: float) -> None:
    other = changed(written)
    other["rewards"] = {name: (np.array(values) * factor).tolist() for name, values in other["rewards"].items()}
    for curation in curations(other):
        if curation["method"] == "luce":
            curation["temperature"] *= factor
    assert difference(states(written), states(other)) < 1e-11


def without_curation(written: Written) -> Written:
    other = changed(written)
    for model in other["models"]:
        if model.pop("curation", None) is not None:
            model["diet"]["raw"] += model["diet"].pop("curated")
    return other


@few
@given(ecosystems)
def test_one_candidate_is_no_curation(written: Written) -> None:
    other = changed(written)
    for curation in curations(other):
        curation["candidates"] = 1
    assert difference(states(other), states(without_curation(written))) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_a_high_temperature_tends_to_no_curation(seed: int) -> None:
    written = random_ecosystem(seed, 3, 4, 2)
    for model in written["models"]:
        model["diet"] = {"real": 0.2, "raw": 0.2, "curated": 0.4, "neighbours_curated": 0.2}
        model["curation"] = {"method": "luce", "candidates": 4, "temperature": 1.0}
    plain = states(without_curation(written))
    gaps = []
    for temperature in (1e0, 1e2, 1e3, 1e4):
        for curation in curations(written):
            curation["temperature"] = temperature
        gaps.append(difference(states(written), plain))
    assert gaps[0] > 0.01
    assert gaps[1:] == pytest.approx([gaps[1], gaps[1] / 10, gaps[1] / 100], rel=0.1)  # of the order of 1/T


@few
@given(ecosystems)
def test_curators_that_disagree_with_nobody_are_luce(written: Written) -> None:
    other = changed(written)
    for model in other["models"]:
        curation = model.get("curation")
        if curation is None or curation["method"] != "luce":
            continue
        reward = curation.pop("reward", model["reward"])
        shares = {"method": "pluralistic", "rewards": {reward: 3.0}}
        attacked = {"method": "adversarial", "reward": reward, "attack": 0.4, "attack_reward": reward}
        noisy = {"method": "noisy", "reward": reward, "noise": 0.0}
        curation |= [shares, attacked, noisy][int(model["name"][1:]) % 3]
    assert difference(states(written), states(other)) < 1e-12


@few
@given(ecosystems, st.floats(0, 1))
def test_a_mixture_of_curators_keeps_the_mixture_of_what_they_keep(written: Written, share: float) -> None:
    # One round of a model that learns what its curator kept: the laws of what is kept mix.
    def kept(curation: Written) -> np.ndarray:
        other = changed(written) | {"learning": {}}
        other["models"] = other["models"][:1]
        other["network"] = {"edges": []}
        other["models"][0] |= {"diet": {"curated": 1}, "curation": {"candidates": 3, "temperature": 0.7} | curation}
        return states(other, rounds=1)[1, 0]

    by = {name: kept({"method": "luce", "reward": name}) for name in written["rewards"]}
    start = np.array(written["models"][0]["initial"])
    mixtures: list[tuple[Written, np.ndarray]] = [
        (
            {"method": "pluralistic", "rewards": {"flat": 2 * share, "split": 2 * (1 - share)}},
            share * by["flat"] + (1 - share) * by["split"],
        ),
        (
            {"method": "adversarial", "reward": "flat", "attack": share, "attack_reward": "ties"},
            (1 - share) * by["flat"] + share * by["ties"],
        ),
        ({"method": "noisy", "reward": "split", "noise": share}, (1 - share) * by["split"] + share * start),
    ]
    for curation, expected in mixtures:
        assert difference(kept(curation), expected) < 1e-12


@few
@given(ecosystems)
def test_a_rate_of_one_forgets_the_start(written: Written) -> None:
    written = written | {"learning": written["learning"] | {"rate": 1.0, "regime": "retrain"}}
    other = changed(written)
    other["learning"]["regime"] = "incremental"
    assert difference(states(written), states(other)) < 1e-12


@few
@given(ecosystems)
def test_a_window_of_all_rounds_is_accumulation_and_of_one_is_replacement(written: Written) -> None:
    def with_corpus(corpus: Any) -> np.ndarray:
        return states(written | {"learning": written["learning"] | {"corpus": corpus}}, rounds=4)

    assert difference(with_corpus({"window": 4}), with_corpus("accumulate")) < 1e-12
    assert difference(with_corpus({"window": 1}), with_corpus("replace")) < 1e-12


@few
@given(ecosystems)
def test_sharing_everything_makes_contexts_alike(written: Written) -> None:
    learning = {"sharing": 1.0, "rate": 1.0, "order": "synchronous"}
    p = states(written | {"learning": learning})
    assert difference(p[1:], p[1:, :, :1]) < 1e-14


@few
@given(ecosystems)
def test_a_channel_that_changes_nothing_is_none(written: Written) -> None:
    other = changed(written)
    for edge in other["network"]["edges"]:
        edge.setdefault("channel", {"matrix": np.eye(written["outputs"]["size"]).tolist()})
    assert difference(states(written), states(other)) < 1e-12


@pytest.mark.parametrize("examples", [1, 3])
def test_smoothing_adds_to_every_count(examples: int) -> None:
    # One output is all that is ever written: its count is n, that of the others 0.
    written = {
        "name": "smoothed",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "categorical", "size": 4},
        "models": [{"name": "m", "initial": [0, 1, 0, 0], "diet": {"raw": 1}}],
        "learning": {"examples": examples, "smoothing": 0.5, "rate": 0.3},
    }
    model = Ecosystem(Scenario(**written))
    model.step()
    counted = np.array([0.5, examples + 0.5, 0.5, 0.5]) / (examples + 2)
    assert model.models[0].distribution[0] == pytest.approx(0.7 * np.eye(4)[1] + 0.3 * counted, abs=1e-15)
