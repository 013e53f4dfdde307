"""Drawn vectors example by example: a plain loop over readers and examples that is given the same random numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from plain.gaussian import Agent, Curator, Law, PlainGaussians, tilted

from ecosystem import Ecosystem, Scenario
from ecosystem import plugins as plugged
from ecosystem.learners import examples, picks
from ecosystem.learners.examples import Author, draw_examples
from ecosystem.learners.turn import Readers
from ecosystem.plugins.registry import Scope, within
from ecosystem.world.blueprint import blueprint
from ecosystem.world.streams import normals, uniforms

ROUND, EXAMPLES, CONTEXTS, D = 3, 60, 3, 2
SOURCES = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated", "users")


class Fair(plugged.Curator, name="fair"):
    """Keeps a candidate the likelier the earlier it was written, whatever it is worth, but never the last."""

    def chances(self, rho):
        found = torch.arange(rho.shape[-1] - 1, -1, -1).to(rho).expand_as(rho)
        return found / found.sum(-1, keepdim=True)


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with within(Scope({("curators", "fair"): Fair})):
        yield


def ecosystem(curators: list[dict[str, Any] | None], **changes: Any) -> dict[str, Any]:
    """Return models that read one another, through channels and without; each with a curator or with none."""
    g = np.random.default_rng(len(curators))

    def law() -> dict[str, Any]:
        root = g.normal(size=(D, D))
        return {"mean": g.normal(size=D).tolist(), "covariance": (root @ root.T).tolist()}

    diets = [g.dirichlet(np.ones(5)) for _ in curators]
    for diet, curator in zip(diets, curators, strict=True):
        diet[1], diet[2] = (diet[1], diet[2]) if curator else (diet[1] + diet[2], 0.0)
    names = [f"m{number}" for number in range(len(curators))]
    edges: list[dict[str, Any]] = [
        {"from": source, "to": target, "weight": float(g.uniform(0.5, 2))}
        for source, target in itertools.product(names[:-1], names)
        if source != target
    ]
    for edge in edges[::2]:
        edge["channel"] = {"matrix": g.normal(size=(D, D)).tolist(), "offset": g.normal(size=D).tolist()}
    return {
        "name": "examples",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "gaussian", "dimension": D, "contexts": CONTEXTS},
        "rewards": {
            "one": {"linear": [3.0, 0.5]},
            "each": [{"linear": [0.0, 3.0]}, {"linear": [-2.0, -2.0], "curvature": 0.4}, {"linear": [2.0, 0.0]}],
            "near": {"linear": [0.5, 0.0], "centre": [2.0, 1.0], "curvature": 3.0},
            "flat": {"linear": [0.0, 0.0]},
        },
        "models": [
            {
                "name": name,
                "real": [law() for _ in range(CONTEXTS)],
                "initial": [law() for _ in range(CONTEXTS)],
                "diet": dict(zip(SOURCES, diet.tolist(), strict=False)),
            }
            | ({} if curator is None else {"curation": curator})
            for name, diet, curator in zip(names, diets, curators, strict=True)
        ],
        "network": {"edges": edges},
        "learning": {"examples": EXAMPLES},
    } | changes


LUCE = {"method": "luce", "candidates": 3, "temperature": 0.5, "reward": "each"}
CASES: dict[str, list[dict[str, Any] | None]] = {
    "luce": [LUCE, LUCE | {"candidates": 5, "reward": "near"}, None],
    "best of": [{"method": "best_of", "candidates": 4, "reward": "each"}, LUCE, None],
    "the first of equals": [{"method": "best_of", "candidates": 4, "reward": "flat"}],
    "infinitely many": [LUCE, LUCE | {"candidates": "inf"}, None, LUCE | {"candidates": "inf", "reward": "near"}],
    "by several": [
        {"method": "pluralistic", "candidates": 3, "temperature": 0.3, "rewards": {"near": 3, "each": 1}},
        {"method": "noisy", "candidates": 2, "reward": "one", "noise": 0.6},
    ],
    "a plug-in beside others": [
        {"method": "fair", "candidates": 4, "reward": "near"},
        LUCE,
        {"method": "fair", "candidates": 3, "reward": "near"},
        {"method": "best_of", "candidates": 6, "reward": "one"},
    ],
    "one of three": [LUCE, None, None],
    "alone": [LUCE],
    "nobody": [None, None],
}


class Numbers:
    """The numbers of one world, by what they are for, ``[models, examples]``."""

    def __init__(self, seed: int, models: int) -> None:
        self._seed, self._models = seed, models

    def uniform(self, purpose: str, round_: int = ROUND) -> np.ndarray:
        return uniforms(self._seed, f"examples{purpose}", round_, self._models, EXAMPLES)

    def normal(self, purpose: str) -> np.ndarray:
        drawn = normals(self._seed, f"examples{purpose}", ROUND, self._models, EXAMPLES * D)
        return drawn.reshape(self._models, EXAMPLES, D)


def fallen_on(weights: Any, u: float) -> int:
    return int(np.searchsorted(np.cumsum(weights) / np.sum(weights), u, side="right"))


def vector(law: Law, z: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(law.covariance)
    return np.asarray(law.mean + axes @ np.diag(np.sqrt(values)) @ axes.T @ z)


def drawn_plainly(agent: Agent, number: int, numbers: Numbers, brought: Any = None) -> np.ndarray:
    """Return the mean moments of one reader's examples, ``[contexts, numbers]``.

    `brought` is how much each group asks, ``[groups, contexts]``, and the laws of what it brings.
    """
    found: list[list[np.ndarray]] = [[] for _ in range(CONTEXTS)]
    names = list(agent.world.members)
    incoming = sorted(agent.incoming, key=lambda edge: names.index(edge[0]))
    for e in range(EXAMPLES):
        diet = np.array([[agent.shares.get(source, 0.0) for source in SOURCES] for _ in range(CONTEXTS)])
        weights = np.full(CONTEXTS, 1 / CONTEXTS)
        if brought is not None:
            asked = brought[0].sum(0)
            diet[asked == 0, SOURCES.index("users")] = 0
            weights = asked / asked.sum() if asked.sum() else weights
        diet /= diet.sum(-1, keepdims=True)
        c, kind = divmod(fallen_on((weights[:, None] * diet).ravel(), numbers.uniform("")[number, e]), len(SOURCES))
        if agent.world.learning.get("prompts") == "reused":
            c = fallen_on(weights, numbers.uniform(".prompts", 0)[number, e])
            kind = fallen_on(diet[c], numbers.uniform("")[number, e])
        author, a, b = agent, np.eye(D), np.zeros(D)
        if SOURCES[kind].startswith("neighbours"):
            edge = fallen_on([edge[1] for edge in incoming], numbers.uniform(".author")[number, e])
            author, a, b = agent.world.members[incoming[edge][0]], *incoming[edge][2:]
        z = numbers.normal(".normal")[number, e]
        if SOURCES[kind] == "real":
            x = vector(agent.real[c], z)
        elif SOURCES[kind] == "users":
            x = vector(brought[1][fallen_on(brought[0][:, c], numbers.uniform(".group")[number, e])], z)
        elif SOURCES[kind].endswith("curated") and author.curator is not None:
            x = kept(author.curator, author.laws[c], c, z, (number, e), numbers)
        else:
            x = vector(author.laws[c], z)
        x = a @ x + b
        found[c].append(np.concatenate([[1.0], x, np.outer(x, x).ravel()]))
    return np.array([np.mean(rows, axis=0) if rows else np.zeros(1 + D + D * D) for rows in found])


def kept(curator: Curator, law: Law, c: int, z: np.ndarray, place: tuple[int, int], numbers: Numbers) -> np.ndarray:
    """Return what a curator keeps, the first candidate being made of `z`."""
    weights = [weight for weight, _ in curator.rewards]
    number = fallen_on([*weights, 1 - sum(weights)], numbers.uniform(".curator")[place])
    if number == len(curator.rewards):
        return vector(law, z)
    rewards = curator.rewards[number][1]
    if curator.candidates == np.inf:
        return vector(tilted(law, rewards[c], curator.temperature), z)
    others = [numbers.normal(f".candidate.{k}")[place] for k in range(1, int(curator.candidates))]
    written = [vector(law, each) for each in (z, *others)]
    values = np.array([rewards[c].of(x) for x in written]) / curator.temperature
    if curator.method == "fair":
        return written[fallen_on(np.arange(len(written))[::-1], numbers.uniform(".choice")[place])]
    if curator.method != "best_of":
        luck = [numbers.uniform(f".luck.{k}")[place] for k in range(len(written))]
        values = values - np.log(-np.log(luck))
    return written[int(np.argmax(values))]


def drawn(worlds: list[dict[str, Any]], models: list[int] | None = None) -> torch.Tensor:
    """Return what `draw_examples` gives some readers of worlds of one batch, seeds 7, 8, …"""
    model = Ecosystem.together([blueprint(Scenario(**written), 7 + k) for k, written in enumerate(worlds)])
    readers = Readers(model.batch, np.arange(model.batch.models) if models is None else np.array(models))
    return draw_examples(model.batch, readers, Author(model.state.p, model.batch, model.demand), ROUND)


@pytest.mark.parametrize(("case", "prompts"), [*((case, "fresh") for case in CASES), ("luce", "reused")])
def test_each_example_is_drawn_as_the_plain_loop_draws_it(case: str, prompts: str) -> None:
    written = ecosystem(CASES[case], learning={"examples": EXAMPLES, "prompts": prompts})
    found = drawn([written])[0].numpy()
    plain = PlainGaussians(written)
    numbers = Numbers(7, len(plain.members))
    for place, agent in enumerate(plain.members.values()):
        assert found[place] == pytest.approx(drawn_plainly(agent, place, numbers), abs=1e-12)


def test_who_brings_an_example_is_drawn_by_what_it_asks() -> None:
    # Nobody asks m1 about contexts 1 and 2, nor m2 about anything.
    asks = {"A": ([0, 1], ["m0"]), "B": ([0], {"m0": 0.25, "m1": 0.75}), "C": ([1, 2], ["m0"])}
    sizes = {"A": 40, "B": 40, "C": 10}
    laws = {
        name: {"mean": mean, "covariance": covariance}
        for name, mean, covariance in (
            ("A", [3.0, 0.0], [[1.0, 0.5], [0.5, 1.0]]),
            ("B", [0.0, -4.0], [[0.2, 0.0], [0.0, 2.0]]),
            ("C", [-6.0, 1.0], [[0.5, -0.1], [-0.1, 0.3]]),
        )
    }
    written = ecosystem([LUCE | {"candidates": "inf"}, LUCE, None])
    for model in written["models"]:
        model["diet"] = {"users": 0.6} | {name: 0.4 * share for name, share in model["diet"].items()}
    written["users"] = {
        "groups": [
            {"name": name, "size": sizes[name], "contexts": contexts, "models": models, "data": laws[name]}
            for name, (contexts, models) in asks.items()
        ]
    }
    found = drawn([written])[0].numpy()
    volume = {
        "m0": [[20, 20, 0], [10, 0, 0], [0, 5, 5]],
        "m1": [[0, 0, 0], [30, 0, 0], [0, 0, 0]],
        "m2": [[0, 0, 0]] * 3,
    }
    brought = [Law(np.array(law["mean"]), np.array(law["covariance"])) for law in laws.values()]
    plain = PlainGaussians(written)
    for place, (name, agent) in enumerate(plain.members.items()):
        expected = drawn_plainly(agent, place, Numbers(7, 3), (np.array(volume[name]), brought))
        assert found[place] == pytest.approx(expected, abs=1e-12)


def test_a_context_without_an_example_has_no_moments() -> None:
    found = drawn([ecosystem(CASES["luce"], learning={"examples": 1})])[0]
    assert (found[..., 0].sum(-1) == 1).all()
    assert (found[found[..., 0] == 0] == 0).all()


def test_worlds_and_readers_draw_together_what_they_draw_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = [ecosystem(CASES["infinitely many"]) for _ in range(3)]
    for number, written in enumerate(worlds):
        written["network"]["edges"][0]["channel"]["offset"] = [float(number), 0.0]
        written["models"][0]["curation"] = LUCE | {"candidates": 2 + number}
    whole = drawn(worlds)
    assert torch.equal(drawn(worlds[:1])[0], whole[0])
    assert torch.equal(drawn(worlds, [1, 3]), whole[:, [1, 3]])
    monkeypatch.setattr(examples, "_TOGETHER", 1)
    assert torch.equal(drawn(worlds), whole)
    assert not torch.equal(whole[1], whole[0])


def test_the_number_zero_falls_on_what_has_a_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first group asks m1 nothing, the first model is not read, the first curator of all is not m1's.
    monkeypatch.setattr(picks, "uniforms", lambda seed, purpose, round_, models, draws: np.zeros((models, draws)))

    def point(x: float, spread: float = 0.0) -> dict[str, Any]:
        return {"mean": [x, 0.0], "covariance": spread}

    def moments(diet: dict[str, float], spread: float = 0.0, **changes: Any) -> list[float]:
        luce = {"method": "luce", "candidates": "inf", "reward": "one"}
        written = ecosystem([luce, luce, luce], **changes)
        for number, model in enumerate(written["models"]):
            model |= {"initial": point(number, spread), "real": point(-1), "diet": diet}
        return drawn([written])[0, 1, 0, 1 : 1 + D].tolist()

    edges = [{"from": "m0", "to": "m0"}, {"from": "m2", "to": "m1"}, {"from": "m1", "to": "m2"}]
    assert moments({"neighbours_raw": 1}, network={"edges": edges}) == pytest.approx([2, 0], abs=1e-6)
    groups = [
        {"name": "A", "size": 5, "contexts": [0], "models": ["m0"], "data": point(5)},
        {"name": "B", "size": 5, "contexts": [0], "models": ["m1"], "data": point(6)},
    ]
    assert moments({"users": 1}, users={"groups": groups}) == pytest.approx([6, 0], abs=1e-6)
    # Infinitely many candidates move a mean by the covariance times the reward: m1's own curator chooses.
    raw, curated = moments({"raw": 1}, spread=1.0), moments({"curated": 1}, spread=1.0)
    assert np.subtract(curated, raw) == pytest.approx([3, 0.5], abs=1e-6)
