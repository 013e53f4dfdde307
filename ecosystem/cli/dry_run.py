"""What ``ecosystem run --dry-run`` shows: runs and chunks."""

from __future__ import annotations

from ecosystem.cli.targets import Target
from ecosystem.cli.terminal import counted, one_line, print_table
from ecosystem.plan.chunks import bytes_per_world, chunks
from ecosystem.plan.identity import canonical, recording
from ecosystem.plan.runs import Run
from ecosystem.store.store import Store

_MOST_ROWS = 20


def show(target: Target) -> None:
    """Print how many runs and chunks a plan has, and the first of them."""
    plan = target.plan
    stored = Store(target.path, recording(plan.scenario)).stored(plan)
    packed = chunks(plan, [run.id for run in plan.unique if run.id not in stored])
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
    rows: list[list[str]] = []
    for chunk in packed:
        chunk_size = bytes_per_world(chunk.runs[0].scenario) * len(chunk.runs)
        rows.extend([chunk.id[:8], f"{chunk_size / 1e6:.1f}", *_described(run)] for run in chunk.runs)
    if rows:
        columns = ["chunk", "chunk MB", "point", "seed", "values"]
        print_table(columns, rows[:_MOST_ROWS], numbers=columns[1:4])
    if len(rows) > _MOST_ROWS:
        print(f"… and {len(rows) - _MOST_ROWS} more")


def _described(run: Run) -> list[str]:
    values = ", ".join(f"{key}={canonical(value)}" for key, value in run.values.items())
    return [str(run.point), str(run.seed), one_line(values, 100)]
