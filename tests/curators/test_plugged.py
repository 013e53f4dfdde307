"""Curators of other packages among candidates that are really drawn: what a built-in one chooses, they choose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from plain.tally import Tally

from ecosystem import Ecosystem, Scenario
from ecosystem.curators.plugged import choose
from ecosystem.errors import InputError
from ecosystem.learners.drawn import DrawnLearner, DrawnState
from ecosystem.plugins import Curator, load
from ecosystem.plugins.registry import PluginError, Scope, within


class Best(Curator, name="best"):
    """The best candidate, the first of equals."""

    def chances(self, rho):
        return torch.nn.functional.one_hot(rho.argmax(-1), rho.shape[-1]).to(rho)


class Lucky(Curator, name="lucky"):
    """Luce's choice."""

    def chances(self, rho):
        return torch.softmax(rho, dim=-1)


class Second(Curator, name="second"):
    """The last but one, whatever it is worth."""

    def chances(self, rho):
        found = torch.zeros_like(rho)
        found[:, -2] = 1
        return found


class Exact(Curator, name="exact"):
    def keep(self, p, rho, candidates):
        return p


class Flat(Curator, name="flat"):
    def chances(self, rho):
        return rho.sum(-1)


SCOPE = Scope(
    {("curators", cls.plugin_name): cls for cls in (Best, Lucky, Second, Exact, Flat)} | {("crafts", "tally"): Tally}
)


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with within(SCOPE):
        yield


def tallied(curation: Any, other: Any = None, **changes: Any) -> Scenario:
    """Return two models of a craft whose outputs are 0, 1, 2; the other one may have another curator."""
    models = [
        {"name": name, "reward": "high", "diet": {"curated": 0.8, "real": 0.2}, "curation": block}
        for name, block in (("p", curation), ("q", other or curation))
    ]
    return Scenario(
        **{
            "name": "tallied",
            "rounds": 3,
            "mode": "sampled",
            "outputs": {"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": 2},
            "rewards": {
                "high": {"judge": "values", "values": [0, 1, 3]},
                "low": {"judge": "values", "values": [1, 0, -1]},
            },
            "models": models,
            "learning": {"examples": 3000},
        }
        | changes
    )


def normal(curation: Any, **changes: Any) -> Scenario:
    """Return two models of normal laws that read one another."""
    diet = {"curated": 0.6, "neighbours_curated": 0.4}
    return Scenario(
        **{
            "name": "normal",
            "rounds": 2,
            "mode": "sampled",
            "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
            "rewards": {"high": {"linear": [1, 0.5], "curvature": 0.2}, "low": {"linear": [-1, 0]}},
            "models": [{"name": name, "reward": "high", "diet": diet, "curation": curation} for name in ("p", "q")],
            "network": {"generator": "cycle"},
            "learning": {"examples": 3000},
        }
        | changes
    )


USERS = {
    "groups": [
        {"name": "A", "size": 30, "contexts": [0], "reward": "high"},
        {"name": "B", "size": 10, "contexts": [0, 1], "reward": "low"},
    ],
    "curate": True,
}


def after(scenario: Scenario, rounds: int = 2) -> Ecosystem:
    model = Ecosystem(scenario)
    for _ in range(rounds):
        model.step()
    return model


@pytest.mark.parametrize("make", [tallied, normal])
@pytest.mark.parametrize("users", [None, USERS], ids=["own rewards", "users curate"])
def test_the_best_is_that_of_the_curator_that_comes_along(make: Any, users: Any) -> None:
    own, plugged = (after(make({"method": method, "candidates": 4}, users=users)) for method in ("best_of", "best"))
    assert torch.equal(own.state.p, plugged.state.p)


@pytest.mark.parametrize("make", [tallied, normal])
def test_chances_of_luce_lead_where_luce_leads(make: Any) -> None:
    own, plugged = (
        after(make({"method": method, "candidates": 3, "temperature": 0.7}, learning={"examples": 20_000}), 1)
        for method in ("luce", "lucky")
    )
    one, other = (model.measure("alignment") for model in (own, plugged))
    assert float((one - other).abs().max()) < 0.05
    assert float((other - after(make({"method": "lucky", "candidates": 1}), 1).measure("alignment")).min()) > 0.3


