"""From a scenario's numbers, as they stand in YAML, to the plain loop's settings; on its own, without the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .loop import PlainCuration, PlainEdge, PlainModel, PlainSetup


def translate(scenario: Mapping[str, Any]) -> PlainSetup:
    """Return the plain loop's settings of a scenario without expressions, draws or counts."""
    size, contexts = scenario["outputs"]["size"], scenario["outputs"].get("contexts", 1)

    def rows(values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype=float), (contexts, size)).copy()

    def reward(name: str | None) -> np.ndarray | None:
        return None if name is None else rows(scenario["rewards"][name])

    shared = scenario.get("real", [1 / size] * size)
    models = []
    for model in scenario["models"]:
        real = rows(model.get("real", shared))
        curation = model.get("curation")
        models.append(
            PlainModel(
                name=model["name"],
                reward=reward(model.get("reward")),
                real=real,
                initial=rows(model.get("initial", real)),
                diet=model["diet"],
                curation=None
                if curation is None
                else PlainCuration(
                    method=curation["method"],
                    candidates=float(curation["candidates"]),
                    temperature=curation.get("temperature", 1.0),
                    reward=reward(curation.get("reward", model.get("reward"))),
                ),
            )
        )
    edges = [
        PlainEdge(
            source=edge["from"],
            target=edge["to"],
            weight=edge.get("weight", 1.0),
            channel=np.array(edge["channel"]["matrix"]) if "channel" in edge else None,
        )
        for edge in scenario.get("network", {}).get("edges", ())
    ]
    learning = dict(scenario.get("learning", {}))
    corpus = learning.pop("corpus", "replace")
    return PlainSetup(
        outputs=size,
        contexts=contexts,
        models=models,
        edges=edges,
        mode=scenario.get("mode", "exact"),
        corpus=("window", corpus["window"]) if isinstance(corpus, dict) else corpus,
        **learning,
    )
