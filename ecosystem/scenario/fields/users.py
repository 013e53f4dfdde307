"""The users: groups, what they ask, whom they ask, and how they answer to what they are served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, SerializeAsAny, Strict, Tag

from ecosystem.plugins.kinds import ChoiceRule, FeedbackRule
from ecosystem.plugins.plugin import TAG, by_name, plugged
from ecosystem.scenario.fields.common import Block, Distribution, Name, NonNegative, Number, Positive, Share


def read_index(key: Any) -> Any:
    """Read a key of digits as the number: JSON, which results keep their scenario in, has no other keys."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 19 else key


ContextIndex = Annotated[int, Field(ge=0)]
ContextKey = Annotated[ContextIndex, BeforeValidator(read_index)]


def _listed(value: Any) -> str:
    return "(map)" if isinstance(value, dict) else "(list)"


Contexts = Annotated[
    Annotated[tuple[ContextIndex, ...], Strict(False), Field(min_length=1), Tag("(list)")]
    | Annotated[dict[ContextKey, NonNegative], Field(min_length=1), Tag("(map)")],
    Discriminator(_listed),
]
"""A list of contexts, asked evenly, or a map of context to weight."""

ModelShares = Annotated[
    Annotated[tuple[Name, ...], Strict(False), Field(min_length=1), Tag("(list)")]
    | Annotated[dict[Name, NonNegative], Field(min_length=1), Tag("(map)")],
    Discriminator(_listed),
]
"""A list of models, used evenly, or a map of model to weight."""


class Traits(Block):
    """How users of one group differ from one another, where they are individuals; they do not by default."""

    contexts: Positive | None = None
    """Each user's own mix of contexts is drawn from a Dirichlet law around the group's; large is alike."""
    reward: NonNegative = 0.0
    """Standard deviation of what is added to each number of the group's reward, user by user."""
    patience: NonNegative = 0.0
    """Standard deviation of the logarithm by which a user's `scale` of retention differs."""


class Group(Block):
    """A demographic group of users: exchangeable ones, or individuals with traits."""

    name: Name
    """Name of the group."""
    size: NonNegative
    """How many users there are at the start; a user sends one prompt a round. 0 only where others arrive."""
    contexts: Contexts
    """Which kinds of prompt they send: a list (evenly), or a map of context to weight."""
    reward: Name | None = None
    """What they like, an entry of `rewards`; satisfaction is its expectation."""
    data: Distribution | None = None
    """What they bring themselves, for diets with `users`; the shared `real` by default."""
    models: ModelShares | None = None
    """The models they use at the start: a list (evenly), or a map of model to weight; all evenly by default."""
    best: Number | None = None
    """The satisfaction that leaves nothing to wish; told by the reward by default."""
    traits: Traits = Traits()
    """With `individuals: true`: how its users differ from one another."""


class FixedChoice(Block):
    """Users stay with the models they have."""

    method: Literal["fixed"]


class SoftmaxChoice(Block):
    """Users spread over models by a softmax of what they experience there."""

    method: Literal["softmax"]
    temperature: Positive = 1.0
    """Temperature of the softmax."""
    switching_cost: NonNegative = 0.0
    """What every other model's experience must be better by, to count as much as that of the model one uses."""


class MultiplicativeChoice(Block):
    """Users move away from models by the risk they find there (Dean et al. 2022)."""

    method: Literal["multiplicative"]
    rate: Positive = 1.0
    """γ: shares are multiplied by exp(−γ · risk)."""
    switching_cost: NonNegative = 0.0
    """What is added to the risk of every model but the one that a user uses."""


CHOICES = frozenset({"fixed", "softmax", "multiplicative"})
"""Ways to choose that come along."""

Choice = Annotated[
    Annotated[FixedChoice, Tag("fixed")]
    | Annotated[SoftmaxChoice, Tag("softmax")]
    | Annotated[MultiplicativeChoice, Tag("multiplicative")]
    | Annotated[SerializeAsAny[ChoiceRule], plugged(ChoiceRule, "way to choose", CHOICES), Tag(TAG)],
    Discriminator(by_name("method", CHOICES)),
]
"""How users choose, by `method`; another package may bring more."""


class StaticFeedback(Block):
    """Nobody comes or goes."""

    method: Literal["static"]


class LinearFeedback(Block):
    """One group's share of all activity grows by a step a round."""

    method: Literal["linear"]
    group: Name
    """The group that grows."""
    step: NonNegative
    """By how much its share grows a round."""
    cap: Share = 1.0
    """The share at which it stops; a share beyond is not moved back."""


class RetentionFeedback(Block):
    """Users who are served badly leave, new ones arrive (Hashimoto et al. 2018)."""

    method: Literal["retention"]
    scale: Positive
    """A group keeps the part exp(−risk/scale) of its users."""
    arrivals: NonNegative = 0.0
    """New users of each group a round."""
    cap: Positive | None = None
    """The most users of a group; none by default."""


class ReplicatorFeedback(Block):
    """Shares grow with satisfaction; the total is kept."""

    method: Literal["replicator"]
    rate: Positive = 1.0
    """Shares are multiplied by exp(rate · satisfaction)."""


class DriftFeedback(Block):
    """What a group brings moves with what it is served (Perdomo et al. 2020); Gaussian outputs."""

    method: Literal["drift"]
    strength: Number
    """ε: a group's data have its own mean plus ε times the mean that it is served."""


RULES = frozenset({"static", "linear", "retention", "replicator", "drift"})
"""Rules of feedback that come along."""

Feedback = Annotated[
    Annotated[StaticFeedback, Tag("static")]
    | Annotated[LinearFeedback, Tag("linear")]
    | Annotated[RetentionFeedback, Tag("retention")]
    | Annotated[ReplicatorFeedback, Tag("replicator")]
    | Annotated[DriftFeedback, Tag("drift")]
    | Annotated[SerializeAsAny[FeedbackRule], plugged(FeedbackRule, "rule of feedback", RULES), Tag(TAG)],
    Discriminator(by_name("method", RULES)),
]
"""A rule of feedback, by `method`; another package may bring more."""

Feedbacks = Annotated[
    Annotated[Feedback, Tag("(rule)")] | Annotated[tuple[Feedback, ...], Strict(False), Tag("(rules)")],
    Discriminator(lambda value: "(rules)" if isinstance(value, (list, tuple)) else "(rule)"),
]
"""One rule, or several that act in order on the same satisfaction."""


class Users(Block):
    """A population of users in groups."""

    groups: Annotated[tuple[Group, ...], Strict(False), Field(min_length=1)]
    """The groups."""
    choice: Choice = FixedChoice(method="fixed")
    """How users choose among models."""
    feedback: Feedbacks = StaticFeedback(method="static")
    """How users answer to what they are served."""
    curate: bool = False
    """Whether a model's users are its curators: each choice is made by one of them, drawn by volume."""
    mode: Literal["expected", "sampled"] = "expected"
    """`expected`: numbers of users are expectations; `sampled`: who asks, moves, leaves and comes is drawn."""
    individuals: bool = False
    """Whether every user is an agent of its own, with `traits`; for small studies. Users who like and ask the same
    go by what their group is served, as they do when they are counted together; who has tastes of its own goes by
    what it is served itself."""

    @property
    def rules(self) -> tuple[Feedback, ...]:
        """The rules of feedback, in order."""
        return self.feedback if isinstance(self.feedback, tuple) else (self.feedback,)
