"""One run as arrays: everything drawn, every default filled, every name a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from ecosystem.curators.buckets import Bucket, Choice, buckets
from ecosystem.garbage import uncollected
from ecosystem.outputs import space_of
from ecosystem.plugins.plugin import Plugin
from ecosystem.plugins.registry import within
from ecosystem.remedies.rewriting import fresh_share, learning_in_effect
from ecosystem.scenario.fields.drawn import DrawnOutputs
from ecosystem.scenario.fields.events import Ends
from ecosystem.scenario.fields.models import Diet
from ecosystem.scenario.fields.network import Edge
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.groups import Groups, groups_of
from ecosystem.world.network import Edges, build, edges_of, edited
from ecosystem.world.rewards import Rewards
from ecosystem.world.settings import (
    choices_of,
    distributions,
    kind_of,
    known_before,
    reward_numbers,
    settings_of,
    shared_real,
)

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

SOURCES = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated", "users")
"""The entries of a diet, in the order of every array that has one number a source."""


_DISCRETE = {"method", "candidates", "disadvantaged"}
"""Settings of a remedy that worlds of one batch share."""


def _shared(scenario: Scenario) -> str | None:
    """Return what worlds of one batch share of a remedy; of a plug-in, all."""
    remedy = scenario.remedy
    if isinstance(remedy, Plugin):
        return remedy.identity
    return None if remedy is None else remedy.model_dump_json(include=_DISCRETE)


@dataclass(frozen=True)
class Blueprint:
    """A run, ready to be built.

    Attributes
    ----------
    scenario, seed
        Where it comes from.
    names : tuple of str
        The models, in order.
    graph : networkx.DiGraph
        The interaction graph.
    edges : Edges
        The same as arrays.
    real, initial : ndarray
        ``[models, contexts, numbers]``
    diet : ndarray
        Shares as written, ``[models, sources]``, in the order of `SOURCES`.
    rewards : ndarray
        All rewards, named ones first, ``[rewards, contexts or 1, numbers]``.
    reward_names : tuple of str
        The named rewards.
    evaluation : ndarray
        Number of each model's evaluation reward, −1 for none, ``[models]``.
    curated : ndarray
        Which models have a `curation` block, ``[models]``.
    choice_model, choice_reward, choice_weight : ndarray
        Whose outputs are chosen among, by which reward, how often, ``[choices]``; what is left to 1
        of a model's weights is kept at random.
    choice_voice : ndarray
        The voice (one of `Groups.voices`) that makes a choice as often as its users ask, or `ALWAYS`, or
        `UNASKED`, ``[choices]``.
    candidates, temperature : ndarray
        K and T of each model's curator, ``[models]``.
    kinds : tuple
        Each model's kind of choice, None where nothing is chosen.
    by_context : tuple of bool
        Whether a reward differs from context to context, for each of `rewards`.
    groups : Groups, optional
        The users, None without any.
    later : tuple
        What the run becomes by events: from which round on, and how it is then.
    """

    scenario: Scenario
    seed: int
    names: tuple[str, ...]
    graph: nx.DiGraph[str]
    edges: Edges
    real: Array
    initial: Array
    diet: Array
    rewards: Array
    reward_names: tuple[str, ...]
    evaluation: Ints
    curated: NDArray[np.bool_]
    choice_model: Ints
    choice_reward: Ints
    choice_weight: Array
    choice_voice: Ints
    candidates: Array
    temperature: Array
    kinds: tuple[str | None, ...]
    by_context: tuple[bool, ...]
    groups: Groups | None = None
    later: tuple[tuple[int, Blueprint], ...] = ()

    @cached_property
    def _fed_diet(self) -> Array:
        diet = self.diet.copy()
        unread = ~self.edges.readable(len(self.names))
        for source in ("neighbours_raw", "neighbours_curated"):
            diet[unread, SOURCES.index(source)] = 0.0
        return diet

    @property
    def sourceless(self) -> NDArray[np.bool_]:
        """Which models have no source at all and so learn what they have, ``[models]``."""
        return self._fed_diet.sum(-1) == 0

    @property
    def effective_diet(self) -> Array:
        """Diets with the shares of missing in-neighbours split over the other sources, ``[models, sources]``.

        A model left without any source learns its own raw outputs.
        """
        diet = self._fed_diet.copy()
        diet[self.sourceless, SOURCES.index("raw")] = 1.0
        return diet / diet.sum(-1, keepdims=True)

    @cached_property
    def nodes(self) -> int:
        """Nodes of the Luce quadrature: enough for every curator of this run."""
        space = space_of(self.scenario)
        return max(
            (
                space.nodes(str(kind), self.rewards[reward_], self.candidates[model], self.temperature[model])
                for model, reward_ in zip(self.choice_model, self.choice_reward, strict=True)
                if (kind := self.kinds[model]) is not None
            ),
            default=0,
        )

    def buckets(self, models: NDArray[np.bool_] | None = None) -> tuple[Bucket, ...]:
        """Return the curators of some models (all by default), gathered."""
        chosen = []
        for number, (model, reward_) in enumerate(zip(self.choice_model, self.choice_reward, strict=True)):
            kind = self.kinds[model]
            if kind is not None and (models is None or models[model]):
                key = (int(reward_), float(self.candidates[model]), float(self.temperature[model]))
                chosen.append(Choice(number, int(model), kind, key, self.by_context[reward_]))
        return buckets(chosen, self.initial.shape[1])

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """What two runs must share to be worlds of one batch: sizes, graph, kinds, nodes, discrete settings."""
        scenario, learning = self.scenario, self.scenario.learning
        corpus = learning.corpus if isinstance(learning.corpus, str) else learning.corpus.model_dump_json()
        return (
            self.names,
            self.initial.shape,
            self.rewards.shape,
            self.reward_names,
            self.evaluation.tobytes(),
            self.nodes,
            tuple(bucket.signature for bucket in self.buckets()),
            self.curated.tobytes(),
            self.choice_voice.tobytes(),
            self.edges.source.tobytes(),
            self.edges.target.tobytes(),
            self.edges.channel.tobytes(),
            self.edges.channels.shape,
            (scenario.mode, scenario.precision, scenario.device),
            scenario.rounds if isinstance(scenario.rounds, int) else (scenario.rounds.max, scenario.rounds.tolerance),
            (learning.regime, corpus, learning.order, learning.covariance, learning.examples, learning.pool),
            learning.prompts,
            learning.learner.identity if isinstance(learning.learner, Plugin) else None,
            scenario.record,
            None if self.groups is None else self.groups.shape,
            _shared(scenario),
            self._craft_settings,
            tuple((round_, plan.shape) for round_, plan in self.later),
        )

    @property
    def drawn(self) -> bool:
        """Whether outputs are really drawn, by models that are really trained."""
        return isinstance(self.scenario.outputs, DrawnOutputs)

    @property
    def _craft_settings(self) -> tuple[object, ...]:
        """What worlds of one batch share where models are really trained: all that says how."""
        if not self.drawn:
            return ()
        scenario = self.scenario
        written = [block.model_dump_json() for block in (scenario.outputs, scenario.learning)]
        rewards = scenario.model_dump_json(include={"rewards", "remedy"})
        return (*written, rewards, self.candidates.max())


def blueprint(scenario: Scenario, seed: int) -> Blueprint:
    """Return a run of a scenario as arrays.

    Parameters
    ----------
    scenario : Scenario
        A variant, without a sweep.
    seed : int
        The run's seed.

    Raises
    ------
    EcosystemError
        A network or a choice of curated models that does not fit the models.
    """
    with uncollected(), within(scenario.scope):
        return _blueprint(scenario, seed)


def _blueprint(scenario: Scenario, seed: int) -> Blueprint:
    graph = build(scenario.network, scenario.model_names, seed, scenario.base)
    first = _of_phase(scenario, seed, graph)
    later, before = [], scenario
    for phase in scenario.phases:
        now = phase.scenario
        if now.network != before.network:
            graph = build(now.network, now.model_names, seed, now.base)
        before = now
        # p_0 stays what it was, though the real data may have changed.
        later.append((phase.round, replace(_of_phase(now, seed, graph, phase.edits), initial=first.initial)))
    return replace(first, later=tuple(later))


def _of_phase(scenario: Scenario, seed: int, drawn: nx.DiGraph[str], edits: Sequence[Ends | Edge] = ()) -> Blueprint:
    """Return a run as it is while the settings of a scenario hold.

    Who is curated is chosen in the network as drawn, and stays so when edges come and go.
    """
    fresh = fresh_share(scenario)
    scenario = scenario.model_copy(update={"learning": learning_in_effect(scenario)})
    space = space_of(scenario)
    names = tuple(scenario.model_names)
    graph = edited(drawn, edits)
    settings = settings_of(scenario, drawn, names, seed)
    rewards = Rewards(scenario.rewards, space)
    evaluation = reward_numbers([s.reward for s in settings], rewards, seed, "reward")
    curations = [s.curation for s in settings]
    named = [None if c is None else c.reward for c in curations]
    own = reward_numbers(named, rewards, seed, "curation.reward")
    shared = shared_real(scenario, space, seed)
    groups = None if scenario.users is None else groups_of(scenario, space, rewards, shared[0], names, seed)
    voters = [] if groups is None or scenario.users is None or not scenario.users.curate else groups.voices.tolist()
    choices = [
        (model, *choice)
        for model, curation in enumerate(curations)
        if curation is not None
        for choice in choices_of(curation, int(own[model] if own[model] >= 0 else evaluation[model]), rewards, voters)
    ]
    real = distributions([s.real for s in settings], shared, seed, "real", space)
    written = [known_before(s.initial, name, scenario, seed) for s, name in zip(settings, names, strict=True)]
    initial = distributions(written, real, seed, "initial", space)
    return Blueprint(
        scenario=scenario,
        seed=seed,
        names=names,
        graph=graph,
        edges=edges_of(graph, names, space),
        real=real,
        initial=initial,
        diet=_refreshed(_shares([s.diet for s in settings]), fresh),
        rewards=rewards.table(),
        reward_names=rewards.names,
        evaluation=evaluation,
        curated=np.array([c is not None for c in curations]),
        choice_model=np.array([choice[0] for choice in choices], dtype=np.int64),
        choice_reward=np.array([choice[1] for choice in choices], dtype=np.int64),
        choice_weight=np.array([choice[2] for choice in choices], dtype=np.float64),
        choice_voice=np.array([choice[3] for choice in choices], dtype=np.int64),
        candidates=np.array([1.0 if c is None else c.candidates for c in curations]),
        temperature=np.array([1.0 if c is None or c.temperature is None else c.temperature for c in curations]),
        kinds=tuple(None if c is None else kind_of(c, space) for c in curations),
        by_context=rewards.by_context(),
        groups=groups,
    )


def _shares(diets: Sequence[Diet]) -> Array:
    """Return shares as written, ``[models, sources]``; models of one entry have one diet."""
    rows = {
        number: [getattr(diet, source) for source in SOURCES]
        for number, diet in {id(diet): diet for diet in diets}.items()
    }
    return np.array([rows[id(diet)] for diet in diets])


def _refreshed(diet: Array, fresh: float) -> Array:
    """Return diets of which a share is fresh real data."""
    return diet if fresh == 0 else (1 - fresh) * diet + fresh * (np.array(SOURCES) == "real")
