"""What the models write."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from ecosystem.scenario.fields.common import Block, Count, Name
from ecosystem.scenario.fields.drawn import DrawnOutputs
from ecosystem.scenario.fields.images import ImageOutputs
from ecosystem.scenario.fields.rewards import Reward
from ecosystem.scenario.fields.text import TextOutputs

__all__ = ["CategoricalOutputs", "DrawnOutputs", "GaussianOutputs", "OtherOutputs", "Outputs", "TextOutputs"]


class CategoricalOutputs(Block):
    """A finite set of outputs, the same in every context."""

    kind: Literal["categorical"]
    """The kind of output: `categorical` is a finite set."""
    size: Count
    """How many different outputs there are."""
    contexts: Count = 1
    """How many kinds of prompt there are."""
    scores: dict[Name, Reward] = Field(default_factory=dict)
    """Named numbers per output, written as rewards are; preference bias reads `lean`, disparate bias `quality`."""

    @property
    def numbers(self) -> int:
        """How many numbers say what a model writes in a context: a probability per output."""
        return self.size


class GaussianOutputs(Block):
    """Vectors; a model is a normal law in each context."""

    kind: Literal["gaussian"]
    """The kind of output: `gaussian` is a vector with a normal law."""
    dimension: Annotated[int, Field(ge=1, le=64)]
    """How many numbers an output has."""
    contexts: Count = 1
    """How many kinds of prompt there are."""
    scores: dict[Name, Reward] = Field(default_factory=dict)
    """Named numbers per output, written as rewards are; preference bias reads `lean`, disparate bias `quality`."""

    @property
    def numbers(self) -> int:
        """How many numbers say what a model writes in a context: the moments (1, E x, E x xᵀ)."""
        return 1 + self.dimension + self.dimension**2


class OtherOutputs(DrawnOutputs):
    """Outputs of a kind that another package brings, with settings of its own."""

    model_config = ConfigDict(extra="allow")

    kind: Name
    """The kind of output."""


def _kind(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in _KINDS else "(other)"


Outputs = Annotated[
    Annotated[CategoricalOutputs, Tag("categorical")]
    | Annotated[GaussianOutputs, Tag("gaussian")]
    | Annotated[ImageOutputs, Tag("images")]
    | Annotated[TextOutputs, Tag("text")]
    | Annotated[OtherOutputs, Tag("(other)")],
    Discriminator(_kind),
]
"""What the models write, by `kind`."""

_KINDS = frozenset({"categorical", "gaussian", "images", "text"})
