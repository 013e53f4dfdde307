"""Finite training sets: counts of examples, drawn by inverting the distribution function.

Examples drawn one at a time, each picking its context, its source and then an output, have the
same law as independent draws from the mixture; a model's counts are therefore one multinomial
over contexts × outputs. Inversion of uniforms that belong to the (run, round, model) makes runs
that differ in one setting share their draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.threads import each
from ecosystem.world.streams import BLOCK, Streams, likeliest_last, stream

_INVERT = 32
"""Up to this many draws per category counts come from uniforms; beyond, from a multinomial a model."""

_PARTS = 4
"""Parts of a guide table for each category (or draw), at least: the more, the fewer categories share one."""

_AT_ONCE = 1 << 16
"""Numbers to look at at once, few enough for the cache."""

_BITS = 32
"""Of a word, from which a draw is made."""

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


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
    width = draws // 2 + 1  # of 64 bits: a word of 32 for each draw, and one more for all of them

    def fill(piece: tuple[range, Ints]) -> None:
        worlds, places = piece
        block, wanted = int(models[places[0]]) // BLOCK, models[places] % BLOCK
        together = max(1, _AT_ONCE // row)
        generator = stream(seeds[worlds[0]], purpose, round_, block)
        streams = Streams()
        for start in range(0, int(wanted[-1]) + 1, together):
            size = min(together, int(wanted[-1]) + 1 - start)
            drawn = [generator.bit_generator.random_raw((size, width))]
            for world in worlds[1:]:
                # Several worlds are few numbers each, all drawn at the first start.
                again = streams.at(seeds[world], purpose, round_, block)
                drawn.append(again.bit_generator.random_raw((size, width)))
            words = np.stack(drawn) if len(drawn) > 1 else drawn[0][None]
            here = places[(wanted >= start) & (wanted < start + together)]
            if len(here):
                several = slice(worlds.start, worlds.stop)
                # Models that stand together are a view, not a copy.
                some = slice(here[0], here[-1] + 1) if here[-1] - here[0] == len(here) - 1 else here
                words = words if len(here) == size else words[:, models[here] % BLOCK - start]
                chosen = exact[several, some]
                found = _counted(chosen.reshape(-1, exact.shape[-1]), words.reshape(-1, width).view(np.uint32), draws)
                counts[several, some] = found.reshape(chosen.shape)

    each(fill, _pieces(len(seeds), models, row))
    return torch.from_numpy(counts).to(probability)


def _pieces(worlds: int, models: Ints, row: int) -> list[tuple[range, Ints]]:
    """Return what is drawn at once: some worlds, and the places of the models of one block.

    Several worlds are taken together where one of them gives few numbers.
    """
    found = []
    for block in np.unique(models // BLOCK):
        places = np.flatnonzero(models // BLOCK == block)
        together = max(1, _AT_ONCE // (row * (int(models[places[-1]]) % BLOCK + 1)))
        found += [(range(first, min(first + together, worlds)), places) for first in range(0, worlds, together)]
    return found


def _counted(probability: Array, words: NDArray[np.uint32], draws: int) -> Ints:
    """Count the draws that fall into each category, ``[rows, categories]``: below its step, not the one before.

    A draw is u = (word + v) / 2³². Of v a row has one, 20 bits of its last word, so that each u has 52 bits for the
    price of 32; u is below a step F where its word is below F·2³² − v.

    A guide table (Chen & Asau 1974) says where to look: in which category each of many equal parts of the words
    begins. Categories are numbered row by row.
    """
    rows, categories = probability.shape
    steps = torch.cumsum(torch.from_numpy(probability), -1).numpy()
    # The last category that has any mass ends at 2³², however it was rounded, and no word is beyond.
    steps /= steps[:, -1:] * 2.0**-_BITS
    steps -= (words[:, -1:] >> 12) * 2.0**-20
    step = np.ceil(steps, out=steps).astype(np.int64)
    fine = (_PARTS * min(categories, draws) - 1).bit_length()
    parts, spread = 1 << fine, _BITS - fine  # a part has 2^spread words
    offset = np.arange(rows)[:, None] * (parts + 1)
    ends = (step + ((1 << spread) - 1)) >> spread
    ends[:, -1] = parts + 1  # so that the last part, too, has a next one
    ends += offset
    ended = np.bincount(ends.ravel(), minlength=rows * (parts + 1))
    guide = torch.cumsum(torch.from_numpy(ended), 0).numpy()
    word = words[:, :draws].astype(np.int64)
    part = word >> spread
    part += offset
    found, step = guide.take(part).ravel(), step.ravel()
    word, part = word.ravel(), part.ravel()
    above = np.flatnonzero(step.take(found) <= word)
    low, high = found[above] + 1, guide[part[above] + 1]
    found[above] = low
    unsure = np.flatnonzero(low < high)
    above, low, high = above[unsure], low[unsure], high[unsure]
    drawn = word[above]
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high) >> 1
        beyond = step[middle] <= drawn
        low = np.where(beyond, middle + 1, low)
        high = np.where(beyond, high, middle)
    found[above] = low
    return np.bincount(found, minlength=rows * categories).reshape(rows, categories)


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
    probability: Tensor, draws: Ints, seeds: Sequence[int], purpose: str, round_: int, rows: Sequence[int]
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
