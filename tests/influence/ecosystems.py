"""Random small ecosystems that come to rest and whose levers have derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ecosystem.scenario.scenario import Scenario

CURATED = ("curated", "neighbours_curated")


def shares(g: np.random.Generator, size: int) -> list[float]:
    values = g.gamma(1.0, size=size) + 0.02
    return (values / values.sum()).tolist()


def written(seed: int, models: int, outputs: int, contexts: int) -> dict[str, Any]:
    """Return a scenario as a dictionary; every option that has a derivative is drawn."""
    g = np.random.default_rng([seed, models, outputs, contexts])
    names = [f"m{number}" for number in range(models)]
    rewards: dict[str, Any] = {
        "flat": g.normal(size=outputs).tolist(),
        "split": g.normal(size=(contexts, outputs)).tolist(),
        "other": g.normal(size=outputs).tolist(),
    }
    blocks = []
    for number, name in enumerate(names):
        kind = str(g.choice(["none", "luce", "limit", "best_of", "pluralistic", "one"]))
        block: dict[str, Any] = {
            "name": name,
            "initial": [shares(g, outputs) for _ in range(contexts)],
            "real": [shares(g, outputs) for _ in range(contexts)],
        }
        if number == 0 or g.random() < 0.9:
            block["reward"] = str(g.choice(list(rewards)))
        if kind != "none":
            block["curation"] = {"method": kind if kind in ("best_of", "pluralistic") else "luce"}
            block["curation"]["candidates"] = {"limit": float("inf"), "one": 1}.get(kind, int(g.integers(2, 5)))
            if kind != "best_of":
                block["curation"]["temperature"] = float(g.uniform(0.7, 2.0))
            if kind == "pluralistic":
                block["curation"]["rewards"] = {"flat": float(g.uniform(0.2, 0.8)), "split": 0.5}
            else:
                block["curation"]["reward"] = str(g.choice(list(rewards)))
        diet = {"raw": 1.0, "neighbours_raw": 1.0, "neighbours_curated": 1.0, "curated": 1.0 if kind != "none" else 0.0}
        diet = {key: float(value * g.gamma(1.0) * (g.random() < 0.75)) for key, value in diet.items()}
        total, real = sum(diet.values()), float(g.uniform(0.4, 0.8))
        diet = {key: (1 - real) * value / total for key, value in diet.items() if value > 0}
        block["diet"] = {"real": 1 - sum(diet.values()), **diet}
        blocks.append(block)
    edges = []
    for source in names:
        for target in names:
            if g.random() < 0.5:
                edge: dict[str, Any] = {"from": source, "to": target, "weight": float(g.uniform(0.2, 3.0))}
                if g.random() < 0.4:
                    edge["channel"] = {"matrix": [shares(g, outputs) for _ in range(outputs)]}
                edges.append(edge)
    return {
        "name": "random",
        "rounds": 4,
        "outputs": {"kind": "categorical", "size": outputs, "contexts": contexts},
        "rewards": rewards,
        "models": blocks,
        "network": {"edges": edges},
        "learning": {
            "regime": str(g.choice(["retrain", "incremental"])),
            "rate": float(g.choice([1.0, g.uniform(0.3, 1.0)])),
            "sharing": float(g.choice([0.0, g.uniform(0.0, 1.0)])),
            "corpus": [{"window": int(g.integers(1, 4))}, "replace", "accumulate"][g.integers(3)],
            "order": str(g.choice(["synchronous", "sequential"])),
        },
    }


ecosystems = st.builds(
    written,
    seed=st.integers(0, 2**32),
    models=st.integers(1, 4),
    outputs=st.integers(2, 4),
    contexts=st.integers(1, 3),
)


def two_models(
    lam: float = 0.5, c_p: float = 0.7, c_q: float = 0.3, candidates: float = 2, **settings: Any
) -> Scenario:
    """The two items of ORACLES section 3."""
    curation = {"method": "luce", "candidates": candidates}
    return Scenario(
        name="two",
        rounds=5,
        parameters={"lam": lam, "c": c_p},
        outputs={"kind": "categorical", "size": 2},
        rewards={"first": [1, 0], "second": [0, 1]},
        models=[
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": "= 1 - lam", "curated": "= lam * (1 - c)", "neighbours_curated": "= lam * c"},
                "curation": curation,
            },
            {
                "name": "q",
                "reward": "second",
                "diet": {"real": 0.5, "curated": 0.5 * (1 - c_q), "neighbours_curated": 0.5 * c_q},
                "curation": curation,
            },
        ],
        network={"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
        **settings,
    )


def one_model(share: float, real: list[float], reward: list[float], candidates: float, **settings: Any) -> Scenario:
    """One curated model: real data and its own curated outputs."""
    return Scenario(
        name="one",
        rounds=5,
        outputs={"kind": "categorical", "size": len(real)},
        real=real,
        rewards={"r": reward},
        models=[
            {
                "name": "m",
                "reward": "r",
                "diet": {"real": 1 - share, "curated": share},
                "curation": {"method": "luce", "candidates": candidates},
            }
        ],
        **settings,
    )
