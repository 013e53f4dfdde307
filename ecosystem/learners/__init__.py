"""How models learn: one kind of learner serves all models of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecosystem.learners.batch import Batch
    from ecosystem.learners.learner import Learner
    from ecosystem.learners.rows import RowLearner

__all__ = ["learner_of", "row_learner_of"]


def learner_of(batch: Batch) -> Learner:
    """Return the learner that serves a batch's kind of outputs."""
    if batch.worlds[0].drawn:
        from ecosystem.learners.drawn import DrawnLearner

        return DrawnLearner(batch)
    return row_learner_of(batch)


def row_learner_of(batch: Batch) -> RowLearner:
    """Return the learner of outputs that are rows of numbers that mix."""
    from ecosystem.learners.categorical import Categorical
    from ecosystem.learners.gaussian import GaussianLearner

    kinds = {"categorical": Categorical, "gaussian": GaussianLearner}
    return kinds[batch.worlds[0].scenario.outputs.kind](batch)
