"""What plan and store add to the runs themselves, and what reading a million rows takes beside pyarrow alone.

Overhead: planning, executing and writing 128 runs of about 50 ms each, against the engine with the same chunks and
nothing else. Reading: all of the table `models` of 1,000 runs × 100 rounds × 10 models, and one column of it, from 16
parts, against pyarrow with the same files and columns.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
from _timing import Comparison, compare, header, keep, row

from ecosystem import Scenario, open_results
from ecosystem.plan.chunks import chunks
from ecosystem.plan.runs import Plan, plan
from ecosystem.runner.execute import Execution, execute
from ecosystem.store.store import open_store
from ecosystem.world import simulate


def scenario(models: int, rounds: int, seeds: int, **more: Any) -> Scenario:
    """Return an ecosystem of models on a random graph that is the same for all seeds."""
    return Scenario(
        name="benchmark",
        rounds=rounds,
        seeds=seeds,
        outputs={"kind": "categorical", "size": 16, "contexts": 4},
        rewards={"r": [float(k) for k in range(16)]},
        models=[
            {
                "name": "m",
                "count": models,
                "reward": "r",
                "diet": {"real": 0.2, "curated": 0.3, "neighbours_raw": 0.5},
                "curation": {"method": "luce", "candidates": 4},
            }
        ],
        network={"generator": "barabasi_albert", "m": 2, "seed": 1},
        real={"draw": "dirichlet", "concentration": 1.0},
        **more,
    )


def planned_and_stored(written: Scenario) -> Callable[[], object]:
    """Return what plans, executes and writes everything anew."""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            asked = plan(written)
            with open_store(asked, Path(folder)) as store:
                execute(asked, store)

    return work


def bare(asked: Plan) -> Callable[[], object]:
    """Return what runs the same chunks and keeps nothing."""

    def work() -> None:
        for chunk in chunks(asked, [run.id for run in asked.unique]):
            simulate(chunk.runs)

    return work


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    found: list[Comparison] = []
    print(header("with", "bare"))

    name = "128 runs of 50 ms, planned and stored"
    written = scenario(models=60, rounds=25, seeds=128, mode="sampled", learning={"examples": 2000})
    found.append(compare(name, planned_and_stored(written), bare(plan(written)), repeats, at_most=1.05))
    print(row(found[-1]))

    with tempfile.TemporaryDirectory() as folder:
        asked = plan(scenario(models=10, rounds=99, seeds=1000, mode="sampled", learning={"examples": 10}))
        with open_store(asked, Path(folder)) as store:
            execute(asked, store, execution=Execution())
        files = sorted(map(str, Path(folder).glob("parts/*/models.parquet")))
        # One column is read so quickly that what shows is the fixed cost: which runs there are, and where.
        for name, columns, wanted in (
            ("a million rows, all columns", None, {"at_most": 2.0}),
            ("a million rows, one column", ["alignment"], {}),
        ):

            def read(columns: list[str] | None = columns) -> pd.DataFrame:
                return open_results(folder).table("models", columns)

            def pyarrow_alone(columns: list[str] | None = columns) -> pd.DataFrame:
                return ds.dataset(files, format="parquet").to_table(columns=columns).to_pandas()

            assert len(read()) == len(pyarrow_alone()) == 1_000_000
            found.append(compare(name, read, pyarrow_alone, repeats, **wanted))
            print(row(found[-1]))
    print(f"figures: {keep('batches', found)}")


if __name__ == "__main__":
    main()
