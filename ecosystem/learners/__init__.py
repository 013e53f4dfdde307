"""How models learn: one kind of learner serves all models of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecosystem.learners.batch import Batch
    from ecosystem.learners.learner import Learner

__all__ = ["learner_of"]


def learner_of(batch: Batch) -> Learner:
    """Return the learner that serves a batch's kind of outputs."""
    from ecosystem.learners.categorical import Categorical
    from ecosystem.learners.gaussian import GaussianLearner

    kinds = {"categorical": Categorical, "gaussian": GaussianLearner}
    return kinds[batch.worlds[0].scenario.outputs.kind](batch)
