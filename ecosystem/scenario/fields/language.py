"""Language models that are trained for real: which, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative, Positive, Seed


class Architecture(Block):
    """A small GPT-2, built here."""

    layers: Count = 2
    """Blocks of attention."""
    width: Count = 96
    """Dimension of the residual stream."""
    heads: Count = 4
    """Heads of attention; they divide the width."""
    context: Count = 64
    """The most tokens that it sees."""
    vocabulary: Annotated[int, Field(ge=260, le=1_000_000)] | None = None
    """Tokens of a byte-level byte-pair encoding (Sennrich et al. 2016) that is learned from the corpus; by default
    every character is a token."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads must divide the width (got {self.heads} heads, width {self.width})")
        return self


class Training(Block):
    """One training: AdamW on minibatches."""

    steps: Annotated[int, Field(ge=0)]
    """Steps of the optimiser."""
    rate: Positive = 1.0e-3
    """Its learning rate."""
    batch: Count = 32
    """Texts of a minibatch."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Whether the learning rate stays, or falls to 0 along half a cosine."""


class Base(Block):
    """Training before the first round, on real text alone."""

    text: Training | None = None
    """On running text, where the corpus has some: the language itself."""
    answers: Training | None = None
    """On real answers to prompts."""
    seed: Seed | None = None
    """The seed of its weights and of the order it reads in; by default the run's, so that every seed has a base of
    its own."""


class Adapters(Block):
    """Low-rank adapters (LoRA, Hu et al. 2022): all models share one base and train these alone."""

    rank: Count = 8
    """Rank of what is added to a matrix of weights."""
    alpha: Positive = 16.0
    """Its scale, times the rank."""
    targets: Annotated[
        Annotated[tuple[Name, ...], Strict(False), Field(min_length=1)] | None, Field(examples=[["q_proj", "v_proj"]])
    ] = None
    """Modules that get one, by name; by default those that `peft` knows for the architecture."""


class Writing(Block):
    """How answers are drawn."""

    temperature: NonNegative = 1.0
    """Logits are divided by it; 0 takes the likeliest token."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Only the likeliest tokens that together have this probability are drawn (Holtzman et al. 2020)."""


class Gate(Block):
    """What the model must have learned before the first round, by one of the scores, in every context."""

    within: Positive | None = None
    """The most that the mean over its answers may be away from the mean over real answers."""
    least: Positive | None = None
    """The least part of the mean over real answers that it must reach."""


class Language(Block):
    """Which language models, and how they are trained."""

    model: Annotated[Name | None, Field(examples=["models/small"])] = None
    """A causal language model of `transformers`: a folder relative to the scenario, or a name on the hub."""
    config: Annotated[Name | None, Field(examples=["models/untrained"])] = None
    """Instead: a folder with a `config.json` and a tokenizer; the model is built from them and trained from nothing."""
    architecture: Architecture = Field(default_factory=Architecture)
    """Without either: a small model, built here and trained from nothing."""
    base: Base = Field(default_factory=Base)
    """Training before the first round."""
    training: Training = Field(default_factory=lambda: Training(steps=60, rate=3.0e-4))
    """Training in every round."""
    start: Annotated[Literal["present", "first"] | None, Field(examples=["first"])] = None
    """What a round's training starts from: the present weights, or those of round 0. By default as the regime says:
    `incremental` the present, `retrain` those of round 0."""
    adapters: Annotated[Adapters | None, Field(examples=[{"rank": 8}])] = None
    """Train low-rank adapters; by default all weights are trained."""
    objective: Literal["sft", "dpo"] = "sft"
    """`sft`: the likelihood of chosen answers; `dpo`: direct preference optimisation (Rafailov et al. 2023) of what a
    curator liked best over what it liked least of the same lot."""
    beta: Positive = 0.1
    """With `dpo`: how strongly it is held to where it started from."""
    anchor: NonNegative = 0.0
    """With `dpo`: the weight of the likelihood of chosen answers beside it."""
    writing: Writing = Field(default_factory=Writing)
    """How answers are drawn from the model."""
    gate: dict[Name, Gate] = Field(default_factory=dict)
    """What must hold before the first round, by score; a run whose model has not learned it fails and says so."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.model is not None and self.config is not None:
            raise ValueError("name a model to go on from, or a config to build one by, not both")
        return self
