"""The ecosystem as a competent user would write it: a Mesa agent a model, samples drawn with NumPy.

Each agent draws its examples one source at a time: real data, own outputs, each neighbour's; a
curator really draws its K candidates for each example and keeps one by Luce choice.
"""

from __future__ import annotations

import mesa
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from ecosystem.world.blueprint import SOURCES, Blueprint

Array = NDArray[np.float64]


class PlainModel(mesa.Agent):
    """One model."""

    def __init__(self, model: mesa.Model, index: int, plan: Blueprint) -> None:
        super().__init__(model)
        self.p: Array = plan.initial[index].copy()
        self.real = plan.real[index]
        self.diet = dict(zip(SOURCES, plan.effective_diet[index], strict=True))
        self.curated = bool(plan.curated[index])
        self.reward = plan.rewards[plan.choice_reward[plan.choice_model == index][0], 0] if self.curated else None
        self.candidates = int(plan.candidates[index])
        self.temperature = float(plan.temperature[index])
        self.read: list[tuple[PlainModel, float]] = []

    def write(self, n: int, context: int) -> NDArray[np.int64]:
        """Outputs as generated."""
        return self.model.rng.choice(len(self.p[context]), size=n, p=self.p[context])

    def write_curated(self, n: int, context: int) -> NDArray[np.int64]:
        """Outputs as a curator kept them: the Gumbel trick makes the Luce choice of each row at once."""
        drawn = self.write(n * self.candidates, context).reshape(n, self.candidates)
        noisy = self.reward[drawn] / self.temperature + self.model.rng.gumbel(size=drawn.shape)
        return drawn[np.arange(n), noisy.argmax(1)]

    def learn(self, examples: int) -> Array:
        """Return the next distribution: what a finite training set looks like."""
        rng, contexts = self.model.rng, len(self.p)
        counts = rng.multinomial(examples, [1 / contexts] * contexts)
        learned = self.p.copy()
        for context, n in enumerate(counts):
            if n == 0:
                continue
            kinds = rng.multinomial(n, list(self.diet.values()))
            found = []
            for source, k in zip(self.diet, kinds, strict=True):
                if k == 0:
                    continue
                if source == "real":
                    found.append(rng.choice(len(self.real[context]), size=k, p=self.real[context]))
                elif source == "raw":
                    found.append(self.write(k, context))
                elif source == "curated":
                    found.append(self.write_curated(k, context))
                else:
                    parts = rng.multinomial(k, [weight for _, weight in self.read])
                    for (neighbour, _), part in zip(self.read, parts, strict=True):
                        if part and source == "neighbours_curated" and neighbour.curated:
                            found.append(neighbour.write_curated(part, context))
                        elif part:
                            found.append(neighbour.write(part, context))
            learned[context] = np.bincount(np.concatenate(found), minlength=learned.shape[1]) / n
        return learned


class PlainEcosystem(mesa.Model):
    """All models of a run."""

    def __init__(self, plan: Blueprint, examples: int, seed: int = 0) -> None:
        super().__init__(rng=seed)
        self.examples = examples
        self.members = [PlainModel(self, index, plan) for index in range(len(plan.names))]
        edges = plan.edges
        for source, target, share in zip(edges.source, edges.target, edges.share, strict=True):
            self.members[target].read.append((self.members[source], float(share)))
        self.graph: nx.DiGraph = plan.graph

    def step(self) -> None:
        """One round, all models at once."""
        learned = [member.learn(self.examples) for member in self.members]
        for member, p in zip(self.members, learned, strict=True):
            member.p = p
