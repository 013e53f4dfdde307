"""The round with users told group by group, or person by person: categorical outputs, nothing clever.

Models are those of `loop`, asked by users; it reads a scenario's numbers as they stand in YAML. Where users are
`sampled`, every one is a person with a model of its own, who asks, stays or leaves, and moves, by the dice.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .choice import Vector, chances_to_win, draw, draw_kept
from .loop import PlainAgent, PlainEcosystem, PlainModel
from .translate import translate

Array = NDArray[np.float64]
KINDS = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated", "users")


@dataclass
class Kind:
    """Users who are alike: a group, or one person with tastes of its own."""

    group: int
    size: float
    phi: Array
    reward: Array | None
    best: float
    patience: float
    data: Array
    alpha: Array
    """What part of its prompts each model gets."""
    alike: bool = False
    """Whether it likes and asks what the rest of its group does, and so is served as that is."""


@dataclass
class Person:
    """One user."""

    kind: int
    model: int


class Society(PlainEcosystem):
    """Models and users of a scenario without expressions, draws or counts.

    `kinds` may say who the users are, where that was drawn.
    """

    def __init__(self, written: Mapping[str, Any], seed: int = 0, kinds: Sequence[Kind] | None = None) -> None:
        self.written = written
        self.remedy: Mapping[str, Any] = written.get("remedy") or {}
        self.scores = {name: _rows(written, values) for name, values in written["outputs"].get("scores", {}).items()}
        super().__init__(translate(_without_users(written)), seed)
        users = written["users"]
        self.users: Mapping[str, Any] = users
        self.names = list(self.members)
        self.groups = [group["name"] for group in users["groups"]]
        self.kinds = [self.kind(index) for index in range(len(self.groups))] if kinds is None else list(kinds)
        self.rules = users.get("feedback", [{"method": "static"}])
        self.rules = self.rules if isinstance(self.rules, list) else [self.rules]
        self.sizes = [sum(k.size for k in self.kinds if k.group == g) for g in range(len(self.groups))]
        self.active = [k.size for k in self.kinds]
        self.people: list[Person] = []
        self.counted = users.get("mode", "expected") == "sampled"
        if self.counted:
            for number, kind in enumerate(self.kinds):
                for _ in range(round(kind.size)):
                    self.people.append(Person(number, draw(self.rng, kind.alpha)))
            self.count()
        self.meet()
        self.first_weights: dict[str, list[float]] | None = None

    def member(self, settings: PlainModel) -> PlainAgent:
        return AskedAgent(self, settings)

    def kind(self, index: int) -> Kind:
        group = self.written["users"]["groups"][index]
        contexts, models = group["contexts"], group.get("models") or self.names
        phi = _weights(contexts, range(self.setup.contexts))
        reward = _rows(self.written, self.written["rewards"][group["reward"]]) if "reward" in group else None
        best = group.get("best", float("nan") if reward is None else float(np.max(reward)))
        shared = self.written.get("real", [1 / self.setup.outputs] * self.setup.outputs)
        data = _rows(self.written, group.get("data", shared))
        return Kind(index, group["size"], phi, reward, best, 1.0, data, _weights(models, self.names))

    # Query

    def query(self) -> None:
        """V[k][i][c]: a·α·φ, or how many people of a kind ask a model in a context; then what training counts."""
        contexts, models = self.setup.contexts, len(self.names)
        self.asked = [[[0.0] * contexts for _ in range(models)] for _ in self.kinds]
        if self.counted:
            for person in self.people:
                c = draw(self.rng, self.kinds[person.kind].phi)
                self.asked[person.kind][person.model][c] += 1.0
        else:
            for k, kind in enumerate(self.kinds):
                for i in range(models):
                    for c in range(contexts):
                        self.asked[k][i][c] = self.active[k] * kind.alpha[i] * kind.phi[c]
        self.taught = self.reweighed() if self.remedy.get("method") == "reweighting" else self.asked
        weights = {name: self.weights_of(i) for i, name in enumerate(self.names)}
        if self.written.get("learning", {}).get("prompts") == "reused":
            self.first_weights = self.first_weights or weights
            weights = self.first_weights
        self.weights = weights
        self.worst = self.disadvantaged()

    def reweighed(self) -> list[list[list[float]]]:
        """a'_g = Σa · [(1 − s) a_g/Σa + s w_g], w over groups that have users."""
        active = self.by_group(self.active)
        wanted = self.remedy.get("weights", "equal")
        each = [
            1.0 if wanted == "equal" else self.sizes[g] if wanted == "population" else wanted.get(name, 0.0)
            for g, name in enumerate(self.groups)
        ]
        each = [weight if users > 0 else 0.0 for weight, users in zip(each, active, strict=True)]
        strength, total = self.remedy.get("strength", 1.0), math.fsum(active)
        if math.fsum(each) == 0 or total == 0:
            return self.asked
        whole = math.fsum(each)
        factor = [
            (total * ((1 - strength) * users / total + strength * weight / whole)) / users if users > 0 else 1.0
            for users, weight in zip(active, each, strict=True)
        ]
        return [
            [[volume * factor[kind.group] for volume in row] for row in rows]
            for kind, rows in zip(self.kinds, self.asked, strict=True)
        ]

    def volume(self, i: int, c: int) -> float:
        return math.fsum(rows[i][c] for rows in self.taught)

    def weights_of(self, i: int) -> list[float]:
        """v[i], a model's share of volume per context; even where nobody asks."""
        each = [self.volume(i, c) for c in range(self.setup.contexts)]
        whole = math.fsum(each)
        return [value / whole for value in each] if whole > 0 else [1 / len(each)] * len(each)

    def disadvantaged(self) -> list[bool]:
        """Which groups a remedy finds, or is told, to be worst off."""
        more = self.remedy.get("disadvantaged")
        if not more:
            return [False] * len(self.groups)
        if more.get("group") is not None:
            return [name == more["group"] for name in self.groups]
        served = self.score("quality") if "quality" in self.scores else self.satisfaction()
        least = min(value for value in served if not math.isnan(value))
        return [value <= least + 1e-12 * (1 + abs(least)) for value in served]

    def candidates_of(self, group: int) -> int:
        more, written = self.remedy.get("disadvantaged"), self.remedy.get("candidates", 1)
        if self.worst[group] and more:
            return int(more["candidates"])
        return int(written if isinstance(written, int) else written.get(self.groups[group], 1))

    # Round

    def step(self) -> None:
        self.query()
        super().step()
        self.respond()

    # Respond

    def experience(self, kind: Kind) -> list[float]:
        """Σ_c φ[c] E_p[i,c] r, model by model."""
        if kind.reward is None:
            return [float("nan")] * len(self.names)
        return [_served(agent.p, kind.phi, kind.reward) for agent in self.members.values()]

    def respond(self) -> None:
        met = [np.array(kind.alpha) for kind in self.kinds]
        served = list(self.active)
        seen = [self.experience(kind) for kind in self.kinds]
        u = [float(np.dot(self.shared_alpha(kind), felt)) for kind, felt in zip(self.kinds, seen, strict=True)]
        for rule in self.rules:
            (self.draw_rule if self.counted else self.expect_rule)(rule, u)
        self.move(seen)
        if self.counted:
            self.count()
        self.met, self.served = met, served

    def shared_alpha(self, kind: Kind) -> Sequence[float] | Array:
        return self.used(kind.group) if kind.alike else kind.alpha

    def meet(self) -> None:
        self.met, self.served = [np.array(kind.alpha) for kind in self.kinds], list(self.active)

    def stays(self, rule: Mapping[str, Any], k: int, u: float) -> float:
        kind = self.kinds[k]
        return math.exp(-max(kind.best - u, 0.0) / (rule["scale"] * kind.patience))

    def expect_rule(self, rule: Mapping[str, Any], u: Sequence[float]) -> None:
        """One rule of activity, in expectation; every kind is a group."""
        a, total = self.active, math.fsum(self.active)
        if rule["method"] == "linear":
            g = self.groups.index(rule["group"])
            share = a[g] / total
            grown = share if share >= rule.get("cap", 1.0) else min(share + rule["step"], rule.get("cap", 1.0))
            others = math.fsum(value for h, value in enumerate(a) if h != g)
            for h in range(len(a)):
                a[h] = grown * total if h == g else (1 - grown) * total * a[h] / others
        elif rule["method"] == "retention":
            for g in range(len(a)):
                a[g] = min(a[g] * self.stays(rule, g, u[g]) + rule.get("arrivals", 0.0), rule.get("cap", math.inf))
        elif rule["method"] == "replicator":
            grown_all = [value * math.exp(rule.get("rate", 1.0) * u[g]) for g, value in enumerate(a)]
            for g, value in enumerate(grown_all):
                a[g] = total * value / math.fsum(grown_all)

    def draw_rule(self, rule: Mapping[str, Any], u: Sequence[float]) -> None:
        """One rule of activity, person by person."""
        if rule["method"] == "retention":
            stayed = [p for p in self.people if self.rng.random() < self.stays(rule, p.kind, u[p.kind])]
            for g in range(len(self.groups)):
                homes = [k for k, kind in enumerate(self.kinds) if kind.group == g]
                for _ in range(self.rng.poisson(rule.get("arrivals", 0.0))):
                    k = homes[draw(self.rng, [self.kinds[home].size for home in homes])]
                    stayed.append(Person(k, draw(self.rng, self.shared_alpha(self.kinds[k]))))
            self.people = stayed
        elif rule["method"] == "replicator" and self.people:
            weights = [math.exp(rule.get("rate", 1.0) * u[p.kind]) for p in self.people]
            chosen = [self.people[draw(self.rng, weights)] for _ in self.people]
            self.people = [Person(p.kind, p.model) for p in chosen]
        elif rule["method"] not in ("static", "retention", "replicator"):
            raise ValueError(f"method: no rule of persons (got {rule['method']!r})")

    def goes(self, kind: Kind, felt: Sequence[float], used: Sequence[float]) -> list[list[float]] | None:
        """P(j → i), j by i; None where nobody moves. `used` is what part of the group uses each model."""
        choice = self.users.get("choice", {"method": "fixed"})
        if choice["method"] == "fixed":
            return None
        if choice["method"] == "softmax":
            temperature = choice.get("temperature", 1.0)
            weight = [math.exp((value - max(felt)) / temperature) for value in felt]
            less = math.exp(-choice.get("switching_cost", 0.0) / temperature)
        else:
            rate = choice.get("rate", 1.0)
            weight = [used[i] * math.exp(-rate * max(kind.best - value, 0.0)) for i, value in enumerate(felt)]
            less = math.exp(-rate * choice.get("switching_cost", 0.0))
        table = []
        for j in range(len(weight)):
            row = [w * (1.0 if i == j else less) for i, w in enumerate(weight)]
            whole = math.fsum(row)
            table.append([value / whole if whole > 0 else float(i == j) for i, value in enumerate(row)])
        return table

    def move(self, seen: Sequence[Sequence[float]]) -> None:
        used = [self.used(kind.group) for kind in self.kinds]
        tables = [self.goes(kind, felt, u) for kind, felt, u in zip(self.kinds, seen, used, strict=True)]
        for person in self.people:
            table = tables[person.kind]
            if table is not None:
                person.model = draw(self.rng, table[person.model])
        for kind, table in zip(self.kinds, tables, strict=True):
            if table is not None:
                kind.alpha = np.array([math.fsum(kind.alpha * [row[i] for row in table]) for i in range(len(table))])

    def used(self, group: int) -> list[float]:
        """α of a whole group, as it was when the round began."""
        kinds = [k for k, kind in enumerate(self.kinds) if kind.group == group]
        before = self.before if self.counted else self.active
        whole = math.fsum(before[k] for k in kinds)
        part = [before[k] / whole if whole > 0 else 1 / len(kinds) for k in kinds]
        models = range(len(self.names))
        return [math.fsum(x * self.kinds[k].alpha[i] for x, k in zip(part, kinds, strict=True)) for i in models]

    def count(self) -> None:
        """a and α of people as they are; α of a kind without any stays what it was likely to be."""
        self.active = [0.0] * len(self.kinds)
        found = np.zeros((len(self.kinds), len(self.names)))
        for person in self.people:
            found[person.kind, person.model] += 1
            self.active[person.kind] += 1
        for kind, row, number in zip(self.kinds, found, self.active, strict=True):
            if number > 0:
                kind.alpha = row / number
        self.before = list(self.active)

    # Measures

    def by_group(self, values: Sequence[float]) -> list[float]:
        return [
            math.fsum(value for kind, value in zip(self.kinds, values, strict=True) if kind.group == g)
            for g in range(len(self.groups))
        ]

    def satisfaction(self) -> list[float]:
        """u of each group, by the α with which users met what models write now."""
        each = [float(np.dot(met, self.experience(kind))) for met, kind in zip(self.met, self.kinds, strict=True)]
        return self.mean_of(each)

    def score(self, name: str) -> list[float]:
        values = self.scores[name]
        each = [
            math.fsum(met[i] * _served(agent.p, kind.phi, values) for i, agent in enumerate(self.members.values()))
            for met, kind in zip(self.met, self.kinds, strict=True)
        ]
        return self.mean_of(each)

    def mean_of(self, each: Sequence[float]) -> list[float]:
        whole = self.by_group(self.served)
        total = self.by_group([x * y for x, y in zip(each, self.served, strict=True)])
        return [t / w for t, w in zip(total, whole, strict=True)]

    def biases(self) -> dict[str, float]:
        """The columns of the table `rounds` that are about groups; NaN for none."""
        none = float("nan")
        quality = self.score("quality") if "quality" in self.scores else self.satisfaction()
        known = [value for value in quality if not math.isnan(value)]
        active = self.by_group(self.active)
        whole, first = math.fsum(active), math.fsum(self.sizes)
        gap = math.fsum(abs(a / whole - n / first) for a, n in zip(active, self.sizes, strict=True)) / 2
        return {
            "preference_bias": sum(self.score("lean")) / len(active) - 0.5 if "lean" in self.scores else none,
            "disparate_bias": max(known) - min(known) if known else none,
            "representation_gap": gap,
            "systemic_failure": self.systemic_failure() if "quality" in self.scores else none,
        }

    def systemic_failure(self) -> float:
        """log [E Π f / Π E f], f = 1 where a model serves less than ½ of quality to a group in a context."""
        contexts = range(self.setup.contexts)
        people = [(k, c, self.active[k] * kind.phi[c]) for k, kind in enumerate(self.kinds) for c in contexts]
        total = math.fsum(weight for *_, weight in people)
        fails = {
            (i, c): float(agent.p[c] @ self.scores["quality"][c] < 0.5)
            for i, agent in enumerate(self.members.values())
            for c in contexts
        }
        models = range(len(self.names))
        every = math.fsum(weight / total * math.prod(fails[i, c] for i in models) for _, c, weight in people)
        apart = math.prod(math.fsum(weight / total * fails[i, c] for _, c, weight in people) for i in models)
        return math.log(every / apart) if every > 0 and apart > 0 else float("nan")


