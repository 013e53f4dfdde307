"""A round on a GPU, against the same round on the CPU and against a plain copy of its bytes in the GPU's memory.

Without a GPU it says so and ends.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable

import torch
from _timing import Comparison, compare, header, keep, row
from _workload import scenario

from ecosystem import Ecosystem


def built(models: int, device: str, mode: str = "exact", precision: str = "float64") -> Ecosystem:
    """Return the benchmarks' ecosystem on a device."""
    return Ecosystem(scenario(mode, "shared", models, device=device, precision=precision), 0)


def done(work: Callable[[], object]) -> Callable[[], object]:
    """Return work that has ended on the GPU when it returns."""

    def whole() -> None:
        work()
        torch.cuda.synchronize()

    return whole


_COPIED = 2**29
"""The most numbers that a copy moves; of more bytes it moves a part."""


def copying(model: Ecosystem) -> tuple[Callable[[], object], float]:
    """Return a copy in the GPU's memory of the bytes that a round must move, and what part of them it moves.

    See `_workload.Floor`.
    """
    plan, state = model.blueprint, model.state.p
    moved = state[0, 0].numel() * (3 * len(plan.names) + len(plan.edges.source)) // 2  # each is read and written
    source = torch.ones(min(moved, _COPIED), dtype=state.dtype, device=state.device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), len(source) / moved


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", type=int, default=1_000_000, help="of the largest ecosystem")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch finds no GPU with CUDA here: nothing is measured")
        return
    repeats = arguments.repeats
    found: list[Comparison] = []
    memory: dict[str, float] = {}

    def told(comparison: Comparison) -> None:
        found.append(comparison)
        print(row(comparison), flush=True)

    print(torch.cuda.get_device_name(0))
    print(header("CPU", "GPU"))
    for models, mode in (
        (1000, "exact"),
        (10_000, "exact"),
        (100_000, "exact"),
        (1000, "sampled"),
        (10_000, "sampled"),
    ):
        here, there = built(models, "cpu", mode), built(models, "cuda", mode)
        told(compare(f"{models:,} models, {mode}", here.step, done(there.step), repeats))
        del here, there
    print(header("round", "copy"))
    for models, precision in ((100_000, "float64"), (100_000, "float32"), (arguments.models, "float64")):
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        large = built(models, "cuda", "exact", precision)
        spent = time.perf_counter() - began
        name = f"{models:,} models, {precision}"
        large.step()
        memory[name] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        copy, part = copying(large)
        told(compare(f"{name}, beside a copy of its bytes", done(large.step), done(copy), repeats, scale=part))
        print(f"  built in {spent:.0f} s; {memory[name]} GiB of the GPU's memory")
        del large, copy
    print(f"figures: {keep('devices', found, device=torch.cuda.get_device_name(0), peak_gib=memory)}")


if __name__ == "__main__":
    main()
