"""The models: what each learns from, what it wants, who curates it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, SerializeAsAny, Strict, Tag, model_validator

from ecosystem.plugins.kinds import Curator
from ecosystem.plugins.plugin import TAG, by_name, plugged
from ecosystem.scenario.fields.common import (
    SUM_TOLERANCE,
    Block,
    Candidates,
    Count,
    Distribution,
    Name,
    NonNegative,
    RewardOf,
    Share,
)


class Diet(Block):
    """What share of a model's next training set comes from each source; the shares sum to 1."""

    real: Share = 0.0
    """Share of the model's real data."""
    raw: Share = 0.0
    """Share of the model's own outputs, as generated."""
    curated: Share = 0.0
    """Share of the model's own outputs, as its curator kept them."""
    neighbours_raw: Share = 0.0
    """Share of its in-neighbours' outputs, as generated, split by edge weight."""
    neighbours_curated: Share = 0.0
    """Share of its in-neighbours' outputs, as each neighbour's own curator kept them."""
    users: Share = 0.0
    """Share of what its own users bring: each group's data, weighted by the volume the group sends."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = math.fsum(getattr(self, key) for key in type(self).model_fields)
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"the shares of a diet must sum to 1 (they sum to {total:.12g})")
        return self


class Curation(Block):
    """Of K candidates drawn from the model, a curator keeps one."""

    method: Literal["luce", "best_of", "pluralistic", "adversarial", "noisy"] = "luce"
    """`luce`: Bradley-Terry choice; `best_of`: the best candidate, ties shared; `pluralistic`: each choice
    is made by one of several rewards; `adversarial`: another reward sometimes chooses; `noisy`: one is
    sometimes kept at random."""
    candidates: Candidates
    """K, how many candidates the curator sees: a count, or `inf`."""
    temperature: NonNegative | None = None
    """T of the Luce choice, 1 by default; 0 is `best_of`."""
    reward: RewardOf | None = None
    """The curator's reward; the model's own by default."""
    rewards: Annotated[dict[Name, NonNegative], Field(min_length=1)] | None = None
    """With `pluralistic`: how often each of these rewards chooses (normalised)."""
    attack: Share | None = None
    """With `adversarial`: how often the attacker's reward chooses."""
    attack_reward: Name | None = None
    """With `adversarial`: the attacker's reward, an entry of `rewards`."""
    noise: Share | None = None
    """With `noisy`: how often one of the candidates is kept at random."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, method in _BELONGS.items():
            given = getattr(self, field) is not None
            if given != (self.method == method):
                said = "does not apply to" if given else "is missing with"
                raise ValueError(f"{field} {said} method: {self.method}; `{field}` belongs to method: {method}")
        if self.method == "best_of" and self.temperature is not None:
            raise ValueError("temperature does not apply to best_of; leave it out, or use method: luce")
        if self.method == "pluralistic" and self.reward is not None:
            raise ValueError("reward does not apply to pluralistic; its rewards stand under `rewards`")
        if self.rewards is not None and sum(self.rewards.values()) == 0:
            raise ValueError("the weights under rewards are all 0; at least one must be above 0")
        return self


_BELONGS = {
    "rewards": "pluralistic",
    "attack": "adversarial",
    "attack_reward": "adversarial",
    "noise": "noisy",
}

CURATORS = frozenset({"luce", "best_of", "pluralistic", "adversarial", "noisy"})
"""Methods of curation that come along."""

Curators = Annotated[
    Annotated[Curation, Tag("(own)")]
    | Annotated[SerializeAsAny[Curator], plugged(Curator, "method of curation", CURATORS), Tag(TAG)],
    Discriminator(lambda value: TAG if by_name("method", CURATORS, "luce")(value) == TAG else "(own)"),
]
"""A curator, by `method`; another package may bring more."""


class FromRun(Block):
    """What the model of this name wrote at the end of an earlier run."""

    source: Annotated[str, Field(alias="from", min_length=1, examples=["runs/before"])]
    """Directory of results with recorded states, relative to the scenario."""
    run: Annotated[Name | None, Field(examples=["0f3b6c6f6c8f4f7b9d2e1a5c"])] = None
    """Id of the run; by default the only one there is, else that of the same seed."""


Initial = Annotated[
    Annotated[FromRun, Tag("(run)")] | Annotated[Distribution, Tag("(distribution)")],
    Discriminator(lambda value: "(run)" if is_from_run(value) else "(distribution)"),
]
"""A distribution, or `{from: RUN}`, the last state of an earlier run."""


def is_from_run(value: Any) -> bool:
    """Tell whether a distribution is that of an earlier run."""
    return isinstance(value, FromRun) or (isinstance(value, Mapping) and "from" in value)


class ModelBlock(Block):
    """One model, or `count` models alike."""

    name: Name
    """Name of the model; with `count`, its models are name0, name1, …"""
    count: Count | None = None
    """How many models alike this entry stands for."""
    reward: RewardOf | None = None
    """The reward by which the model's alignment is measured; its curator's too by default."""
    real: Distribution | None = None
    """The model's real data; the scenario's `real` by default."""
    initial: Initial | None = None
    """The model's first distribution, or `{from: RUN}`: as it was at the end of an earlier run; its `real` by
    default."""
    diet: Diet
    """What the model is trained on."""
    curation: Curators | None = None
    """Who curates the model; nobody by default."""

    @property
    def names(self) -> list[str]:
        """Names of the models this entry stands for."""
        if self.count is None:
            return [self.name]
        return [f"{self.name}{number}" for number in range(self.count)]


class Curated(Block):
    """Who of the models is curated, and what changes for them."""

    models: Annotated[tuple[Name, ...], Strict(False)] | None = None
    """The curated models, by name."""
    fraction: Share | None = None
    """The curated share of all models (rounded to the nearest count)."""
    count: Annotated[int, Field(ge=0)] | None = None
    """The number of curated models."""
    by: Literal["random", "degree", "betweenness", "pagerank", "attribute"] = "random"
    """What `fraction` or `count` picks by; degree is out-degree, pagerank is high for those who read
    much. Ties fall by model order."""
    attribute: Name | None = None
    """With `by: attribute`, the node attribute of the graph."""
    order: Literal["highest", "lowest"] = "highest"
    """Which end of the ranking is picked."""
    reward: RewardOf | None = None
    """The evaluation reward of the curated models; as before by default."""
    diet: Diet | None = None
    """The diet of the curated models; as before by default."""
    curation: Curators
    """Who curates them."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [key for key in ("models", "fraction", "count") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"say who is curated by one of models, fraction, count (got {given or 'none'})")
        if (self.by == "attribute") != (self.attribute is not None):
            raise ValueError("`by: attribute` and `attribute: NAME` go together")
        return self
