"""What every way of learning offers to the ecosystem, whatever models write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.measures.rewards import alignment_served
from ecosystem.users.crowd import Demand

_TOGETHER = 512
"""Models that are measured at once, where a kind of learner does not know better."""

Measure: TypeAlias = Callable[[Tensor, Batch], Tensor]
"""A quantity of each model, ``[worlds, models]``, from what models write and the settings."""


@dataclass(frozen=True)
class State:
    """All that one round hands to the next.

    Attributes
    ----------
    round : int
        How many rounds have been run.
    p : Tensor
        What each model writes, ``[worlds, models, contexts, numbers]``.
    corpus : tuple of Tensor
        What is kept of earlier rounds' D̃, each shaped as `p`: nothing (`replace`), their sum
        (`accumulate`), or the last ones (`window`).
    held : int
        How many rounds' D̃ that is.
    """

    round: int
    p: Tensor
    corpus: tuple[Tensor, ...] = ()
    held: int = 0


class Filter(Protocol):
    """A remedy that filters what models write before it is read."""

    @property
    def finds(self) -> bool:
        """Whether the disadvantaged group is to be found: `Demand.worst` is then needed."""
        ...


class Learner(ABC):
    """How all models of a batch of worlds learn, whatever they write.

    Attributes
    ----------
    batch : Batch
        Settings of the worlds.
    measures : mapping
        Quantities of each model, by name: the columns of the table `models`.
    remedy : Filter, optional
        What filters what models write before it is read.
    """

    batch: Batch
    measures: Mapping[str, Measure]
    remedy: Filter | None

    @abstractmethod
    def start(self) -> State:
        """Return the state before the first round."""

    @abstractmethod
    def step(self, state: State, demand: Demand | None = None) -> State:
        """Return the state one round later.

        `demand` is what users ask and bring; without users all contexts count alike.
        """

    @abstractmethod
    def take_over(self, state: State) -> State:
        """Return a state that was reached under other settings of learning, as this learner goes on with it."""

    @abstractmethod
    def save(self, state: State) -> dict[str, Tensor]:
        """Return all that a state holds but for its round, ``[worlds, ...]`` each: `load` makes a state of it again."""

    @abstractmethod
    def load(self, round_: int, saved: Mapping[str, Tensor]) -> State:
        """Return the state of worlds, all after so many rounds, from what `save` gave of each of them."""

    @abstractmethod
    def restarted(self, state: State, worlds: Tensor) -> State:
        """Return the state with some worlds, ``[worlds]`` true or false, put back to what they were at first."""

    def measured(
        self,
        p: Tensor,
        batch: Batch,
        names: Collection[str],
        models: Tensor | slice = slice(None),
        weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return some of `measures` at once, ``[worlds, models]`` each.

        `p` and `batch` are of some `models` of the learner's own batch; `alignment_served` is returned too if their
        `weights` v of contexts are given, ``[worlds, models, contexts]``.
        """
        del models
        found = {name: self.measures[name](p, batch) for name in names}
        return found if weights is None else found | {"alignment_served": alignment_served(p, batch, weights)}

    @property
    def together(self) -> int:
        """How many models are measured at once: as many as the cache holds."""
        return _TOGETHER

    @abstractmethod
    def look(
        self, state: State, place: tuple[int, int, int], n: int, generator: np.random.Generator
    ) -> NDArray[np.generic]:
        """Return n outputs of a (world, model, context)."""


def below(prefix: str, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in saved.items() if name.startswith(prefix)}
