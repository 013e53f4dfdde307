"""Run a chunk of a plan: runs of one shape are worlds of one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from ecosystem.errors import EcosystemError
from ecosystem.plan.size import most_rounds
from ecosystem.scenario.fields.learning import Until
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.lifetimes import network_table
from ecosystem.world.recording import OnRows, Recorder

if TYPE_CHECKING:
    from ecosystem.plan.runs import Run

OnRound = Callable[[int, int], None]


@dataclass
class Outcome:
    """What became of some runs.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
        Rows of the runs that finished, those apart that were handed over meanwhile; the first column is `run`
        (`network` in `network`, which has each network once).
    networks : dict
        Each run's key in the table `network`.
    seconds : dict
        Wall time of each run; a batch's time is shared out evenly.
    errors : dict
        Why the others failed.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def simulate(runs: Sequence[Run], on_round: OnRound | None = None, on_rows: OnRows | None = None) -> Outcome:
    """Run everything that is asked for.

    Parameters
    ----------
    runs : sequence of Run
        Runs with different ids.
    on_round : callable, optional
        Told (rounds run, rounds in all) after each round; a batch that settles early ends before its most rounds.

    on_rows : callable, optional
        Takes finished rows as they come, so that they need not all be held: tables by name, of some rounds of
        some runs. A run's rows come in the order of its rounds; a run that fails later may have rows already.
        By default all rows are in the outcome.

    Returns
    -------
    Outcome
        A run's rows are the same bits whatever runs beside it.
    """
    outcome = Outcome()
    parts: dict[str, list[pa.Table]] = {}
    networks: dict[str, pa.Table] = {}
    batches: dict[object, list[tuple[Run, Blueprint]]] = {}
    for run in runs:
        try:
            plan = blueprint(run.scenario, run.seed)
        except EcosystemError as error:
            outcome.errors[run.id] = str(error)
            continue
        batches.setdefault(plan.shape, []).append((run, plan))
    lengths = [most_rounds(batch[0][1].scenario) for batch in batches.values()]
    with one_thread():
        for number, batch in enumerate(batches.values()):
            told = _shifted(on_round, sum(lengths[:number]), sum(lengths))
            for name, table in _simulate_batch(batch, outcome, networks, told, on_rows).items():
                parts.setdefault(name, []).append(table)
    if networks:
        parts["network"] = list(networks.values())
    outcome.tables = {name: pa.concat_tables(tables).unify_dictionaries() for name, tables in parts.items()}
    return outcome


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


def _shifted(on_round: OnRound | None, before: int, rounds: int) -> OnRound | None:
    """Return a listener that counts the rounds of earlier batches too."""
    if on_round is None:
        return None
    told = on_round
    return lambda round_, _: told(before + round_, rounds)


def _simulate_batch(
    batch: Sequence[tuple[Run, Blueprint]],
    outcome: Outcome,
    networks: dict[str, pa.Table],
    on_round: OnRound | None,
    on_rows: OnRows | None,
) -> dict[str, pa.Table]:
    """Run some worlds, note what became of them and their networks, and return the rows that are left."""
    began = time.perf_counter()
    with _ecosystem([plan for _, plan in batch]) as model:
        recorder = Recorder(model, [run.id for run, _ in batch], on_rows)
        broken = run_rounds(model, recorder, on_round)
        seconds = (time.perf_counter() - began) / len(batch)
        for world, (run, plan) in enumerate(batch):
            outcome.seconds[run.id] = seconds
            if world in broken:
                outcome.errors[run.id] = broken[world]
                continue
            outcome.networks[run.id], network = network_table(plan)
            networks.setdefault(outcome.networks[run.id], network)
        if on_rows is None:
            return recorder.tables()
        recorder.flush()
        return {}


@contextmanager
def _ecosystem(worlds: Sequence[Blueprint]) -> Iterator[Ecosystem]:
    """Give an ecosystem whose memory is free afterwards."""
    model = Ecosystem.together(worlds)
    try:
        yield model
    finally:
        model.let_go()


def run_rounds(model: Ecosystem, recorder: Recorder, on_round: OnRound | None = None) -> dict[int, str]:
    """Run every world to its end and write down what its scenario asks for.

    Returns
    -------
    dict
        Worlds whose state ceased to be finite, of what, and since when.
    """
    scenario = model.blueprint.scenario
    until = scenario.rounds if isinstance(scenario.rounds, Until) else None
    last = most_rounds(scenario)
    going = list(range(model.batch.size))
    broken: dict[int, str] = {}
    recorder.write(going)
    while going and model.round < last:
        before = (model.state, model.crowd)
        model.step()
        finite = model.finite()
        if not bool(finite.all()):
            fine = finite.tolist()
            for world in [world for world in going if not fine[world]]:
                broken[world] = f"not finite since round {model.round}: {model.not_finite(world)}"
                recorder.leave_out(world)
            model.restart(~finite)  # some routines refuse a whole batch for one world's NaN
            going = [world for world in going if world not in broken]
        ended: list[int] = going if model.round == last else []
        if until is not None and not ended and not model.pending:
            moved = model.moved(*before).tolist()
            ended = [world for world in going if moved[world] <= until.tolerance]
        recorder.write(going if model.round % scenario.record.every == 0 else ended)
        if ended:
            over = frozenset(ended)
            going = [world for world in going if world not in over]
        if on_round is not None:
            on_round(model.round, last)
    return broken