def test_each_model_has_its_own_curator_and_count() -> None:
    """Of K drawn candidates the last but one is a draw like any other, and so nothing is gained by it."""
    best = {"method": "best", "candidates": 4}
    alone, among = after(tallied(best)), after(tallied(best, {"method": "second", "candidates": 2}))
    assert torch.equal(alone.state.p[:, 0], among.state.p[:, 0])
    plain = after(tallied(best, {"method": "second", "candidates": 1}))
    assert float((plain.measure("alignment") - among.measure("alignment")).abs().max()) < 0.05
    fewer = after(tallied({"method": "best", "candidates": 2}, best))
    own = after(tallied({"method": "best_of", "candidates": 2}, {"method": "best_of", "candidates": 4}))
    assert torch.equal(fewer.state.p, own.state.p)


def test_a_choice_among_candidates_is_drawn_by_its_chances() -> None:
    rho = torch.tensor([0.1, 0.5, 0.3, 9.0]).double().log().expand(1, 4000, 4)
    with within(SCOPE):
        kind = Lucky(method="lucky", candidates=3).identity
    u = (torch.arange(4000) + 0.5)[None] / 4000
    kept, rejected = choose([None, kind], torch.ones(1, 4000).long(), torch.full((1, 4000), 3.0), rho, u)
    share = torch.bincount(kept[0], minlength=4) / 4000
    assert share.tolist() == pytest.approx([1 / 9, 5 / 9, 3 / 9, 0], abs=1e-3)
    # The least likely of those that are not kept: the first, or the third where the first is.
    assert rejected[0].tolist() == torch.where(kept[0] == 0, 2, 0).tolist()


def test_of_equal_chances_the_least_reward_is_rejected() -> None:
    kind = Best(method="best", candidates=4).identity
    rho = torch.tensor([[[0.2, 0.9, -0.4, 0.1]]]).double()
    kept, rejected = choose([kind], torch.zeros(1, 1).long(), torch.full((1, 1), 4.0), rho, torch.rand(1, 1))
    assert (int(kept), int(rejected)) == (1, 2)


def test_lessons_hold_what_was_kept_and_what_was_rejected() -> None:
    model = after(tallied({"method": "best", "candidates": 3}), 0)
    assert isinstance(model.learner, DrawnLearner) and isinstance(model.state, DrawnState)
    model.learner.craft.compares = True
    lessons = model.learner._lessons(model.state, model.demand)
    assert lessons.rejected is not None
    assert bool((lessons.items >= lessons.rejected).all())
    assert bool((lessons.items > lessons.rejected).any())


@pytest.mark.parametrize(
    ("make", "curation", "changes", "told"),
    [
        (tallied, {"method": "exact", "candidates": 2}, {}, "curation.method: 'exact' is a plug-in without `chances`"),
        (normal, {"method": "exact", "candidates": 2}, {}, "curation.method: 'exact' is a plug-in without `chances`"),
        (normal, {"method": "best", "candidates": 2}, {"mode": "exact"}, "where they are drawn only; write mode: samp"),
        (normal, {"method": "best", "candidates": float("inf")}, {}, "curation.candidates: a plug-in chooses among"),
        (tallied, {"method": "best", "candidates": float("inf")}, {}, "curation.candidates: candidates are really"),
    ],
)
def test_who_cannot_choose_is_told_of(make: Any, curation: Any, changes: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        make(curation, **changes)
    assert told in str(caught.value)


def test_categorical_outputs_want_the_law() -> None:
    model = {"name": "m", "reward": "r", "diet": {"curated": 1}, "curation": {"method": "best", "candidates": 2}}
    with pytest.raises(InputError, match="'best' is a plug-in without `keep`"):
        Scenario(name="x", rounds=1, outputs={"kind": "categorical", "size": 2}, rewards={"r": [0, 1]}, models=[model])


def test_chances_of_another_shape_are_told_of() -> None:
    with pytest.raises(PluginError, match=r"curator flat: chances must be float64 \[\d+, 2\] \(got float64 \[\d+\]"):
        after(tallied({"method": "flat", "candidates": 2}), 1)


def test_a_curator_has_one_of_both(tmp_path: Any) -> None:
    file = tmp_path / "idle.py"
    file.write_text("from ecosystem.plugins import Curator\nclass Idle(Curator, name='idle'):\n    pass\n")
    with pytest.raises(PluginError, match="defines idle without keep or chances"):
        load(file)


def test_worlds_have_the_same_bits_in_any_batch() -> None:
    from ecosystem.world.blueprint import blueprint

    for make in (tallied, normal):
        plans = [blueprint(make({"method": "lucky", "candidates": 3}), seed) for seed in (3, 5)]
        together = Ecosystem.together(plans)
        alone = [Ecosystem.together([plan]) for plan in plans]
        for model in (together, *alone):
            model.step()
        assert all(np.array_equal(together.state.p[n], alone[n].state.p[0]) for n in (0, 1))
