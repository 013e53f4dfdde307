"""Acceleration on maps whose iterates can be worked out: linear ones, and one that leads it astray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ecosystem.influence.anderson import Found, accelerate


class Map:
    """A round that is any function of numbers, all of which are valid; it keeps what it was asked for."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function
        self.asked: list[Tensor] = []
        self.frame: Any = self

    def step(self, x: Tensor) -> Tensor:
        self.asked.append(x)
        return self._function(x)

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        del plain
        return x


def test_a_linear_map_of_six_numbers_is_solved_in_seven_rounds() -> None:
    # Anderson's method is GMRES there (Walker & Ni 2011); the plain iteration takes over a thousand rounds.
    g = np.random.default_rng(0)
    j, b = g.normal(size=(6, 6)), g.normal(size=6)
    j *= 0.98 / np.abs(np.linalg.eigvals(j)).max()
    round_ = Map(lambda x: x @ torch.from_numpy(j.T) + torch.from_numpy(b))
    found = accelerate(round_, torch.zeros(1, 1, 6, dtype=torch.float64), 1e-12, 10_000)  # type: ignore[arg-type]
    assert found.x[0, 0].numpy() == pytest.approx(np.linalg.solve(np.eye(6) - j, b), abs=1e-10)
    assert found.residual < 1e-12
    assert found.rounds == len(round_.asked) <= 7 + 6


def test_numbers_that_move_alike_do_not_disturb_it() -> None:
    # What the rounds change is soon of less dimensions than the rounds that are remembered.
    round_ = Map(lambda x: x - 0.9 * torch.atan(x))
    start = torch.tensor([[[10.0, -5.0, 3.0]]], dtype=torch.float64)
    found = accelerate(round_, start, 1e-12, 100)  # type: ignore[arg-type]
    assert float(found.x.abs().max()) < 1e-12
    assert found.rounds < 40


def test_a_step_that_makes_it_worse_is_taken_back_for_a_plain_round() -> None:
    # What a round adds, at the numbers that are visited; straight lines between.
    at = [0.0, 1.0, 1.5, 1.75, 2.0, 2.75, 3.0]
    adds = [1.0, 0.5, 0.25, 0.2, 1.2, 0.02, -0.3]
    round_ = Map(lambda x: x + torch.from_numpy(np.interp(x.numpy(), at, adds)))
    found = accelerate(round_, torch.zeros(1, 1, 1, dtype=torch.float64), 1e-12, 100)  # type: ignore[arg-type]
    asked = [float(x) for x in round_.asked]
    # 0 and 1 are plain rounds. The line through both ends at 2, where a round adds more than twice of what it
    # did at best: 1 + 0.5 is next, then 1.5 + 0.25. The line through these two ends at 1.75 + 0.2 · 5.
    assert asked[:6] == pytest.approx([0, 1, 2, 1.5, 1.75, 2.75], abs=1e-10)
    assert float(found.x) == pytest.approx(2.75 + 0.25 * 0.02 / 0.32, abs=1e-12)
    assert found.rounds == len(asked)


def of_one_number(function: Callable[[Tensor], Tensor], most: int, start: float = 0.0) -> tuple[list[float], Found]:
    round_ = Map(function)
    found = accelerate(round_, torch.full((1, 1, 1), start, dtype=torch.float64), 1e-12, most)  # type: ignore[arg-type]
    assert found.rounds == len(round_.asked)
    return [float(x) for x in round_.asked], found


def test_a_plain_round_that_makes_it_worse_is_not_made_twice() -> None:
    at, adds = [0.0, 0.1, 1.1, 3.0], [0.1, 1.0, 0.2, -0.5]
    asked, _ = of_one_number(lambda x: x + torch.from_numpy(np.interp(x.numpy(), at, adds)), 100)
    assert asked[:3] == pytest.approx([0, 0.1, -0.1 / 9], abs=1e-10)


def test_the_first_line_goes_through_the_first_two_rounds() -> None:
    asked, _ = of_one_number(lambda x: 10 + (x - 10) / 2, 100, 4.0)
    assert asked[:3] == pytest.approx([4, 7, 10], abs=1e-10)


def test_where_every_round_adds_the_same_it_goes_on_plainly() -> None:
    asked, found = of_one_number(lambda x: x + 1, 4)
    assert asked[:5] == pytest.approx([0, 1, 2, 3, 4], abs=1e-12)
    assert found.residual == pytest.approx(1, abs=1e-12)


def test_the_last_rounds_are_plain_as_long_as_they_lead_nearer_to_rest() -> None:
    # The first state is met in any case; then come up to three rounds, and a look at where they led.
    halved = of_one_number(lambda x: 10 + (x - 10) / 2, 1)
    assert (halved[0], float(halved[1].x)) == ([0, 5, 7.5, 8.75, 9.375], 9.375)
    assert halved[1].residual == 0.3125
    doubled = of_one_number(lambda x: 2 * x, 1, 1.0)
    assert (doubled[0], float(doubled[1].x)) == ([1, 2, 4, 4], 4)
    there = of_one_number(lambda x: 0 * x + 3, 100)
    assert (there[0], float(there[1].x)) == ([0, 3, 3, 3], 3)