class AskedAgent(PlainAgent):
    """One model that users ask."""

    model: Society

    @property
    def number(self) -> int:
        return self.model.names.index(self.settings.name)

    # What is learned

    def shared(self, data: Array) -> Array:
        """D̃[c] = (1−τ) D[c] + τ Σ_c' v[c'] D[c']."""
        v, tau = self.model.weights[self.settings.name], self.setup.sharing
        everything = sum((v[c] * data[c] for c in range(self.setup.contexts)), start=np.zeros(self.setup.outputs))
        return np.array([(1.0 - tau) * data[c] + tau * everything for c in range(self.setup.contexts)])

    def contexts_of(self, draws: int) -> list[int]:
        numbers = [0] * self.setup.contexts
        for _ in range(draws):
            numbers[draw(self.rng, self.model.weights[self.settings.name])] += 1
        return numbers

    def existing_at(self, c: int) -> list[str]:
        """The kinds of source there are in a context: users only where they ask."""
        kinds = [kind for kind in KINDS if self.incoming or not kind.startswith("neighbours")]
        return kinds if self.model.volume(self.number, c) > 0 else [kind for kind in kinds if kind != "users"]

    def mixture(self, c: int) -> Vector:
        shares = self.shares(self.existing_at(c))
        if not shares:
            return np.array(self.p[c])
        return sum((share * self.source(kind, c) for kind, share in shares.items()), start=np.zeros(self.setup.outputs))

    def empirical(self, c: int, number: int) -> Vector:
        shares = self.shares(self.existing_at(c))
        if not shares:
            return np.array(self.p[c])
        if number == 0:
            return np.zeros(self.setup.outputs)
        smoothing = self.setup.smoothing
        counts = self.count_drawn(c, number, shares)
        return (counts + smoothing) / (number + smoothing * self.setup.outputs)

    # Sources, exact

    def source(self, kind: str, c: int) -> Vector:
        if kind != "users":
            return super().source(kind, c)
        volume = self.model.volume(self.number, c)
        total = np.zeros(self.setup.outputs)
        for who, rows in zip(self.model.kinds, self.model.taught, strict=True):
            total += rows[self.number][c] / volume * who.data[c]
        return total

    def written(self, kind: str, c: int) -> Vector:
        """What this model writes for training, filtered by a remedy, and kept by its curators or users."""
        raw = self.filtered(c)
        if self.curation is None or not kind.endswith("curated"):
            return raw
        block, total, left = self.curation, np.zeros(self.setup.outputs), 1.0
        for share, reward in self.voices(c):
            total += share * won(raw, reward[c], float(block["candidates"]), *self.how)
            left -= share
        return total + left * raw

    def filtered(self, c: int) -> Vector:
        p, remedy = self.p[c], self.model.remedy
        trust = 2 * remedy.get("accuracy", 1.0) - 1
        if remedy.get("method") == "best_of_k":
            return trust * won(p, self.judged(c), remedy["candidates"], "best_of") + (1 - trust) * p
        volume = self.model.volume(self.number, c)
        if remedy.get("method") != "rejection_sampling" or volume == 0:
            return np.array(p)
        total = np.zeros(self.setup.outputs)
        for kind, rows in zip(self.model.kinds, self.model.taught, strict=True):
            best = won(p, self.judged(c), self.model.candidates_of(kind.group), "best_of")
            total += rows[self.number][c] / volume * (trust * best + (1 - trust) * p)
        return total

    def judged(self, c: int) -> Vector:
        """w_q quality + w_s similarity of each output."""
        remedy, real = self.model.remedy, self.settings.real[c]
        quality = self.model.scores["quality"][c] if "quality" in self.model.scores else np.zeros(self.setup.outputs)
        return remedy.get("quality", 1.0) * quality + remedy.get("similarity", 0.0) * real / max(real)

    @property
    def curation(self) -> Mapping[str, Any] | None:
        written = next(model for model in self.model.written["models"] if model["name"] == self.settings.name)
        block: Mapping[str, Any] | None = written.get("curation")
        return block

    @property
    def how(self) -> tuple[str, float]:
        block = self.curation or {}
        return ("best_of" if block.get("method") == "best_of" else "luce"), block.get("temperature", 1.0)

    def voices(self, c: int) -> list[tuple[float, Array]]:
        """How often each reward chooses; what is left to 1 is kept at random."""
        block, written = self.curation or {}, self.model.written
        attack, noise = block.get("attack", 0.0), block.get("noise", 0.0)
        rewards = {name: _rows(written, values) for name, values in written["rewards"].items()}
        volume = self.model.volume(self.number, c)
        if written["users"].get("curate") and volume > 0:
            honest = [
                (rows[self.number][c] / volume, kind.reward)
                for kind, rows in zip(self.model.kinds, self.model.taught, strict=True)
            ]
        elif block.get("method") == "pluralistic":
            whole = math.fsum(block["rewards"].values())
            honest = [(weight / whole, rewards[name]) for name, weight in block["rewards"].items()]
        else:
            own = next(model.get("reward") for model in written["models"] if model["name"] == self.settings.name)
            honest = [(1.0, rewards[block.get("reward", own)])]
        found = [((1 - attack - noise) * share, reward) for share, reward in honest if reward is not None]
        return [*found, (attack, rewards[block["attack_reward"]])] if attack > 0 else found

    # Sources, sampled

    def draw_from(self, kind: str, c: int) -> int:
        if kind != "users":
            return super().draw_from(kind, c)
        asks = [rows[self.number][c] for rows in self.model.taught]
        return draw(self.rng, self.model.kinds[draw(self.rng, asks)].data[c])

    def draw_written(self, kind: str, c: int) -> int:
        raw = self.filtered(c)
        if self.curation is None or not kind.endswith("curated"):
            return draw(self.rng, raw)
        left = self.rng.random()
        for share, reward in self.voices(c):
            if left < share:
                return draw_kept(self.rng, raw, reward[c], float(self.curation["candidates"]), *self.how)
            left -= share
        return draw(self.rng, raw)


