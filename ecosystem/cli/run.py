"""``ecosystem run``: run scenarios and keep their results."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from ecosystem.cli import options
from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    from ecosystem.cli.targets import Target
    from ecosystem.runner.execute import Execution
    from ecosystem.store.results import Results

SOME_FAILED = 1
INTERRUPTED = 130
_MOST_ERRORS = 3


def run(
    paths: options.Paths,
    out: options.Out = None,
    seeds: options.Seeds = None,
    set_: options.Set = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    timeout: options.Timeout = None,
    retry_failed: options.RetryFailed = False,
    max_memory: options.MaxMemory = None,
    checkpoint: options.Checkpoint = 30.0,
    device: options.Device = None,
    allow_code: options.AllowCode = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be run and what it takes, and keep nothing.")
    ] = False,
) -> None:
    """Run scenarios and keep their results.

    Results go to runs/NAME, or to --out. What a directory already holds of a scenario is not run again: after
    an interruption, or whatever else, the same command goes on; long runs go on from where they were kept last.
    """
    from ecosystem.cli.targets import plans, targets

    execution = options.execution(workers, scheduler, timeout, retry_failed, max_memory, checkpoint)
    asked = targets(plans(paths, options.seeds(seeds), options.overrides(set_, device), allow_code), out)
    _refuse_unfit(asked)
    if dry_run:
        from ecosystem.cli.dry_run import show

        for target in asked:
            show(target, execution)
        return
    failed = [_run(target, execution) for target in asked]
    if any(failed):
        raise typer.Exit(SOME_FAILED)


def _refuse_unfit(asked: list[Target]) -> None:
    """Raise, before anything is run, if a directory cannot take its results."""
    from ecosystem.cli.targets import BadInputsError
    from ecosystem.store.manifest import describe
    from ecosystem.store.store import examine

    wrong = []
    for target in asked:
        try:
            examine(describe(target.plan, ""), target.path)
        except EcosystemError as error:
            wrong.append(str(error))
    if wrong:
        raise BadInputsError("\n".join(wrong))


def _run(target: Target, execution: Execution) -> bool:
    """Run one scenario and say what came of it; return whether a run failed."""
    from ecosystem.cli.summary import show
    from ecosystem.cli.terminal import counted, one_line, progress
    from ecosystem.runner.execute import execute, missing
    from ecosystem.store.results import open_results
    from ecosystem.store.store import open_store

    name = target.plan.scenario.name
    with open_store(target.plan, target.path) as store:
        if store.mended:
            said = f"{counted(store.mended, 'part')} of the results had been damaged and will be computed anew"
            print(f"{target.path}: {said}", file=sys.stderr)
        try:
            with progress(name) as tell:
                new = execute(target.plan, store, tell, execution=execution)
        except KeyboardInterrupt:
            left = missing(target.plan, store.stored(target.plan), execution.retry_failed)
            kept = store.checkpoints(execution.checkpoint).rounds(left)
            left_over = f"{counted(len(left), 'run')} left{_kept(kept.values())}; the same command goes on"
            print(f"{target.path}: interrupted; {left_over}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
    results = open_results(target.path, allow_code=target.plan.scenario.document.allow_code)
    failed = int((results.runs["status"] == "failed").sum())
    done = len(results.runs) - failed
    counts = f"{counted(done, 'run')} done, {failed} failed ({new} now)"
    print(f"{one_line(name)}: {counts}; results in {target.path}")
    show(results)
    _tell_errors(results)
    return failed > 0


def _kept(rounds: Collection[int]) -> str:
    """Say how many of the runs that are left are under way, and where they go on."""
    if not rounds:
        return ""
    first, last = min(rounds), max(rounds)
    where = f"round {first:,}" if first == last else f"rounds {first:,} to {last:,}"
    return f", {len(rounds):,} of them under way and kept at {where}"


def _tell_errors(results: Results) -> None:
    from ecosystem.cli.terminal import one_line

    failed = results.runs[results.runs["status"] == "failed"]
    for text, runs in list(failed.groupby("error", sort=False))[:_MOST_ERRORS]:
        first = runs.iloc[0]
        reason = one_line(str(text), 500)
        print(f"{len(runs)} failed, first point {first.point} seed {first.seed}: {reason}", file=sys.stderr)
    _tell_whose_fault(results)


def _tell_whose_fault(results: Results) -> None:
    """Say where the tracebacks are, and whether what was raised was raised in a plug-in."""
    from ecosystem.plugins.blame import raised_in

    tracebacks = results.failures["traceback"].dropna().drop_duplicates()
    if tracebacks.empty:
        return
    where = f"ecosystem.open_results({str(results.path)!r}).failures"
    for place in dict.fromkeys(raised_in(text, results.scenario.plugins) for text in tracebacks):
        told = "this should not happen" if place is None else f"raised in the plug-in {place}"
        print(f"{told}; the tracebacks are in {where}", file=sys.stderr)
