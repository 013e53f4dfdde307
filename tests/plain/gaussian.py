"""The round of an ecosystem told agent by agent: Gaussian outputs, no users, nothing clever.

A model is a mean and a covariance for each context. It reads a scenario's numbers as they stand in YAML.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import ndtr

Array = NDArray[np.float64]

STEEPEST = 5.0
"""The largest deviation of reward over temperature for which finitely many candidates are enumerated."""


@dataclass(frozen=True, eq=False)
class Law:
    """A normal law, or what is known of one: of weight 0 where nothing is."""

    mean: Array
    covariance: Array
    weight: float = 1.0

    @functools.cached_property
    def root(self) -> Array:
        values, vectors = np.linalg.eigh(self.covariance)
        return vectors * np.sqrt(np.maximum(values, 0.0))

    def draw(self, rng: np.random.Generator) -> Array:
        return self.mean + self.root @ rng.standard_normal(len(self.mean))


def mixture(parts: Iterable[tuple[float, Law]]) -> Law:
    """The Gaussian of the mixture's mean and covariance: Σ w (S + (m − m̄)(m − m̄)ᵀ)."""
    weighed = [(share * law.weight, law) for share, law in parts]
    first = weighed[0][1]
    total = math.fsum(weight for weight, _ in weighed)
    if total == 0.0:
        return Law(first.mean, first.covariance, 0.0)
    mean = sum(weight * law.mean for weight, law in weighed) / total
    spread = sum(w * (law.covariance + np.outer(law.mean - mean, law.mean - mean)) for w, law in weighed) / total
    return Law(np.asarray(mean), np.asarray(spread), total)


@dataclass(frozen=True, eq=False)
class Reward:
    """r(x) = linear·x − (curvature/2)‖x − centre‖²."""

    linear: Array
    curvature: float
    centre: Array

    def of(self, x: Array) -> float:
        away = x - self.centre
        return float(self.linear @ x - self.curvature / 2 * away @ away)

    def mean(self, law: Law) -> float:
        return self.of(law.mean) - self.curvature / 2 * float(np.trace(law.covariance))

    def variance(self, law: Law) -> float:
        """Of the sum of its linear part at the mean and its quadratic part, which do not covary."""
        slope = self.linear - self.curvature * (law.mean - self.centre)
        quadratic = self.curvature**2 / 2 * np.trace(law.covariance @ law.covariance)
        return float(slope @ law.covariance @ slope + quadratic)


# What a curator keeps


def tilted(law: Law, reward: Reward, temperature: float) -> Law:
    """K = inf: the density times e^{r/T}, completed to a square along each axis of the covariance."""
    values, axes = np.linalg.eigh(law.covariance)
    k = reward.curvature / temperature
    slope = axes.T @ (reward.linear / temperature + k * reward.centre)
    shrunk = values / (1 + k * values)
    mean = (axes.T @ law.mean + values * slope) / (1 + k * values)
    return Law(axes @ mean, (axes * shrunk) @ axes.T)


_tilted_once = functools.lru_cache(maxsize=64)(tilted)


def kept_of(law: Law, reward: Reward, candidates: float, temperature: float, method: str) -> Law:
    """What is kept of `candidates` draws; a finite number wants a linear reward."""
    if candidates == 1:
        return law
    if candidates == math.inf:
        return tilted(law, reward, temperature)
    if reward.curvature != 0:
        raise ValueError("curvature: finitely many candidates want a linear reward")
    direction = law.covariance @ reward.linear
    deviation = math.sqrt(max(float(direction @ reward.linear), 0.0))
    if deviation == 0.0:
        return law
    best = method == "best_of" or temperature == 0
    score = largest_of(int(candidates)) if best else kept_score(deviation / temperature, int(candidates))
    mean, variance = score
    along = direction / deviation
    return Law(law.mean + along * mean, law.covariance + np.outer(along, along) * (variance - 1))


