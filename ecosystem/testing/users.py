"""The laws of users: rules of feedback, and ways to choose a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecosystem.plugins.kinds import FeedbackRule
from ecosystem.scenario.scenario import Scenario
from ecosystem.testing.laws import Member, after, as_block, law, near, same_bits, shares

_SIZES = (600, 300, 100)
_NAMES = ("A", "B", "C")
_MANY = 10_000
"""How many times as many users there are where they are counted."""
_KEEPS_TOTAL = ("static", "linear", "replicator", "drift")


def check_feedback(rule: Member, *, rounds: int = 3, seed: int = 0, **settings: Any) -> None:
    """Check that a rule of activity keeps to the laws of feedback.

    There are never fewer users than none; the total is kept where the rule says so; renaming and permuting groups
    permutes results; users who are alike come to the same counted together and one by one; a world alone has the bits
    that it has among others; counted users tend to expected ones.

    Parameters
    ----------
    rule : mapping or type
        A `users.feedback` block, which may name the groups ``A``, ``B`` and ``C``; or the class of a plug-in.
    rounds : int
        How many rounds to try it for.
    seed : int
        Of what models write and users like.
    **settings
        Of the block.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(rule, settings) as block:
        taste = _Taste(seed)
        expected = _activity([_users(taste, feedback=block)], rounds)
        sound = bool(torch.isfinite(expected).all() and (expected >= 0).all())
        law(sound, "numbers of users must be finite, and not below 0")
        plugin = _users(taste, feedback=block).users
        assert plugin is not None
        kind = plugin.rules[0]
        keeps = kind.keeps_total if isinstance(kind, FeedbackRule) else kind.method in _KEEPS_TOTAL
        if keeps:
            near(
                expected.sum(-1), torch.tensor([float(sum(_SIZES))]).double(), 1e-6, "the number of users must be kept"
            )
        order = [2, 0, 1]
        moved = _activity([_users(taste, order=order, feedback=block)], rounds)
        near(moved, expected[:, order], 1e-7, "permuting groups must permute numbers of users")
        one_by_one = _activity([_users(taste, scale=0.05, individuals=True, feedback=block)], rounds)
        alike = _activity([_users(taste, scale=0.05, feedback=block)], rounds)
        near(one_by_one, alike, 1e-7, "users who are alike must come to the same counted one by one")
        _alone([_users(_Taste(seed + number), feedback=block) for number in range(3)], rounds)
        many = _activity([_users(taste, scale=_MANY, mode="sampled", feedback=block)], rounds)
        exact = _activity([_users(taste, scale=_MANY, feedback=block)], rounds)
        spread = 20 * exact.sqrt() + 6 * rounds
        near(many, exact, spread, "counted users must tend to expected numbers")


def check_choice(rule: Member, *, rounds: int = 3, seed: int = 0, **settings: Any) -> None:
    """Check that a way to choose among models keeps to the laws of choice.

    Shares sum to 1; permuting models permutes them; a world alone has the bits that it has among others; counted users
    tend to expected ones.

    Parameters
    ----------
    rule : mapping or type
        A `users.choice` block, or the class of a plug-in.
    rounds : int
        How many rounds to try it for.
    seed : int
        Of what models write and users like.
    **settings
        Of the block.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(rule, settings) as block:
        taste = _Taste(seed)
        expected = _choices([_users(taste, choice=block)], rounds)
        shares(expected, "the shares of models")
        order = [2, 0, 1]
        moved = _choices([_users(taste, models=order, choice=block)], rounds)
        near(moved, expected[..., order], 1e-9, "permuting models must permute their shares")
        worlds = [_users(_Taste(seed + number), choice=block) for number in range(3)]
        together = _choices(worlds, rounds)
        for number, world in enumerate(worlds):
            same_bits(together[number], _choices([world], rounds)[0], _BITS)
        many = _choices([_users(taste, scale=_MANY, mode="sampled", choice=block)], rounds)
        near(many, expected, 0.02, "counted users must tend to expected shares")


_BITS = "a world must have the same bits alone and among others"


class _Taste:
    """What three models write and three groups like."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.written = generator.dirichlet(np.ones(4), size=3).tolist()
        self.liked = generator.uniform(size=(3, 4)).tolist()


def _users(
    taste: _Taste,
    order: list[int] | None = None,
    models: list[int] | None = None,
    scale: float = 1.0,
    **users: Any,
) -> Scenario:
    groups = [
        {"name": _NAMES[g], "size": float(_SIZES[g] * scale), "contexts": [0], "reward": _NAMES[g]}
        for g in order or range(3)
    ]
    return Scenario(
        name="users",
        rounds=100,
        outputs={"kind": "categorical", "size": 4},
        rewards=dict(zip(_NAMES, taste.liked, strict=True)),
        models=[
            {"name": f"m{m}", "initial": taste.written[m], "diet": {"real": 0.5, "raw": 0.5}}
            for m in models or range(3)
        ],
        users={"groups": groups, **users},
    )


def _activity(scenarios: list[Scenario], rounds: int) -> Tensor:
    """Return users of each group, ``[worlds, groups]``."""
    model = after(scenarios, rounds)
    assert model.crowd is not None and model.population is not None
    return model.population.members.total(model.crowd.activity)


def _choices(scenarios: list[Scenario], rounds: int) -> Tensor:
    """Return what part of each group uses each model, ``[worlds, groups, models]``."""
    model = after(scenarios, rounds)
    assert model.crowd is not None
    return model.crowd.choice


def _alone(worlds: list[Scenario], rounds: int) -> None:
    together = _activity(worlds, rounds)
    for number, world in enumerate(worlds):
        same_bits(together[number], _activity([world], rounds)[0], _BITS)
