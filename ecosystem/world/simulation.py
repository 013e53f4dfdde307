"""Run a chunk of a plan: runs of one shape are worlds of one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from ecosystem.errors import EcosystemError
from ecosystem.learners.drawn import DrawnLearner
from ecosystem.plan.size import most_rounds
from ecosystem.scenario.fields.learning import Until
from ecosystem.store import weights
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import Blueprint, blueprint
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.keeping import Keeper
from ecosystem.world.lifetimes import network_table
from ecosystem.world.recording import OnRows, Recorder

if TYPE_CHECKING:
    from ecosystem.plan.runs import Run
    from ecosystem.store.checkpoints import Checkpoint, Checkpoints

OnRound = Callable[[int, int], None]

OnEnd = Callable[[Sequence[int]], None]


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


def simulate(
    runs: Sequence[Run],
    on_round: OnRound | None = None,
    on_rows: OnRows | None = None,
    checkpoints: Checkpoints | None = None,
) -> Outcome:
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
    checkpoints : Checkpoints, optional
        Where runs keep how far they are; those of which it is known go on from there, and their earlier rows are
        handed over first. Only where rows are handed over.

    Returns
    -------
    Outcome
        A run's rows are the same bits whatever runs beside it.
    """
    outcome = Outcome()
    parts: dict[str, list[pa.Table]] = {}
    networks: dict[str, pa.Table] = {}
    batches: dict[object, list[tuple[Run, Blueprint]]] = {}
    known: dict[str, Checkpoint] = {}
    for run in runs:
        try:
            plan = blueprint(run.scenario, run.seed)
        except EcosystemError as error:
            outcome.errors[run.id] = str(error)
            continue
        if checkpoints is not None and on_rows is not None and (found := checkpoints.find(run.id)) is not None:
            known[run.id] = found
            for name, rows in checkpoints.rows(run.id, found):
                on_rows({name: rows})
            if found.over:
                _finished(outcome, networks, run, plan, found.seconds)
                continue
        done = known[run.id].round if run.id in known else 0
        batches.setdefault((plan.shape, done), []).append((run, plan))
    resuming = None if checkpoints is None or on_rows is None else _Resuming.of(checkpoints, known, on_rows)
    lengths = [most_rounds(batch[0][1].scenario) for batch in batches.values()]
    with one_thread():
        for number, batch in enumerate(batches.values()):
            told = _shifted(on_round, sum(lengths[:number]), sum(lengths))
            for name, table in _simulate_batch(batch, outcome, networks, told, on_rows, resuming).items():
                parts.setdefault(name, []).append(table)
    if networks:
        parts["network"] = list(networks.values())
    outcome.tables = {name: pa.concat_tables(tables).unify_dictionaries() for name, tables in parts.items()}
    return outcome


@dataclass(frozen=True)
class _Resuming:
    """How runs go on that are under way, and are kept so that they can."""

    checkpoints: Checkpoints
    known: dict[str, Checkpoint]
    keeper: Keeper | None

    @classmethod
    def of(cls, checkpoints: Checkpoints, known: dict[str, Checkpoint], on_rows: OnRows) -> _Resuming:
        """Return how the runs of a chunk go on; they are kept where that is wanted."""
        return cls(checkpoints, known, Keeper(checkpoints, known, on_rows) if checkpoints.wanted else None)

    def save_weights(self, model: Ecosystem, runs: Sequence[str], worlds: Sequence[int]) -> None:
        """Keep what the models of some worlds, which have ended, have learned, where that is recorded."""
        if model.blueprint.scenario.record.weights and isinstance(model.learner, DrawnLearner):
            for world in worlds:
                weights.save(self.checkpoints.root, runs[world], model.learner.learned(model.state, world))


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
    resuming: _Resuming | None,
) -> dict[str, pa.Table]:
    """Run some worlds, note what became of them and their networks, and return the rows that are left."""
    began = time.perf_counter()
    runs, known = [run.id for run, _ in batch], {} if resuming is None else resuming.known
    with _ecosystem([plan for _, plan in batch], runs, known) as model:
        keeper = None if resuming is None else resuming.keeper
        if keeper is not None:
            keeper.begin(model, runs)
        recorder = Recorder(model, runs, on_rows if keeper is None else keeper.take)
        on_end = None if resuming is None else partial(resuming.save_weights, model, runs)
        broken = run_rounds(model, recorder, on_round, keeper, on_end)
        seconds = (time.perf_counter() - began) / len(batch)
        for world, (run, plan) in enumerate(batch):
            taken = seconds + (known[run.id].seconds if run.id in known else 0.0)
            if world in broken:
                outcome.seconds[run.id], outcome.errors[run.id] = taken, broken[world]
            else:
                _finished(outcome, networks, run, plan, taken)
        rows = recorder.tables()
        if on_rows is None:
            return rows
        if rows:
            on_rows(rows)
        if keeper is not None:
            keeper.end(rows)
        return {}


def _finished(outcome: Outcome, networks: dict[str, pa.Table], run: Run, plan: Blueprint, seconds: float) -> None:
    """Note what became of a run that has come to its end."""
    outcome.seconds[run.id] = seconds
    outcome.networks[run.id], network = network_table(plan)
    networks.setdefault(outcome.networks[run.id], network)


@contextmanager
def _ecosystem(worlds: Sequence[Blueprint], runs: Sequence[str], known: dict[str, Checkpoint]) -> Iterator[Ecosystem]:
    """Give an ecosystem, at its beginning or where it is known to be, whose memory is free afterwards."""
    if runs[0] in known:
        model = Ecosystem.resume(worlds, known[runs[0]].round, [known[run].tensors for run in runs])
        known |= {run: replace(known[run], tensors={}) for run in runs}  # they are in the ecosystem now
    else:
        model = Ecosystem.together(worlds)
    try:
        yield model
    finally:
        model.let_go()


def run_rounds(
    model: Ecosystem,
    recorder: Recorder,
    on_round: OnRound | None = None,
    keeper: Keeper | None = None,
    on_end: OnEnd | None = None,
) -> dict[int, str]:
    """Run every world to its end and write down what its scenario asks for; worlds may be under way.

    `on_end` is told of worlds that have ended, while they are as they were then. Where `on_round` interrupts, the
    worlds are kept as they are after that round.

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
    if model.round == 0:
        recorder.write(going)
    if on_end is not None and model.round >= last:
        on_end(going)
    while going and model.round < last:
        before = (model.state, model.crowd)
        model.step()
        finite = model.now.finite
        if not bool(finite.all()):
            fine = finite.tolist()
            for world in [world for world in going if not fine[world]]:
                broken[world] = f"not finite since round {model.round}: {model.now.not_finite(world)}"
                recorder.leave_out(world)
            model.restart(~finite)  # some routines refuse a whole batch for one world's NaN
            going = [world for world in going if world not in broken]
        ended: list[int] = going if model.round == last else []
        if until is not None and not ended and not model.pending:
            moved = model.now.moved(*before).tolist()
            ended = [world for world in going if moved[world] <= until.tolerance]
        recorder.write(going if model.round % scenario.record.every == 0 else ended)
        if ended:
            over = frozenset(ended)
            going = [world for world in going if world not in over]
            if on_end is not None:
                on_end(ended)
        if keeper is not None:
            keeper.after_round(recorder, going, ended)
        if on_round is not None:
            try:
                on_round(model.round, last)
            except KeyboardInterrupt:
                if keeper is not None:
                    keeper.keep(recorder)
                raise
    return broken
