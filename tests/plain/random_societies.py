"""Random small ecosystems with users, every option switched on."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .random_ecosystems import random_ecosystem, shares

NAMES = ("A", "B", "C")


def random_society(seed: int, mode: str = "exact") -> dict[str, Any]:
    """Return a scenario as a dictionary; the same for the same seed."""
    g = np.random.default_rng([seed, 77])
    contexts, outputs, models = int(g.integers(1, 4)), int(g.integers(2, 5)), int(g.integers(1, 4))
    written = random_ecosystem(seed, models, outputs, contexts, mode)
    written["outputs"]["scores"] = _scores(g, contexts, outputs)
    for model in written["models"]:
        taken = float(g.choice([0.0, 0.3, 1.0]))
        model["diet"] = {key: share * (1 - taken) for key, share in model["diet"].items()} | {"users": taken}
        if model.get("curation", {}).get("method") == "luce":
            model["curation"] |= _mixture(g)
            if model["curation"]["method"] == "pluralistic":
                model["curation"].pop("reward", None)
    learning = written["learning"]
    if g.random() < 0.2:
        learning["corpus"] = {"refresh": float(g.uniform(0.1, 0.9))}
    learning["prompts"] = str(g.choice(["fresh", "fresh", "reused"]))
    names = [model["name"] for model in written["models"]]
    rewards = ["flat", "split", "ties"]
    written["users"] = {
        "groups": [_group(g, name, contexts, outputs, names, rewards) for name in NAMES],
        "choice": _choice(g),
        "feedback": [_rule(g) for _ in range(g.integers(1, 4))],
        "curate": bool(g.integers(2)),
    }
    remedy = _remedy(g)
    if remedy is not None and not (remedy["method"] == "accumulation" and isinstance(learning["corpus"], dict)):
        written["remedy"] = remedy
    return written


def _scores(g: np.random.Generator, contexts: int, outputs: int) -> dict[str, Any]:
    return {
        "lean": g.random(outputs).tolist(),
        "quality": g.random((contexts, outputs) if g.random() < 0.5 else outputs).tolist(),
    }


def _mixture(g: np.random.Generator) -> dict[str, Any]:
    return [
        {"method": "luce"},
        {"method": "noisy", "noise": float(g.random())},
        {"method": "adversarial", "attack": float(g.random()), "attack_reward": "split"},
        {"method": "pluralistic", "rewards": {"flat": float(g.uniform(0.1, 2)), "split": 1.0}},
    ][g.integers(4)]


def _group(
    g: np.random.Generator, name: str, contexts: int, outputs: int, models: list[str], rewards: list[str]
) -> dict[str, Any]:
    asked = g.choice(contexts, size=g.integers(1, contexts + 1), replace=False)
    used = g.choice(models, size=g.integers(1, len(models) + 1), replace=False)
    return {
        "name": name,
        "size": float(g.uniform(1, 100)),
        "contexts": {int(c): float(g.uniform(0.1, 1)) for c in asked},
        "reward": str(g.choice(rewards)),
        "data": [shares(g, outputs) for _ in range(contexts)],
        "models": {str(model): float(g.uniform(0.1, 1)) for model in used},
    }


def _choice(g: np.random.Generator) -> dict[str, Any]:
    cost = float(g.choice([0.0, g.uniform(0, 1)]))
    return [
        {"method": "fixed"},
        {"method": "softmax", "temperature": float(g.uniform(0.1, 2)), "switching_cost": cost},
        {"method": "multiplicative", "rate": float(g.uniform(0.1, 3)), "switching_cost": cost},
    ][g.integers(3)]


def _rule(g: np.random.Generator) -> dict[str, Any]:
    return [
        {"method": "static"},
        {"method": "linear", "group": str(g.choice(NAMES)), "step": float(g.uniform(0, 0.3)), "cap": float(g.random())},
        {"method": "retention", "scale": float(g.uniform(0.2, 5)), "arrivals": float(g.uniform(0, 9))},
        {"method": "retention", "scale": float(g.uniform(0.2, 5)), "arrivals": 20.0, "cap": float(g.uniform(5, 80))},
        {"method": "replicator", "rate": float(g.uniform(0.1, 3))},
    ][g.integers(5)]


def _remedy(g: np.random.Generator) -> dict[str, Any] | None:
    judge = {"quality": float(g.random()), "similarity": float(g.random()), "accuracy": float(g.uniform(0.5, 1))}
    more: list[dict[str, Any]] = [{}, {"disadvantaged": {"candidates": 4}}]
    more.append({"disadvantaged": {"candidates": 5, "group": str(g.choice(NAMES))}})
    counts: list[Any] = [int(g.integers(1, 5)), {"A": 2, "C": 3}]
    return [
        None,
        {"method": "rejection_sampling", "candidates": counts[g.integers(2)], **more[g.integers(3)], **judge},
        {"method": "rejection_sampling", "candidates": counts[g.integers(2)], **more[g.integers(3)], **judge},
        {"method": "best_of_k", "candidates": int(g.integers(1, 5)), **judge},
        {"method": "reweighting", "weights": "equal", "strength": float(g.random())},
        {"method": "reweighting", "weights": "population"},
        {"method": "reweighting", "weights": {"A": 1.0, "B": float(g.random())}, "strength": float(g.random())},
        {"method": "fresh_data", "share": float(g.random())},
        {"method": "accumulation"},
    ][g.integers(9)]


societies = st.integers(0, 2**32).map(random_society)