def kept_score(beta: float, candidates: int) -> tuple[float, float]:
    """Mean and variance of z as kept: all candidates on a grid, each with its chance e^{βz}/Σ e^{βz}."""
    if beta > STEEPEST:
        raise OverflowError(f"beta: a grid of all candidates is too fine (got {beta})")
    step = min(0.5, 0.7 / beta)
    z = np.arange(-math.ceil(8.5 / step), math.ceil(8.5 / step) + 1) * step
    density = np.exp(-z * z / 2)
    density /= density.sum()
    one = (len(z),) + (1,) * (candidates - 1)
    appeal, others, weight = np.exp(beta * z).reshape(one), np.zeros([1] * candidates), np.ones([1] * candidates)
    for axis in range(candidates):
        shape = [len(z) if axis == other else 1 for other in range(candidates)]
        others = others + np.exp(beta * z).reshape(shape)
        weight = weight * density.reshape(shape)
    chance = candidates * (weight * appeal / others).reshape(len(z), -1).sum(-1)  # that a candidate z is kept
    mean = float(chance @ z)
    return mean, float(chance @ (z - mean) ** 2)


@functools.lru_cache
def largest_of(candidates: int) -> tuple[float, float]:
    """Mean and variance of the largest of K standard normal draws, of density K φ Φ^(K−1)."""

    def moment(power: int) -> float:
        def integrand(z: float) -> float:
            return z**power * candidates * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * ndtr(z) ** (candidates - 1)

        return float(quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-13, limit=200)[0])

    mean = moment(1)
    return mean, moment(2) - mean**2


@dataclass(frozen=True, eq=False)
class Curator:
    """Of `candidates` outputs one is kept by one of several rewards, or (what is left to 1) at random."""

    method: str
    candidates: float
    temperature: float
    rewards: Sequence[tuple[float, Sequence[Reward]]]

    def keep(self, law: Law, context: int) -> Law:
        parts = [
            (weight, kept_of(law, rows[context], self.candidates, self.temperature, self.method))
            for weight, rows in self.rewards
        ]
        return mixture([*parts, (1 - math.fsum(weight for weight, _ in self.rewards), law)])

    def draw(self, law: Law, context: int, rng: np.random.Generator) -> Array:
        left = rng.random()
        for weight, rows in self.rewards:
            if left < weight:
                return self._chosen(law, rows[context], rng)
            left -= weight
        return law.draw(rng)

    def _chosen(self, law: Law, reward: Reward, rng: np.random.Generator) -> Array:
        if self.candidates == math.inf:
            return _tilted_once(law, reward, self.temperature).draw(rng)
        drawn = [law.draw(rng) for _ in range(int(self.candidates))]
        values = [reward.of(x) for x in drawn]
        best = max(values)
        if self.method == "best_of" or self.temperature == 0:
            return drawn[values.index(best)]
        return drawn[pick(rng, [math.exp((value - best) / self.temperature) for value in values])]


