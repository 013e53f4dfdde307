"""What the checks share: members as blocks, and comparisons that name the law that is broken."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from pydantic import ValidationError
from torch import Tensor

import ecosystem.plugins
from ecosystem.errors import EcosystemError
from ecosystem.learners.craft import Craft
from ecosystem.plugins import registry
from ecosystem.plugins.plugin import Plugin
from ecosystem.plugins.registry import GROUPS, PluginError, Scope, within
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem

Member: TypeAlias = Mapping[str, Any] | type[Plugin]
"""A block as it stands in a scenario, or the class of a plug-in."""


@contextmanager
def as_block(member: Member, settings: Mapping[str, Any], craft: type[Craft] | None = None) -> Iterator[dict[str, Any]]:
    """Give the block of a member; a class, and a craft, are known by their names meanwhile.

    What a member raises, and what the engine says of it, becomes an `AssertionError`.
    """
    known: dict[tuple[str, str], type] = {} if craft is None else {("crafts", craft.plugin_name): craft}
    block = member if isinstance(member, Mapping) else {member.named_by: member.plugin_name}
    if not isinstance(member, Mapping):
        law(bool(member.plugin_name), f"a class of a plug-in has a name: class {member.__name__}(…, name=…)")
        known[member.kind_of_plugin, member.plugin_name] = member
    try:
        with within(Scope(known)):
            for cls in _plugins(block):
                takes_what_it_is_given(cls)
            yield {**block, **settings}
    except PluginError as error:
        raise AssertionError(str(error)) from error
    except (EcosystemError, ValidationError, AssertionError):  # a law, or settings that cannot be used
        raise
    except Exception as error:
        place = _raised_in(error)
        if place is None:
            raise
        raise AssertionError(f"{place} must not raise (it raised {type(error).__name__}: {error})") from error


def _plugins(block: Mapping[str, Any]) -> Iterator[type[Plugin]]:
    """Yield the plug-ins that a block may name; a craft has no block."""
    for kind, name in GROUPS.items():
        base = getattr(ecosystem.plugins, name)
        called = block.get(base.named_by) if issubclass(base, Plugin) else None
        if isinstance(called, str) and called in registry.names(kind):
            found = registry.find(kind, called)
            if found is not None:
                yield found


def takes_what_it_is_given(cls: type[Plugin]) -> None:
    """Raise unless the methods of a plug-in take the arguments that its kind states."""
    base = getattr(ecosystem.plugins, GROUPS[cls.kind_of_plugin])
    for name, stated in vars(base).items():
        own = inspect.getattr_static(cls, name)
        if name.startswith("_") or not inspect.isfunction(stated) or not inspect.isfunction(own):
            continue
        wanted = list(inspect.signature(stated).parameters)
        try:
            inspect.signature(own).bind(*wanted)
        except TypeError as error:
            text = f"{name} must take {', '.join(wanted[1:])}, in this order (it is {name}{inspect.signature(own)})"
            raise AssertionError(text) from error


def _raised_in(error: Exception) -> str | None:
    """Return the method of a plug-in through which an exception came, None where it is the engine's."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        of = frame.f_locals.get("self")
        strange = not str(frame.f_globals.get("__name__")).startswith("ecosystem.")
        if strange and isinstance(of, (Plugin, Craft)):
            return f"{type(of).plugin_name}, line {line} of {frame.f_code.co_filename},"
    return None


def law(kept: bool, text: str) -> None:
    """Raise if a law is broken."""
    if not kept:
        raise AssertionError(text)


def same_bits(one: Tensor, other: Tensor, text: str) -> None:
    """Raise unless two results are the same to the last bit."""
    law(one.shape == other.shape and torch.equal(one, other), text)


@contextmanager
def untouched(text: str, *arrays: Tensor) -> Iterator[None]:
    """Raise if an array is written to meanwhile, were it with the numbers that it has: autograd goes by that."""
    before = [(array._version, array.clone()) for array in arrays]
    yield
    for array, (version, values) in zip(arrays, before, strict=True):
        law(array._version == version, text)
        same_bits(array, values, text)


def near(one: Tensor, other: Tensor, within_: float | Tensor, text: str) -> None:
    """Raise unless two results differ by no more than so much."""
    gap = (one - other).abs()
    law(bool((gap <= within_).all()), f"{text} (the largest difference is {float(gap.max()):.3g})")


def same_in_single_precision(single: Tensor, double: Tensor, what: str = "") -> None:
    """Raise unless float32 gives what float64 gives to four digits."""
    text = f"single precision must give the same{what} to four digits"
    hint = "what is below 1e-45 is 0 there; the least that is none is torch.finfo(p.dtype).tiny"
    law(not bool(torch.isnan(single).any()), f"{text} (float32 gave no number: {hint})")
    near(single.double(), double, 1e-4, text)


def shares(values: Tensor, what: str) -> None:
    """Raise unless numbers are probabilities that sum to 1 over the last dimension."""
    law(bool(torch.isfinite(values).all()), f"{what} must be finite")
    law(bool((values >= 0).all()), f"{what} must not be negative (got {float(values.min()):.3g})")
    law(bool((values.sum(-1) > 0).all()), f"{what} must be something in every row (a row sums to 0)")
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
