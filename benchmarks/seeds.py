"""Many seeds of a small scenario in one batch, against one after another through the same engine."""

from __future__ import annotations

import argparse
from dataclasses import replace

from _timing import compare, header, keep, row

from ecosystem import Scenario
from ecosystem.plan.runs import Run, plan
from ecosystem.world.simulation import simulate

_CURATION = {"method": "luce", "candidates": 2}


def runs(seeds: int, rounds: int) -> tuple[Run, ...]:
    """Return runs of two models that learn from one another, sampled."""
    scenario = Scenario(
        name="benchmark",
        rounds=rounds,
        mode="sampled",
        outputs={"kind": "categorical", "size": 2},
        rewards={"first": [1, 0], "second": [0, 1]},
        models=[
            {
                "name": name,
                "reward": reward,
                "diet": {"real": 0.5, "curated": 0.5 - read, "neighbours_curated": read},
                "curation": _CURATION,
            }
            for name, reward, read in (("p", "first", 0.35), ("q", "second", 0.15))
        ],
        network={"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
        learning={"examples": 1000},
    )
    return plan(scenario, seeds).runs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--alone", type=int, default=8, help="runs that are timed one after another")
    arguments = parser.parse_args()
    every = runs(arguments.seeds, arguments.rounds)
    some = every[: arguments.alone]
    name = f"{len(every)} seeds, two models, sampled, {arguments.rounds} rounds"
    found = compare(name, lambda: [simulate([run]) for run in some], lambda: simulate(every), arguments.repeats)
    found = replace(found, at_least=40, scale=len(every) / len(some))
    print(header(f"{len(some)} alone", "batched"))
    print(row(found))
    print(f"figures: {keep('seeds', [found])}")


if __name__ == "__main__":
    main()
