"""What the user wrote: fields, YAML with positions, parameters, sweeps."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.scenario.sweeps import points, variant

_HOMES = {"Scenario": "scenario", "load_scenario": "load", "points": "sweeps", "variant": "sweeps"}

__all__ = ["Scenario", "load_scenario", "points", "variant"]


def __getattr__(name: str) -> Any:
    # Who wants the name of a column only need not wait for all fields of a scenario.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
