"""What a simulation writes down, of which models and of all of them together, and when it hands it over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.drawn import DrawnLearner
from ecosystem.measures.groups import biases
from ecosystem.measures.rewards import named_alignments
from ecosystem.scenario.fields.learning import Record
from ecosystem.scenario.fields.outputs import GaussianOutputs
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.network import hops
from ecosystem.world.rows import Moments
from ecosystem.world.streams import stream

OnRows = Callable[[Mapping[str, pa.Table]], None]
"""Takes rows of tables, by table: those of rounds that are over. Rows of a run come in the order of its rounds."""

Column: TypeAlias = NDArray[Any]
"""Numbers of a table, ``[worlds, ...]``."""

MOST_HELD = 1 << 26
"""About so many bytes of rows are held before they are handed over."""

_BIASES = ("preference_bias", "disparate_bias", "representation_gap", "systemic_failure")


@dataclass(frozen=True)
class _Written:
    """What was written of some worlds in one round, by table and column; the first dimension is the world."""

    round: int
    worlds: NDArray[np.int64]
    tables: Mapping[str, Mapping[str, Column]]

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(column.nbytes for columns in self.tables.values() for column in columns.values())


class Recorder:
    """Rows of a batch of worlds, gathered round by round.

    Parameters
    ----------
    model : Ecosystem
        What is recorded.
    runs : sequence of str
        The id of each world's run.
    on_rows : callable, optional
        Takes finished rows whenever about `most` bytes of them are held; by default all are held.
    most : int
        How many bytes that is.
    """

    def __init__(
        self, model: Ecosystem, runs: Sequence[str], on_rows: OnRows | None = None, most: int = MOST_HELD
    ) -> None:
        self._model, self._runs = model, tuple(runs)
        self._on_rows, self._most = on_rows, most
        self._record = model.blueprint.scenario.record
        names = model.blueprint.names
        self._chosen = recorded_models(self._record, names)
        self._models = None if self._chosen is None else torch.from_numpy(self._chosen).to(model.batch.device)
        self._names = names if self._chosen is None else tuple(names[number] for number in self._chosen)
        self._columns = ["alignment", "alignment_served", *_without(model.learner.measures, "alignment"), "volume"]
        self._written: list[_Written] = []
        self._held = 0
        self._left_out: set[int] = set()
        self._known: tuple[object, NDArray[np.int64]] | None = None

    def write(self, worlds: Sequence[int]) -> None:
        """Write down the present round of some worlds."""
        if not worlds:
            return
        chosen = np.array(worlds, dtype=np.int64)
        every = {name: columns for name, columns in self._now().items() if columns}
        tables = {
            name: {column: _of(values, chosen, self._model.batch.size) for column, values in columns.items()}
            for name, columns in every.items()
        }
        self._written.append(_Written(self._model.round, chosen, tables))
        self._held += self._written[-1].size
        if self._on_rows is not None and self._held >= self._most:
            self.flush()

    def leave_out(self, world: int) -> None:
        """Hand over no more rows of a world: its run has failed."""
        self._left_out.add(world)

    def flush(self) -> None:
        """Hand over the rows that are held."""
        if self._on_rows is not None and self._written:
            self._on_rows(self.tables())
        self._written, self._held = [], 0

    def tables(self) -> dict[str, pa.Table]:
        """Return the rows that are held, run by run and within a run round by round."""
        if not self._written:
            return {}
        world = np.concatenate([written.worlds for written in self._written])
        round_ = np.concatenate([np.full(len(written.worlds), written.round) for written in self._written])
        kept = np.flatnonzero(~np.isin(world, list(self._left_out)))
        order = kept[np.argsort(world[kept], kind="stable")]
        if len(order) == 0:
            return {}
        moments = Moments(self._runs, world[order], round_[order])
        found = {}
        for name, columns in self._written[0].tables.items():
            values = {
                column: np.concatenate([written.tables[name][column] for written in self._written])[order]
                for column in columns
            }
            found[name] = self._table(name, moments, values)
        return found

    def _table(self, name: str, moments: Moments, values: dict[str, Column]) -> pa.Table:
        plan = self._model.blueprint
        match name:
            case "models":
                distances = values.pop("distance")
                return moments.models(self._names, values, distances)
            case "groups":
                assert self._model.population is not None
                return moments.groups(self._model.population.names, values)
            case "alignments":
                return moments.alignments(self._names, plan.reward_names, values["value"])
            case "states":
                gaussian = isinstance(plan.scenario.outputs, GaussianOutputs)
                return moments.states(self._names, values["probability"], gaussian=gaussian)
            case "samples":
                return moments.samples(self._names, values["sample"])
        return moments.rounds(values)

    def _now(self) -> dict[str, dict[str, Tensor | Column]]:
        """Return the columns of each table now, of all worlds."""
        nothing = torch.full((self._model.batch.size,), torch.nan)
        if self._models is None:
            self._model.measures(self._columns)  # all at once
        rounds = {"alignment": _mean(self._model.measure("alignment"))} | dict.fromkeys(_BIASES, nothing)
        tables: dict[str, dict[str, Tensor | Column]] = {"models": {}, "rounds": {**rounds}, "groups": {}}
        if self._names:
            tables["models"] |= self._model.measures(self._columns, self._models)
            tables["models"]["distance"] = self._distances()
        population, crowd, p = self._model.population, self._model.crowd, self._model.state.p
        if population is not None and crowd is not None:
            tables["groups"] |= self._model.group_values()
            tables["rounds"] |= biases(population, crowd, p, self._model.group_values())
        if self._record.models == "aggregate":
            tables["rounds"] |= {name: _mean(value) for name, value in self._model.measures(self._columns).items()}
        seen = p if self._models is None else p[:, self._models]
        if self._record.alignments:
            tables["alignments"] = {"value": named_alignments(seen, self._model.batch)}
        if self._record.states:
            tables["states"] = {"probability": seen}
        if self._record.samples and isinstance(self._model.learner, DrawnLearner):
            written = self._model.learner.samples(self._model.state, self._record.samples)
            tables["samples"] = {"sample": written if self._chosen is None else written[:, self._chosen]}
        return tables

    def _distances(self) -> NDArray[np.int64]:
        """Return how far each recorded model is from the nearest curated one, −1 where none reaches it.

        It is the same in all worlds, and found once a phase.
        """
        plan = self._model.batch.worlds[0]
        if self._known is None or self._known[0] is not plan:
            every = hops(plan.edges, plan.curated)
            self._known = (plan, every if self._chosen is None else every[self._chosen])
        return self._known[1]


def recorded_models(record: Record, names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the numbers of the models of which rows are written, ascending; None for all.

    A sample is the same in every run, and a larger one holds a smaller.
    """
    if record.models == "all":
        return None
    if record.models == "aggregate":
        return np.zeros(0, dtype=np.int64)
    if isinstance(record.models, int):
        return np.sort(stream(0, "record.models").permutation(len(names))[: record.models])
    wanted = set(record.models)
    return np.flatnonzero([name in wanted for name in names])


def _of(values: Tensor | Column, worlds: NDArray[np.int64], size: int) -> Column:
    """Return the numbers of some worlds, as an array of their own; what is no tensor is the same in all."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        return values[worlds]
    if isinstance(values, np.ndarray):
        return np.broadcast_to(values, (len(worlds), *values.shape))
    every = values.to("cpu", torch.float64).numpy()
    return every.copy() if len(worlds) == size else every[worlds]


def _mean(values: Tensor) -> Tensor:
    """Return the mean over models, ``[worlds]``, of those that have the quantity; NaN where none has."""
    there = ~torch.isnan(values)
    count = there.sum(-1)
    return torch.where(there, values, 0.0).sum(-1) / torch.where(count > 0, count, torch.nan)


def _without(names: Collection[str], one: str) -> list[str]:
    return [name for name in names if name != one]
