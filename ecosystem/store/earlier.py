"""What models wrote at the end of earlier runs: where later ones may begin."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.scenario.columns import gaussian_states
from ecosystem.scenario.fields.outputs import GaussianOutputs, Outputs
from ecosystem.store.manifest import FILE
from ecosystem.store.parts import FOLDER
from ecosystem.store.results import Results

Array = NDArray[np.float64]


class Earlier:
    """The last recorded states of the runs of a directory.

    Parameters
    ----------
    path : Path
        A directory of results.

    Raises
    ------
    EcosystemError
        It holds no results, no run that is done, or no states.
    """

    def __init__(self, path: Path) -> None:
        results = Results(path)
        self._path = path
        self._outputs = results.scenario.outputs
        runs = results.runs
        self._runs = runs[runs["status"] == "done"].drop_duplicates("run")
        if self._runs.empty:
            raise EcosystemError(f"no run in {path} is done")
        if not results.scenario.record.states:
            raise EcosystemError(
                f"the results in {path} have no states; run {shorten(results.scenario.name)} again with "
                f"record: {{states: true}}"
            )
        self._states = results.last("states")
        self._found: dict[str, dict[str, Array]] = {}

    @property
    def digest(self) -> str:
        """Hash of all states."""
        states = self._states.sort_values(["run", "model", "context", "output"])
        seeds = self._runs.sort_values("run")["seed"].to_numpy(dtype=np.int64).tobytes()
        text = states[["run", "model", "context", "output"]].astype(str).agg("/".join, axis=1)
        numbers = states[self._columns].to_numpy(dtype=np.float64)
        return sha256(b"|".join((seeds, "\n".join(text).encode(), numbers.tobytes()))).hexdigest()

    @property
    def _columns(self) -> list[str]:
        if not isinstance(self._outputs, GaussianOutputs):
            return ["probability"]
        return list(gaussian_states(self._outputs.dimension))

    def distribution(self, model: str, outputs: Outputs, seed: int, run: str | None) -> Array:
        """Return what a model wrote, ``[contexts, numbers]``: probabilities, or moments (1, E x, E x xᵀ).

        Raises
        ------
        EcosystemError
            There is no such run or model, or it wrote something else.
        """
        if _shape(self._outputs) != _shape(outputs):
            raise EcosystemError(
                f"the models of {self._path} write {_told(self._outputs)}, those of this scenario {_told(outputs)}"
            )
        numbers = self._numbers(self._run(seed, run))
        if model not in numbers:
            raise EcosystemError(f"no model of {self._path} is called {shorten(model)}{did_you_mean(model, numbers)}")
        values = numbers[model].reshape(outputs.contexts, -1, len(self._columns))
        if not isinstance(outputs, GaussianOutputs):
            return values[..., 0]
        mean, covariance = values[..., 0], values[..., 1:]
        second = covariance + mean[:, :, None] * mean[:, None, :]
        return np.concatenate([np.ones((len(mean), 1)), mean, second.reshape(len(mean), -1)], axis=-1)

    def _numbers(self, run: str) -> dict[str, Array]:
        """Return the rows of each model of a run, context by context, output by output."""
        if run not in self._found:
            rows = self._states[self._states["run"] == run].sort_values(["context", "output"], kind="stable")
            each = rows.groupby("model", observed=True)[self._columns]
            self._found[run] = {str(name): part.to_numpy(dtype=np.float64) for name, part in each}
        return self._found[run]

    def _run(self, seed: int, run: str | None) -> str:
        """Return the run that is named, else the only one, else the only one of a seed."""
        known = list(self._runs["run"])
        if run is not None:
            if run not in known:
                raise EcosystemError(f"{self._path} has no run {shorten(run)} that is done{did_you_mean(run, known)}")
            return run
        if len(known) == 1:
            return str(known[0])
        same = self._runs.loc[self._runs["seed"] == seed, "run"]
        if len(same) != 1:
            what = f"{len(same)} runs of seed {seed}" if len(same) else f"no run of seed {seed} among {len(known)}"
            raise EcosystemError(f"{self._path} has {what}; say which one is meant: {{from: …, run: ID}}")
        return str(same.iloc[0])


def earlier(path: Path) -> Earlier:
    """Return the last states of a directory of results; it is read again only if it has changed.

    Raises
    ------
    EcosystemError
        It holds none.
    """
    files = [file for file in (path / FILE, *sorted((path / FOLDER).rglob("*"))) if file.is_file()]
    stamp = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return _read(path, stamp)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: tuple[tuple[str, int, int], ...]) -> Earlier:
    del stamp
    return Earlier(path)


def _shape(outputs: Outputs) -> tuple[object, ...]:
    size = outputs.dimension if isinstance(outputs, GaussianOutputs) else outputs.numbers
    return outputs.kind, size, outputs.contexts


def _told(outputs: Outputs) -> str:
    kind, size, contexts = _shape(outputs)
    what = "size" if kind == "categorical" else "dimension"
    return f"{kind} outputs of {what} {size} in {contexts} context{'' if contexts == 1 else 's'}"
