"""What is done against bias: one block a remedy."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, SerializeAsAny, Tag, model_validator

from ecosystem.plugins import kinds
from ecosystem.plugins.plugin import TAG, by_name, plugged
from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative, Share


class Judge(Block):
    """What is best among several outputs, and how often the judge is right about it."""

    quality: NonNegative = 1.0
    """Weight of the score `quality` in what is best."""
    similarity: NonNegative = 0.0
    """Weight of similarity to the model's real data, from 0 to 1."""
    accuracy: Annotated[float, Field(ge=0.5, le=1)] = 1.0
    """How often the judge is right: with probability 2·accuracy − 1 the best is kept, else one at random."""


class Disadvantaged(Block):
    """More candidates for the group that is worst off."""

    candidates: Count
    """How many candidates its outputs are chosen from."""
    group: Name | None = None
    """Its name. By default it is found every round: the group that is served the least quality (the score
    `quality`, else satisfaction); groups that share the last place all are."""


class RejectionSampling(Judge):
    """Of several outputs to a group's prompt, the best one is kept for training; users are served as before."""

    method: Literal["rejection_sampling"]
    candidates: Annotated[
        Annotated[Count, Tag("(count)")] | Annotated[dict[Name, Count], Field(min_length=1), Tag("(map)")],
        Discriminator(lambda value: "(map)" if isinstance(value, dict) else "(count)"),
    ] = 1
    """How many candidates: a count, or one for each group (a group that is not named: 1, no filter)."""
    disadvantaged: Disadvantaged | None = None
    """More candidates for the group that is worst off, named or found; nobody by default."""

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if self.disadvantaged is None and "candidates" not in self.model_fields_set:
            raise ValueError("say how many candidates there are: `candidates`, or `disadvantaged` for one group")
        return self


class BestOfK(Judge):
    """Of several outputs the best one is kept for training, whoever asked: the baseline without groups."""

    method: Literal["best_of_k"]
    candidates: Count
    """How many candidates."""


class Reweighting(Block):
    """Groups count in training by weights of their own, not by how much they ask."""

    method: Literal["reweighting"]
    weights: Annotated[
        Annotated[Literal["equal", "population"], Tag("(word)")]
        | Annotated[dict[Name, NonNegative], Field(min_length=1), Tag("(map)")],
        Discriminator(lambda value: "(map)" if isinstance(value, dict) else "(word)"),
    ] = "equal"
    """What part of the training data is a group's: `equal` parts, by its size in the `population` at the start,
    or by weights (a group that is not named: 0)."""
    strength: Share = 1.0
    """How far from parts by volume (0, no remedy) to these parts (1)."""


class FreshData(Block):
    """A share of every training set is fresh real data."""

    method: Literal["fresh_data"]
    share: Share
    """The share; all other sources shrink in proportion."""


class Accumulation(Block):
    """Training sets accumulate: what is learned is the mean of all rounds, not the last one alone."""

    method: Literal["accumulation"]


REMEDIES = frozenset({"rejection_sampling", "best_of_k", "reweighting", "fresh_data", "accumulation"})
"""Remedies that come along."""

Remedy = Annotated[
    Annotated[RejectionSampling, Tag("rejection_sampling")]
    | Annotated[BestOfK, Tag("best_of_k")]
    | Annotated[Reweighting, Tag("reweighting")]
    | Annotated[FreshData, Tag("fresh_data")]
    | Annotated[Accumulation, Tag("accumulation")]
    | Annotated[SerializeAsAny[kinds.Remedy], plugged(kinds.Remedy, "remedy", REMEDIES), Tag(TAG)],
    Discriminator(by_name("method", REMEDIES)),
]
"""What is done against bias, by `method`; another package may bring more."""
