"""A round of 1,000 models against the plain sampling loop, and one of 10,000 against the memory's speed.

Models have mean degree 8, 8 contexts, 64 outputs; a tenth are curated, Luce choice among 4. Rounds of a run follow one
another, so ours are measured ten in a row beside one of the plain loop's, which takes a second; a single round right
after it ("alone") is measured too: it finds the caches empty, and the second core asleep.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _plain_sampling import PlainEcosystem
from _timing import Comparison, compare, header, keep, row
from _workload import EXAMPLES, Floor, scenario

from ecosystem import Ecosystem
from ecosystem.world.blueprint import blueprint


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
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000)
    arguments = parser.parse_args()
    alike = same_law(blueprint(scenario("exact", "shared", 64), 0))
    print(f"plain loop against the exact round: root mean square z-score {alike:.3f} (1 if alike)")
    print(header("plain", "ours"))
    found: list[Comparison] = []
    for mode, rewards, times in (("exact", "shared", 250), ("exact", "own", 100), ("sampled", "shared", 50)):
        plan = blueprint(scenario(mode, rewards, arguments.models), 0)
        plain, model = PlainEcosystem(plan, EXAMPLES), Ecosystem.together([plan])
        name = f"{arguments.models:,} models, {mode} round, {rewards} rewards"
        found.append(compare(name, plain.step, model.step, arguments.repeats, in_a_row=10, at_least=times))
        print(row(found[-1]), flush=True)
        found.append(compare(f"{name}, alone", plain.step, model.step, arguments.repeats))
        print(row(found[-1]), flush=True)
    print(header("ours", "copy"))
    plan = blueprint(scenario("exact", "shared", arguments.many), 0)
    floor, model = Floor(plan), Ecosystem.together([plan])
    name = f"{arguments.many:,} models, exact round, against the floor"
    found.append(compare(name, model.step, floor.copy, 5 * arguments.repeats, at_most=4))
    print(row(found[-1]))
    print(f"floor: {floor.bytes / 1e6:.0f} MB moved")
    print(f"figures: {keep('rounds', found, z_score=round(alike, 3))}")


if __name__ == "__main__":
    main()
