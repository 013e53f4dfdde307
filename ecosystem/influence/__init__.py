"""Stable points, and what a lever does there: whose curation helps, whose backfires.

``ecosystem.influence(scenario)`` is `ecosystem.influence.influence`: the package stands for its main function.
"""

import sys
from types import ModuleType
from typing import Any

from ecosystem.influence.influence import gradient, influence, table
from ecosystem.influence.stable import StablePoint, stable_point

__all__ = ["StablePoint", "gradient", "influence", "stable_point", "table"]


class _Influence(ModuleType):
    # Importing any module of this package puts the package where the function of its name should be.
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return influence(*arguments, **options)


sys.modules[__name__].__class__ = _Influence
