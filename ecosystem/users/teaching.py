"""What training sets are made of, given what users ask: prompts that are reused, groups that are reweighted."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.remedies.reweighting import Reweigh
from ecosystem.scenario.fields.remedy import Reweighting
from ecosystem.users.crowd import Crowd, Demand
from ecosystem.users.population import Population


class Teaching:
    """How the demand of users becomes that of training sets, in a batch of worlds.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    population : Population
        Their users.
    first : Tensor, optional
        v of the first round, ``[worlds, models, contexts]``, where that is over.
    """

    def __init__(self, batch: Batch, population: Population, first: Tensor | None = None) -> None:
        self._population = population
        reweighs = isinstance(batch.worlds[0].scenario.remedy, Reweighting)
        self._reweigh = Reweigh(batch, population.members) if reweighs else None
        self._reuses = batch.learning.prompts == "reused"
        self.first = first

    def lessons(self, demand: Demand, crowd: Crowd) -> Demand:
        """Return what training sets are made of in a round."""
        lessons = demand
        if self._reweigh is not None and demand.prompts is not None:
            factor = self._reweigh.factor(crowd.activity)
            lessons = self._population.demand(demand.prompts.scaled(factor), crowd)
        if self._reuses:
            if self.first is None:
                self.first = lessons.weights
            lessons = replace(lessons, weights=self.first)
        return lessons