def pick(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """One index, with probability proportional to its weight."""
    left = rng.random() * math.fsum(weights)
    for index, weight in enumerate(weights):
        if left < weight:
            return index
        left -= weight
    return max(index for index, weight in enumerate(weights) if weight > 0)


# The ecosystem


class PlainGaussians:
    """The models of a scenario, in its order; `seed` moves sampled mode only."""

    def __init__(self, written: Mapping[str, Any], seed: int = 0) -> None:
        self.learning = {"regime": "retrain", "rate": 1.0, "sharing": 0.0, "corpus": "replace"}
        self.learning |= {"order": "synchronous", "covariance": "learned", **written.get("learning", {})}
        self.sampled = written.get("mode", "exact") == "sampled"
        self.contexts = written["outputs"].get("contexts", 1)
        self.rng = np.random.default_rng(seed)
        self.members = {model["name"]: Agent(self, written, model) for model in written["models"]}

    def step(self) -> None:
        """One round: every model reads the others as they were, or (sequential) as they are by then."""
        agents = list(self.members.values())
        if self.learning["order"] == "synchronous":
            for agent, laws in zip(agents, [agent.learn() for agent in agents], strict=True):
                agent.laws = laws
        else:
            for agent in agents:
                agent.laws = agent.learn()


class Agent:
    """One model: its `laws`, one a context, and the D̃ of every round so far."""

    def __init__(self, world: PlainGaussians, written: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        d, contexts = written["outputs"]["dimension"], world.contexts
        standard = {"mean": [0.0] * d, "covariance": 1.0}
        self.world, self.diet = world, model["diet"]
        self.real = _laws(model.get("real", written.get("real", standard)), d, contexts)
        self.initial = _laws(model["initial"], d, contexts) if "initial" in model else self.real
        self.laws = self.initial
        self.reward = _rewards(written, model.get("reward"), d, contexts)
        self.curator = _curator(written, model, d, contexts)
        edges = [edge for edge in written.get("network", {}).get("edges", ()) if edge["to"] == model["name"]]
        self.incoming = [(edge["from"], edge.get("weight", 1.0), *_channel(edge, d)) for edge in edges]
        self.shares = self.fed()
        self.corpus: list[list[Law]] = []

    def learn(self) -> list[Law]:
        """p⁺[c] = (1−η) S[c] + η·corpus[c]; a context that learned nothing keeps what it has."""
        learning = self.world.learning
        self.corpus.append(self.shared([self.data(c) for c in range(self.world.contexts)]))
        held, starts = self.remembered(), self.laws if learning["regime"] == "incremental" else self.initial
        learned = []
        for c, (start, corpus) in enumerate(zip(starts, held, strict=True)):
            found = mixture([(1 - learning["rate"], start), (learning["rate"], corpus)])
            law = self.laws[c] if found.weight == 0 else Law(found.mean, found.covariance)
            fixed = learning["covariance"] == "fixed"
            learned.append(Law(law.mean, self.initial[c].covariance) if fixed else law)
        return learned

    def data(self, c: int) -> Law:
        """D[c]: the mixture itself, or the mean and covariance of this round's examples."""
        if not self.shares:
            return self.laws[c]
        if not self.world.sampled:
            return mixture([(share, self.source(kind, c)) for kind, share in self.shares.items()])
        if c == 0:
            self.numbers = self.world.rng.multinomial(
                self.world.learning["examples"], np.full(self.world.contexts, 1 / self.world.contexts)
            )
        if self.numbers[c] == 0:
            return Law(self.laws[c].mean, self.laws[c].covariance, 0.0)
        drawn = np.array([self.example(c) for _ in range(self.numbers[c])])
        away = drawn - drawn.mean(0)
        return Law(drawn.mean(0), away.T @ away / len(drawn))

    def fed(self) -> dict[str, float]:
        """The diet over the kinds of source that exist, in proportion; empty if none is left."""
        left = {
            kind: share
            for kind, share in self.diet.items()
            if share > 0 and (self.incoming or not kind.startswith("neighbours"))
        }
        return {kind: share / math.fsum(left.values()) for kind, share in left.items()}

    def source(self, kind: str, c: int) -> Law:
        """What one kind of source is in context c; neighbours are split by weight, then pass their channels."""
        if kind == "real":
            return self.real[c]
        if not kind.startswith("neighbours"):
            return self.written(kind, c)
        total = math.fsum(weight for _, weight, _, _ in self.incoming)
        parts = []
        for name, weight, a, b in self.incoming:
            law = self.world.members[name].written(kind, c)
            parts.append((weight / total, Law(a @ law.mean + b, a @ law.covariance @ a.T)))
        return mixture(parts)

    def written(self, kind: str, c: int) -> Law:
        """This model's outputs as written, or as kept where `kind` is curated and it has a curator."""
        curated = kind.endswith("curated") and self.curator is not None
        return self.curator.keep(self.laws[c], c) if curated and self.curator else self.laws[c]

    def example(self, c: int) -> Array:
        """One example: its source by the diet, its author by edge weight, a choice among K, then the channel."""
        rng = self.world.rng
        kind = list(self.shares)[pick(rng, list(self.shares.values()))]
        if kind == "real":
            return self.real[c].draw(rng)
        if not kind.startswith("neighbours"):
            return self.draw(kind, c)
        name, _, a, b = self.incoming[pick(rng, [weight for _, weight, _, _ in self.incoming])]
        return np.asarray(a @ self.world.members[name].draw(kind, c) + b)

    def draw(self, kind: str, c: int) -> Array:
        if kind.endswith("curated") and self.curator is not None:
            return self.curator.draw(self.laws[c], c, self.world.rng)
        return self.laws[c].draw(self.world.rng)

    def shared(self, data: Sequence[Law]) -> list[Law]:
        """D̃[c] = (1−τ) D[c] + τ Σ_c' v[c'] D[c'], v uniform."""
        tau, contexts = self.world.learning["sharing"], self.world.contexts
        return [mixture([(1 - tau, law), *((tau / contexts, other) for other in data)]) for law in data]

    def remembered(self) -> list[Law]:
        """What the corpus holds: the last D̃, the mean of all, or the mean of the last n."""
        kind = self.world.learning["corpus"]
        held = {"replace": 1, "accumulate": len(self.corpus)}.get(kind) if isinstance(kind, str) else kind["window"]
        last = self.corpus[-int(held or 1) :]
        return [mixture([(1 / len(last), laws[c]) for laws in last]) for c in range(self.world.contexts)]

    # Measures

    def alignment(self) -> float:
        return float(np.mean([r.mean(law) for r, law in zip(self.reward, self.laws, strict=True)]))

    def reward_variance(self) -> float:
        return float(np.mean([r.variance(law) for r, law in zip(self.reward, self.laws, strict=True)]))


# From YAML


def _laws(written: Any, d: int, contexts: int) -> list[Law]:
    each = written if isinstance(written, list) else [written] * contexts
    return [Law(np.array(law["mean"], dtype=float), _covariance(law.get("covariance", 1.0), d)) for law in each]


def _covariance(written: Any, d: int) -> Array:
    array = np.array(written, dtype=float)
    return array if array.ndim == 2 else np.diag(np.full(d, array))


def _rewards(written: Mapping[str, Any], name: str | None, d: int, contexts: int) -> list[Reward]:
    found = {} if name is None else written["rewards"][name]
    return [
        Reward(
            np.array(row.get("linear", [0.0] * d), dtype=float),
            float(row.get("curvature", 0.0)),
            np.array(row.get("centre", [0.0] * d), dtype=float),
        )
        for row in (found if isinstance(found, list) else [found] * contexts)
    ]


def _curator(written: Mapping[str, Any], model: Mapping[str, Any], d: int, contexts: int) -> Curator | None:
    block = model.get("curation")
    if block is None:
        return None
    method = block.get("method", "luce")
    honest = block.get("reward", model.get("reward"))
    if method == "pluralistic":
        whole = math.fsum(block["rewards"].values())
        named = [(share / whole, name) for name, share in block["rewards"].items()]
    elif method == "adversarial":
        named = [(1 - block["attack"], honest), (block["attack"], block["attack_reward"])]
    else:
        named = [(1 - block.get("noise", 0.0), honest)]
    return Curator(
        method=method,
        candidates=float(block["candidates"]),
        temperature=block.get("temperature", 1.0),
        rewards=[(weight, _rewards(written, name, d, contexts)) for weight, name in named],
    )


def _channel(edge: Mapping[str, Any], d: int) -> tuple[Array, Array]:
    channel = edge.get("channel", {"matrix": np.eye(d)})
    return np.array(channel["matrix"], dtype=float), np.array(channel.get("offset", [0.0] * d), dtype=float)
