"""The rewards of a run: the named ones first, then those drawn, a number each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.outputs.space import Space

Array = NDArray[np.float64]


class Rewards:
    """A table of rewards that grows as models draw theirs.

    Parameters
    ----------
    named : mapping
        The scenario's `rewards`.
    space : Space
        What the models write.
    """

    def __init__(self, named: Mapping[str, Any], space: Space) -> None:
        self.space = space
        self.names = tuple(named)
        self._rows: list[Array] = [space.reward(value) for value in named.values()]

    def number(self, name: str) -> int:
        """Return the number of a named reward."""
        return self.names.index(name)

    def add(self, drawn: Array) -> int:
        """Append a drawn reward, ``[1 or contexts, numbers]``, and return its number."""
        self._rows.append(np.atleast_2d(drawn))
        return len(self._rows) - 1

    def row(self, number: int) -> Array:
        """Return a reward as it is, ``[1 or contexts, numbers]``."""
        return self._rows[number]

    def by_context(self) -> tuple[bool, ...]:
        """Tell of each reward whether it differs between contexts."""
        return tuple(len(rows) > 1 for rows in self._rows)

    def table(self) -> Array:
        """Return all rewards, ``[rewards, contexts or 1, numbers]``."""
        if not self._rows:
            return np.zeros((0, 1, self.space.numbers))
        wide = self.space.contexts if any(self.by_context()) else 1
        return np.stack([np.broadcast_to(rows, (wide, self.space.numbers)) for rows in self._rows])
