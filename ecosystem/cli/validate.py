"""``ecosystem validate``: say what is wrong with scenarios, without running them."""

from __future__ import annotations

from ecosystem.cli import options


def validate(paths: options.Paths, set_: options.Set = None, allow_code: options.AllowCode = False) -> None:
    """Say what is wrong with scenarios, without running them.

    Every point of a sweep is tried.
    """
    from ecosystem.cli.targets import plans
    from ecosystem.cli.terminal import counted, one_line

    found = plans(paths, overrides=options.overrides(set_), allow_code=allow_code)
    for path, plan in zip(paths, found, strict=True):
        points = len({run.point for run in plan.runs})
        counts = f"{counted(points, 'point')}, {counted(len(plan.runs), 'run')}"
        print(f"{path}: valid ({one_line(plan.scenario.name)}: {counts})")
