"""A round of 1,000 models against the plain sampling loop, side by side in one run.

1,000 models, mean degree 8, 8 contexts, 64 outputs; a tenth curated, Luce choice among 4.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _plain_sampling import PlainEcosystem
from _timing import HEADER, keep, ratios, row

from ecosystem import Ecosystem, Scenario
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import blueprint

EXAMPLES = 1000


def scenario(mode: str, rewards: str, models: int = 1000) -> Scenario:
    """Return the workload: curators share 8 rewards, or have each their own."""
    g = np.random.default_rng(0)
    diet = {"real": 0.2, "raw": 0.3, "neighbours_raw": 0.5}
    curated = {"real": 0.2, "curated": 0.3, "neighbours_raw": 0.5}
    chosen = set(g.choice(models, size=models // 10, replace=False).tolist())
    written: list[dict[str, Any]] = []
    for index in range(models):
        reward: Any = f"r{index % 8}" if rewards == "shared" else {"draw": "normal"}
        block = {"name": f"m{index}", "reward": reward, "diet": curated if index in chosen else diet}
        if index in chosen:
            block["curation"] = {"method": "luce", "candidates": 4}
        written.append(block)
    return Scenario(
        name="benchmark",
        rounds=1,
        mode=mode,
        outputs={"kind": "categorical", "size": 64, "contexts": 8},
        real={"draw": "dirichlet", "concentration": 1.0},
        rewards={f"r{k}": g.normal(size=64).tolist() for k in range(8)},
        models=written,
        network={"generator": "barabasi_albert", "m": 4, "seed": 1},
        learning={"examples": EXAMPLES} if mode == "sampled" else {},
    )


def same_law(plan: Any, rounds: int = 30) -> float:
    """Return the root mean square z-score between the plain loop's mean and the exact round (1 if alike)."""
    exact = Ecosystem.together([plan])
    exact.step()
    expected = exact.state.p[0].numpy()
    total = np.zeros_like(expected)
    for seed in range(rounds):
        plain = PlainEcosystem(plan, EXAMPLES, seed)
        plain.step()
        total += np.array([member.p for member in plain.members])
    n = EXAMPLES / expected.shape[1]
    error = (total / rounds - expected) / np.sqrt(expected * (1 - expected) / (n * rounds))
    return float(np.sqrt((error[expected * n * rounds > 20] ** 2).mean()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", type=int, default=1000)
    arguments = parser.parse_args()
    figures = {}
    small = blueprint(scenario("exact", "shared", 60), 0)
    print(f"plain loop against the exact round: root mean square z-score {same_law(small):.3f} (1 if alike)")
    print(HEADER)
    for mode, rewards, wanted in (
        ("exact", "shared", "50 times"),
        ("exact", "own", "50 times"),
        ("sampled", "shared", "20 times"),
        ("sampled", "own", "20 times"),
    ):
        plan = blueprint(scenario(mode, rewards, arguments.models), 0)
        plain, model = PlainEcosystem(plan, EXAMPLES), Ecosystem.together([plan])
        with one_thread():
            taken = ratios(plain.step, model.step, arguments.repeats)
        name = f"{arguments.models:,} models, {mode} round, {rewards} rewards"
        figures[name] = taken
        print(row(name, taken, wanted), flush=True)
    print(f"figures: {keep('rounds', figures)}")


if __name__ == "__main__":
    main()
