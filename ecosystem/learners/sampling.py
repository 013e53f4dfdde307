"""Finite training sets: counts of examples, drawn by inverting the distribution function.

Examples drawn one at a time, each picking its context, its source and then an output, have the
same law as independent draws from the mixture; a model's counts are therefore one multinomial
over contexts × outputs. Inversion of uniforms that belong to the (run, round, model) makes runs
that differ in one setting share their draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.world.streams import multinomial, stream, uniforms

_INVERT = 32
"""Up to this many draws per category counts come from uniforms; beyond, from a multinomial a model."""

_TOGETHER = 1 << 22
"""Uniforms held at a time."""


def draw_counts(
    probability: Tensor, draws: int, seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int], models: int
) -> Tensor:
    """Return how often each category was drawn.

    Parameters
    ----------
    probability : Tensor
        ``[worlds, rows, categories]``; each row sums to 1.
    draws : int
        How many draws a row.
    seeds : sequence of int
        The seed of each world.
    purpose : str
        Names the stream.
    round_ : int
        The round.
    rows : sequence of int
        Which models the rows are; a model's draws do not depend on which others are asked for.
    models : int
        Number of models in all.

    Returns
    -------
    Tensor
        Counts, shaped as `probability`.
    """
    if draws > _INVERT * probability.shape[-1]:
        return _multinomials(probability, draws, seeds, purpose, round_, rows)
    cumulative = probability.cumsum(-1)
    cumulative = cumulative / cumulative[..., -1:]
    kept = list(rows)
    together = max(1, _TOGETHER // (models * draws))
    counts = []
    for start in range(0, len(seeds), together):
        drawn = np.stack([uniforms(s, purpose, round_, models, draws)[kept] for s in seeds[start : start + together]])
        counts.append(_invert(cumulative[start : start + together], drawn))
    return torch.cat(counts)


def _invert(cumulative: Tensor, drawn: NDArray[np.float64]) -> Tensor:
    """Count the uniforms that fall into each step of a distribution function, ``[..., categories]``.

    Uniforms and steps are sorted together, told apart by their lowest bit; where a step ends up, less
    the steps before it, is the number of uniforms below it. Sorting is several times as fast as searching.
    """
    steps = cumulative.to("cpu", torch.float64).contiguous().numpy().view(np.int64)
    categories = steps.shape[-1]
    both = np.empty((*steps.shape[:-1], categories + drawn.shape[-1]), dtype=np.int64)
    np.bitwise_and(steps, ~np.int64(1), out=both[..., :categories])
    np.bitwise_or(drawn.view(np.int64), np.int64(1), out=both[..., categories:])
    both.sort(axis=-1)
    ends = np.flatnonzero(both.astype(np.uint8) & 1 == 0).reshape(steps.shape)
    below = ends - np.arange(0, both.size, both.shape[-1]).reshape(*steps.shape[:-1], 1) - np.arange(steps.shape[-1])
    return torch.from_numpy(np.diff(below, axis=-1, prepend=0)).to(cumulative)


def draw_given(
    probability: Tensor, draws: Tensor, seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int]
) -> Tensor:
    """Return how often each category was drawn, where the number of draws is given for each context.

    Parameters
    ----------
    probability : Tensor
        ``[worlds, rows, contexts, categories]``; each sums to 1.
    draws : Tensor
        How many draws, ``[worlds, rows, contexts]``.
    seeds, purpose, round_, rows
        As for `draw_counts`.
    """
    exact, given = probability.to("cpu", torch.float64).numpy(), draws.to("cpu", torch.int64).numpy()
    counts = np.zeros(exact.shape)
    for world, seed in enumerate(seeds):
        for position, model in enumerate(rows):
            generator = stream(seed, f"{purpose}.given", round_, model)
            counts[world, position] = multinomial(generator, given[world, position], exact[world, position])
    return torch.from_numpy(counts).to(probability)


def _multinomials(
    probability: Tensor, draws: int, seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int]
) -> Tensor:
    exact = probability.to("cpu", torch.float64).numpy()
    counts = np.zeros(exact.shape)
    for world, seed in enumerate(seeds):
        for position, model in enumerate(rows):
            generator = stream(seed, f"{purpose}.large", round_, model)
            counts[world, position] = multinomial(generator, np.array(draws), exact[world, position])
    return torch.from_numpy(counts).to(probability)
