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
from _timing import Comparison, compare, header, keep, row, seconds

from ecosystem import Ecosystem, Scenario


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
    found: list[Comparison] = []
    print(header("1e9 users", "1e3 users"))
    for mode in ("exact", "sampled"):
        many, few = (Ecosystem(scenario(n, 8, arguments.models, mode), 0) for n in (10**9, 1000))
        name = f"{arguments.models} models, 8 groups, {mode} round"
        found.append(compare(name, many.step, few.step, arguments.repeats, at_most=1.2))
        print(row(found[-1]), flush=True)
    large = {}
    for mode in ("exact", "sampled"):
        began = time.perf_counter()
        model = Ecosystem(scenario(10**9, 1000, 1000, mode), 0)
        built = time.perf_counter() - began
        taken = [seconds(model.step) for _ in range(5)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        name = f"1,000 groups x 1,000 models, {mode} round"
        middle = float(np.median(taken))
        large[name] = {"build_s": round(built, 2), "round_s": round(middle, 4), "peak_gib": round(peak, 2)}
        print(f"{name:58s} {1e3 * middle:14.0f} ms; built in {built:.1f} s, peak {peak:.2f} GiB")
    print(f"figures: {keep('users', found, large=large)}")


if __name__ == "__main__":
    main()
