"""Random numbers: one counter-based stream for each (seed, purpose, round).

What a run draws depends on nothing else: not on the runs that share its process, nor on the
order in which they finish. Two runs that differ in one setting share the draws of everything else.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

BLOCK = 256
"""Models that share one counter block; each block of a large array has a counter of its own."""


@lru_cache(maxsize=65536)
def _key(seed: int, purpose: str) -> NDArray[np.uint64]:
    digest = blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype=np.uint64)


def stream(seed: int, purpose: str, round_: int = 0, block: int = 0) -> np.random.Generator:
    """Return the generator of one purpose in one round.

    Parameters
    ----------
    seed : int
        The run's seed.
    purpose : str
        What the numbers are for, such as ``"examples"``.
    round_ : int
        The round they are drawn in.
    block : int
        Which block of a large array.

    Examples
    --------
    >>> a, b = stream(0, "examples", 3), stream(0, "examples", 3)
    >>> bool(a.random() == b.random())
    True
    """
    counter = np.array([0, block, round_, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose), counter=counter))


class Streams:
    """One generator that is moved from stream to stream, which is cheaper than to make one for each.

    Examples
    --------
    >>> bool(Streams().at(0, "examples", 3).random() == stream(0, "examples", 3).random())
    True
    """

    def __init__(self) -> None:
        self._bits = np.random.Philox(key=0)
        self._generator = np.random.Generator(self._bits)
        self._state = self._bits.state

    def at(self, seed: int, purpose: str, round_: int = 0, block: int = 0) -> np.random.Generator:
        """Return what `stream` returns, good until the next call."""
        place = self._state["state"]
        place["key"] = _key(seed, purpose)
        place["counter"][1:3] = block, round_
        self._bits.state = self._state
        return self._generator


def derived_seed(seed: int, purpose: str) -> int:
    """Return a seed for a library that wants an integer of its own (a NetworkX generator)."""
    return int(stream(seed, purpose).integers(2**31))


def uniforms(seed: int, purpose: str, round_: int, models: int, draws: int) -> NDArray[np.float64]:
    """Return numbers in [0, 1) in model order, drawn in blocks of `BLOCK` models.

    Returns
    -------
    ndarray
        ``[models, draws]``
    """
    out = np.empty((models, draws))
    for block, start in enumerate(range(0, models, BLOCK)):
        stream(seed, purpose, round_, block).random(out=out[start : start + BLOCK])
    return out


def normals(seed: int, purpose: str, round_: int, models: int, draws: int) -> NDArray[np.float64]:
    """Return standard normal numbers, ``[models, draws]``, drawn as `uniforms` are."""
    out = np.empty((models, draws))
    for block, start in enumerate(range(0, models, BLOCK)):
        stream(seed, purpose, round_, block).standard_normal(out=out[start : start + BLOCK])
    return out


def multinomial(
    generator: np.random.Generator, draws: NDArray[np.int64], weight: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return how often each of the last dimension's places was drawn.

    Parameters
    ----------
    generator : numpy.random.Generator
        Where the numbers come from; the cost does not depend on how many draws are made.
    draws : ndarray
        How many, ``[...]``.
    weight : ndarray
        ``[..., places]``, normalised here.
    """
    order, share = likeliest_last(weight)
    counts = generator.multinomial(draws, share)
    out = np.empty_like(counts)
    np.put_along_axis(out, np.broadcast_to(order, counts.shape), counts, -1)
    return out


def likeliest_last(weight: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the order of the last dimension's places by weight, and their weights in that order, normalised.

    NumPy's multinomial gives the last place what rounding leaves: let that be the likeliest, not one that is
    impossible.
    """
    whole = weight.sum(-1, keepdims=True)
    share = weight / np.where(whole > 0, whole, 1.0)
    order = np.argsort(share, axis=-1, kind="stable")
    return order, np.take_along_axis(share, order, -1)
