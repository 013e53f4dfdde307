"""What learners of rows hand on: states that are saved, loaded and put back; and how many are taught at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from plain.random_ecosystems import random_ecosystem
from torch import Tensor

from ecosystem import Ecosystem, Scenario
from ecosystem.learners import rows
from ecosystem.learners.learner import Learner, State
from ecosystem.world.blueprint import blueprint

CORPORA = pytest.mark.parametrize("corpus", ["replace", "accumulate", {"window": 1}, {"window": 3}], ids=str)
MODES = pytest.mark.parametrize("mode", ["exact", "sampled"])


def ready(corpus: Any, mode: str, order: str = "synchronous", models: int = 5) -> Learner:
    """Return a learner of two worlds of one random ecosystem that differ in what models write first."""
    written = random_ecosystem(3, models, 4, 2, mode)
    written["learning"] |= {"corpus": corpus, "order": order} | ({"examples": 20} if mode == "sampled" else {})
    worlds = []
    for seed in range(2):
        for model, other in zip(written["models"], random_ecosystem(seed, models, 4, 2, mode)["models"], strict=True):
            model["initial"] = other["initial"]
        worlds.append(blueprint(Scenario(**written), seed))
    return Ecosystem.together(worlds).learner


def after(learner: Learner, state: State, rounds: int) -> State:
    for _ in range(rounds):
        state = learner.step(state)
    return state


@CORPORA
@MODES
def test_a_state_that_was_saved_and_loaded_goes_on_to_the_same_bits(corpus: Any, mode: str) -> None:
    learner = ready(corpus, mode)
    state = after(learner, learner.start(), 4)
    saved = {name: part.clone() for name, part in learner.save(state).items()}
    assert {len(part) for part in saved.values()} == {2}
    straight = after(learner, state, 4).p.clone()
    other = ready(corpus, mode)
    loaded = other.load(4, saved)
    assert loaded.round == 4
    assert torch.equal(after(other, loaded, 4).p, straight)


@CORPORA
def test_some_worlds_are_put_back_and_others_stay(corpus: Any) -> None:
    learner = ready(corpus, "exact")
    first = learner.start().p.clone()
    state = after(learner, learner.start(), 3)
    before = [part.clone() for part in (state.p, *_corpus(state))]
    again = learner.restarted(state, torch.tensor([True, False]))
    assert again.round == 3
    for now, then in zip((again.p, *_corpus(again)), before, strict=True):
        assert torch.equal(now[0], first[0]) and not torch.equal(now[0], then[0])
        assert torch.equal(now[1], then[1])


def _corpus(state: State) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = state.corpus
    return found


@MODES
@CORPORA
@pytest.mark.parametrize("order", ["synchronous", "sequential"])
def test_how_many_are_taught_at_once_changes_no_bit(
    order: str, corpus: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def final() -> Tensor:
        learner = ready(corpus, mode, order)
        return after(learner, learner.start(), 4).p

    together = final()
    for block in (1, 2, 4):
        monkeypatch.setattr(rows, "_BLOCK", block)
        assert torch.equal(final(), together)


def test_a_gpu_is_given_many_at_once_and_never_fewer_than_the_cpu() -> None:
    def block(device: str, **sizes: int) -> int:
        batch: Any = SimpleNamespace(device=device, **sizes)
        return rows._block(batch)

    few = {"size": 2, "contexts": 4, "numbers": 8}
    assert block("cuda", **few) * 2 * 4 * 8 == rows._NUMBERS_ON_A_GPU
    least = block("cpu", **few)
    assert least == rows._BLOCK
    assert block("cuda", size=1 << 12, contexts=1 << 10, numbers=1 << 10) == least
