"""The round of an ecosystem told agent by agent: categorical outputs, no users (see `society`), nothing clever."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mesa
import numpy as np
from numpy.typing import NDArray

from .choice import METHODS, Vector, chances_to_win, draw, draw_kept

KINDS = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated", "users")


@dataclass(frozen=True, eq=False)
class PlainCuration:
    """Of `candidates` outputs one is kept; `reward` is [contexts, outputs]."""

    method: str
    candidates: float
    temperature: float
    reward: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlainModel:
    """One model; `real`, `initial` and `reward` (the one it is evaluated by) are [contexts, outputs]."""

    name: str
    reward: NDArray[np.float64] | None
    real: NDArray[np.float64]
    initial: NDArray[np.float64]
    diet: Mapping[str, float]
    curation: PlainCuration | None = None


@dataclass(frozen=True, eq=False)
class PlainEdge:
    """`target` learns from what `source` wrote, through a row-stochastic `channel` [outputs, outputs]."""

    source: str
    target: str
    weight: float = 1.0
    channel: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class PlainSetup:
    """A whole ecosystem in numbers; `examples`, `smoothing` and `pool` are of the sampled mode only."""

    outputs: int
    contexts: int
    models: Sequence[PlainModel]
    edges: Sequence[PlainEdge] = ()
    regime: str = "retrain"
    rate: float = 1.0
    sharing: float = 0.0
    corpus: str | tuple[str, int] = "replace"
    order: str = "synchronous"
    mode: str = "exact"
    examples: int | None = None
    smoothing: float = 0.0
    pool: int | None = None

    def __post_init__(self) -> None:
        _one_of("regime", self.regime, ("retrain", "incremental"))
        _one_of("order", self.order, ("synchronous", "sequential"))
        _one_of("mode", self.mode, ("exact", "sampled"))
        _one_of("corpus", self.corpus if isinstance(self.corpus, str) else self.corpus[0], _CORPORA)
        if self.mode == "sampled" and self.examples is None:
            raise ValueError("examples: sampled mode needs a count (got None)")
        for model in self.models:
            for kind in model.diet:
                _one_of(f"{model.name}: diet", kind, KINDS)
            if model.curation is not None:
                _one_of(f"{model.name}: method", model.curation.method, METHODS)
            elif model.diet.get("curated", 0.0) > 0.0:
                raise ValueError(f"{model.name}: diet: `curated` needs a curation (got None)")


class PlainEcosystem(mesa.Model):
    """The models of a `PlainSetup`, in its order; `seed` moves sampled mode only."""

    def __init__(self, setup: PlainSetup, seed: int = 0) -> None:
        super().__init__(rng=seed)
        self.setup = setup
        self.members = {settings.name: self.member(settings) for settings in setup.models}

    def member(self, settings: PlainModel) -> PlainAgent:
        """The agent of a model."""
        return PlainAgent(self, settings)

    def step(self) -> None:
        """One round: every model reads the p_t of the others, or (sequential) what they are by then."""
        agents = list(self.members.values())
        for agent in agents:
            agent.write()
        if self.setup.order == "synchronous":
            learned = [agent.learn() for agent in agents]
            for agent, p in zip(agents, learned, strict=True):
                agent.p = p
        else:
            for agent in agents:
                agent.p = agent.learn()
                agent.write()

    def run(self, rounds: int) -> list[dict[str, object]]:
        """Rows of rounds 0 (now) to `rounds`."""
        rows = self.rows()
        for _ in range(rounds):
            self.step()
            rows += self.rows()
        return rows

    def rows(self) -> list[dict[str, object]]:
        """One row a model: round, model, alignment, reward_variance, entropy."""
        return [
            {
                "round": self.steps,
                "model": agent.settings.name,
                "alignment": agent.alignment(),
                "reward_variance": agent.reward_variance(),
                "entropy": agent.entropy(),
            }
            for agent in self.members.values()
        ]


class PlainAgent(mesa.Agent):
    """One model: `p` [contexts, outputs], its corpus, and the pools it wrote this round."""

    model: PlainEcosystem

    def __init__(self, model: PlainEcosystem, settings: PlainModel) -> None:
        super().__init__(model)
        self.setup = model.setup
        self.settings = settings
        self.incoming = [e for e in self.setup.edges if e.target == settings.name and e.weight > 0.0]
        self.p = np.array(settings.initial, dtype=np.float64)
        self.corpus: list[NDArray[np.float64]] = []
        self.pools: dict[str, list[Vector]] = {}

    # Learn

    def learn(self) -> NDArray[np.float64]:
        """p⁺[c] = (1−η) S[c] + η·corpus[c], each row renormalised; a row without mass keeps p_t[c]."""
        self.corpus.append(self.shared(self.data()))
        corpus = self.remembered()
        start = self.p if self.setup.regime == "incremental" else self.settings.initial
        learned = np.zeros_like(self.p)
        for c in range(self.setup.contexts):
            row = (1.0 - self.setup.rate) * start[c] + self.setup.rate * corpus[c]
            total = math.fsum(row)
            learned[c] = row / total if total > 0.0 else self.p[c]
        return learned

    def shared(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        """D̃[c] = (1−τ) D[c] + τ Σ_c' v[c'] D[c'], v uniform."""
        contexts, sharing = self.setup.contexts, self.setup.sharing
        everything = sum((data[c] / contexts for c in range(contexts)), start=np.zeros(self.setup.outputs))
        return np.array([(1.0 - sharing) * data[c] + sharing * everything for c in range(contexts)])

    def remembered(self) -> NDArray[np.float64]:
        """What the corpus holds: the last D̃, the mean of all, or the mean of the last n."""
        if self.setup.corpus == "replace":
            held = self.corpus[-1:]
        elif self.setup.corpus == "accumulate":
            held = self.corpus
        else:
            held = self.corpus[-int(self.setup.corpus[1]) :]
        return sum(held, start=np.zeros_like(self.p)) / len(held)

    def data(self) -> NDArray[np.float64]:
        """D [contexts, outputs]: the mixture itself (exact), or the empirical one of `examples` draws."""
        contexts = range(self.setup.contexts)
        if self.setup.mode == "exact":
            return np.array([self.mixture(c) for c in contexts])
        numbers = self.contexts_of(self.setup.examples or 0)
        return np.array([self.empirical(c, numbers[c]) for c in contexts])

    def contexts_of(self, draws: int) -> list[int]:
        """How many of `draws` fall in each context: each picks its context from v, uniform."""
        numbers = [0] * self.setup.contexts
        for _ in range(draws):
            numbers[int(self.rng.integers(self.setup.contexts))] += 1
        return numbers

    def shares(self, existing: Sequence[str]) -> dict[str, float]:
        """The diet over the kinds of source that exist, in proportion; empty if none is left."""
        left = {kind: share for kind, share in self.settings.diet.items() if share > 0.0 and kind in existing}
        total = math.fsum(left.values())
        return {kind: share / total for kind, share in left.items()}

    def existing(self) -> list[str]:
        """The kinds of source there are: neighbours only where there is an edge in."""
        return [kind for kind in KINDS if self.incoming or not kind.startswith("neighbours")]

    # Exact mode

    def mixture(self, c: int) -> Vector:
        """D[c], the diet's mixture of its sources; p_t[c] if there is none."""
        shares = self.shares(self.existing())
        if not shares:
            return np.array(self.p[c])
        mixed = np.zeros(self.setup.outputs)
        for kind, share in shares.items():
            mixed += share * self.source(kind, c)
        return mixed

    def source(self, kind: str, c: int) -> Vector:
        """The distribution of one kind of source in context c, neighbours as Σ_j w_j T_j(·) with Σ w = 1."""
        if kind == "real":
            return np.array(self.settings.real[c])
        if not kind.startswith("neighbours"):
            return self.written(kind, c)
        total = math.fsum(edge.weight for edge in self.incoming)
        mixed = np.zeros(self.setup.outputs)
        for edge in self.incoming:
            mixed += edge.weight / total * _through(edge, self.model.members[edge.source].written(kind, c))
        return mixed

    def written(self, kind: str, c: int) -> Vector:
        """p[c], or H[c] where `kind` is curated and this model has a curator."""
        kept = self.settings.curation
        if kept is None or not kind.endswith("curated"):
            return np.array(self.p[c])
        return chances_to_win(self.p[c], kept.reward[c], kept.candidates, kept.method, kept.temperature)

    # Sampled mode

    def empirical(self, c: int, number: int) -> Vector:
        """D̂[c] = (counts + s)/(n_c + s·outputs), s the smoothing; 0 if n_c = 0; p_t[c] if no source."""
        pooling = self.setup.pool is not None
        shares = self.shares(self.existing_in_pools(c) if pooling else self.existing())
        if not shares:
            return np.array(self.p[c])
        if number == 0:
            return np.zeros(self.setup.outputs)
        count = self.count_pooled if pooling else self.count_drawn
        counts = count(c, number, shares)
        smoothing = self.setup.smoothing
        return (counts + smoothing) / (number + smoothing * self.setup.outputs)

    def count_drawn(self, c: int, number: int, shares: Mapping[str, float]) -> Vector:
        """How often each output is drawn: each example picks its source, which writes one output."""
        counts = np.zeros(self.setup.outputs)
        kinds = list(shares)
        for _ in range(number):
            kind = kinds[draw(self.rng, shares.values())]
            counts[self.draw_from(kind, c)] += 1.0
        return counts

    def draw_from(self, kind: str, c: int) -> int:
        """One output of one kind of source; a neighbour is picked by edge weight, and its channel passed."""
        if kind == "real":
            return draw(self.rng, self.settings.real[c])
        if not kind.startswith("neighbours"):
            return self.draw_written(kind, c)
        edge = self.incoming[draw(self.rng, [edge.weight for edge in self.incoming])]
        output = self.model.members[edge.source].draw_written(kind, c)
        return output if edge.channel is None else draw(self.rng, edge.channel[output])

    def draw_written(self, kind: str, c: int) -> int:
        """One output as generated, or as kept where `kind` is curated and this model has a curator."""
        kept = self.settings.curation
        if kept is None or not kind.endswith("curated"):
            return draw(self.rng, self.p[c])
        return draw_kept(self.rng, self.p[c], kept.reward[c], kept.candidates, kept.method, kept.temperature)

    # Sampled mode, pools

    def write(self) -> None:
        """Write `pool` outputs as generated and as many as kept, all contexts together, for all readers."""
        if self.setup.mode == "exact" or self.setup.pool is None:
            return
        for kind in ("raw",) if self.settings.curation is None else ("raw", "curated"):
            numbers = self.contexts_of(self.setup.pool)
            self.pools[kind] = [np.zeros(self.setup.outputs) for _ in numbers]
            for c, number in enumerate(numbers):
                for _ in range(number):
                    self.pools[kind][c][self.draw_written(kind, c)] += 1.0

    def existing_in_pools(self, c: int) -> list[str]:
        """The kinds of source that have something to read in context c."""
        return [kind for kind in self.existing() if kind == "real" or self.pooled(kind, c) is not None]

    def pooled(self, kind: str, c: int) -> Vector | None:
        """The empirical distribution of a pooled kind in context c; None if none was written there."""
        if not kind.startswith("neighbours"):
            return self.written_pool(kind, c)
        present = []
        for edge in self.incoming:
            written = self.model.members[edge.source].written_pool(kind, c)
            if written is not None:
                present.append((edge.weight, _through(edge, written)))
        if not present:
            return None
        total = math.fsum(weight for weight, _ in present)
        mixed = np.zeros(self.setup.outputs)
        for weight, passed in present:
            mixed += weight / total * passed
        return mixed

    def written_pool(self, kind: str, c: int) -> Vector | None:
        """What this model wrote in context c, as a distribution; raw outputs where it has no curator."""
        curated = kind.endswith("curated") and self.settings.curation is not None
        counts = self.pools["curated" if curated else "raw"][c]
        total = math.fsum(counts)
        return counts / total if total > 0.0 else None

    def count_pooled(self, c: int, number: int, shares: Mapping[str, float]) -> Vector:
        """Each example picks its kind; a `real` one is drawn, another counts as the average of its pool."""
        counts = np.zeros(self.setup.outputs)
        kinds = list(shares)
        pools = {kind: self.pooled(kind, c) for kind in kinds if kind != "real"}
        for _ in range(number):
            pool = pools.get(kinds[draw(self.rng, shares.values())])
            if pool is None:
                counts[draw(self.rng, self.settings.real[c])] += 1.0
            else:
                counts += pool
        return counts

    # Measures

    def alignment(self) -> float | None:
        """Mean over contexts of E_p r."""
        reward = self.settings.reward
        if reward is None:
            return None
        return _mean([_expectation(p, r) for p, r in zip(self.p, reward, strict=True)])

    def reward_variance(self) -> float | None:
        """Mean over contexts of Var_p r."""
        reward = self.settings.reward
        if reward is None:
            return None
        return _mean([_expectation(p, (r - _expectation(p, r)) ** 2) for p, r in zip(self.p, reward, strict=True)])

    def entropy(self) -> float:
        """Mean over contexts of −Σ p log p, in nats."""
        return _mean([-math.fsum(mass * math.log(mass) for mass in p if mass > 0.0) for p in self.p])


_CORPORA = ("replace", "accumulate", "window")


def _through(edge: PlainEdge, written: Vector) -> Vector:
    return written if edge.channel is None else np.asarray(written @ edge.channel)


def _expectation(p: Vector, values: Vector) -> float:
    return math.fsum(mass * value for mass, value in zip(p, values, strict=True))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{field}: expected one of {tuple(allowed)} (got {value!r})")
