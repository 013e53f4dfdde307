"""What there is to look at: the rows of one run as arrays, from a store or from an ecosystem that is running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

VERSUS = "versus"
"""The column that holds alignment less that of a baseline."""

_KEYS = ("run", "round", "model", "group")


@dataclass(frozen=True)
class Network:
    """The edges that a run ever has.

    Attributes
    ----------
    source, target : ndarray
        Numbers of models, ``[edges]``: the target learns from what the source wrote.
    weight : ndarray
        As given, ``[edges]``.
    since, until : ndarray
        The first round in which an edge is read, and the first in which it no longer is (infinite where it
        stays), ``[edges]``.
    """

    source: Ints
    target: Ints
    weight: Array
    since: Array
    until: Array

    def at(self, round_: int) -> NDArray[np.bool_]:
        """Return which edges are there in a round, ``[edges]``."""
        return (self.since <= round_) & (round_ < self.until)

    def same(self, other: Network | None) -> bool:
        """Tell whether another network has the same edges."""
        return other is not None and all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        )


@dataclass(frozen=True)
class Record:
    """One run, round by round.

    Attributes
    ----------
    names : tuple of str
        The models.
    rounds : ndarray
        The rounds that are recorded, ``[rounds]``.
    models : mapping of str to ndarray
        Columns of the table `models`, ``[rounds, models]`` each; NaN where there is none.
    groups : tuple of str
        Groups of users, none without users.
    of_groups : mapping of str to ndarray
        Columns of the table `groups`, ``[rounds, groups]`` each.
    overall : mapping of str to ndarray
        Columns of the table `rounds`, ``[rounds]`` each.
    network : Network
        Who learns from whom, among these models.
    all_models : int
        How many models the ecosystem has, those without rows too.
    """

    names: tuple[str, ...]
    rounds: Ints
    models: Mapping[str, Array]
    groups: tuple[str, ...]
    of_groups: Mapping[str, Array]
    overall: Mapping[str, Array]
    network: Network
    all_models: int
    number: Mapping[str, int] = field(repr=False, default_factory=dict)

    def row(self, round_: float) -> int:
        """Return the place of the last recorded round that is not after `round_`."""
        return max(int(np.searchsorted(self.rounds, round_, side="right")) - 1, 0)

    def curated(self, row: int) -> NDArray[np.bool_]:
        """Return which models have a curator, ``[models]``: those at distance 0 from the nearest curated one."""
        distance = self.models.get("distance")
        return np.zeros(len(self.names), dtype=bool) if distance is None else distance[row] == 0

    @cached_property
    def readers(self) -> Ints:
        """How many models ever learn from each, ``[models]``."""
        return np.bincount(self.network.source, minlength=len(self.names))


def record(
    models: pd.DataFrame,
    rounds: pd.DataFrame,
    groups: pd.DataFrame | None,
    network: pd.DataFrame | None,
    all_models: int | None = None,
) -> Record:
    """Return the rows of one run as a record.

    Parameters
    ----------
    models, rounds : DataFrame
        Rows of these tables, of one run.
    groups : DataFrame, optional
        The same, where there are users.
    network : DataFrame, optional
        Edges of the run's network.
    all_models : int, optional
        How many models the ecosystem has; as many as have rows by default.
    """
    names, of_models, when = _columns(models, "model")
    group_names, of_groups, _ = ((), {}, when) if groups is None or groups.empty else _columns(groups, "group")
    ordered = rounds.sort_values("round")
    number = {name: index for index, name in enumerate(names)}
    return Record(
        names=names,
        rounds=when,
        models=of_models,
        groups=group_names,
        of_groups=of_groups,
        overall={str(name): _floats(ordered[name]) for name in ordered if name not in _KEYS},
        network=_network(network, number),
        all_models=len(names) if all_models is None else all_models,
        number=number,
    )


def of_run(results: Results, run: str) -> Record:
    """Return one finished run of a store.

    Parameters
    ----------
    results : Results
        The store.
    run : str
        The run's id.

    Raises
    ------
    EcosystemError
        If rows of no model were written.
    """
    scenario = results.scenario
    models = results.table("models", runs=[run])
    if models.empty:
        raise EcosystemError(
            f"{results.path}: no model has rows of its own (record.models: {scenario.record.models}), so there is "
            "nothing to look into; `ecosystem report` shows the means"
        )
    key = results.runs.set_index("run")["network"][[run]].iloc[0]
    groups = results.table("groups", runs=[run]) if scenario.users is not None else None
    # A network that several runs share may stand there once for each.
    network = results.network[results.network["network"] == key].drop_duplicates()
    return record(models, results.table("rounds", runs=[run]), groups, network, len(scenario.model_names))


def versus(now: Record, baseline: Record | None) -> Record:
    """Return a record with the column `versus`: alignment less the baseline's in the same round and model.

    Rounds that the baseline has not reached have none; nor has anything, where the models are others.
    """
    if baseline is None or baseline.names != now.names:
        return now
    both = min(len(now.rounds), len(baseline.rounds))
    difference: Array = now.models["alignment"] * float("nan")
    difference[:both] = now.models["alignment"][:both] - baseline.models["alignment"][:both]
    return replace(now, models={**now.models, VERSUS: difference})


def _columns(rows: pd.DataFrame, key: str) -> tuple[tuple[str, ...], dict[str, Array], Ints]:
    """Return names, columns ``[rounds, names]`` and rounds of a table with a row for each round and name."""
    across, names = pd.factorize(rows[key].astype(str))
    rounds, down = np.unique(rows["round"].to_numpy(dtype=np.int64), return_inverse=True)
    found = {}
    for name in rows:
        if name not in _KEYS:
            column = np.full((len(rounds), len(names)), np.nan)
            column[down, across] = _floats(rows[name])
            found[str(name)] = column
    return tuple(map(str, names)), found, rounds


def _network(rows: pd.DataFrame | None, number: Mapping[str, int]) -> Network:
    if rows is None or rows.empty:
        nothing, none = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Network(none, none, nothing, nothing, nothing)
    # Of an ecosystem of which only some models have rows, what joins these is drawn.
    rows = rows[rows["source"].isin(list(number)) & rows["target"].isin(list(number))]
    ends = [_numbers(rows[end], number) for end in ("source", "target")]
    until = _floats(rows["until"])
    return Network(
        ends[0], ends[1], _floats(rows["weight"]), _floats(rows["since"]), np.where(np.isnan(until), np.inf, until)
    )


def _numbers(column: pd.Series, number: Mapping[str, int]) -> Ints:
    return np.array([number[str(name)] for name in column], dtype=np.int64)


def _floats(column: pd.Series) -> Array:
    return pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
