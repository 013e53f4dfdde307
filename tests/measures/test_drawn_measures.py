"""Quantities of models that can only be drawn from, read off rows of what is said of their outputs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecosystem.measures.drawn import judges, measures


def said_of(values: np.ndarray, told: np.ndarray) -> torch.Tensor:
    """Rows of outputs that judges give these values, ``[1, models, contexts, outputs, judges]``."""
    ones = np.ones((*values.shape[:-2], 1))
    return torch.from_numpy(np.concatenate([ones, values.mean(-2), (values**2).mean(-2), told], axis=-1))


def batch_of(numbers: int, rewards: int, evaluation: list[int]) -> Any:
    """What a batch says of rewards: judge k is the reward k."""
    rows = np.zeros((1, rewards, 1, numbers))
    rows[0, range(rewards), 0, range(1, 1 + rewards)] = 1
    return SimpleNamespace(
        size=1,
        models=len(evaluation),
        numbers=numbers,
        rewards=torch.from_numpy(rows),
        evaluation=torch.tensor(evaluation),
        initial=torch.zeros((1, len(evaluation), 1, numbers), dtype=torch.float64),
    )


def test_a_row_says_mean_and_variance_of_each_reward_and_what_else_is_measured() -> None:
    g = np.random.default_rng(0)
    values, told = g.normal(size=(1, 4, 2, 50, 3)), g.normal(size=(1, 4, 2, 2))
    p = said_of(values, told)
    batch = batch_of(p.shape[-1], 3, [0, 2, -1, 1])
    assert judges(batch.numbers, 2) == 3
    found = measures(["length", "loss"])
    own = np.stack([values[0, 0, :, :, 0], values[0, 1, :, :, 2], values[0, 3, :, :, 1]])  # [models, contexts, outputs]
    rewarded = [0, 1, 3]
    assert found["alignment"](p, batch)[0, rewarded].numpy() == pytest.approx(own.mean((-1, -2)), abs=1e-14)
    assert found["reward_variance"](p, batch)[0, rewarded].numpy() == pytest.approx(own.var(-1).mean(-1), abs=1e-13)
    for name in ("alignment", "reward_variance"):
        assert found[name](p, batch)[0, 2].isnan()
    for place, name in enumerate(("length", "loss")):
        assert found[name](p, batch).numpy() == pytest.approx(told[..., place].mean(-1), abs=1e-15)
    assert found["entropy"](p, batch).isnan().all()
    assert found["entropy"](p, batch).shape == (1, 4)


def test_the_rounding_of_a_constant_reward_is_no_variance_below_0() -> None:
    values = np.full((1, 40, 1, 7, 1), 0.1) * np.arange(1, 41)[None, :, None, None, None]
    p = said_of(values, np.zeros((1, 40, 1, 0)))
    variance = measures([])["reward_variance"](p, batch_of(p.shape[-1], 1, [0] * 40))
    assert float(variance.min()) == 0 and float(variance.max()) < 1e-14
