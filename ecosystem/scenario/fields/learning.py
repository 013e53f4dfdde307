"""How models learn, for how long, and what is written down."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, SerializeAsAny, Strict, Tag

from ecosystem.plugins import kinds
from ecosystem.plugins.plugin import TAG, OrName, by_name, plugged
from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative, Positive, Seed, Share
from ecosystem.scenario.fields.language import Language
from ecosystem.scenario.fields.neural import Neural


class WindowCorpus(Block):
    """The corpus holds the last rounds only."""

    window: Count
    """How many rounds the corpus holds."""


class RefreshCorpus(Block):
    """The corpus is replaced every round, a part of it by fresh real data."""

    refresh: Share
    """The share of fresh real data."""


def _corpus_form(value: Any) -> str:
    if isinstance(value, str):
        return "(word)"
    refreshed = isinstance(value, RefreshCorpus) or (isinstance(value, dict) and "refresh" in value)
    return "(refresh)" if refreshed else "(window)"


Corpus = Annotated[
    Annotated[Literal["replace", "accumulate"], Tag("(word)")]
    | Annotated[WindowCorpus, Tag("(window)")]
    | Annotated[RefreshCorpus, Tag("(refresh)")],
    Discriminator(_corpus_form),
]
"""`replace`, `accumulate`, `{window: n}`, or `{refresh: share}`."""


class MixingLearner(Block):
    """The learner that comes along: a model becomes the mixture of where it starts and what it has read."""

    method: Annotated[Literal["categorical", "gaussian"], Field(examples=["categorical"])]
    """The kind of its outputs, which is that of `outputs`."""


LEARNERS = frozenset({"categorical", "gaussian"})
"""Learners of rows that come along."""

Learner = Annotated[
    Annotated[MixingLearner, Tag("(own)")]
    | Annotated[SerializeAsAny[kinds.Learner], plugged(kinds.Learner, "learner", LEARNERS), Tag(TAG)],
    Discriminator(lambda value: TAG if by_name("method", LEARNERS)(value) == TAG else "(own)"),
    OrName("method"),
]
"""A learner, by `method`, or by its name alone; another package may bring more."""


class Learning(Block):
    """How a model learns from its training set."""

    learner: Annotated[Learner | None, Field(examples=["mirror"])] = None
    """What a model becomes, given where it starts and what it has read: the learner of its kind of outputs by
    default, or a plug-in, by its name or as a block with its settings."""
    regime: Literal["retrain", "incremental"] = "retrain"
    """`retrain` starts each round from the initial model, `incremental` from the present one."""
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """η, how far a round moves from the start to the corpus."""
    sharing: Share = 0.0
    """τ, what part of what is learned is shared across contexts."""
    corpus: Corpus = "replace"
    """What a model is trained on: this round's data, all rounds' mean, the last n rounds', or this round's
    with a share of fresh real data."""
    prompts: Literal["fresh", "reused"] = "fresh"
    """Whether training sets answer the prompts of their round, or those of the first one again and again."""
    covariance: Literal["learned", "fixed"] | None = None
    """Gaussian outputs: whether covariances are learned (the default), or held at the initial ones."""
    order: Literal["synchronous", "sequential"] = "synchronous"
    """Whether all models update at once, or one after another in the order of the list."""
    examples: Count | None = None
    """Sampled mode: examples a model reads in a round, all contexts together."""
    smoothing: NonNegative = 0.0
    """Sampled mode: pseudo-count per output."""
    pool: Count | None = None
    """Sampled mode: all readers of a source read the same `pool` outputs of it."""
    language: Language | None = None
    """Outputs of kind `text`: which language models, and how they are trained."""
    neural: Neural | None = None
    """Outputs of kind images: which networks, and how they are trained."""


class Until(Block):
    """Run until nothing moves."""

    max: Count
    """The most rounds to run."""
    until: Literal["stable"]
    """`stable`: stop when nothing moves by more than `tolerance` in a round: what models write, and users."""
    tolerance: Positive = 1e-12
    """The largest movement that counts as none."""


def _rounds_form(value: Any) -> str:
    return "(until)" if isinstance(value, (dict, Until)) else "(count)"


Rounds = Annotated[
    Annotated[int, Field(ge=0), Tag("(count)")] | Annotated[Until, Tag("(until)")],
    Discriminator(_rounds_form),
]
"""A number of rounds, or `{max, until, tolerance}`."""


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    twice = next((seed for position, seed in enumerate(seeds) if seed in seeds[:position]), None)
    if twice is not None:
        raise ValueError(f"the seed {twice} stands twice; a run of it would be done once")
    return seeds


Seeds = Annotated[
    Annotated[Count, Tag("(count)")]
    | Annotated[tuple[Seed, ...], Strict(False), Field(min_length=1), AfterValidator(_distinct), Tag("(list)")],
    Discriminator(lambda value: "(list)" if isinstance(value, (list, tuple)) else "(count)"),
]
"""A number of seeds, or a list of them."""


def _recorded_form(value: Any) -> str:
    if isinstance(value, str):
        return "(word)"
    return "(names)" if isinstance(value, (list, tuple)) else "(count)"


Recorded = Annotated[
    Annotated[Literal["all", "aggregate"], Tag("(word)")]
    | Annotated[Count, Tag("(count)")]
    | Annotated[tuple[Name, ...], Strict(False), Field(min_length=1), Tag("(names)")],
    Discriminator(_recorded_form),
]
"""`all`, `aggregate`, the size of a sample, or a list of names."""


class Record(Block):
    """What is written down, and how often."""

    every: Count = 1
    """Write every n-th round; round 0 and the last are always written."""
    models: Recorded = "all"
    """Of which models rows are written: `all`, a sample of so many (the same in every run), those of a list, or
    none (`aggregate`), in which case `rounds` holds the means over all models."""
    states: bool = False
    """Whether the table `states` is written."""
    alignments: bool = False
    """Whether the table `alignments` (every model by every named reward) is written."""
    samples: Annotated[int, Field(ge=0, examples=[4])] = 0
    """Outputs that are really drawn: how many of each model and context are kept, in the table `samples`."""
    weights: bool = False
    """Models that are really trained: whether what they have learned at the end is kept, as safetensors."""
