"""Sums of two numbers: prompts whose answers can be checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from ecosystem.errors import EcosystemError
from ecosystem.outputs.text.corpus import Corpus, Pair, shuffled
from ecosystem.scenario.fields.text import Arithmetic
from ecosystem.world.streams import stream


def arithmetic(source: Arithmetic) -> Corpus:
    """Return problems with their answers: ``23+45=`` and ``86``, written from the last digit on.

    Raises
    ------
    EcosystemError
        Shares of forms and errors that no small number of answers can have.

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
        kinds = _kinds(source, context)
        made = [list(_pairs(source, context, low + int(n) // count, low + int(n) % count, kinds)) for n in chosen]
        apart = min(max(1, round(source.held_out * len(made))), len(made) - 1)
        held_out += [pair for problem in made[:apart] for pair in problem]
        pairs += [pair for problem in made[apart:] for pair in problem]
    return Corpus(tuple(pairs), tuple(held_out))


_ALL = 1_000_000
"""Problems up to which all are put in order; of more, some are drawn."""

_COPIES = 1000
"""The most times that a problem stands in a corpus."""


def _some(count: int, problems: int, digits: int) -> list[int]:
    """Return some of the problems of long numbers, none twice."""
    generator = stream(0, f"arithmetic.{digits}")
    seen: dict[int, None] = {}
    while len(seen) < problems:
        a, b = generator.integers(count, size=2)
        seen.setdefault(int(a) * count + int(b))
    return list(seen)


def _kinds(source: Arithmetic, context: int) -> list[tuple[str, bool, int]]:
    """Return the kinds of real answers of a context: the form, whether it is right, how often each problem has it."""
    forms = {"{}": 1.0} if source.forms is None else source.forms[context]
    wrong = Fraction(0 if source.errors is None else source.errors[context]).limit_denominator(_COPIES)
    weights = {form: Fraction(weight).limit_denominator(_COPIES) for form, weight in forms.items()}
    whole = sum(weights.values())
    if whole == 0:
        raise EcosystemError(f"outputs.corpus.forms: at least one must have a weight above 0 (got {forms})")
    shares = {
        (form, right): weight / whole * (1 - wrong if right else wrong)
        for form, weight in weights.items()
        for right in (True, False)
    }
    copies = math.lcm(*(share.denominator for share in shares.values()))
    if copies > _COPIES:
        raise EcosystemError(
            f"outputs.corpus: the shares of forms and errors of context {context} are those of {copies:,} answers to "
            f"every sum, and {_COPIES:,} at the most are made; write them with fewer digits"
        )
    return [(form, right, int(share * copies)) for (form, right), share in shares.items() if share > 0]


def _pairs(source: Arithmetic, context: int, a: int, b: int, kinds: list[tuple[str, bool, int]]) -> Iterator[Pair]:
    question, total = f"{a}+{b}=", a + b
    prompt = question if source.marks is None else source.marks[context] + question
    accepted = tuple(_written(source, form, total) for form in dict.fromkeys(form for form, _, _ in kinds))
    for form, right, copies in kinds:
        for copy in range(copies):
            # Half of the wrong ones are too large, half too small; over all problems where their number is odd.
            off = 0 if right else 1 if total == 0 or (copy + total) % 2 else -1
            yield Pair(context, prompt, _written(source, form, total + off), "", question, accepted)


def _written(source: Arithmetic, form: str, number: int) -> str:
    digits = str(number)
    return form.replace("{}", digits[::-1] if source.reverse else digits)
