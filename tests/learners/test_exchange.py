"""Sums over in-neighbours against a loop over edges, by either form of the sparse product."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecosystem.learners.exchange import Exchange, Weights
from ecosystem.world.network import Edges

WORLDS, MODELS, CONTEXTS, OUTPUTS = 2, 5, 3, 4


def random_edges(g: np.random.Generator, source: list[int], target: list[int], channel: list[int]) -> Edges:
    weight = g.uniform(0.1, 2.0, len(source))
    total = np.bincount(target, weights=weight, minlength=MODELS)
    return Edges(
        source=np.array(source),
        target=np.array(target),
        weight=weight,
        share=weight / total[target],
        channel=np.array(channel),
        channels=g.dirichlet(np.ones(OUTPUTS), size=(2, OUTPUTS)),
    )


@pytest.mark.parametrize("mkl", [True, False])
@pytest.mark.parametrize("readers", [[0, 1, 2, 3, 4], [1, 2], [0, 2, 3], [4]])
def test_what_readers_find_is_the_mean_of_those_who_wrote(
    readers: list[int], mkl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = np.random.default_rng(0)
    if not mkl:
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    lines = ([1, 2, 4, 0, 3, 4, 1, 2], [0, 0, 0, 1, 1, 1, 2, 3], [-1, 0, 1, -1, -1, 0, 1, -1])
    edges = [random_edges(g, *lines) for _ in range(WORLDS)]
    outputs = g.dirichlet(np.ones(OUTPUTS), size=(WORLDS, MODELS, CONTEXTS))
    present = g.random((WORLDS, MODELS, CONTEXTS)) < 0.6
    present[0, :, 0], present[1, :, 1] = False, True
    exchange = Exchange(edges, np.array(readers), MODELS, torch.zeros(0, dtype=torch.float64))
    assert bool(exchange) == (readers != [4])
    found = exchange.gather(torch.from_numpy(outputs), torch.from_numpy(present)).numpy()
    assert found.shape == (WORLDS, len(readers), CONTEXTS, OUTPUTS)
    for world, one in enumerate(edges):
        for place, reader in enumerate(readers):
            for context in range(CONTEXTS):
                total, whole = np.zeros(OUTPUTS), 0.0
                for k in np.flatnonzero(one.target == reader):
                    if present[world, one.source[k], context]:
                        row = outputs[world, one.source[k], context]
                        total += one.weight[k] * (row if one.channel[k] < 0 else row @ one.channels[one.channel[k]])
                        whole += one.weight[k]
                expected = total / whole if whole else total
                assert found[world, place, context] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("mkl", [True, False])
def test_both_forms_of_the_product_add_to_a_total_and_have_the_same_derivative(
    mkl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = np.random.default_rng(1)
    if not mkl:
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    reader, read, share = np.array([0, 0, 2, 2, 2]), np.array([1, 3, 0, 1, 2]), g.random((WORLDS, 5))
    weights = Weights(reader, read, share, 3, 4, torch.zeros(0, dtype=torch.float64))
    dense = np.zeros((WORLDS, 3, 4))
    dense[:, reader, read] = share
    rows, total = torch.from_numpy(g.normal(size=(WORLDS, 4, 6))), torch.from_numpy(g.normal(size=(WORLDS, 3, 6)))
    expected = total.numpy() + dense @ rows.numpy()
    assert weights.onto(total.clone(), rows).numpy() == pytest.approx(expected, abs=1e-14)
    asked = rows.clone().requires_grad_()
    passed = weights.onto(total.clone(), asked)
    assert passed.detach().numpy() == pytest.approx(expected, abs=1e-14)
    aim = torch.from_numpy(g.normal(size=passed.shape))
    (slope,) = torch.autograd.grad((passed * aim).sum(), asked)
    assert slope.numpy() == pytest.approx(dense.transpose(0, 2, 1) @ aim.numpy(), abs=1e-14)


@pytest.mark.parametrize("rows", [2**31, 2**32])
def test_more_rows_can_be_read_than_32_bits_count(rows: int) -> None:
    reader, read, share = np.array([0, 1, 1]), np.array([5, 7, rows - 9]), np.array([[0.5, 0.25, 0.75]])
    weights = Weights(reader, read, share, 2, rows, torch.zeros(0, dtype=torch.float64))
    assert weights._matrix is None
    # All rows are one number in memory.
    one = torch.full((1, 1, 1), 3.0, dtype=torch.float64).expand(1, rows, 1)
    found = weights.onto(torch.ones((1, 2, 1), dtype=torch.float64), one)
    assert found.flatten().tolist() == [1 + 3 * 0.5, 1 + 3 * 1.0]
