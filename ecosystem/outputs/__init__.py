"""What models write, as rows of numbers that mix: one kind of output a file.

A row is linear: the row of a mixture is the mixture of rows, an expected reward is a product with a
row of coefficients, a channel is a matrix.
"""

from __future__ import annotations

from ecosystem.outputs.categorical import CategoricalSpace
from ecosystem.outputs.gaussian import GaussianSpace
from ecosystem.outputs.space import Space
from ecosystem.scenario.fields.outputs import CategoricalOutputs, GaussianOutputs

__all__ = ["CategoricalSpace", "GaussianSpace", "Space", "space_of"]


def space_of(outputs: CategoricalOutputs | GaussianOutputs) -> Space:
    """Return the space of a scenario's outputs."""
    if isinstance(outputs, GaussianOutputs):
        return GaussianSpace(outputs.dimension, outputs.contexts)
    return CategoricalSpace(outputs.size, outputs.contexts)
