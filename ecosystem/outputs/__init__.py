"""What models write, as rows of numbers that mix: one kind of output a file.

A row is linear: the row of a mixture is the mixture of rows, an expected reward is a product with a
row of coefficients, a channel is a matrix.
"""

from __future__ import annotations

from ecosystem.outputs.categorical import CategoricalSpace
from ecosystem.outputs.drawn import DrawnSpace
from ecosystem.outputs.gaussian import GaussianSpace
from ecosystem.outputs.space import Space
from ecosystem.plugins.registry import within
from ecosystem.scenario.fields.judges import JudgeBlock
from ecosystem.scenario.fields.outputs import CategoricalOutputs, GaussianOutputs
from ecosystem.scenario.scenario import Scenario

__all__ = ["CategoricalSpace", "DrawnSpace", "GaussianSpace", "Space", "space_of"]


def space_of(scenario: Scenario) -> Space:
    """Return the space of a scenario's outputs."""
    outputs = scenario.outputs
    if isinstance(outputs, CategoricalOutputs):
        return CategoricalSpace(outputs.size, outputs.contexts)
    if isinstance(outputs, GaussianOutputs):
        return GaussianSpace(outputs.dimension, outputs.contexts)
    from ecosystem.learners.drawn import columns  # what is measured of them, their kind says

    judges = [
        judge for judge in (*scenario.rewards.values(), *outputs.scores.values()) if isinstance(judge, JudgeBlock)
    ]
    with within(scenario.scope):
        return DrawnSpace(judges, columns(outputs.kind), outputs.contexts)