def won(p: Array, reward: Array, candidates: float, method: str, temperature: float = 1.0) -> Vector:
    """`chances_to_win`, remembered: many users have one taste."""
    return _won(tuple(p), tuple(reward), candidates, method, temperature)


@lru_cache(maxsize=1024)
def _won(p: tuple[float, ...], reward: tuple[float, ...], candidates: float, method: str, temperature: float) -> Vector:
    return chances_to_win(p, reward, candidates, method, temperature)


def _served(p: Array, phi: Array, values: Array) -> float:
    return math.fsum(part * float(row @ value) for part, row, value in zip(phi, p, values, strict=True))


def _weights(written: Any, of: Sequence[Any] | range) -> Array:
    each = dict(written) if isinstance(written, Mapping) else dict.fromkeys(written, 1.0)
    return np.array([each.get(one, 0.0) for one in of]) / math.fsum(each.values())


def _rows(written: Mapping[str, Any], values: Any) -> Array:
    outputs = written["outputs"]
    shape = (outputs.get("contexts", 1), outputs["size"])
    return np.broadcast_to(np.asarray(values, dtype=float), shape).copy()


def _without_users(written: Mapping[str, Any]) -> dict[str, Any]:
    """What `translate` can read: one reward a curator, no refreshed corpus, no reused prompts, no remedy."""
    plain = copy.deepcopy(dict(written))
    learning = plain.setdefault("learning", {})
    learning.pop("prompts", None)
    remedy, fresh = plain.get("remedy") or {}, 0.0
    if isinstance(learning.get("corpus"), dict) and "refresh" in learning["corpus"]:
        fresh = learning.pop("corpus")["refresh"]
    if remedy.get("method") == "fresh_data":
        fresh = 1 - (1 - fresh) * (1 - remedy["share"])
    if remedy.get("method") == "accumulation":
        learning["corpus"] = "accumulate"
    for model in plain["models"]:
        diet = {kind: share * (1 - fresh) for kind, share in model["diet"].items()}
        model["diet"] = diet | {"real": diet.get("real", 0.0) + fresh} if fresh else diet
        if model.get("curation"):
            model["curation"] = {key: value for key, value in model["curation"].items() if key not in _MIXED}
            if model["curation"].get("method") != "best_of":
                model["curation"]["method"] = "luce"
            if "reward" not in model["curation"]:
                model["curation"]["reward"] = next(iter(plain["rewards"]))  # not read: `voices` tells
    return plain


_MIXED = ("rewards", "attack", "attack_reward", "noise")
