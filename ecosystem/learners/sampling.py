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

from ecosystem.threads import each
from ecosystem.world.streams import BLOCK, ascending, multinomial, stream

_INVERT = 32
"""Up to this many draws per category counts come from uniforms; beyond, from a multinomial a model."""

_BEYOND = np.int64(0x7FF0000000000000)
"""The bits of infinity."""

_AT_ONCE = 1 << 16
"""Numbers to sort at once, few enough for the cache."""


def draw_counts(
    probability: Tensor, draws: int, seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int]
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
        Which models the rows are, ascending; a model's draws do not depend on which others are asked for.

    Returns
    -------
    Tensor
        Counts, shaped as `probability`.
    """
    if draws > _INVERT * probability.shape[-1]:
        return _multinomials(probability, draws, seeds, purpose, round_, rows)
    exact = probability.to("cpu", torch.float64).numpy()
    counts = np.empty(exact.shape)
    models = np.array(rows)
    blocks = [np.flatnonzero(models // BLOCK == block) for block in np.unique(models // BLOCK)]

    def fill(piece: tuple[int, NDArray[np.int64]]) -> None:
        world, places = piece
        generator = stream(seeds[world], purpose, round_, int(models[places[0]]) // BLOCK)
        wanted = models[places] % BLOCK
        together = max(1, _AT_ONCE // (exact.shape[-1] + draws))
        for start in range(0, int(wanted[-1]) + 1, together):
            sums = ascending(generator, min(together, BLOCK - start), draws)
            here = places[(wanted >= start) & (wanted < start + together)]
            if len(here):
                counts[world, here] = _counted(exact[world, here], sums[models[here] % BLOCK - start])

    each(fill, [(world, places) for world in range(len(seeds)) for places in blocks])
    return torch.from_numpy(counts).to(probability)


def _counted(probability: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the draws that fall into each step of a distribution function, ``[rows, categories]``.

    Draws are sums of which the last is their scale, see `ascending`. Steps, on the same scale, and sums, both in
    order, are merged (a stable sort of two runs), told apart by their lowest bit; where a step ends up tells how
    many sums are below it.
    """
    rows, categories = probability.shape
    steps = torch.cumsum(torch.from_numpy(probability), -1).numpy()
    whole = steps[:, -1:].copy()
    last = steps >= whole
    steps *= sums[:, -1:] / whole
    both = np.empty((rows, categories + sums.shape[-1]), dtype=np.int64)
    np.bitwise_and(steps.view(np.int64), ~np.int64(1), out=both[:, :categories])
    np.bitwise_or(sums.view(np.int64), np.int64(1), out=both[:, categories:])
    # No draw is beyond the last category that has any mass, however the scale was rounded.
    np.copyto(both[:, :categories], _BEYOND, where=last)
    both.sort(axis=-1, kind="stable")
    ends = np.flatnonzero((both & 1) == 0).reshape(rows, categories)
    counts = np.empty_like(ends)
    counts[:, 0] = ends[:, 0] - np.arange(rows) * both.shape[-1]
    np.subtract(ends[:, 1:], ends[:, :-1] + 1, out=counts[:, 1:])
    counts[np.arange(rows), last.argmax(-1)] -= 1  # the scale itself is no draw
    return counts


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
