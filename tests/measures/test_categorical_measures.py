"""Quantities of categorical models against their formulas, written out context by context."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.learners.batch import Batch
from ecosystem.measures import categorical
from ecosystem.measures.categorical import MEASURES
from ecosystem.measures.rewards import alignment_served, named_alignments
from ecosystem.plan.runs import plan
from ecosystem.world.blueprint import blueprint
from ecosystem.world.simulation import simulate

CONTEXTS, OUTPUTS = 2, 4
REWARDS = {"up": [0, 1, 2, 5], "split": [[1, 0, 0, 2], [0, -3, 1, 0]]}
WRITTEN: dict[str, Any] = {
    "name": "measured",
    "rounds": 1,
    "outputs": {"kind": "categorical", "size": OUTPUTS, "contexts": CONTEXTS},
    "rewards": REWARDS,
    "models": [
        {
            "name": "a",
            "reward": "up",
            "real": [0.1, 0.2, 0.3, 0.4],
            "initial": [0.4, 0.3, 0.2, 0.1],
            "diet": {"raw": 1},
        },
        {"name": "b", "reward": "split", "initial": {"draw": "dirichlet"}, "diet": {"raw": 1}},
        {"name": "c", "diet": {"raw": 1}},
    ],
}


def batch(worlds: int = 2) -> Batch:
    return Batch([blueprint(Scenario(**WRITTEN), seed) for seed in range(worlds)])


def rows(seed: int = 0, worlds: int = 2, zeros: bool = True) -> np.ndarray:
    """What models write, ``[worlds, models, contexts, outputs]``, some outputs never."""
    generator = np.random.default_rng(seed)
    values = generator.gamma(1.0, size=(worlds, 3, CONTEXTS, OUTPUTS))
    if zeros:
        values[..., 0] *= generator.random((worlds, 3, CONTEXTS)) < 0.5
    return values / values.sum(-1, keepdims=True)


def mean_over_contexts(of: Callable[[list[float], list[float] | None, list[float], list[float]], float]) -> Any:
    """Return a quantity of one model: `of` (p, reward, real, initial) in each context, and the mean of these."""

    def quantity(p: np.ndarray, reward: np.ndarray | None, real: np.ndarray, initial: np.ndarray) -> float:
        every = [
            of(p[c].tolist(), None if reward is None else reward[c].tolist(), real[c].tolist(), initial[c].tolist())
            for c in range(CONTEXTS)
        ]
        return math.fsum(every) / CONTEXTS

    return quantity


def expectation(p: list[float], values: list[float]) -> float:
    return math.fsum(mass * value for mass, value in zip(p, values, strict=True))


def expected_reward(p: list[float], reward: list[float] | None, *_: Any) -> float:
    return math.nan if reward is None else expectation(p, reward)


def reward_variance(p: list[float], reward: list[float] | None, *_: Any) -> float:
    if reward is None:
        return math.nan
    return expectation(p, [value**2 for value in reward]) - expectation(p, reward) ** 2


def entropy(p: list[float], *_: Any) -> float:
    return -math.fsum(mass * math.log(mass) for mass in p if mass > 0)


def divergence(p: list[float], q: list[float]) -> float:
    pairs = [(here, there) for here, there in zip(p, q, strict=True) if here > 0]
    return math.inf if any(there == 0 for _, there in pairs) else math.fsum(h * math.log(h / t) for h, t in pairs)


def variation(p: list[float], q: list[float]) -> float:
    return max(  # the largest difference of what both say of any event
        abs(math.fsum(p[x] - q[x] for x in range(OUTPUTS) if event >> x & 1)) for event in range(1 << OUTPUTS)
    )


PLAIN = {
    "alignment": mean_over_contexts(expected_reward),
    "reward_variance": mean_over_contexts(reward_variance),
    "entropy": mean_over_contexts(entropy),
    "divergence_real": mean_over_contexts(lambda p, _r, real, _i: divergence(p, real)),
    "divergence_initial": mean_over_contexts(lambda p, _r, _, initial: divergence(p, initial)),
    "distance_real": mean_over_contexts(lambda p, _r, real, _i: variation(p, real)),
    "displacement": mean_over_contexts(lambda p, _r, _, initial: variation(p, initial) ** 2),
}


def test_every_measure_has_a_formula_here() -> None:
    assert set(PLAIN) == set(MEASURES)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("zeros", [True, False])
def test_a_measure_is_its_formula(name: str, zeros: bool) -> None:
    settings = batch()
    every = [np.broadcast_to(REWARDS["up"], (CONTEXTS, OUTPUTS)), np.array(REWARDS["split"]), None]
    for seed in range(10):
        p = rows(seed, zeros=zeros)
        found = MEASURES[name](torch.from_numpy(p), settings)
        assert found.shape == (2, 3)
        for world, plan_ in enumerate(settings.worlds):
            for model, reward in enumerate(every):
                here = (p[world, model], reward, plan_.real[model], plan_.initial[model])
                assert float(found[world, model]) == pytest.approx(PLAIN[name](*here), abs=1e-14, nan_ok=True)


def test_alignment_served_weights_contexts_by_volume() -> None:
    weights = torch.tensor([[[0.75, 0.25], [0.0, 1.0], [0.5, 0.5]]], dtype=torch.float64)
    p = rows(worlds=1)
    found = alignment_served(torch.from_numpy(p), batch(1), weights)[0]
    up, split = np.array(REWARDS["up"]), np.array(REWARDS["split"])
    assert float(found[0]) == pytest.approx(0.75 * p[0, 0, 0] @ up + 0.25 * p[0, 0, 1] @ up)
    assert float(found[1]) == pytest.approx(p[0, 1, 1] @ split[1])
    assert math.isnan(found[2])


def test_without_users_every_context_is_served_alike() -> None:
    model = Ecosystem(Scenario(**WRITTEN), 3)
    served, alignment = model.measure("alignment_served"), model.measure("alignment")
    assert served.numpy() == pytest.approx(alignment.numpy(), abs=1e-15, nan_ok=True)
    assert model.measure("volume").isnan().all()


def test_every_model_is_measured_by_every_named_reward() -> None:
    p = rows()
    found = named_alignments(torch.from_numpy(p), batch())
    up, split = np.array(REWARDS["up"]), np.array(REWARDS["split"])
    expected = np.stack([(p * up).sum(-1).mean(-1), (p * split).sum(-1).mean(-1)], -1)
    assert found.numpy() == pytest.approx(expected, abs=1e-14)


def test_divergence_is_infinite_where_a_model_writes_what_the_data_have_not() -> None:
    written = {
        "name": "infinite",
        "rounds": 1,
        "outputs": {"kind": "categorical", "size": 2, "contexts": 2},
        "models": [
            {"name": "beyond", "real": [[1, 0], [0.5, 0.5]], "initial": [0.5, 0.5], "diet": {"raw": 1}},
            {"name": "within", "real": [0.5, 0.5], "initial": [1, 0], "diet": {"raw": 1}},
            {"name": "same", "real": [1, 0], "diet": {"raw": 1}},
        ],
    }
    outcome = simulate(plan(Scenario(**written)).runs)
    frame = outcome.tables["models"].to_pandas().set_index(["round", "model"])
    for round_ in (0, 1):
        assert frame.loc[(round_, "beyond"), "divergence_real"] == math.inf
        assert frame.loc[(round_, "within"), "divergence_real"] == pytest.approx(math.log(2))
        assert frame.loc[(round_, "same"), "divergence_real"] == 0
        assert frame.loc[(round_, "beyond"), "distance_real"] == 0.25
    assert outcome.tables["models"]["divergence_real"].null_count == 0


def test_no_divergence_is_negative_by_rounding() -> None:
    q = torch.from_numpy(rows(worlds=400, zeros=False))
    p = q * (1 + 4e-16 * torch.sign(torch.from_numpy(rows(1, 400)) - 0.25))
    assert float((p * (p.log() - q.log())).sum(-1).mean(-1).min()) < 0  # what would be found
    for side, name in (("real", "divergence_real"), ("initial", "divergence_initial")):
        batch: Any = SimpleNamespace(**{side: q})
        logs_known = categorical.Reading(p, batch, {side: categorical.log_of(q)})
        for found in (MEASURES[name](p, batch), categorical.QUANTITIES[name](logs_known)):
            assert float(found.min()) >= 0 and float(found.max()) < 1e-15


@pytest.mark.parametrize("shared", ["nobody", "models", "worlds"])
def test_what_models_or_worlds_share_in_memory_is_told_apart(shared: str) -> None:
    p, q = torch.from_numpy(rows(1)), torch.from_numpy(rows(2, zeros=False))
    q = {"nobody": q, "models": q[:, :1].expand_as(q), "worlds": q[:1].expand_as(q)}[shared]
    assert categorical.held(q).shape[1] == (1 if shared == "models" else 3)
    batch: Any = SimpleNamespace(real=q, initial=q)
    for name in ("divergence_real", "divergence_initial", "distance_real", "displacement"):
        found = MEASURES[name](p, batch)
        for w in range(2):
            for i in range(3):
                expected = PLAIN[name](*(part[w, i].numpy() for part in (p, q, q, q)))
                assert float(found[w, i]) == pytest.approx(expected, abs=1e-14)


def test_a_model_has_no_divergence_from_itself() -> None:
    model = Ecosystem(Scenario(**WRITTEN), 3)
    for name in ("divergence_initial", "displacement"):
        assert model.measure(name).tolist() == [[0, 0, 0]]
    assert model.measure("divergence_real")[0, 0] > 0


def test_without_a_reward_alignment_is_null_and_left_out_of_the_mean() -> None:
    tables = simulate(plan(Scenario(**WRITTEN)).runs).tables
    models = tables["models"].to_pandas().set_index(["round", "model"])
    for column in ("alignment", "alignment_served", "reward_variance"):
        assert tables["models"][column].is_null().to_pylist() == [False, False, True] * 2
    for column in ("entropy", "divergence_real", "distance_real", "displacement"):
        assert tables["models"][column].null_count == 0
    for round_, mean in zip((0, 1), tables["rounds"]["alignment"].to_pylist(), strict=True):
        both = [models.loc[(round_, name), "alignment"] for name in "ab"]
        assert mean == pytest.approx(sum(both) / 2, abs=1e-15)
