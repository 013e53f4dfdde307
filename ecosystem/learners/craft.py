"""A craft: what a kind of generative network can do, for all models of a batch of worlds at once.

An output is an *item*, a tensor of fixed shape: an image, or the tokens of a text. A craft writes items, judges them
and is taught by them; who reads what, who chooses what, and what is measured of whom is the same for all crafts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch

Weights: TypeAlias = Mapping[str, Tensor]
"""What models have learned, by name: ``[worlds, models, ...]`` each."""


@dataclass(frozen=True)
class Lessons:
    """What every model is trained on in a round, all rounds of the corpus together.

    Attributes
    ----------
    items : Tensor
        ``[worlds, models, examples, *item]``
    context : Tensor
        The kind of prompt under which each is learned, ``[worlds, models, examples]``.
    rejected : Tensor, optional
        Of each the candidate of the same lot that its curator liked least; the item itself where nobody chose. Only
        for a craft that compares.
    """

    items: Tensor
    context: Tensor
    rejected: Tensor | None = None

    def and_then(self, later: Lessons) -> Lessons:
        """Return these and later ones."""
        rejected = None
        if self.rejected is not None and later.rejected is not None:
            rejected = torch.cat([self.rejected, later.rejected], dim=2)
        items, context = torch.cat([self.items, later.items], dim=2), torch.cat([self.context, later.context], dim=2)
        return Lessons(items, context, rejected)


class Craft(ABC):
    """A kind of generative network.

    Random numbers come from `ecosystem.world.streams`, keyed by seed, purpose, round and model: what a world draws
    depends on its own settings alone, and a further candidate leaves the others what they are.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.

    Attributes
    ----------
    item : tuple of int
        Shape of an output.
    dtype : torch.dtype
        Type of its numbers.
    """

    item: tuple[int, ...]
    dtype: torch.dtype

    plugin_name: ClassVar[str] = ""
    """The kind of outputs, of a craft that stands in a file: ``class Tally(Craft, name="tally")``."""

    def __init_subclass__(cls, name: str = "", **settings: Any) -> None:
        super().__init_subclass__(**settings)
        cls.plugin_name = name

    @classmethod
    def lacking(cls) -> list[str]:
        """Return the methods that a craft must have and it has not."""
        return sorted(getattr(cls, "__abstractmethods__", ()))

    measures: Sequence[str] = ()
    """Columns that it adds to the table `models`."""

    compares: bool = False
    """Whether it learns from what curators rejected too; only then is it in the lessons."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    @abstractmethod
    def begin(self) -> tuple[Weights, Tensor]:
        """Return what models know before the first round, trained on real data, and their loss ``[worlds, models]``."""

    @abstractmethod
    def real(self, round_: int, context: Tensor) -> Tensor:
        """Return a drawn real item for each context ``[worlds, models, n]``, as ``[worlds, models, n, *item]``."""

    @abstractmethod
    def write(self, weights: Weights, round_: int, lots: int, candidates: int) -> Tensor:
        """Return what models write: for every context so many lots, each of candidates that answer one prompt.

        Returns
        -------
        Tensor
            ``[worlds, models, contexts, lots, candidates, *item]``
        """

    @abstractmethod
    def judge(self, items: Tensor, context: Tensor) -> Tensor:
        """Return what items are worth by each of the scenario's named rewards, then by each of its scores.

        Judges that are plug-ins (`ecosystem.plugins.Judge`) are left out: they are asked by themselves.

        Parameters
        ----------
        items : Tensor
            ``[worlds, ..., *item]``
        context : Tensor
            The kind of prompt that each answers, ``[worlds, ...]``.

        Returns
        -------
        Tensor
            ``[worlds, ..., judges]``
        """

    @abstractmethod
    def similarity(self, items: Tensor, context: Tensor) -> Tensor:
        """Return how typical of real data items are, from 0 to 1, ``[worlds, ...]``."""

    @abstractmethod
    def measure(self, written: Tensor, loss: Tensor, weights: Weights) -> Mapping[str, Tensor]:
        """Return `distance_real` and the craft's own measures of what was written, ``[worlds, models]`` each; finite.

        Parameters
        ----------
        written : Tensor
            The first candidate of every lot, ``[worlds, models, contexts, lots, *item]``.
        loss : Tensor
            What training ended with, ``[worlds, models]``.
        weights : mapping of str to Tensor
            What models know.
        """

    @abstractmethod
    def train(self, weights: Weights, first: Weights, lessons: Lessons, round_: int) -> tuple[Weights, Tensor]:
        """Return what models know after a round's lessons, and their loss, ``[worlds, models]``.

        `first` is what they knew before the first round.
        """

    @abstractmethod
    def show(self, items: Tensor) -> list[str | bytes]:
        """Return items ``[n, *item]`` as they are kept in the table `samples`: texts, or images as PNG."""
