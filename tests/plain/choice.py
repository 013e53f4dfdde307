"""Which of K candidates is kept: by enumeration of all of them, and by really drawing them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]

METHODS = ("luce", "best_of")


def chances_to_win(
    p: Iterable[float],
    reward: Iterable[float],
    candidates: float,
    method: str = "luce",
    temperature: float = 1.0,
) -> Vector:
    """P(win = y) of each output y, [outputs], when `candidates` are drawn i.i.d. from `p` and one is kept.

    Finite K sums over every multiset of K candidates; K = inf is p·e^ρ / E_p e^ρ with ρ = reward/temperature
    (Luce), or p on the best class of its support (best of K).
    """
    masses, rewards = _floats(p), _floats(reward)
    if candidates == math.inf:
        return _kept_of_infinitely_many(masses, rewards, method, temperature)
    terms: list[list[float]] = [[] for _ in masses]
    for counts, ways in multisets(len(masses), int(candidates)):
        chance = ways * math.prod(mass**count for mass, count in zip(masses, counts, strict=True))
        if chance == 0.0:
            continue
        drawn = [x for x, count in enumerate(counts) if count > 0]
        appeal = appeals([rewards[x] for x in drawn], method, temperature)
        total = math.fsum(counts[x] * a for x, a in zip(drawn, appeal, strict=True))
        for x, a in zip(drawn, appeal, strict=True):
            terms[x].append(chance * counts[x] * a / total)
    return np.array([math.fsum(term) for term in terms])


def appeals(rewards: Sequence[float], method: str, temperature: float) -> list[float]:
    """Weight with which each candidate is kept: e^{(r − max r)/T} (Luce); 1 if best, else 0 (best of K)."""
    best = max(rewards)
    if method == "luce":
        return [math.exp((r - best) / temperature) for r in rewards]
    if method == "best_of":
        return [1.0 if r == best else 0.0 for r in rewards]
    raise ValueError(f"method: expected one of {METHODS} (got {method!r})")


@lru_cache(maxsize=64)
def multisets(outputs: int, candidates: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Every multiset of `candidates` outputs as counts per output, and in how many orders it can be drawn."""
    return tuple(_multisets(outputs, candidates))


def _multisets(outputs: int, candidates: int) -> Iterator[tuple[tuple[int, ...], int]]:
    for chosen in itertools.combinations_with_replacement(range(outputs), candidates):
        counts = tuple(chosen.count(x) for x in range(outputs))
        yield counts, math.factorial(candidates) // math.prod(math.factorial(count) for count in counts)


def _kept_of_infinitely_many(p: list[float], reward: list[float], method: str, temperature: float) -> Vector:
    support = [x for x, mass in enumerate(p) if mass > 0.0]
    appeal = appeals([reward[x] for x in support], method, temperature)
    kept = np.zeros(len(p))
    for x, a in zip(support, appeal, strict=True):
        kept[x] = p[x] * a
    return kept / math.fsum(kept)


def draw(rng: np.random.Generator, weights: Iterable[float]) -> int:
    """One index, with probability proportional to its weight."""
    masses = _floats(weights)
    left = rng.random() * math.fsum(masses)
    last = -1
    for x, mass in enumerate(masses):
        if mass <= 0.0:
            continue
        if left < mass:
            return x
        left -= mass
        last = x
    if last < 0:
        raise ValueError(f"weights: at least one must be positive (got {masses})")
    return last


def draw_kept(
    rng: np.random.Generator,
    p: Iterable[float],
    reward: Iterable[float],
    candidates: float,
    method: str = "luce",
    temperature: float = 1.0,
) -> int:
    """One output as the curator kept it: one of K drawn candidates (K = inf: from the closed form)."""
    masses, rewards = _floats(p), _floats(reward)
    if candidates == math.inf:
        return draw(rng, _kept_of_infinitely_many(masses, rewards, method, temperature))
    drawn = [draw(rng, masses) for _ in range(int(candidates))]
    return drawn[draw(rng, appeals([rewards[x] for x in drawn], method, temperature))]


def _floats(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]
