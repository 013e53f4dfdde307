"""What a round costs as an ecosystem grows, in models, edges, outputs, worlds and users; building; writing down.

Every size is measured in turns with a small one, so that what is shown is the ratio of costs per model and edge (or
per number of the state). A picture of cost against size is drawn beside the figures.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import matplotlib
import networkx as nx
import numpy as np
import pyarrow as pa
from _timing import RESULTS, Comparison, compare, header, keep, row, seconds
from _workload import CONTEXTS, OUTPUTS, scenario

from ecosystem import Ecosystem
from ecosystem.world.blueprint import blueprint
from ecosystem.world.recording import Recorder

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SMALL = 10_000


def built(models: int, worlds: int = 1, **more: Any) -> Ecosystem:
    """Return an exact ecosystem of so many models."""
    settings = {"contexts": CONTEXTS, "outputs": OUTPUTS} | more
    plan = blueprint(scenario("exact", "shared", models, **settings), 0)
    return Ecosystem.together([plan] * worlds)


def load(model: Ecosystem) -> int:
    """Return how many numbers a round has to do with: worlds × (models + edges) × contexts × outputs."""
    plan = model.blueprint
    return model.batch.size * (len(plan.names) + len(plan.edges.source)) * int(np.prod(plan.initial.shape[1:]))


def growth(name: str, large: Ecosystem, small: Ecosystem, repeats: int, **wanted: float) -> Comparison:
    """Compare the cost of a number of the state in a large ecosystem with that in a small one."""
    found = compare(name, large.step, small.step, repeats)
    return replace(found, scale=load(small) / load(large), **wanted)


def building(models: int, repeats: int) -> Comparison:
    """Compare building everything, beyond the graph, with what is allowed: 5 s."""
    written = scenario("exact", "shared", models)
    taken: list[list[float]] = [[], [], [], []]
    for _ in range(repeats):
        gc.collect()
        for work, wall, busy in (
            (lambda: nx.barabasi_albert_graph(models, 4, seed=1), taken[0], taken[1]),
            (lambda: Ecosystem(written, 0), taken[2], taken[3]),
        ):
            began = time.process_time()
            wall.append(seconds(work))
            busy.append(time.process_time() - began)
    beyond = [whole - graph for whole, graph in zip(taken[2], taken[0], strict=True)]
    busy_beyond = statistics.median(taken[3]) - statistics.median(taken[1])
    name = f"building {models:,} models beyond the graph, in 5 s"
    return Comparison(name, beyond, [5.0] * repeats, at_most=1, busy=(busy_beyond, 5.0))


def writing(model: Ecosystem, models: Any, repeats: int) -> Comparison:
    """Compare writing down a round with running it."""
    record = model.blueprint.scenario.record.model_copy(update={"models": models})
    model.blueprint.scenario.__dict__["record"] = record
    rows: list[Mapping[str, pa.Table]] = []
    recorder = Recorder(model, ["run"], rows.append)

    def write() -> None:
        model._forget()
        recorder.write([0])
        recorder.flush()
        rows.clear()

    return compare(f"writing down a round, models: {models}, beside running it", write, model.step, repeats)


def picture(found: Mapping[str, list[tuple[int, float]]]) -> None:
    """Draw cost against size, a line for each way to grow."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for (name, points), marker in zip(found.items(), "os^Dv", strict=False):
        axes.plot(*zip(*points, strict=True), marker=marker, label=name)
    axes.set(xscale="log", yscale="log", xlabel="numbers a round reads, worlds × (models + edges) × contexts × outputs")
    axes.set(ylabel="seconds a round", title="Cost of an exact round against size")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(RESULTS / "sizes.svg", metadata={"Date": None})


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", type=int, default=100_000)
    arguments = parser.parse_args()
    repeats, many = arguments.repeats, arguments.models
    small = built(SMALL)
    found: list[Comparison] = []
    lines: dict[str, list[tuple[int, float]]] = {}
    print(header("larger", "smaller"))

    def tried(way: str, name: str, large: Ecosystem, other: Ecosystem = small, **wanted: float) -> None:
        found.append(growth(name, large, other, repeats, **wanted))
        points = lines.setdefault(way, [(load(other), statistics.median(seconds(other.step) for _ in range(5)))])
        points.append((load(large), statistics.median(found[-1].first)))
        print(row(found[-1]), flush=True)

    for models in (1000, 3000, 30_000):
        tried("models", f"{models:,} against {SMALL:,} models", built(models))
    large = built(many)
    tried("models", f"{many:,} against {SMALL:,} models, per model and edge", large, at_most=1.15)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for degree in (32, 128):
        tried("edges", f"degree {degree} against 8", built(SMALL, degree=degree))
    for outputs in (16, 256):
        tried("outputs", f"{outputs} against {OUTPUTS} outputs", built(SMALL, outputs=outputs))
    few = built(100)
    for worlds in (10, 100):
        tried("worlds", f"{worlds} worlds of 100 models against 1", built(100, worlds), few)
    print(header("write", "round"))
    for chosen in ("all", 1000, "aggregate"):
        found.append(writing(large, chosen, repeats))
        print(row(found[-1]), flush=True)
    del large, few
    print(header("beyond", "allowed"))
    found.append(building(many, min(3, repeats)))
    print(row(found[-1]))
    print(f"peak memory with {many:,} models: {peak:.2f} GiB")
    RESULTS.mkdir(exist_ok=True)
    lines = {way: sorted(points) for way, points in lines.items()}
    picture(lines)
    print(
        f"figures: {keep('sizes', found, peak_gib=round(peak, 2), lines=lines)}; drawn in benchmarks/results/sizes.svg"
    )


if __name__ == "__main__":
    main()
