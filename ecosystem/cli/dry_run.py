"""What ``ecosystem run --dry-run`` shows: runs, chunks, time and room."""

from __future__ import annotations

import os

from ecosystem.cli.targets import Target
from ecosystem.cli.terminal import counted, duration, one_line, print_table, size
from ecosystem.plan.chunks import Chunk, chunks
from ecosystem.plan.identity import canonical, recording
from ecosystem.plan.runs import Run
from ecosystem.plan.size import bytes_per_world
from ecosystem.runner.estimate import estimate
from ecosystem.runner.execute import Execution, fitted, missing
from ecosystem.store.store import Store

_MOST_ROWS = 20


def show(target: Target, execution: Execution) -> None:
    """Print how many runs and chunks a plan has, what they will take, and the first of them.

    Raises
    ------
    EcosystemError
        The plan does not fit into the memory.
    """
    plan = target.plan
    stored = Store(target.path, recording(plan.scenario)).stored(plan)
    packed = chunks(plan, missing(plan, stored, execution.retry_failed), execution.max_memory)
    points = len({run.point for run in plan.runs})
    seeds = len({run.seed for run in plan.runs})
    alike = len(plan.runs) - len(plan.unique)
    print(
        f"{one_line(plan.scenario.name)}: {counted(len(plan.runs), 'run')}"
        f" ({counted(points, 'point')} × {counted(seeds, 'seed')}"
        + (f", {alike} of them the same as others" if alike else "")
        + f"), {len(stored)} there already, {sum(len(chunk.runs) for chunk in packed)} to run"
        f" in {counted(len(packed), 'chunk')}; results in {target.path}"
    )
    if packed:
        print(_reckoned(packed, fitted(execution, packed)))
    rows: list[list[str]] = []
    for chunk in packed:
        chunk_size = bytes_per_world(chunk.runs[0].scenario) * len(chunk.runs)
        rows.extend([chunk.id[:8], f"{chunk_size / 1e6:.1f}", *_described(run)] for run in chunk.runs)
    if rows:
        columns = ["chunk", "chunk MB", "point", "seed", "values"]
        print_table(columns, rows[:_MOST_ROWS], numbers=columns[1:4])
    if len(rows) > _MOST_ROWS:
        print(f"… and {len(rows) - _MOST_ROWS} more")


def _reckoned(packed: tuple[Chunk, ...], execution: Execution) -> str:
    """Say what it will take, as measured on a few rounds."""
    found = estimate(packed)
    word = "at most about" if found.at_most else "about"
    if execution.scheduler is not None:
        time = f"{duration(found.seconds)} of one core, shared by the cluster"
    else:
        workers = min(execution.workers or 0, os.cpu_count() or 1)
        where = f"with {counted(workers, 'worker')}" if workers else "in this process"
        time = f"{duration(found.with_workers(workers))} {where}"
    if not found.measured:
        return f"{word} {time}, guessed from the settings (no round was tried)"
    return f"{word} {time}, and {size(found.bytes)} on the disk (measured on the first rounds)"


def _described(run: Run) -> list[str]:
    values = ", ".join(f"{key}={canonical(value)}" for key, value in run.values.items())
    return [str(run.point), str(run.seed), one_line(values, 100)]
