"""Try the first rounds of some runs, to tell how long all of them will take and how much they will write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ecosystem.threads import one_thread
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.recording import Recorder
from ecosystem.world.simulation import run_rounds

if TYPE_CHECKING:
    from ecosystem.plan.runs import Run


@dataclass(frozen=True)
class Trial:
    """The first rounds of some runs.

    Attributes
    ----------
    built : float
        Seconds until the first round.
    rounds : int
        How many rounds were run.
    seconds : float
        How long they took.
    tables : dict of str to pyarrow.Table
        What was recorded, row 0 and those rounds.
    """

    built: float
    rounds: int
    seconds: float
    tables: dict[str, pa.Table]


def try_out(runs: Sequence[Run], seconds: float) -> Trial:
    """Run the first rounds of some runs, no longer than some seconds or a round of each takes.

    Runs of one chunk may still differ in shape, for a share of curated models is a number like any other; those
    that do are tried one after another, and the trial is of as many rounds as all of them came to.

    Raises
    ------
    EcosystemError
        They cannot be built.
    """
    began = time.perf_counter()
    batches: dict[object, list[tuple[Run, Blueprint]]] = {}
    for run in runs:
        plan = blueprint(run.scenario, run.seed)
        batches.setdefault(plan.shape, []).append((run, plan))
    planned = time.perf_counter() - began
    trials = [_try_batch(batch, seconds / len(batches)) for batch in batches.values()]
    rounds = min(trial.rounds for trial in trials)
    tables: dict[str, list[pa.Table]] = {}
    for trial in trials:
        for name, table in trial.tables.items():
            tables.setdefault(name, []).append(table)
    return Trial(
        planned + sum(trial.built for trial in trials),
        rounds,
        sum(trial.seconds * rounds / max(trial.rounds, 1) for trial in trials),
        {name: pa.concat_tables(parts).unify_dictionaries() for name, parts in tables.items()},
    )


def _try_batch(batch: Sequence[tuple[Run, Blueprint]], seconds: float) -> Trial:
    """Run the first rounds of runs of one shape."""
    began = time.perf_counter()
    model = Ecosystem.together([plan for _, plan in batch])
    recorder = Recorder(model, [run.id for run, _ in batch])
    ready = time.perf_counter()

    def enough(_: int, __: int) -> None:
        if time.perf_counter() - ready > seconds:
            raise _EnoughError

    with one_thread(), suppress(_EnoughError):
        run_rounds(model, recorder, enough)
    ended = time.perf_counter()
    return Trial(ready - began, model.round, ended - ready, recorder.tables())


class _EnoughError(Exception):
    """A trial has taken its time."""
