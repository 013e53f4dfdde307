"""Judges of answers: each returns a number for each answer, and knows nothing of how it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, shorten
from ecosystem.outputs.functions import function_of
from ecosystem.outputs.text.corpus import Corpus, Pair
from ecosystem.outputs.text.extra import needed
from ecosystem.scenario.fields.image_judges import FunctionJudge
from ecosystem.scenario.fields.text_judges import (
    EmbeddingJudge,
    ExactJudge,
    LexiconJudge,
    PatternJudge,
    RewardModelJudge,
    RougeJudge,
    TextJudge,
    TopicJudge,
    TypicalJudge,
)

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """Answers to prompts.

    Attributes
    ----------
    pairs : sequence of Pair
        The prompt of each, with its real answer and its topic.
    answers : sequence of str
        What was answered.
    typical : callable
        Returns how typical of real text each is, ``[n]``.
    """

    pairs: Sequence[Pair]
    answers: Sequence[str]
    typical: Callable[[], Values]


Judge: TypeAlias = Callable[[Said], Values]
"""Returns a number for each answer, ``[n]``."""


def judge_of(written: TextJudge, corpus: Corpus, base: Path) -> Judge:
    """Return the judge that a scenario describes.

    Parameters
    ----------
    written : TextJudge
        Its block.
    corpus : Corpus
        Real data, for judges that learn from them.
    base : Path
        What paths are relative to.

    Raises
    ------
    EcosystemError
        A package, a model or a function that it needs is missing.
    """
    match written:
        case ExactJudge():
            return exact
        case RougeJudge():
            return rouge()
        case LexiconJudge():
            return lexicon(written.words)
        case PatternJudge():
            return pattern(written.pattern)
        case TypicalJudge():
            return lambda said: said.typical()
        case FunctionJudge():
            return function(written.function, base)
        case TopicJudge():
            from ecosystem.outputs.text.topics import topic

            return topic(written, corpus)
        case EmbeddingJudge():
            from ecosystem.outputs.text.encoders import embedding

            return embedding(written, corpus, base)
        case RewardModelJudge():
            from ecosystem.outputs.text.encoders import reward_model

            return reward_model(written, base)


def exact(said: Said) -> Values:
    """Return 1 where the answer is the real one, or right in another of its forms."""
    return np.array([answer.strip() in _right(pair) for pair, answer in _each(said)], dtype=float)


def _right(pair: Pair) -> tuple[str, ...]:
    return pair.right or (pair.answer.strip(),)


def rouge() -> Judge:
    """Return the judge by ROUGE-L, the F measure of the longest common subsequence of words (Lin 2004)."""
    scorer = needed("the judge rouge", "rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)

    def judge(said: Said) -> Values:
        return np.array([scorer.score(pair.answer, answer)["rougeL"].fmeasure for pair, answer in _each(said)])

    return judge


def lexicon(words: Sequence[str]) -> Judge:
    """Return the judge by the share of words that are in a list.

    Examples
    --------
    >>> pair = Pair(0, "How was it?", "fine")
    >>> said = Said([pair, pair], ["Good, very good!", ""], lambda: np.zeros(2))
    >>> lexicon(["good"])(said)
    array([0.66666667, 0.        ])
    """
    listed = frozenset(word.casefold() for word in words)

    def share(answer: str) -> float:
        found = re.findall(r"\w+", answer.casefold())
        return sum(word in listed for word in found) / len(found) if found else 0.0

    return lambda said: np.array([share(answer) for answer in said.answers])


def pattern(written: str) -> Judge:
    """Return the judge by a regular expression: 1 where the whole answer matches.

    Examples
    --------
    >>> pair = Pair(0, "3+5=", "8")
    >>> said = Said([pair, pair], ["8", "~8"], lambda: np.zeros(2))
    >>> pattern("[0-9]+")(said)
    array([1., 0.])
    """
    expression = re.compile(written)
    return lambda said: np.array([expression.fullmatch(answer.strip()) is not None for answer in said.answers], float)


def function(named: str, base: Path) -> Judge:
    """Return the judge that is a user's function of prompts, answers and real answers.

    It is in a module beside the scenario, or in an installed package.

    Raises
    ------
    EcosystemError
        There is no such function.
    """
    found = function_of(named, base)

    def judge(said: Said) -> Values:
        values = found([pair.prompt for pair in said.pairs], list(said.answers), [pair.answer for pair in said.pairs])
        numbers = np.asarray(values, dtype=float)
        if numbers.shape != (len(said.answers),) or not np.isfinite(numbers).all():
            raise EcosystemError(
                f"the judge python: {named} must return a finite number for each of {len(said.answers)} answers "
                f"(got {shorten(values)})"
            )
        return numbers

    return judge


def _each(said: Said) -> zip[tuple[Pair, str]]:
    return zip(said.pairs, said.answers, strict=True)
