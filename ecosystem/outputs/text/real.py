"""What judges say of real answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecosystem.errors import EcosystemError
from ecosystem.outputs.text.corpus import Pair, corpus_of
from ecosystem.outputs.text.judges import Said, Values, judge_of
from ecosystem.scenario.fields.text import TextOutputs
from ecosystem.scenario.fields.text_judges import TextJudge, TypicalJudge


def real_scores(outputs: TextOutputs, base: Path) -> list[Values]:
    """Return the scores of the real answers that models may read, for each context ``[answers, scores]``.

    Parameters
    ----------
    outputs : TextOutputs
        The block of the scenario.
    base : Path
        What paths are relative to.

    Raises
    ------
    EcosystemError
        A score is told by a model's likelihoods, or by a plug-in, which know no answers by themselves.
    """
    corpus = corpus_of(outputs, base)
    judges = []
    for name, written in outputs.scores.items():
        if not isinstance(written, TextJudge) or isinstance(written, TypicalJudge):
            raise EcosystemError(f"the score {name} cannot be told of real answers alone")
        judges.append(judge_of(written, corpus, base))
    return [
        np.stack([judge(_as_said(pairs)) for judge in judges], -1) if judges else np.empty((len(pairs), 0))
        for pairs in ([pair for pair in corpus.pairs if pair.context == c] for c in range(outputs.contexts))
    ]


def _as_said(pairs: list[Pair]) -> Said:
    return Said(pairs, [pair.answer for pair in pairs], lambda: np.empty(0))
