"""Influence of the picked model and on it, worked out when it is asked for."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.scenario.scenario import Scenario

MOST_MODELS = 200
"""More models than this are left to ``ecosystem influence``: it takes longer than a reader waits."""

SHOWN = 6
_KEPT = 8
_NOTHING = 1e-9


@dataclass(frozen=True)
class Effects:
    """What curation does, for one model.

    Attributes
    ----------
    own : float or None
        What curating it more does to itself; None if it has no curator to strengthen.
    on_others, by_others : tuple of (str, float)
        What curating it more does to others, and what curating others more does to it, largest first.
    """

    own: float | None
    on_others: tuple[tuple[str, float], ...]
    by_others: tuple[tuple[str, float], ...]


class Influences:
    """Matrices of influence, the last few kept.

    Pages of one server share it; each matrix is found once.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], pd.DataFrame | EcosystemError] = OrderedDict()
        self._lock = Lock()

    def known(self, scenario: Scenario, seed: int) -> bool:
        """Return whether the answer is there already."""
        return _key(scenario, seed) in self._kept

    def matrix(self, scenario: Scenario, seed: int) -> pd.DataFrame:
        """Return influence at the stable point of a scenario without a sweep.

        Raises
        ------
        EcosystemError
            There is none: too many models, drawn examples, users, or no stable point that attracts.
        """
        models = len(scenario.model_names)
        if models > MOST_MODELS:
            raise EcosystemError(
                f"Influence is worked out here for up to {MOST_MODELS} models (there are {models:,}); "
                "the command “ecosystem influence” does it for more."
            )
        key = _key(scenario, seed)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = _found(scenario, seed)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            found = self._kept[key]
        if isinstance(found, EcosystemError):
            raise found
        return found


def _key(scenario: Scenario, seed: int) -> tuple[str, int]:
    return json.dumps(scenario.settings(), sort_keys=True), seed


def effects(matrix: pd.DataFrame, name: str) -> Effects:
    """Return what a matrix of influence (affected models by levers) says of one model."""
    rows, columns = [str(each) for each in matrix.index], [str(each) for each in matrix.columns]
    values = matrix.to_numpy(dtype=float)
    does = dict(zip(rows, values[:, columns.index(name)].tolist(), strict=True)) if name in columns else {}
    felt = dict(zip(columns, values[rows.index(name)].tolist(), strict=True))
    own = does.pop(name, None)
    felt.pop(name, None)
    return Effects(own, _largest(does), _largest(felt))


def _largest(each: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    felt = [(name, value) for name, value in each.items() if abs(value) > _NOTHING]
    return tuple(sorted(felt, key=lambda pair: -abs(pair[1]))[:SHOWN])


def _found(scenario: Scenario, seed: int) -> pd.DataFrame | EcosystemError:
    from ecosystem.influence.influence import influence

    try:
        return influence(scenario, seed=seed)
    except EcosystemError as error:
        return error
