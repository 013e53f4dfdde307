"""What a simulation writes down: rows of the tables, world by world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from ecosystem.measures.groups import biases
from ecosystem.measures.rewards import named_alignments
from ecosystem.moments import mean_and_covariance
from ecosystem.scenario.columns import gaussian_states
from ecosystem.scenario.fields.outputs import GaussianOutputs
from ecosystem.world.blueprint import Blueprint
from ecosystem.world.ecosystem import Ecosystem
from ecosystem.world.network import Edges, hops

Columns = dict[str, NDArray[np.generic]]

_STAYS = -1


class Recorder:
    """Rows of a batch of worlds, gathered round by round.

    Parameters
    ----------
    model : Ecosystem
        What is recorded.
    """

    def __init__(self, model: Ecosystem) -> None:
        self._model = model
        self._record = model.blueprint.scenario.record
        self._names = ["alignment", "alignment_served", *_without(model.learner.measures, "alignment"), "volume"]
        self._groups: list[list[dict[str, NDArray[np.float64]]]] = [[] for _ in range(model.batch.size)]
        self._bias: list[list[dict[str, float]]] = [[] for _ in range(model.batch.size)]
        self._rounds: list[list[int]] = [[] for _ in range(model.batch.size)]
        self._models: list[list[NDArray[np.float64]]] = [[] for _ in range(model.batch.size)]
        self._alignments: list[list[NDArray[np.float64]]] = [[] for _ in range(model.batch.size)]
        self._states: list[list[NDArray[np.float64]]] = [[] for _ in range(model.batch.size)]
        self._distances: list[list[NDArray[np.int64]]] = [[] for _ in range(model.batch.size)]
        self._known: dict[int, tuple[Blueprint, NDArray[np.int64]]] = {}

    def write(self, worlds: Sequence[int]) -> None:
        """Write down the present round of some worlds."""
        if not worlds:
            return
        model, chosen = self._model, list(worlds)
        columns = np.stack([model.measure(name).cpu().numpy() for name in self._names])[:, chosen]
        named = named_alignments(model.state.p, model.batch).cpu().numpy() if self._record.alignments else None
        groups, bias = self._of_users()
        for position, world in enumerate(chosen):
            if groups:
                self._groups[world].append({name: values[world] for name, values in groups.items()})
                self._bias[world].append({name: float(values[world]) for name, values in bias.items()})
            self._rounds[world].append(model.round)
            self._models[world].append(columns[:, position])
            self._distances[world].append(self._distance(world))
            if named is not None:
                self._alignments[world].append(named[world])
            if self._record.states:
                self._states[world].append(np.array(model.state.p[world].cpu().numpy()))

    def _distance(self, world: int) -> NDArray[np.int64]:
        """Return how far each model is from the nearest curated one, −1 where none reaches it; found once a phase."""
        plan = self._model.batch.worlds[world]
        if world not in self._known or self._known[world][0] is not plan:
            self._known[world] = (plan, _distances(plan))
        return self._known[world][1]

    def _of_users(self) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
        population, crowd, p = self._model.population, self._model.crowd, self._model.state.p
        if population is None or crowd is None:
            return {}, {}
        values = self._model.group_values()
        bias = biases(population, crowd, p, values)
        return ({k: v.cpu().numpy() for k, v in values.items()}, {k: v.cpu().numpy() for k, v in bias.items()})

    def tables(self, world: int, run: str) -> dict[str, pa.Table]:
        """Return the rows of one world."""
        plan = self._model.batch.worlds[world]
        rounds = np.array(self._rounds[world], dtype=np.int64)
        values = np.stack(self._models[world])  # [rounds, measures, models]
        tables = {
            "models": self._models_table(plan, run, rounds, values, np.concatenate(self._distances[world])),
            "rounds": _rounds_table(run, rounds, values[:, self._names.index("alignment")], self._bias[world]),
        }
        if self._groups[world]:
            tables["groups"] = self._groups_table(run, rounds, self._groups[world])
        if self._record.alignments:
            tables["alignments"] = _alignments_table(plan, run, rounds, np.stack(self._alignments[world]))
        if self._record.states:
            tables["states"] = _states_table(plan, run, rounds, np.stack(self._states[world]))
        return tables

    def _groups_table(
        self, run: str, rounds: NDArray[np.int64], values: Sequence[Mapping[str, NDArray[np.float64]]]
    ) -> pa.Table:
        assert self._model.population is not None
        names = self._model.population.names
        columns: dict[str, pa.Array] = {
            "run": _repeated(run, len(rounds) * len(names)),
            "round": pa.array(np.repeat(rounds, len(names))),
            "group": _names(names, len(rounds)),
        }
        for name in values[0]:
            columns[name] = _numbers(np.concatenate([one[name] for one in values]))
        return pa.table(columns)

    def _models_table(
        self,
        plan: Blueprint,
        run: str,
        rounds: NDArray[np.int64],
        values: NDArray[np.float64],
        distances: NDArray[np.int64],
    ) -> pa.Table:
        models = len(plan.names)
        columns: dict[str, pa.Array] = {
            "run": _repeated(run, values.shape[0] * models),
            "round": pa.array(np.repeat(rounds, models)),
            "model": _names(plan.names, len(rounds)),
        }
        for number, name in enumerate(self._names):
            columns[name] = _numbers(values[:, number].ravel())
        columns["distance"] = pa.array(distances, mask=distances < 0)
        return pa.table(columns)


def network_table(plan: Blueprint) -> tuple[str, pa.Table]:
    """Return the network's key, a hash of its edges, and its table: every edge, and the rounds it is there."""
    edges = _lifetimes(plan)
    names = np.array(plan.names, dtype=object)
    parts = (np.ascontiguousarray(column).tobytes() for column in edges.values())
    key = blake2b(b"|".join(("\n".join(plan.names).encode(), *parts)), digest_size=6).hexdigest()
    table = pa.table(
        {
            "network": _repeated(key, len(edges["source"])),
            **{end: pa.array(names[edges[end]], pa.string()).dictionary_encode() for end in ("source", "target")},
            "weight": pa.array(edges["weight"]),
            "since": pa.array(edges["since"]),
            "until": pa.array(edges["until"], mask=edges["until"] == _STAYS),
        }
    )
    return key, table


