"""From a scenario to its results."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from ecosystem.plan.runs import Plan, plan
from ecosystem.runner.execute import Execution, execute
from ecosystem.runner.progress import OnProgress
from ecosystem.scenario.load import load_scenario
from ecosystem.scenario.scenario import Scenario
from ecosystem.store.results import Results
from ecosystem.store.store import open_store


def run(
    scenario: Scenario | str | PathLike[str],
    out: str | PathLike[str] | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: OnProgress | None = None,
    workers: int = 0,
    scheduler: Any = None,
    timeout: float | None = None,
    retry_failed: bool = False,
    max_memory: int | None = None,
    checkpoint: float = 30.0,
    allow_code: bool = False,
) -> Results:
    """Run a scenario, all points of its sweep with all seeds.

    Parameters
    ----------
    scenario : Scenario, str or path
        The scenario, its file, or the name of a shipped one.
    out : path, optional
        Directory for the results; what it already holds of this scenario is not run again. By default
        they live in a temporary directory that goes away with the returned object.
    seeds : int or sequence of int, optional
        A count or a list, in place of the scenario's own.
    overrides : mapping, optional
        Settings to change: ``{"learning.rate": 0.5}``.
    progress : callable, optional
        Called with a `Progress` now and then.
    workers : int
        How many processes of this machine execute runs; 0 for this process itself. A script that asks for
        more must start its work under ``if __name__ == "__main__":``, as with every use of `multiprocessing`.
    scheduler : str or object, optional
        Address of a Dask scheduler (``tcp://…``), a Dask cluster or client, in place of own processes. Its workers
        must share the file system of `out`.
    timeout : float, optional
        Seconds that a run may take. A run that hangs within a round can only be ended in a worker process.
    retry_failed : bool
        Whether runs that failed before are run again.
    max_memory : int, optional
        Bytes that all processes of this machine may hold together; by default what the machine has.
    checkpoint : float
        Seconds of work after which a run under way is kept below `out`, so that, killed, it goes on from there;
        0 for after every round, infinity for never. No result depends on it. An interruption (Ctrl-C) keeps it too,
        after the round that it is in; a second one does not wait for that.
    allow_code : bool
        Whether Python files that the scenario names under `plugins` may be run; a `Scenario` says so itself.

    Returns
    -------
    Results
        The tables. A run that failed is a row of `runs` with its error; the others are not affected.

    Raises
    ------
    InputError
        The scenario is not valid.
    StoreError
        The directory holds something else, another process writes to it, or it cannot be written.
    EcosystemError
        The plan does not fit into the memory, or no scheduler answers.
    """
    execution = Execution(workers, scheduler, timeout, retry_failed, max_memory, checkpoint)
    return carry_out(plan(_scenario(scenario, overrides, allow_code), seeds), out, progress, execution)


def carry_out(
    asked: Plan,
    out: str | PathLike[str] | None,
    progress: OnProgress | None = None,
    execution: Execution | None = None,
) -> Results:
    """Execute what is missing of a plan in a directory, or all of it in one that passes; see `run`."""
    if out is not None:
        with open_store(asked, Path(out)) as store:
            execute(asked, store, progress, execution=execution)
        return Results(out, allow_code=asked.scenario.document.allow_code)
    passing = Path(tempfile.mkdtemp(prefix="ecosystem-"))
    execution = replace(execution or Execution(), checkpoint=math.inf)  # nothing can go on there
    try:
        with open_store(asked, passing) as store:
            execute(asked, store, progress, execution=execution)
        return Results(passing, temporary=True, allow_code=asked.scenario.document.allow_code)
    except BaseException:
        shutil.rmtree(passing, ignore_errors=True)
        raise


def _scenario(
    scenario: Scenario | str | PathLike[str], overrides: Mapping[str, Any] | None, allow_code: bool
) -> Scenario:
    if not isinstance(scenario, Scenario):
        return load_scenario(scenario, overrides, allow_code=allow_code)
    return scenario.with_(overrides) if overrides else scenario
