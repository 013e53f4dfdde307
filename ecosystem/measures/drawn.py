"""Quantities of each model whose outputs are really drawn, read off the rows of what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import alignment, expected_rewards

Measure = Callable[[Tensor, Batch], Tensor]

_OF_LAWS = ("entropy", "divergence_real", "divergence_initial", "displacement")
"""What is known of a law that can be written down, and not of a network that one can only draw from."""


def judges(numbers: int, measures: int) -> int:
    """Return how many judges there are, given the length of a row and the number of its measures."""
    return (numbers - 1 - measures) // 2


def measures(names: Sequence[str]) -> Mapping[str, Measure]:
    """Return what is read off a row that ends with measures of these names."""

    def reward_variance(p: Tensor, batch: Batch) -> Tensor:
        """E r² − (E r)² of each model's own reward, mean over contexts."""
        count = judges(batch.numbers, len(names))
        squares = p.roll(-count, -1)  # the square of each judge stands where the judge stood
        return (expected_rewards(squares, batch) - expected_rewards(p, batch).square()).clamp_min(0.0).mean(-1)

    def read(place: int) -> Measure:
        return lambda p, batch: p[..., batch.numbers - len(names) + place].mean(-1)

    return {
        "alignment": alignment,
        "reward_variance": reward_variance,
        **dict.fromkeys(_OF_LAWS, _unknown),
        **{name: read(place) for place, name in enumerate(names)},
    }


def _unknown(p: Tensor, batch: Batch) -> Tensor:
    return p.new_full((batch.size, p.shape[1]), torch.nan)
