"""The ecosystem that rounds are measured on, and the floor under a round: how fast the machine moves its bytes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ecosystem import Scenario
from ecosystem.threads import each, one_thread, spare
from ecosystem.world.blueprint import Blueprint

EXAMPLES = 1000
CONTEXTS, OUTPUTS = 8, 64


def scenario(
    mode: str,
    rewards: str,
    models: int = 1000,
    contexts: int = CONTEXTS,
    outputs: int = OUTPUTS,
    degree: int = 8,
    **more: Any,
) -> Scenario:
    """Return the workload: a tenth curated, Luce choice among 4; curators share 8 rewards, or have each their own."""
    g = np.random.default_rng(0)
    shared = rewards == "shared"
    diet = {"real": 0.2, "raw": 0.3, "neighbours_raw": 0.5}
    written = [
        {"name": f"m{k}_", "count": models // 8, "reward": f"r{k}" if shared else {"draw": "normal"}, "diet": diet}
        for k in range(8)
    ]
    return Scenario(
        name="benchmark",
        rounds=1,
        mode=mode,
        outputs={"kind": "categorical", "size": outputs, "contexts": contexts},
        real={"draw": "dirichlet", "concentration": 1.0},
        rewards={f"r{k}": g.normal(size=outputs).tolist() for k in range(8)},
        models=written,
        curated={
            "fraction": 0.1,
            "diet": {"real": 0.2, "curated": 0.3, "neighbours_raw": 0.5},
            "curation": {"method": "luce", "candidates": 4},
        },
        network={"generator": "barabasi_albert", "m": degree // 2, "seed": 1},
        learning={"examples": EXAMPLES} if mode == "sampled" else {},
        **more,
    )


class Floor:
    """A plain copy, on all cores, that moves as many bytes as a round must: what it reads and what it writes.

    A round reads the state twice and writes it once, and reads a row for each edge.
    """

    def __init__(self, plan: Blueprint) -> None:
        row = int(np.prod(plan.initial.shape[1:])) * 8
        self.bytes = 3 * len(plan.names) * row + len(plan.edges.source) * row
        self._source = np.ones(self.bytes // 16)  # a copy reads and writes each of them
        self._target = np.ones_like(self._source)

    def copy(self) -> None:
        """Move the bytes."""
        with one_thread():
            pieces = np.linspace(0, len(self._source), spare() + 1).astype(int)
            ends = list(pairwise(pieces.tolist()))
            each(lambda part: np.copyto(self._target[part[0] : part[1]], self._source[part[0] : part[1]]), ends)
