"""The Gaussian learner: each model is a normal law of vectors, for each context.

A finite training set is really drawn, example by example: its context, its source, the author among the
neighbours, the K candidates where a curator chose, and what the edge did to it on the way.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.examples import Author, draw_examples
from ecosystem.learners.rows import RowLearner
from ecosystem.learners.turn import Mixture, Offer, Readers
from ecosystem.measures import gaussian
from ecosystem.measures.gaussian import symmetric_root
from ecosystem.moments import mean_and_covariance, moments_of
from ecosystem.users.crowd import Demand


class GaussianLearner(RowLearner):
    """Models that are moments (1, E x, E x xᵀ), ``[worlds, models, contexts, 1 + d + d²]``.

    With ``covariance: fixed`` a model keeps its initial covariance and learns the mean alone.
    """

    measures = gaussian.MEASURES

    def __init__(self, batch: Batch) -> None:
        self.by_blocks = not batch.sampled  # the laws of all authors are made ready for everybody at once
        self.mixes = not batch.sampled
        super().__init__(batch)
        self._fixed = batch.learning.covariance == "fixed"
        self._initial_covariance = mean_and_covariance(batch.initial)[1]

    def mass(self, mixed: Tensor) -> Tensor:
        """Return the zeroth moment."""
        return mixed[..., :1].clone()

    def settle(self, learned: Tensor, readers: Readers) -> Tensor:
        """Put the initial covariance back where it is held fixed."""
        if not self._fixed:
            return learned
        mean = mean_and_covariance(learned)[0]
        return moments_of(mean, readers.own(self._initial_covariance))

    def sample(
        self, readers: Readers, p: Tensor, mixture: Mixture, offer: Offer, round_: int, demand: Demand
    ) -> Tensor:
        """Return the moments of a drawn training set; see `RowLearner.sample`."""
        del mixture, offer
        found = draw_examples(self.batch, readers, Author(p, self.batch, demand), round_)
        alone = readers.nothing(demand)
        return found if alone is None else torch.where(alone, readers.own(p), found)

    def draw(self, row: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return vectors, ``[n, d]``."""
        mean, covariance = mean_and_covariance(torch.from_numpy(row))
        root = symmetric_root(covariance).numpy()
        return np.asarray(mean.numpy() + generator.standard_normal((n, len(mean))) @ root.T)
