"""Sums of two numbers: prompts whose answers can be checked."""

from __future__ import annotations

from ecosystem.outputs.text.corpus import Corpus, Pair, shuffled
from ecosystem.scenario.fields.text import Arithmetic
from ecosystem.world.streams import stream


def arithmetic(source: Arithmetic) -> Corpus:
    """Return problems with their answers: ``23+45=`` and ``86``, written from the last digit on.

    Examples
    --------
    >>> corpus = arithmetic(Arithmetic(source="arithmetic", digits=(1, 2), problems=50))
    >>> len(corpus.pairs), len(corpus.held_out)
    (90, 10)
    """
    pairs: list[Pair] = []
    held_out: list[Pair] = []
    for context, digits in enumerate(source.digits):
        low = 0 if digits == 1 else 10 ** (digits - 1)
        count = 10**digits - low
        order = shuffled(count * count, f"arithmetic.{digits}") if count**2 <= _ALL else None
        chosen = _some(count, source.problems, digits) if order is None else order[: source.problems]
        made = [_pair(context, low + int(each) // count, low + int(each) % count, source.reverse) for each in chosen]
        apart = min(max(1, round(source.held_out * len(made))), len(made) - 1)
        held_out += made[:apart]
        pairs += made[apart:]
    return Corpus(tuple(pairs), tuple(held_out))


_ALL = 1_000_000
"""Problems up to which all are put in order; of more, some are drawn."""


def _some(count: int, problems: int, digits: int) -> list[int]:
    """Return some of the problems of long numbers, none twice."""
    generator = stream(0, f"arithmetic.{digits}")
    seen: dict[int, None] = {}
    while len(seen) < problems:
        a, b = generator.integers(count, size=2)
        seen.setdefault(int(a) * count + int(b))
    return list(seen)


def _pair(context: int, a: int, b: int, reverse: bool) -> Pair:
    answer = str(a + b)
    return Pair(context, f"{a}+{b}=", answer[::-1] if reverse else answer)
