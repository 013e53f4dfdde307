"""The linearised round against automatic differentiation of the learner's own step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import CENTRAL, Round
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import SOURCES

from .ecosystems import ecosystems


def states(round_: Round, seed: int) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    return torch.from_numpy(generator.dirichlet(np.full(round_.start.shape[-1], 3.0), size=round_.start.shape[:-1]))


@settings(deadline=None, max_examples=40)
@given(written=ecosystems)
def test_it_is_the_jacobian_of_the_step(written: dict) -> None:
    round_ = Round(Scenario(**written))
    x = states(round_, 1)
    size = x.numel()
    unit = round_.frame.tangent(torch.eye(size, dtype=x.dtype).reshape(*x.shape, size))
    if "best_of" in round_.plan.kinds:  # whose code has no derivative at the edge of the simplex: differences
        steps = [unit[..., k] for k in range(size)]
        expected = torch.stack([differenced(round_, x, each) for each in steps], -1)
    else:
        full = torch.autograd.functional.jacobian(round_.step, x).reshape(size, size)
        expected = (full @ unit.reshape(size, size)).reshape(unit.shape)
    found = Linearisation(round_, x, round_.step(x)).advance(unit)[0]
    assert float((found - expected).abs().max()) < 1e-10


def differenced(round_: Round, x: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    width = 0.02 * float(x.min())
    parts = [weight * round_.step(x + k * width * along) for k, weight in CENTRAL.items()]
    return sum(parts, start=torch.zeros_like(x)) / width


@settings(deadline=None, max_examples=40)
@given(written=ecosystems, everything=st.booleans())
def test_the_adjoint_solves_the_transposed_system(written: dict, everything: bool) -> None:
    if everything:
        written["learning"]["sharing"] = 1.0
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


@settings(deadline=None, max_examples=30)
@given(written=ecosystems)
def test_what_is_kept_is_read_along_the_edges(written: dict) -> None:
    round_ = Round(Scenario(**written))
    x = states(round_, 3)
    linear = Linearisation(round_, x, round_.step(x))
    now, later, back = (torch.from_numpy(np.random.default_rng(k).normal(size=(*x.shape, 2))) for k in range(3))
    edges, diet = linear.edges, round_.plan.effective_diet
    own, near = (diet[:, SOURCES.index(source)] for source in ("curated", "neighbours_curated"))
    expected = now * torch.from_numpy(own)[:, None, None, None]
    for source, target, share, number in zip(edges.source, edges.target, edges.share, edges.channel, strict=True):
        earlier = written["learning"]["order"] == "sequential" and source < target
        arriving = (later if earlier else now)[source]
        if number >= 0:
            arriving = torch.einsum("cok,op->cpk", arriving, torch.from_numpy(edges.channels[number]))
        expected[target] += near[target] * share * arriving
    assert float((linear.read_kept(now, later) - expected).abs().max()) < 1e-14
    # The transpose: ⟨read(now), back⟩ = ⟨now, readᵀ(back)⟩.
    there, again = linear.read_kept(now, now) * back, now * linear.read_kept_back(back)
    assert float(there.sum()) == pytest.approx(float(again.sum()), abs=1e-12)
