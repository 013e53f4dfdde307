"""A round of a billion users against one of a thousand, side by side; and 1,000 groups with 1,000 models.

Users are counted, so a round should take as long whatever their number: 100 models on a network, 8 groups that
curate, choose by softmax with a switching cost, and stay or leave.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np
from _timing import keep, ratios, row

from ecosystem import Ecosystem, Scenario

HEADER = f"{'work':44s} {'1e9 ms':>11s} {'1e3 ms':>11s} {'min':>8s} {'median':>8s} {'max':>8s}   wanted"


def scenario(users: int, groups: int, models: int, mode: str) -> Scenario:
    """Return an ecosystem of so many users in so many groups, equally many in each."""
    g = np.random.default_rng(0)
    written = [
        {
            "name": f"g{index}",
            "size": users // groups,
            "contexts": {c: float(w) for c, w in enumerate(g.dirichlet(np.ones(8)))},
            "reward": f"r{index % 8}",
        }
        for index in range(groups)
    ]
    counted: dict[str, Any] = {"mode": "sampled"} if mode == "sampled" else {}
    return Scenario(
        name="benchmark",
        rounds=1,
        mode=mode,
        outputs={"kind": "categorical", "size": 16, "contexts": 8},
        real={"draw": "dirichlet", "concentration": 1.0},
        rewards={f"r{k}": g.normal(size=16).tolist() for k in range(8)},
        models=[
            {
                "name": "m",
                "count": models,
                "reward": "r0",
                "diet": {"real": 0.2, "curated": 0.3, "neighbours_raw": 0.5},
                "curation": {"method": "luce", "candidates": 4},
            }
        ],
        network={"generator": "barabasi_albert", "m": 4, "seed": 1},
        users={
            "groups": written,
            "choice": {"method": "softmax", "temperature": 0.5, "switching_cost": 0.1},
            "feedback": {"method": "retention", "scale": 50.0, "arrivals": users // groups // 25},
            "curate": True,
            **counted,
        },
        learning={"examples": 1000} if mode == "sampled" else {},
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--models", type=int, default=100)
    arguments = parser.parse_args()
    figures = {}
    print(HEADER)
    for mode in ("exact", "sampled"):
        many, few = (Ecosystem(scenario(n, 8, arguments.models, mode), 0) for n in (10**9, 1000))
        taken = ratios(many.step, few.step, arguments.repeats)
        name = f"{arguments.models} models, 8 groups, {mode} round"
        figures[name] = taken
        print(row(name, taken, "at most 1.2"), flush=True)
    for mode in ("exact", "sampled"):
        began = time.perf_counter()
        model = Ecosystem(scenario(10**9, 1000, 1000, mode), 0)
        built = time.perf_counter() - began
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            model.step()
            seconds.append(time.perf_counter() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        name = f"1,000 groups x 1,000 models, {mode} round"
        figures[name] = {"build": [built], "round": seconds, "peak_gib": [peak]}
        print(f"{name:44s} {1e3 * float(np.median(seconds)):11.0f} ms; built in {built:.1f} s, peak {peak:.2f} GiB")
    print(f"figures: {keep('users', figures)}")


if __name__ == "__main__":
    main()
