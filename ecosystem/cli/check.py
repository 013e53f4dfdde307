"""``ecosystem check``: whether scenarios give what the literature says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecosystem.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from ecosystem.expectations import Verdict
    from ecosystem.plan.runs import Plan
    from ecosystem.runner.execute import Execution
    from ecosystem.store.results import Results

NOT_MET = 1
_COLUMNS = ("scenario", "quantity", "expected", "found", "verdict", "source")


def check(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Scenario files, or names of shipped ones."),
    ] = None,
    out: options.Out = None,
    seeds: options.Seeds = None,
    set_: options.Set = None,
    workers: options.Workers = 0,
    allow_code: options.AllowCode = False,
    trained: Annotated[
        bool, typer.Option("--trained", help="Of the shipped ones, also those that train networks, for hours.")
    ] = False,
) -> None:
    """Run scenarios and compare them with what they expect.

    By default the shipped ones, but for those that train networks. Exit status 1 says that an expectation was not
    met. Results are kept only with --out; what is there already is not run again.
    """
    from ecosystem.cli.targets import plans, targets
    from ecosystem.cli.terminal import one_line, print_table
    from ecosystem.runner.execute import Execution
    from ecosystem.scenario.fields.drawn import DrawnOutputs
    from ecosystem.scenario.shipped import shipped

    asked = plans(
        paths or [str(path) for path in shipped().values()], options.seeds(seeds), options.overrides(set_), allow_code
    )
    if not paths and not trained:
        asked = [plan for plan in asked if not isinstance(plan.scenario.outputs, DrawnOutputs)]
    places = [target.path for target in targets(asked, out)] if out is not None else [None] * len(asked)
    by = Execution(workers)
    verdicts = [verdict for plan, place in zip(asked, places, strict=True) for verdict in _try(plan, place, by)]
    rows = [[one_line(getattr(verdict, column), 70) for column in _COLUMNS] for verdict in verdicts]
    if rows:
        print_table(_COLUMNS, rows)
    failed = sum(not verdict.passed for verdict in verdicts)
    print(f"{len(verdicts) - failed} of {len(verdicts)} expectations met")
    if failed:
        raise typer.Exit(NOT_MET)


def _try(plan: Plan, place: Path | None, by: Execution) -> list[Verdict]:
    """Run one scenario and compare it with what it expects."""
    from ecosystem.cli.terminal import progress
    from ecosystem.expectations import compare, tables_of
    from ecosystem.runner.run import carry_out

    scenario = plan.scenario
    with progress(scenario.name) as tell:
        results = carry_out(plan, place, tell, by)
    return [*_failures(results, scenario.name), *compare(tables_of(results), scenario.expect, scenario.name)]


def _failures(results: Results, name: str) -> list[Verdict]:
    from ecosystem.expectations import Verdict

    failed = results.runs[results.runs["status"] == "failed"]
    if failed.empty:
        return []
    reason = (str(failed.iloc[0]["error"]).strip().splitlines() or [""])[-1]
    found = f"{len(failed)} of {len(results.runs)} failed: {reason}"
    return [Verdict(name, "runs.status", "every run done", found, "fail", "")]
