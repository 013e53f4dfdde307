"""What all outputs share that are really drawn."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ecosystem.scenario.fields.common import Block, Count, Name
from ecosystem.scenario.fields.rewards import Reward


class DrawnOutputs(Block):
    """Outputs that are really drawn, from models that are really trained."""

    contexts: Count = 1
    """How many kinds of prompt there are."""
    scores: dict[Name, Reward] = Field(default_factory=dict)
    """Named judges; preference bias reads `lean`, disparate bias `quality`."""

    together: ClassVar[int] = 8
    """How many worlds are best trained together."""

    @property
    def item_bytes(self) -> int:
        """About how many bytes an output takes."""
        return 4096

    @property
    def numbers(self) -> int:
        """How many numbers say what a model writes in a context: 1, each judge and its square, some measures."""
        return 20
