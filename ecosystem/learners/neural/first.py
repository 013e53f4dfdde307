"""Networks as they are before the first round: trained on real images once, for all runs that begin alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeAlias

import torch
from torch import Tensor

from ecosystem.learners.neural.training import Pupil

Weights: TypeAlias = dict[str, Tensor]
Key: TypeAlias = tuple[object, ...]

_ROOM = 256 * 2**20
"""Bytes of weights that are kept for later runs of the same process."""


class FirstWeights:
    """Weights by what they depend on; the longest unused are forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[Weights, Tensor]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def of(
        self,
        settings: Key,
        pupils: Sequence[Pupil],
        teach: Callable[[Sequence[Pupil]], tuple[Weights, Tensor]],
    ) -> tuple[Weights, Tensor]:
        """Return weights and loss of each pupil, ``[pupils, ...]``; those that are not known are taught together.

        Parameters
        ----------
        settings : tuple
            All that they depend on, but for the pupil.
        pupils : sequence of Pupil
            Whose; the same pupil may stand there many times.
        teach : callable
            Trains some pupils, and gives weights and loss, ``[pupils, ...]``.
        """
        with self._lock:
            known = {who: self._kept[(*settings, who)] for who in set(pupils) if (*settings, who) in self._kept}
        wanted = [who for who in dict.fromkeys(pupils) if who not in known]
        if wanted:
            weights, loss = teach(wanted)
            for number, who in enumerate(wanted):
                known[who] = {name: value[number].clone() for name, value in weights.items()}, loss[number].clone()
                self._keep((*settings, who), known[who])
        names = next(iter(known.values()))[0]
        return (
            {name: torch.stack([known[who][0][name] for who in pupils]) for name in names},
            torch.stack([known[who][1] for who in pupils]),
        )

    def _keep(self, key: Key, found: tuple[Weights, Tensor]) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = found
            self._bytes += _size(found)
            while self._bytes > _ROOM:
                self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(found: tuple[Weights, Tensor]) -> int:
    return sum(value.nbytes for value in found[0].values())
