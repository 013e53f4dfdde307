"""What the checks read: the resolved data, with nothing where a part is malformed."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ecosystem.errors import Path
from ecosystem.scenario.sweeps import swept

MAX_MODELS = 1_000_000

ROWS = ("categorical", "gaussian")
"""Kinds of outputs of which a model is a row of numbers."""


def mapping(value: Any) -> Mapping[Any, Any]:
    """Return a mapping, an empty one in place of anything else."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def entries(value: Any) -> list[tuple[int, Mapping[Any, Any]]]:
    """Return the mappings of a list, each with its position."""
    if not isinstance(value, (list, tuple)):
        return []
    return [(index, entry) for index, entry in enumerate(value) if isinstance(entry, Mapping)]


def number(value: Any) -> float | None:
    """Return a number, an infinite one too, else None."""
    if isinstance(value, str) and value in ("inf", "+inf"):
        return math.inf
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None
    return value


def count(value: Any) -> int | None:
    """Return a whole number of at least 1, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def row(value: Any) -> list[float] | None:
    """Return a list of finite numbers, else None."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    for each in value:
        if isinstance(each, bool) or not isinstance(each, (int, float)) or not math.isfinite(each):
            return None
    return list(value)


def rows(value: Any, path: Path) -> Iterator[tuple[Path, list[float]]]:
    """Yield the well-formed rows of a vector or a matrix, each with its path."""
    if not isinstance(value, (list, tuple)) or not value:
        return
    if isinstance(value[0], (list, tuple)):
        for index, each in enumerate(value):
            found = row(each)
            if found is not None:
                yield (*path, index), found
    else:
        found = row(value)
        if found is not None:
            yield path, found


class Facts:
    """A scenario's data as the checks need it."""

    def __init__(self, data: Mapping[Any, Any], base: pathlib.Path, trusted: bool = True) -> None:
        self.data = data
        self.base = base
        self.trusted = trusted
        """Whether code that the scenario names may be run."""
        outputs = mapping(data.get("outputs"))
        self.kind = outputs.get("kind")
        self.drawn = isinstance(self.kind, str) and self.kind not in ROWS
        self.size = count(outputs.get("size")) if self.kind != "gaussian" and not self.drawn else None
        self.dimension = count(outputs.get("dimension")) if self.kind == "gaussian" else None
        self.contexts = count(outputs.get("contexts", 1))
        self.rewards = mapping(data.get("rewards"))
        self.models = entries(data.get("models"))
        self.curated = mapping(data.get("curated"))
        self.network = mapping(data.get("network"))
        self.learning = mapping(data.get("learning"))

    def reward(self, name: Any) -> Any:
        """Return what is written of a reward; None where there is none of this name, or what is written is no name."""
        return self.rewards.get(name) if isinstance(name, str) else None

    @cached_property
    def model_count(self) -> int | None:
        """Number of all models, None where an entry is malformed."""
        written = self.data.get("models")
        if not isinstance(written, (list, tuple)) or len(self.models) < len(written):
            return None
        counts = [1 if entry.get("count") is None else count(entry["count"]) for _, entry in self.models]
        return None if None in counts else sum(each for each in counts if each is not None)

    @cached_property
    def names(self) -> dict[str, int] | None:
        """Every model's name and the entry it belongs to, None where that cannot be told."""
        if self.model_count is None or self.model_count > MAX_MODELS:
            return None
        found: dict[str, int] = {}
        for index, entry in self.models:
            if not isinstance(entry.get("name"), str):
                return None
            for name in names_of(entry):
                found.setdefault(name, index)
        return found

    @cached_property
    def swept(self) -> frozenset[str]:
        """The keys of the sweep."""
        return frozenset(each.key for each in swept(self.data.get("sweep")))


def names_of(entry: Mapping[Any, Any]) -> list[str]:
    """Return the names of the models that an entry stands for."""
    name, number_of = entry.get("name"), entry.get("count")
    if not isinstance(name, str):
        return []
    return [name] if number_of is None else [f"{name}{index}" for index in range(count(number_of) or 0)]
