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
from ecosystem.world.streams import BLOCK, Streams, ascending, likeliest_last, stream

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
        given = np.full(probability.shape[:2], draws)
        return _multinomials(probability, given, seeds, f"{purpose}.large", round_, rows)
    exact = probability.to("cpu", torch.float64).numpy()
    counts = np.empty(exact.shape)
    models = np.array(rows)
    row = exact.shape[-1] + draws

    def fill(piece: tuple[range, NDArray[np.int64]]) -> None:
        worlds, places = piece
        block, wanted = int(models[places[0]]) // BLOCK, models[places] % BLOCK
        together = max(1, _AT_ONCE // row)
        generators = [stream(seeds[world], purpose, round_, block) for world in worlds[:1]]
        streams = Streams()
        for start in range(0, int(wanted[-1]) + 1, together):
            size = min(together, int(wanted[-1]) + 1 - start)
            variates = np.empty((len(worlds), size, draws + 1))
            for number, world in enumerate(worlds):
                # Several worlds are few numbers each, all drawn at the first start.
                generator = generators[0] if number == 0 else streams.at(seeds[world], purpose, round_, block)
                generator.standard_exponential(out=variates[number])
            here = places[(wanted >= start) & (wanted < start + together)]
            if len(here):
                sums = ascending(variates)[:, models[here] % BLOCK - start]
                chosen = exact[worlds.start : worlds.stop, here]
                found = _counted(chosen.reshape(-1, exact.shape[-1]), sums.reshape(-1, draws + 1))
                counts[worlds.start : worlds.stop, here] = found.reshape(chosen.shape)

    each(fill, _pieces(len(seeds), models, row))
    return torch.from_numpy(counts).to(probability)


def _pieces(worlds: int, models: NDArray[np.int64], row: int) -> list[tuple[range, NDArray[np.int64]]]:
    """Return what is drawn at once: some worlds, and the places of the models of one block.

    Several worlds are taken together where one of them gives few numbers.
    """
    found = []
    for block in np.unique(models // BLOCK):
        places = np.flatnonzero(models // BLOCK == block)
        together = max(1, _AT_ONCE // (row * (int(models[places[-1]]) % BLOCK + 1)))
        found += [(range(first, min(first + together, worlds)), places) for first in range(0, worlds, together)]
    return found


def _counted(probability: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the draws that fall into each step of a distribution function, ``[rows, categories]``.

    Draws are sums of which the last is their scale, see `ascending`. Steps, on the same scale, and sums, both in
    order, are merged (a stable sort of two runs), told apart by their lowest bit; where a step ends up tells how
    many sums are below it.
    """
    rows, categories = probability.shape
    steps = torch.cumsum(torch.from_numpy(probability), -1).numpy()
    whole = steps[:, -1:].copy()
    reached = None if (probability[:, -1] > 0).all() else steps >= whole
    steps *= sums[:, -1:] / whole
    both = np.empty((rows, categories + sums.shape[-1]), dtype=np.int64)
    np.bitwise_and(steps.view(np.int64), ~np.int64(1), out=both[:, :categories])
    np.bitwise_or(sums.view(np.int64), np.int64(1), out=both[:, categories:])
    # No draw is beyond the last category that has any mass, however the scale was rounded.
    both[:, categories - 1] = _BEYOND
    if reached is not None:
        np.copyto(both[:, :categories], _BEYOND, where=reached)
    both.sort(axis=-1, kind="stable")
    ends = np.flatnonzero((both & 1) == 0).reshape(rows, categories)
    counts = np.empty_like(ends)
    counts[:, 0] = ends[:, 0] - np.arange(rows) * both.shape[-1]
    np.subtract(ends[:, 1:], ends[:, :-1] + 1, out=counts[:, 1:])
    last = categories - 1 if reached is None else reached.argmax(-1)
    counts[np.arange(rows), last] -= 1  # the scale itself is no draw
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
    given = draws.to("cpu", torch.int64).numpy()
    return _multinomials(probability, given, seeds, f"{purpose}.given", round_, rows)


def _multinomials(
    probability: Tensor, draws: NDArray[np.int64], seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int]
) -> Tensor:
    """Return counts of so many draws, ``[worlds, rows, ...]``, by a multinomial a model from a stream of its own."""
    order, share = likeliest_last(probability.to("cpu", torch.float64).numpy())
    found = np.empty(share.shape, dtype=np.int64)
    streams = Streams()
    for world, seed in enumerate(seeds):
        for place, model in enumerate(rows):
            generator = streams.at(seed, purpose, round_, model)
            found[world, place] = generator.multinomial(draws[world, place], share[world, place])
    counts = np.empty_like(share)
    np.put_along_axis(counts, order, found, -1)
    return torch.from_numpy(counts).to(probability)
