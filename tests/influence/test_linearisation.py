"""The linearised round against automatic differentiation of the learner's own step."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings

from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.scenario.scenario import Scenario

from .ecosystems import ecosystems


def states(round_: Round, seed: int) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    return torch.from_numpy(generator.dirichlet(np.ones(round_.start.shape[-1]), size=round_.start.shape[:-1]))


@settings(deadline=None, max_examples=40)
@given(written=ecosystems)
def test_it_is_the_jacobian_of_the_step(written: dict) -> None:
    round_ = Round(Scenario(**written))
    x = states(round_, 1)
    size = x.numel()
    full = torch.autograd.functional.jacobian(round_.step, x).reshape(size, size)
    unit = round_.frame.tangent(torch.eye(size, dtype=x.dtype).reshape(*x.shape, size))
    expected = (full @ unit.reshape(size, size)).reshape(unit.shape)
    found = Linearisation(round_, x, round_.step(x)).advance(unit)[0]
    assert float((found - expected).abs().max()) < 1e-11


@settings(deadline=None, max_examples=40)
@given(written=ecosystems)
def test_the_adjoint_solves_the_transposed_system(written: dict) -> None:
    round_ = Round(Scenario(**written))
    x = states(round_, 2)
    linear = Linearisation(round_, x, x)
    size, shape = x.numel(), x.shape
    unit = round_.frame.tangent(torch.eye(size, dtype=x.dtype).reshape(*shape, size))
    forth = linear.advance(unit)[0].reshape(size, size)
    pushed = linear.advance(torch.zeros_like(unit), unit)[0].reshape(size, size)
    back = linear.adjoint(unit).reshape(size, size)
    aimed = linear.adjoint(torch.zeros_like(unit), unit).reshape(size, size)
    eye = torch.eye(size, dtype=x.dtype)
    # Σ w · push, w the fixed point of the adjoint, is Σ aim · v, v the fixed point of the round.
    solution = torch.linalg.solve(eye - forth, pushed)
    transposed = torch.linalg.solve(eye - back, aimed)
    projected = unit.reshape(size, size)
    difference = projected @ solution - (transposed.T @ projected)
    assert float(difference.abs().max()) < 1e-9 * max(1.0, float(solution.abs().max()))
