"""What the models write."""

from __future__ import annotations

from typing import Literal

from ecosystem.scenario.fields.common import Block, Count


class CategoricalOutputs(Block):
    """A finite set of outputs, the same in every context."""

    kind: Literal["categorical"]
    """The kind of output: `categorical` is a finite set."""
    size: Count
    """How many different outputs there are."""
    contexts: Count = 1
    """How many kinds of prompt there are."""
