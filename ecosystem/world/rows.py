"""Rows of the tables, made of arrays: a block of rows for every round that a run writes down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from ecosystem.moments import mean_and_covariance
from ecosystem.scenario.columns import gaussian_states

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """When whose rows were written, run by run and within a run round by round.

    Attributes
    ----------
    runs : tuple of str
        Ids of the runs.
    run, round : ndarray
        Number of the run, and the round, ``[moments]``.
    """

    runs: tuple[str, ...]
    run: Ints
    round: Ints

    def keys(self, rows: int) -> dict[str, pa.Array]:
        """Return the columns `run` and `round` of so many rows a moment."""
        return {
            "run": repeated(self.runs, np.repeat(self.run, rows)),
            "round": pa.array(np.repeat(self.round, rows)),
        }

    def models(self, names: Sequence[str], values: Mapping[str, Array], distances: Ints) -> pa.Table:
        """Return rows of `models`; values and distances are ``[moments, models]`` each."""
        columns = self.keys(len(names)) | {"model": named(names, len(self.run))}
        columns |= {name: numbers(column.ravel()) for name, column in values.items()}
        columns["distance"] = pa.array(distances.ravel(), mask=distances.ravel() < 0)
        return pa.table(columns)

    def rounds(self, values: Mapping[str, Array]) -> pa.Table:
        """Return rows of `rounds`; values are ``[moments]`` each."""
        return pa.table(self.keys(1) | {name: numbers(column) for name, column in values.items()})

    def groups(self, names: Sequence[str], values: Mapping[str, Array]) -> pa.Table:
        """Return rows of `groups`; values are ``[moments, groups]`` each."""
        columns = self.keys(len(names)) | {"group": named(names, len(self.run))}
        return pa.table(columns | {name: numbers(column.ravel()) for name, column in values.items()})

    def alignments(self, names: Sequence[str], rewards: Sequence[str], values: Array) -> pa.Table:
        """Return rows of `alignments`; values are ``[moments, models, rewards]``."""
        columns = self.keys(len(names) * len(rewards)) | {
            "model": named(names, len(self.run), each=len(rewards)),
            "reward": named(rewards, len(self.run) * len(names)),
            "value": numbers(values.ravel()),
        }
        return pa.table(columns)

    def states(self, names: Sequence[str], values: Array, *, gaussian: bool) -> pa.Table:
        """Return rows of `states`; values are ``[moments, models, contexts, numbers]``."""
        columns = gaussian_columns(values) if gaussian else {"probability": values}
        moments, models, contexts, size = next(iter(columns.values())).shape
        rows = models * contexts * size
        table: dict[str, pa.Array] = self.keys(rows) | {
            "model": named(names, moments, each=contexts * size),
            "context": pa.array(np.tile(np.repeat(np.arange(contexts), size), moments * models)),
            "output": pa.array(np.tile(np.arange(size), moments * models * contexts)),
            "probability": pa.nulls(moments * rows, pa.float64()),
        }
        return pa.table(table | {name: pa.array(column.ravel()) for name, column in columns.items()})

    def samples(self, names: Sequence[str], values: NDArray[np.object_]) -> pa.Table:
        """Return rows of `samples`; values are texts or images, ``[moments, models, contexts, n]``."""
        moments, models, contexts, n = values.shape
        flat = values.ravel().tolist()
        columns = self.keys(models * contexts * n) | {
            "model": named(names, moments, each=contexts * n),
            "context": pa.array(np.tile(np.repeat(np.arange(contexts), n), moments * models)),
            "sample": pa.array(np.tile(np.arange(n), moments * models * contexts)),
            "text": pa.array([one if isinstance(one, str) else None for one in flat], pa.string()),
            "image": pa.array([one if isinstance(one, bytes) else None for one in flat], pa.binary()),
        }
        return pa.table(columns)


def gaussian_columns(values: Array) -> dict[str, Array]:
    """Return mean and covariances of moments, ``[..., models, contexts, d]`` each; a row is a dimension."""
    mean, covariance = (part.numpy() for part in mean_and_covariance(torch.from_numpy(values)))
    columns = (mean, *np.moveaxis(covariance, -1, 0))
    return dict(zip(gaussian_states(mean.shape[-1]), columns, strict=True))


def numbers(values: Array) -> pa.Array:
    """Return numbers as a column; what is not a number is null."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def repeated(texts: Iterable[str], which: NDArray[np.integer]) -> pa.Array:
    """Return texts as a column, each by its number."""
    return pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(list(texts), pa.string()))


def named(names: Sequence[str], times: int, each: int = 1) -> pa.Array:
    """Return names as a column: every one `each` times, all of them `times` times."""
    return repeated(names, np.tile(np.repeat(np.arange(len(names), dtype=np.int32), each), times))
