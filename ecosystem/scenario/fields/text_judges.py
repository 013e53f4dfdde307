"""What judges an answer."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, Strict, field_validator

from ecosystem.scenario.fields.common import Name
from ecosystem.scenario.fields.image_judges import FunctionJudge
from ecosystem.scenario.fields.judges import JudgeBlock


class ExactJudge(JudgeBlock):
    """1 where the answer is the real one, or right in another of its forms; 0 elsewhere."""

    judge: Literal["exact"]


class TopicJudge(JudgeBlock):
    """A topic, told by TF-IDF and multinomial naive Bayes that have read real text only."""

    judge: Literal["topic"]
    labels: Annotated[tuple[Name, ...], Strict(False), Field(min_length=1)] | None = None
    """1 where the text is of one of these topics; by default where it is of the topic that was asked for, or that its
    own first tag announces."""
    correct: bool = True
    """Whether the judge's measured rates of true and false positives are divided out: (x − f)/(t − f). A single value
    may then lie outside 0 … 1, but means are unbiased."""


class RougeJudge(JudgeBlock):
    """ROUGE-L (Lin 2004) against the real answer, from 0 to 1."""

    judge: Literal["rouge"]


class EmbeddingJudge(JudgeBlock):
    """Cosine of the answer's and the real answer's embeddings."""

    judge: Literal["embedding"]
    model: Annotated[Name | None, Field(examples=["models/encoder"])] = None
    """An encoder of `transformers`, a folder relative to the scenario or a name; its last layer's mean is the
    embedding. By default latent semantic analysis of the real text: TF-IDF and a truncated singular value
    decomposition."""
    dimensions: Annotated[int, Field(ge=2, le=512)] = 64
    """Of the latent semantic analysis."""


class LexiconJudge(JudgeBlock):
    """The share of an answer's words that are in a list; 0 for an answer without words."""

    judge: Literal["lexicon"]
    words: Annotated[tuple[Name, ...], Strict(False), Field(min_length=1, examples=[["please", "thank"]])]
    """The list; upper and lower case are the same."""


class PatternJudge(JudgeBlock):
    """1 where the whole answer matches a regular expression, 0 elsewhere."""

    judge: Literal["pattern"]
    pattern: Annotated[Name, Field(examples=["[0-9]+"])]
    """The expression, as Python's module `re` reads it."""

    @field_validator("pattern")
    @classmethod
    def _is_an_expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern


class TypicalJudge(JudgeBlock):
    """How typical of real text an answer is, from 0 to 1: 2 min(F, 1 − F).

    F is the share of held-out real answers of its context that are less likely, token by token, in the eyes of the
    model before the first round. What is likelier than all real text is as untypical as what is less likely.
    """

    judge: Literal["typical"]


class RewardModelJudge(JudgeBlock):
    """A reward model of `transformers` (sequence classification), given prompt and answer."""

    judge: Literal["reward_model"]
    model: Annotated[Name, Field(examples=["models/reward"])]
    """A folder relative to the scenario, or a name."""
    output: Annotated[Annotated[int, Field(ge=0)] | None, Field(examples=[1])] = None
    """Which of its outputs is the reward; it need not be said of a model that has one."""


TextJudge: TypeAlias = (
    ExactJudge
    | TopicJudge
    | RougeJudge
    | EmbeddingJudge
    | LexiconJudge
    | PatternJudge
    | TypicalJudge
    | FunctionJudge
    | RewardModelJudge
)
"""What an answer is worth, by `judge`."""

TEXT_JUDGES = ("embedding", "exact", "lexicon", "pattern", "python", "reward_model", "rouge", "topic", "typical")
"""Their names."""
