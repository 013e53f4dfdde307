"""Random small ecosystems with every option switched on, as hypothesis strategies."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

SOURCES = ("real", "raw", "curated", "neighbours_raw", "neighbours_curated")


def shares(generator: np.random.Generator, size: int, zeros: bool = True) -> list[float]:
    """Random shares that sum to 1, some of them zero."""
    values = generator.gamma(1.0, size=size) * ((generator.random(size) < 0.7) if zeros else 1)
    if values.sum() == 0:
        values[generator.integers(size)] = 1.0
    return (values / values.sum()).tolist()


def random_ecosystem(seed: int, models: int, outputs: int, contexts: int, mode: str = "exact") -> dict[str, Any]:
    """Return a scenario as a dictionary; the same for the same arguments."""
    g = np.random.default_rng([seed, models, outputs, contexts])
    names = [f"m{number}" for number in range(models)]
    rewards: dict[str, Any] = {
        "flat": g.normal(size=outputs).tolist(),
        "ties": g.integers(0, 2, size=outputs).astype(float).tolist(),
        "split": g.normal(size=(contexts, outputs)).tolist(),
    }
    written = []
    for name in names:
        curation = g.choice(["none", "luce", "limit", "best_of", "one"])
        model: dict[str, Any] = {
            "name": name,
            "reward": str(g.choice(list(rewards))),
            "initial": [shares(g, outputs) for _ in range(contexts)],
        }
        if g.random() < 0.5:
            model["real"] = [shares(g, outputs) for _ in range(contexts)]
        if curation != "none":
            model["curation"] = {
                "method": "best_of" if curation == "best_of" else "luce",
                "candidates": {"limit": float("inf"), "one": 1}.get(str(curation), int(g.integers(2, 5))),
            }
            if curation != "best_of":
                model["curation"]["temperature"] = float(g.uniform(0.5, 2.0))
            if g.random() < 0.5:
                model["curation"]["reward"] = str(g.choice(list(rewards)))
        diet = dict(zip(SOURCES, shares(g, len(SOURCES)), strict=True))
        if curation == "none":
            diet["raw"] = min(1.0, diet["raw"] + diet.pop("curated"))  # rounding may lead beyond
        model["diet"] = diet
        written.append(model)
    edges = []
    for source in names:
        for target in names:
            if g.random() < 0.45:
                edge: dict[str, Any] = {"from": source, "to": target, "weight": float(g.uniform(0.2, 3.0))}
                if g.random() < 0.4:
                    edge["channel"] = {"matrix": [shares(g, outputs) for _ in range(outputs)]}
                edges.append(edge)
    learning: dict[str, Any] = {
        "regime": str(g.choice(["retrain", "incremental"])),
        "rate": float(g.choice([1.0, g.uniform(0.1, 1.0)])),
        "sharing": float(g.choice([0.0, g.uniform(0.0, 1.0)])),
        "corpus": [{"window": int(g.integers(1, 4))}, "replace", "accumulate"][g.integers(3)],
        "order": str(g.choice(["synchronous", "sequential"])),
    }
    return {
        "name": "random",
        "rounds": 4,
        "mode": mode,
        "outputs": {"kind": "categorical", "size": outputs, "contexts": contexts},
        "real": shares(g, outputs, zeros=False),
        "rewards": rewards,
        "models": written,
        "network": {"edges": edges},
        "learning": learning,
        "record": {"states": True},
    }


ecosystems = st.builds(
    random_ecosystem,
    seed=st.integers(0, 2**32),
    models=st.integers(1, 4),
    outputs=st.integers(2, 4),
    contexts=st.integers(1, 3),
)
