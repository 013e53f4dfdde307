"""The agents: names and settings of their own, numbers that are views of the state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import mesa
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ecosystem.world.ecosystem import Ecosystem
    from ecosystem.world.groups import Groups


class _Counts(WeakKeyDictionary[Any, Iterator[int]]):
    """The numbers of agents, model by model, of models that are still there.

    Mesa 3.3 counts in a mapping that holds every model for ever, and a batch makes thousands of them.
    """

    def __getitem__(self, model: Any) -> Iterator[int]:
        return self.setdefault(model, itertools.count(1))


class NamedAgent(mesa.Agent):
    """What has a name and a place in every tensor.

    Its numbers are those of the selected world, ``model.world``.

    Parameters
    ----------
    model : Ecosystem
        What it is part of.
    name : str
        Its name.
    index : int
        Its place in every tensor.
    """

    _ids = _Counts()

    model: Ecosystem

    def __init__(self, model: Ecosystem, name: str, index: int) -> None:
        super().__init__(model)
        self.name = name
        self.index = index

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class ModelAgent(NamedAgent):
    """A generative model, on the node of the network that has its name."""

    @property
    def neighbours(self) -> list[ModelAgent]:
        """The models it learns from, its in-neighbours."""
        graph = self.model.graph
        return [graph.nodes[node]["agent"] for node in graph.predecessors(self.name)]

    @property
    def readers(self) -> list[ModelAgent]:
        """The models that learn from it, its out-neighbours."""
        graph = self.model.graph
        return [graph.nodes[node]["agent"] for node in graph.successors(self.name)]

    @property
    def curated(self) -> bool:
        """Whether a curator chooses among its outputs."""
        return bool(self.model.blueprint.curated[self.index])

    @property
    def diet(self) -> dict[str, float]:
        """What share of its training set comes from each source."""
        from ecosystem.world.blueprint import SOURCES

        return dict(zip(SOURCES, self.model.blueprint.diet[self.index].tolist(), strict=True))

    @property
    def distribution(self) -> NDArray[np.float64]:
        """What it writes: probabilities ``[contexts, outputs]``, or moments (1, E x, E x xᵀ).

        Of outputs that are really drawn, what is said of them: (1, judges, squares of judges, measures).
        """
        return np.array(self.model.state.p[self.model.world, self.index].cpu().numpy())

    @property
    def alignment(self) -> float:
        """J, the mean over contexts of its expected own reward; NaN without a reward."""
        return float(self.model.measure("alignment")[self.model.world, self.index])

    @property
    def reward_variance(self) -> float:
        """Variance of its own reward over its outputs, mean over contexts."""
        return float(self.model.measure("reward_variance")[self.model.world, self.index])

    @property
    def entropy(self) -> float:
        """Entropy of what it writes, in nats, mean over contexts."""
        return float(self.model.measure("entropy")[self.model.world, self.index])

    def sample(self, n: int, context: int = 0) -> NDArray[np.generic]:
        """Return n outputs that it writes to prompts of one kind.

        Looking moves nothing: these draws have a stream of their own.

        Parameters
        ----------
        n : int
            How many.
        context : int
            The kind of prompt.

        Returns
        -------
        ndarray
            Numbers of outputs, ``[n]``, or vectors, ``[n, d]``; of outputs that are really drawn some of those that
            it wrote last, ``[n, *item]``.
        """
        if not 0 <= context < self.model.batch.contexts:
            raise IndexError(f"context must be from 0 to {self.model.batch.contexts - 1} (got {context})")
        place = (self.model.world, self.index, context)
        return self.model.learner.look(self.model.state, place, n, self.model.looking(self.index))


class Cohort(NamedAgent):
    """A demographic group: so many users, counted and not looped over."""

    @property
    def active(self) -> float:
        """How many users it has now."""
        return self.value("active")

    @property
    def share(self) -> float:
        """Its share of all active users."""
        return self.value("share")

    @property
    def satisfaction(self) -> float:
        """u, its expected reward from what it is served; NaN without a reward."""
        return self.value("satisfaction")

    @property
    def choice(self) -> dict[str, float]:
        """Its shares of the models, by name."""
        crowd, population = self.model.crowd, self.model.population
        assert crowd is not None and population is not None
        shares = population.members.mean(crowd.choice, crowd.activity)[self.model.world, self.index]
        return dict(zip(self.model.blueprint.names, shares.tolist(), strict=True))

    def value(self, name: str) -> float:
        """Return a column of the table `groups`, a score too."""
        return float(self.model.group_values()[name][self.model.world, self.index])


class User(NamedAgent):
    """One user, where they are individuals (``individuals: true``).

    A user who leaves makes room for a newcomer with the same traits; where more come than left, one agent
    stands for several alike.
    """

    @property
    def group(self) -> Cohort:
        """The group that the user belongs to."""
        return self.model.cohorts[int(self._groups.group[self.index])]

    @property
    def active(self) -> float:
        """1 while the user asks, 0 after leaving; an expectation where numbers of users are not drawn."""
        crowd = self.model.crowd
        assert crowd is not None
        return float(crowd.activity[self.model.world, self.index])

    @property
    def contexts(self) -> NDArray[np.float64]:
        """φ, the user's own mix of contexts, ``[contexts]``."""
        return self._groups.contexts[self.index].copy()

    @property
    def patience(self) -> float:
        """Factor of the scale of retention."""
        return float(self._groups.patience[self.index])

    @property
    def choice(self) -> dict[str, float]:
        """What part of the user's prompts each model gets, by name."""
        crowd = self.model.crowd
        assert crowd is not None
        shares = crowd.choice[self.model.world, self.index].tolist()
        return dict(zip(self.model.blueprint.names, shares, strict=True))

    @property
    def satisfaction(self) -> float:
        """The user's expected reward from what is served; NaN without a reward."""
        crowd, population = self.model.crowd, self.model.population
        assert crowd is not None and population is not None
        return float(population.satisfied(crowd, self.model.state.p)[self.model.world, self.index])

    @property
    def _groups(self) -> Groups:
        groups = self.model.blueprint.groups
        assert groups is not None
        return groups
