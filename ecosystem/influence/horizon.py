"""Influence at a finite round, which exists wherever the lever is differentiable.

The change v_t = dp_t/dλ is carried forward beside the state, each round linearised where it is, and so
is the corpus: with `accumulate` the mean of all data learned so far, with a window the last ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ecosystem.influence.implicit import directly, measured
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.pushes import Push, SettingsPush, beside
from ecosystem.influence.rounds import Round
from ecosystem.scenario.fields.learning import WindowCorpus


def horizon(round_: Round, pull: Callable[[Linearisation], Push], rounds: int) -> tuple[tuple[str, ...], Tensor]:
    """Return names of the levers and dJ(p_t)/dλ at round t = `rounds`, ``[models, levers]``."""
    path = round_.path()
    x = next(path)
    push = pull(Linearisation(round_, x, round_.step(x)))
    v = torch.zeros((*x.shape, len(push.labels)), dtype=x.dtype)
    if isinstance(push, SettingsPush):
        v = v + push.start[..., None]
    corpus = _Corpus(round_)
    for _ in range(rounds):
        following = next(path)
        linear = Linearisation(round_, x, following)
        v = corpus.carry(linear, pull(linear), v)
        x = following
    return push.labels, measured(round_, v) + directly(push, x)


class _Corpus:
    """What is remembered of earlier rounds: data D̃ and their changes."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._kind = round_.plan.scenario.learning.corpus
        self._data: list[Tensor] = []
        self._changes: list[Tensor] = []
        self._held = 0

    def carry(self, linear: Linearisation, push: Push, v: Tensor) -> Tensor:
        """Return the change of the next state."""
        data = self._round.data(linear.before, linear.after)
        held = self._held + 1
        earlier = sum(self._changes, start=torch.zeros_like(v)) * (linear.rate / held)
        mean = (sum(self._data, start=torch.zeros_like(data)) + data) / held
        pushed = beside(push, linear, mean, 1 / held)
        following, learned = linear.advance(v, pushed + earlier, 1 / held)
        self._remember(data, learned + push.data(linear))
        return linear.round.frame.tangent(following)

    def _remember(self, data: Tensor, change: Tensor) -> None:
        if self._kind == "replace":
            return
        self._data, self._changes = [*self._data, data], [*self._changes, change]
        if isinstance(self._kind, WindowCorpus):
            keep = self._kind.window - 1
            self._data, self._changes = (kept[-keep:] if keep else [] for kept in (self._data, self._changes))
        else:
            self._data = [self._data[0] if len(self._data) == 1 else self._data[0] + self._data[1]]
            self._changes = [self._changes[0] if len(self._changes) == 1 else self._changes[0] + self._changes[1]]
        self._held = self._held + 1 if self._kind == "accumulate" else len(self._data)
