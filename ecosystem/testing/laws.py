"""What the checks share: members as blocks, and comparisons that name the law that is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ecosystem.learners.craft import Craft
from ecosystem.plugins.plugin import Plugin
from ecosystem.plugins.registry import Scope, within
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem

Member: TypeAlias = Mapping[str, Any] | type[Plugin]
"""A block as it stands in a scenario, or the class of a plug-in."""


@contextmanager
def as_block(member: Member, settings: Mapping[str, Any], craft: type[Craft] | None = None) -> Iterator[dict[str, Any]]:
    """Give the block of a member; a class, and a craft, are known by their names meanwhile."""
    known: dict[tuple[str, str], type] = {} if craft is None else {("crafts", craft.plugin_name): craft}
    if isinstance(member, Mapping):
        with within(Scope(known)):
            yield {**member, **settings}
        return
    law(bool(member.plugin_name), f"a class of a plug-in has a name: class {member.__name__}(…, name=…)")
    with within(Scope({**known, (member.kind_of_plugin, member.plugin_name): member})):
        yield {member.named_by: member.plugin_name, **settings}


def law(kept: bool, text: str) -> None:
    """Raise if a law is broken."""
    if not kept:
        raise AssertionError(text)


def same_bits(one: Tensor, other: Tensor, text: str) -> None:
    """Raise unless two results are the same to the last bit."""
    law(one.shape == other.shape and torch.equal(one, other), text)


def near(one: Tensor, other: Tensor, within_: float | Tensor, text: str) -> None:
    """Raise unless two results differ by no more than so much."""
    gap = (one - other).abs()
    law(bool((gap <= within_).all()), f"{text} (the largest difference is {float(gap.max()):.3g})")


def shares(values: Tensor, what: str) -> None:
    """Raise unless numbers are probabilities that sum to 1 over the last dimension."""
    law(bool(torch.isfinite(values).all()), f"{what} must be finite")
    law(bool((values >= 0).all()), f"{what} must not be negative (got {float(values.min()):.3g})")
    off = float((values.sum(-1) - 1).abs().max())
    law(off < 1e-9, f"{what} must sum to 1 (they are off by {off:.3g})")


def after(scenarios: Mapping[int, Scenario] | Sequence[Scenario], rounds: int = 1) -> Ecosystem:
    """Return worlds computed together, after some rounds; the seed of each is its place, or its key."""
    items = scenarios.items() if isinstance(scenarios, Mapping) else enumerate(scenarios)
    worlds: list[Blueprint] = [blueprint(scenario, seed) for seed, scenario in items]
    model = Ecosystem.together(worlds)
    for _ in range(rounds):
        model.step()
    return model
