"""The mesa model: it owns the network, the agents and the state, and runs the round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import mesa
import networkx as nx
import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.garbage import uncollected
from ecosystem.learners import learner_of
from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import State, below
from ecosystem.measures.groups import worst_served
from ecosystem.scenario.scenario import Scenario
from ecosystem.threads import one_thread
from ecosystem.users.crowd import Crowd, Demand
from ecosystem.users.population import Population
from ecosystem.users.teaching import Teaching
from ecosystem.world.agents import Cohort, ModelAgent, User
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.readings import Readings
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
    models : list of ModelAgent
        The models, in the order of the scenario.
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

    _readings: Readings | None

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        if scenario.sweep is not None:
            raise EcosystemError("an Ecosystem is one run; give it a variant of the scenario, without a sweep")
        with uncollected():
            self._build([blueprint(scenario, seed)])

    @classmethod
    def together(cls, worlds: Sequence[Blueprint]) -> Ecosystem:
        """Return one object that holds several worlds of equal shape."""
        made = cls.__new__(cls)
        with uncollected():
            made._build(worlds)
        return made

    @classmethod
    def resume(cls, worlds: Sequence[Blueprint], round_: int, saved: Sequence[Mapping[str, Tensor]]) -> Ecosystem:
        """Return one object that holds several worlds of equal shape, which go on after some round.

        Parameters
        ----------
        worlds : sequence of Blueprint
            As for `together`.
        round_ : int
            How many rounds each has run.
        saved : sequence of mapping
            What `checkpoint` gave of each.
        """
        made = cls.__new__(cls)
        with uncollected():
            made._build(worlds, round_, saved)
        return made

    def checkpoint(self, world: int) -> dict[str, Tensor]:
        """Return all that decides a world's further rounds, beside its blueprint and round, by name; for `resume`."""
        saved = {f"state.{name}": tensor for name, tensor in self.learner.save(self.state).items()}
        if self.crowd is not None:
            saved |= {f"users.{name}": tensor for name, tensor in vars(self.crowd).items()}
        if self._teaching is not None and self._teaching.first is not None:
            saved["first"] = self._teaching.first
        return {name: tensor[world] for name, tensor in saved.items()}

    def _build(self, worlds: Sequence[Blueprint], round_: int = 0, saved: Sequence[Mapping[str, Tensor]] = ()) -> None:
        super().__init__(rng=worlds[0].seed)
        self._ahead, now = list(zip(*(world.later for world in worlds), strict=True)), worlds
        while self._ahead and self._ahead[0][0][0] < round_:
            now = [world for _, world in self._ahead.pop(0)]
        self.batch = Batch(now)
        self.learner = learner_of(self.batch)
        parts = (
            {name: torch.stack([one[name] for one in saved]).to(self.batch.device) for name in saved[0]}
            if saved
            else {}
        )
        self.state = self.learner.load(round_, below("state.", parts)) if saved else self.learner.start()
        self.population = Population(self.batch) if worlds[0].groups is not None else None
        self.crowd, self._teaching = None, None
        if self.population is not None:
            self.crowd = Crowd(**below("users.", parts)) if saved else self.population.start(self.state.p)
            self._teaching = Teaching(self.batch, self.population, parts.get("first"))
        self.world = 0
        self._graph: nx.DiGraph[str] | None = None
        names = list(worlds[0].names)
        self.models: list[ModelAgent] = list(ModelAgent.create_agents(self, len(names), names, list(range(len(names)))))
        if self.population is not None:
            groups = list(self.population.names)
            Cohort.create_agents(self, len(groups), groups, list(range(len(groups))))
            if worlds[0].scenario.users is not None and worlds[0].scenario.users.individuals:
                users = self.population.groups.user_names
                User.create_agents(self, len(users), users, list(range(len(users))))
        self._looks = 0
        self._forget()
        self.running = True

    def let_go(self) -> None:
        """Forget everything, for good: agents and model know each other, and would wait for the garbage collector."""
        self.__dict__.clear()

    def step(self) -> None:
        """Run one round: users ask; models write, are curated, exchange and are trained; users respond."""
        with one_thread():
            if self._ahead and self._ahead[0][0][0] == self.round:
                self._enter([world for _, world in self._ahead.pop(0)])
            round_ = self.round
            self.state = self.learner.step(self.state, self.lessons)
            if self.population is not None and self.crowd is not None:
                self.crowd = self.population.respond(self.crowd, self.state.p, round_)
        self._forget()

    def put(self, state: State, crowd: Crowd | None) -> None:
        """Put all worlds into a state, from which the next round goes on."""
        self.state, self.crowd = state, crowd
        self._forget()

    def _enter(self, worlds: Sequence[Blueprint]) -> None:
        """Go on with other settings: what models write, and who and where users are, stays."""
        self.batch = Batch(worlds)
        self.learner = learner_of(self.batch)
        self.state = self.learner.take_over(self.state)
        if self.population is not None and self.crowd is not None and self._teaching is not None:
            self.population = Population(self.batch)
            self.crowd = self.population.take_over(self.crowd, self.state.p)
            self._teaching = Teaching(self.batch, self.population, self._teaching.first)
        self._graph = None
        self._forget()

    @property
    def pending(self) -> bool:
        """Whether events are still to come."""
        return bool(self._ahead)

    @property
    def now(self) -> Readings:
        """What can be read off the worlds as they are now."""
        if self._readings is None:
            self._readings = Readings(self.batch, self.learner, self.state, self.population, self.crowd)
        return self._readings

    @property
    def demand(self) -> Demand:
        """What users ask of the models now; without users all contexts count alike."""
        return self.now.demand

    def measure(self, name: str, models: Tensor | None = None) -> Tensor:
        """Return one quantity of every model now, ``[worlds, models]``, or of some; that of all is computed once."""
        return self.measures([name], models)[name]

    def measures(self, names: Sequence[str], models: Tensor | None = None) -> dict[str, Tensor]:
        """Return several quantities, which costs less than one after another; see `measure`."""
        return self.now.measures(names, models)

    def group_values(self) -> dict[str, Tensor]:
        """Return the columns of the table `groups` now, ``[worlds, groups]`` each; nothing without users."""
        return self.now.group_values

    @property
    def lessons(self) -> Demand:
        """What training sets are made of now: what users ask, but for what a remedy changes in it."""
        if self._teaching is None or self.crowd is None:
            return self.demand
        lessons = self._teaching.lessons(self.demand, self.crowd)
        if self.learner.remedy is None or not self.learner.remedy.finds:
            return lessons
        return replace(lessons, worst=worst_served(self.group_values()))

    @property
    def round(self) -> int:
        """How many rounds have been run."""
        return self.state.round

    @property
    def graph(self) -> nx.DiGraph[str]:
        """The network as it is now; an edge j → i says that i learns from j. Nodes carry their `agent`.

        It is made when it is first looked at: a round needs arrays only.
        """
        if self._graph is None:
            self._graph = nx.DiGraph(self.batch.worlds[0].graph)
            for agent in self.models:
                self._graph.nodes[agent.name]["agent"] = agent
        return self._graph

    @property
    def cohorts(self) -> list[Cohort]:
        """The groups of users, in the order of the scenario."""
        return [agent for agent in self.agents if isinstance(agent, Cohort)]

    @property
    def users(self) -> list[User]:
        """The users, group by group, where they are individuals."""
        return [agent for agent in self.agents if isinstance(agent, User)]

    @property
    def blueprint(self) -> Blueprint:
        """Settings of the selected world."""
        return self.batch.worlds[self.world]

    def looking(self, index: int) -> np.random.Generator:
        """Return a generator for a look at a model, one that moves nothing else."""
        self._looks += 1
        return stream(self.blueprint.seed, f"look.{index}", self.round, self._looks)

    def restart(self, worlds: Tensor) -> None:
        """Put some worlds, ``[worlds]`` true or false, back to what they were before the first round."""

        def chosen(fresh: Tensor, now: Tensor) -> Tensor:
            return torch.where(worlds.reshape(-1, *[1] * (now.dim() - 1)), fresh, now)

        self.state = self.learner.restarted(self.state, worlds)
        if self.population is not None and self.crowd is not None:
            crowd = self.population.start(self.batch.initial)
            names = [field.name for field in fields(crowd)]
            self.crowd = Crowd(**{name: chosen(getattr(crowd, name), getattr(self.crowd, name)) for name in names})
        self._forget()

    def _forget(self) -> None:
        """Drop what was computed of the state before."""
        self._readings = None