def _lifetimes(plan: Blueprint) -> Columns:
    """Return the edges that a run ever has, in the order in which they come.

    `since` is the first round in which an edge is read, `until` the first in which it no longer is, `_STAYS` where
    it stays.
    """
    edges = plan.edges
    first = {"source": edges.source, "target": edges.target, "weight": edges.weight}
    since, until = np.zeros(len(edges.source), dtype=np.int64), np.full(len(edges.source), _STAYS, dtype=np.int64)
    if not plan.later:
        return {**first, "since": since, "until": until}
    there = {edge: number for number, edge in enumerate(_triples(plan.edges))}
    found, came, went = list(there), since.tolist(), until.tolist()
    for round_, later in plan.later:
        now = dict.fromkeys(_triples(later.edges))
        for edge in [edge for edge in there if edge not in now]:
            went[there.pop(edge)] = round_
        for edge in [edge for edge in now if edge not in there]:
            there[edge] = len(found)
            found.append(edge)
            came.append(round_)
            went.append(_STAYS)
    ends = np.array([edge[:2] for edge in found], dtype=np.int64).reshape(-1, 2)
    return {
        "source": ends[:, 0],
        "target": ends[:, 1],
        "weight": np.array([edge[2] for edge in found], dtype=np.float64),
        "since": np.array(came, dtype=np.int64),
        "until": np.array(went, dtype=np.int64),
    }


def _triples(edges: Edges) -> Iterator[tuple[int, int, float]]:
    return zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)


def _distances(plan: Blueprint) -> NDArray[np.int64]:
    found = hops(plan.graph, [name for name, curated in zip(plan.names, plan.curated, strict=True) if curated])
    return np.array([found.get(name, -1) for name in plan.names], dtype=np.int64)


def _without(names: Iterable[str], one: str) -> list[str]:
    return [name for name in names if name != one]


def _rounds_table(
    run: str, rounds: NDArray[np.int64], alignment: NDArray[np.float64], bias: Sequence[Mapping[str, float]]
) -> pa.Table:
    rewarded = ~np.isnan(alignment)
    count = rewarded.sum(-1)
    mean = np.where(rewarded, alignment, 0.0).sum(-1) / np.where(count > 0, count, 1)
    columns: dict[str, pa.Array] = {
        "run": _repeated(run, len(rounds)),
        "round": pa.array(rounds),
        "alignment": pa.array(mean, mask=count == 0),
    }
    for name in ("preference_bias", "disparate_bias", "representation_gap", "systemic_failure"):
        found = np.array([one[name] for one in bias]) if bias else np.full(len(rounds), np.nan)
        columns[name] = _numbers(found)
    return pa.table(columns)


def _alignments_table(plan: Blueprint, run: str, rounds: NDArray[np.int64], values: NDArray[np.float64]) -> pa.Table:
    models, rewards = len(plan.names), len(plan.reward_names)
    repeats = len(rounds)
    return pa.table(
        {
            "run": _repeated(run, values.size),
            "round": pa.array(np.repeat(rounds, models * rewards)),
            "model": _names([name for name in plan.names for _ in range(rewards)], repeats),
            "reward": _names(plan.reward_names, repeats * models),
            "value": _numbers(values.ravel()),
        }
    )


def _states_table(plan: Blueprint, run: str, rounds: NDArray[np.int64], values: NDArray[np.float64]) -> pa.Table:
    outputs = plan.scenario.outputs
    columns = gaussian_columns(values) if isinstance(outputs, GaussianOutputs) else {"probability": values}
    repeats, models, contexts, rows = next(iter(columns.values())).shape
    size = repeats * models * contexts * rows
    table: dict[str, pa.Array] = {
        "run": _repeated(run, size),
        "round": pa.array(np.repeat(rounds, models * contexts * rows)),
        "model": _names([name for name in plan.names for _ in range(contexts * rows)], repeats),
        "context": pa.array(np.tile(np.repeat(np.arange(contexts), rows), repeats * models)),
        "output": pa.array(np.tile(np.arange(rows), repeats * models * contexts)),
        "probability": pa.nulls(size, pa.float64()),
    }
    return pa.table(table | {name: pa.array(column.ravel()) for name, column in columns.items()})


def gaussian_columns(values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return mean and covariances of moments, ``[rounds, models, contexts, d]`` each; a row is a dimension."""
    mean, covariance = (part.numpy() for part in mean_and_covariance(torch.from_numpy(values)))
    columns = (mean, *np.moveaxis(covariance, -1, 0))
    return dict(zip(gaussian_states(mean.shape[-1]), columns, strict=True))


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers as a column; what is not a number is null."""
    return pa.array(values, mask=np.isnan(values))


def _repeated(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text], pa.string()))


def _names(names: Sequence[str], times: int) -> pa.Array:
    encoded = pa.array(names, pa.string()).dictionary_encode()
    indices = np.tile(encoded.indices.to_numpy(), times).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(indices), encoded.dictionary)
