"""All curators of a batch at once, in pieces of any size, against each row's own choice by enumeration."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain.choice import chances_to_win

from ecosystem.curators import curation
from ecosystem.curators.buckets import Choice, buckets, kind_of
from ecosystem.curators.curation import Curation
from ecosystem.curators.luce import nodes_needed

Array = NDArray[np.float64]

WORLDS, MODELS, CONTEXTS, OUTPUTS = 3, 10, 2, 3
METHOD = {"luce": "luce", "luce_limit": "luce", "best_of": "best_of"}

Chosen = list[tuple[int, str, str, float]]
# Model, kind, reward, candidates. Model 0 has no curator; 1 to 4 share one, and 5 to 7 another, whose curve is shorter.
ALONE: Chosen = [
    *((model, "luce", "same", 3.0) for model in (1, 2, 3, 4)),
    *((model, "luce", "same", 2.0) for model in (5, 6, 7)),
    (8, "luce", "by context", 2.0),
    (9, "best_of", "by context", 3.0),
]
NOW_AND_THEN: Chosen = [*ALONE]
SEVERAL: Chosen = [
    *ALONE,
    (2, "luce_limit", "same", math.inf),
    (2, "best_of", "by context", 2.0),
    (9, "luce", "by context", 2.0),
]
LAYOUTS = pytest.mark.parametrize("chosen", [ALONE, NOW_AND_THEN, SEVERAL], ids=["always", "now and then", "several"])
REWARDS = ("same", "by context")


@dataclass
class Case:
    """Curators with rewards, weights and voices that are drawn, and a plain way to say what they keep."""

    chosen: Chosen
    voiced: bool = False
    g: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        self.rewards = self.g.normal(size=(WORLDS, len(REWARDS), CONTEXTS, OUTPUTS))
        self.rewards[:, 0] = self.rewards[:, 0, :1]
        self.p = self.g.dirichlet(np.ones(OUTPUTS), size=(WORLDS, MODELS, CONTEXTS))
        shape = (WORLDS, len(self.chosen))
        self.weight = self.g.uniform(0, 1 / 3, shape) if self.chosen is SEVERAL else np.ones(shape)
        if self.chosen is NOW_AND_THEN:
            self.weight[0, 8] = 0.4  # of one model in one world; all others always choose
        self.voice = np.arange(len(self.chosen)) % 3
        self.heard = self.g.uniform(0, 1, (WORLDS, 3, MODELS * CONTEXTS))

    def ready(self) -> Curation:
        choices = [
            Choice(number, model, kind, (reward, candidates), reward == "by context")
            for number, (model, kind, reward, candidates) in enumerate(self.chosen)
        ]
        layout = buckets(choices, CONTEXTS)
        numbers = np.array([REWARDS.index(reward) for _, _, reward, _ in self.chosen])
        candidates = np.array([k for *_, k in self.chosen])
        tensors = [
            (
                torch.from_numpy(self.rewards[:, numbers[bucket.choices], bucket.contexts]),
                torch.from_numpy(np.broadcast_to(candidates[bucket.choices], (WORLDS, len(bucket.choices))).copy()),
                torch.from_numpy(self.weight[:, bucket.owners]),
            )
            for bucket in layout
        ]
        voices = [self.voice[bucket.owners] for bucket in layout] if self.voiced else None
        return Curation(layout, *map(list, zip(*tensors, strict=True)), nodes_needed(3, 8.0), voices)

    def kept(self, heard: bool) -> Array:
        found = self.p.copy()
        for world, model, context in np.ndindex(WORLDS, MODELS, CONTEXTS):
            p, left, here = self.p[world, model, context], 1.0, np.zeros(OUTPUTS)
            for number, (mine, kind, reward, k) in enumerate(self.chosen):
                if mine == model:
                    weight = self.weight[world, number]
                    if heard:
                        weight *= self.heard[world, self.voice[number], model * CONTEXTS + context]
                    rewards = self.rewards[world, REWARDS.index(reward), context]
                    here += weight * chances_to_win(p, rewards, k, METHOD[kind], 1.0)
                    left -= weight
            found[world, model, context] = left * p + here
        return found


@pytest.fixture(params=[1, 2, 3, 5, 512], ids="{} rows at once".format)
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curation, "_ROWS", request.param)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("voiced", [False, True])
@LAYOUTS
def test_each_row_is_chosen_from_by_its_own_curators(chosen: Chosen, voiced: bool) -> None:
    case = Case(chosen, voiced)
    ready, p = case.ready(), torch.from_numpy(case.p)
    assert ready.rows.tolist() == list(range(CONTEXTS, MODELS * CONTEXTS))
    for heard in (None, torch.from_numpy(case.heard)) if voiced else (None,):
        expected = case.kept(heard is not None)
        assert ready.keep(p, heard).numpy() == pytest.approx(expected, abs=1e-12)
        into = torch.full((WORLDS, len(ready.rows), OUTPUTS), math.nan, dtype=torch.float64)
        for place in (None, into):
            found = ready.kept(p, heard, place)
            assert found.numpy() == pytest.approx(expected[:, 1:].reshape(found.shape), abs=1e-12)
            assert place is None or found is place
    assert np.array_equal(p.numpy(), Case(chosen, voiced).p)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("voiced", [False, True])
@pytest.mark.parametrize("most", [1, 2, 1 << 13])
@LAYOUTS
def test_the_derivative_is_that_of_the_mixture(chosen: Chosen, most: int, voiced: bool) -> None:
    case = Case(chosen, voiced)
    ready, p = case.ready(), torch.from_numpy(case.p)
    change = torch.from_numpy(case.g.normal(size=p.shape))
    change -= change.mean(-1, keepdim=True)
    rows, blocks = ready.derivative(p, most)
    assert torch.equal(rows, ready.rows)
    step = 1e-2 * float(p.min())
    differences = [ready.keep(p + k * step * change) - ready.keep(p - k * step * change) for k in (1, 2, 3)]
    expected = (45 * differences[0] - 9 * differences[1] + differences[2]).flatten(1, 2) / (60 * step)
    found = change.flatten(1, 2).clone()  # what is kept elsewhere is what is written
    found[:, rows] = (blocks @ found[:, rows][..., None])[..., 0]
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-8)


def test_without_curators_all_is_kept() -> None:
    p = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 3, 2)))
    nobody = Curation([], [], [], [], 0)
    assert nobody.rows.tolist() == []
    assert torch.equal(nobody.keep(p), p)
    assert nobody.kept(p).shape == (2, 0, 3)
    assert nobody.derivative(p)[1].shape == (2, 0, 3, 3)


def test_a_mixture_that_is_whole_keeps_nothing_at_random() -> None:
    # 1 − 0.3 − 0.2 − 0.5 is rounded to less than 0; what no reward keeps is not kept a little less than never.
    shares = [0.3, 0.2, 0.5]
    choices = [Choice(number, 0, "best_of", (number, math.inf), False) for number in range(3)]
    (bucket,) = buckets(choices, 1)
    rho = torch.tensor([[[0.0, 1.0 + number] for number in range(3)]], dtype=torch.float64)
    always_best = torch.full((1, 3), math.inf, dtype=torch.float64)
    weight = torch.tensor([shares], dtype=torch.float64)
    kept = Curation([bucket], [rho], [always_best], [weight], 0).keep(
        torch.tensor([[[[0.9, 0.1]]]], dtype=torch.float64)
    )
    assert 1 - shares[0] - shares[1] - shares[2] < 0
    assert kept[0, 0, 0].tolist() == [0, pytest.approx(1)]


@pytest.mark.parametrize(
    ("method", "candidates", "temperature", "kind"),
    [
        ("luce", 1, 0.0, None),
        ("best_of", 1, 1.0, None),
        ("luce", 2, 1.0, "luce"),
        ("luce", 2, 0.0, "best_of"),
        ("luce", math.inf, 0.0, "best_of"),
        ("luce", math.inf, 0.5, "luce_limit"),
        ("best_of", math.inf, 0.5, "best_of"),
    ],
)
def test_who_chooses(method: str, candidates: float, temperature: float, kind: str | None) -> None:
    assert kind_of(method, candidates, temperature) == kind
