"""The mesa model: it owns the network, the agents and the state, and runs the round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mesa
import networkx as nx
import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.learners import learner_of
from ecosystem.learners.batch import Batch
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.agents import ModelAgent
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.streams import stream


class Ecosystem(mesa.Model):
    """Generative models that learn from one another over a network.

    One object holds one or more worlds: runs of equal shape that are computed together, each with
    the numbers it would have alone. Agents show the world selected by `world`.

    Parameters
    ----------
    scenario : Scenario
        A scenario without a sweep.
    seed : int
        The seed of the one world.

    Attributes
    ----------
    round : int
        How many rounds have been run.
    graph : networkx.DiGraph
        The network; an edge j → i says that i learns from j. Nodes carry their `agent`.
    state : State
        The worlds' state.
    world : int
        The world that agents show.

    Examples
    --------
    >>> from ecosystem import Ecosystem, Scenario
    >>> scenario = Scenario(
    ...     name="one",
    ...     rounds=3,
    ...     outputs={"kind": "categorical", "size": 2},
    ...     rewards={"first": [1, 0]},
    ...     models=[
    ...         {
    ...             "name": "p",
    ...             "reward": "first",
    ...             "diet": {"real": 0.5, "curated": 0.5},
    ...             "curation": {"method": "luce", "candidates": 2},
    ...         }
    ...     ],
    ... )
    >>> model = Ecosystem(scenario)
    >>> model.step()
    >>> model.models[0].alignment > 0.5
    True
    """

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        if scenario.sweep is not None:
            raise EcosystemError("an Ecosystem is one run; give it a variant of the scenario, without a sweep")
        self._build([blueprint(scenario, seed)])

    @classmethod
    def together(cls, worlds: Sequence[Blueprint]) -> Ecosystem:
        """Return one object that holds several worlds of equal shape."""
        made = cls.__new__(cls)
        made._build(worlds)
        return made

    def _build(self, worlds: Sequence[Blueprint]) -> None:
        super().__init__(rng=worlds[0].seed)
        self.batch = Batch(worlds)
        self.learner = learner_of(self.batch)
        self.state = self.learner.start()
        self.world = 0
        self.graph: nx.DiGraph[str] = nx.DiGraph(worlds[0].graph)
        names = list(worlds[0].names)
        made = ModelAgent.create_agents(self, len(names), names, list(range(len(names))))
        for agent in made:
            self.graph.nodes[agent.name]["agent"] = agent
        self._looks = 0
        self._measured: dict[str, Tensor] = {}
        self.running = True

    def step(self) -> None:
        """Run one round: every model writes, is curated, exchanges and is trained."""
        self.state = self.learner.step(self.state)
        self._measured = {}

    @property
    def round(self) -> int:
        """How many rounds have been run."""
        return self.state.round

    @property
    def models(self) -> list[ModelAgent]:
        """The models, in the order of the scenario."""
        return [self.graph.nodes[name]["agent"] for name in self.blueprint.names]

    @property
    def blueprint(self) -> Blueprint:
        """Settings of the selected world."""
        return self.batch.worlds[self.world]

    def measure(self, name: str) -> Tensor:
        """Return one quantity of every model now, ``[worlds, models]``; computed once a round."""
        if name not in self._measured:
            self._measured[name] = self.learner.measures[name](self.state.p, self.batch)
        return self._measured[name]

    def looking(self, index: int) -> np.random.Generator:
        """Return a generator for a look at a model, one that moves nothing else."""
        self._looks += 1
        return stream(self.blueprint.seed, f"look.{index}", self.round, self._looks)

    def restart(self, worlds: Tensor) -> None:
        """Put some worlds, ``[worlds]`` true or false, back to what their models were before the first round."""
        chosen, initial = worlds[:, None, None, None], self.batch.initial
        p = torch.where(chosen, initial, self.state.p)
        corpus = tuple(torch.where(chosen, initial, past) for past in self.state.corpus)
        self.state = replace(self.state, p=p, corpus=corpus)
        self._measured = {}

    def finite(self) -> Tensor:
        """Return which worlds have a finite state, ``[worlds]``."""
        return torch.isfinite(self.state.p.flatten(1).sum(-1))
