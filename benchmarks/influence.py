"""Influence of all pairs, and the gradient over many levers, against what they replace; side by side in one run.

*All pairs*: 200 models, 8 contexts, 32 outputs, each with a curator. Central differences run two worlds a
lever in batches, from the stable point (which is given to both sides), until they are as accurate.
*Gradient*: over the curation of 10,000 models, against finding the stable point to the same relative residual.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
from _timing import Comparison, compare, header, keep, row
from torch import Tensor

from ecosystem import Scenario
from ecosystem.influence.anderson import accelerate
from ecosystem.influence.implicit import alignment, effects, slope, weights
from ecosystem.influence.levers import curation
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.influence.shares import curated_shares, with_shares
from ecosystem.influence.together import rest_together

STEP = 5e-4
RESIDUAL = 1e-12
SETTLED = 1e-10  # of differences, which are not exact to more than 1e-6 of the largest anyway


def scenario(models: int, contexts: int, outputs: int) -> Scenario:
    """Return the workload: a scale-free network, eight tastes, Luce choice among 4."""
    g = np.random.default_rng(0)
    return Scenario(
        name="benchmark",
        rounds=1,
        outputs={"kind": "categorical", "size": outputs, "contexts": contexts},
        real={"draw": "dirichlet"},
        rewards={f"r{k}": g.normal(size=outputs).tolist() for k in range(8)},
        models=[
            {
                "name": f"m{index}",
                "reward": f"r{index % 8}",
                "diet": {"real": 0.4, "curated": 0.3, "neighbours_curated": 0.2, "neighbours_raw": 0.1},
                "curation": {"method": "luce", "candidates": 4},
            }
            for index in range(models)
        ],
        network={"generator": "barabasi_albert", "m": 4, "seed": 1},
    )


def differenced(round_: Round, x: Tensor, levers: list[int]) -> Tensor:
    """Return the influence of some levers by central differences of runs in batched worlds, ``[models, levers]``."""
    shares = curated_shares(round_.plan)
    plans = []
    for lever in levers:
        for sign in (1, -1):
            wanted = shares.share.copy()
            wanted[lever] += sign * STEP
            plans.append(with_shares(round_.plan, shares, wanted))
    reached = torch.stack([alignment(round_, state) for state in rest_together(plans, x, SETTLED)])
    return ((reached[0::2] - reached[1::2]) / (2 * STEP)).T


def all_pairs(size: int, sampled: int, repeats: int) -> Comparison:
    """Time all pairs; differences are timed on some of the levers and scaled to all, as their time is."""
    round_ = Round(scenario(size, 8, 32))
    x = accelerate(round_, round_.start, RESIDUAL, 10_000).x
    chosen = np.linspace(0, size - 1, sampled).astype(int).tolist()
    found: dict[str, Tensor] = {}

    def slow() -> None:
        found["differences"] = differenced(round_, x, chosen)

    def fast() -> None:
        linear = Linearisation(round_, x, x)
        found["influence"] = effects(linear, curation(round_.plan)(linear))[1]

    taken = compare(f"all pairs of {size:,} models", slow, fast, repeats)
    error = (found["differences"] - found["influence"][:, chosen]).abs().max() / found["influence"].abs().max()
    print(f"largest difference between the two: {float(error):.1e} of the largest influence")
    return Comparison(taken.name, taken.first, taken.second, at_least=8, scale=size / sampled, busy=taken.busy)


def residuals(round_: Round, x: Tensor) -> tuple[float, float]:
    """Return how far a round moves a state, relative to how far the first round moved the initial state."""
    first = (round_.step(round_.start) - round_.start).norm()
    return float((round_.step(x) - x).norm() / first), float(first)


def gradient(size: int, repeats: int) -> Comparison:
    """Time the gradient of mean alignment over every lever, and finding the stable point."""
    round_ = Round(scenario(size, 1, 16))
    found: dict[str, Any] = {}

    def find() -> None:
        found["x"] = accelerate(round_, round_.start, RESIDUAL, 10_000).x

    find()
    relative, _ = residuals(round_, found["x"])

    def adjoint() -> None:
        x = found["x"]
        linear = Linearisation(round_, x, x)
        found["gradient"] = slope(
            linear, curation(round_.plan)(linear), weights(round_, x, "mean"), max(relative, 1e-14)
        )

    print(f"relative residual of both: {relative:.1e}")
    return compare(f"gradient over {size:,} levers", adjoint, find, repeats, at_most=3)


def check(size: int = 20) -> float:
    """Return how far the gradient is from the mean of the rows of the matrix, on a small case."""
    round_ = Round(scenario(size, 2, 8))
    x = accelerate(round_, round_.start, RESIDUAL, 10_000).x
    linear = Linearisation(round_, x, x)
    push = curation(round_.plan)(linear)
    return float((slope(linear, push, weights(round_, x, "mean")) - effects(linear, push)[1].mean(0)).abs().max())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--sampled", type=int, default=8, help="levers on which differences are timed")
    arguments = parser.parse_args()
    print(f"gradient against the matrix: {check():.1e}")
    pairs = all_pairs(arguments.models, min(arguments.sampled, arguments.models), arguments.repeats)
    many = gradient(arguments.many, arguments.repeats)
    print(header("differences", "ours"))
    print(row(pairs))
    print(header("gradient", "stable point"))
    print(row(many))
    print(f"figures: {keep('influence', [pairs, many])}")


if __name__ == "__main__":
    main()
