"""Simulate ecosystems of generative models that learn from one another.

Scenarios are written in YAML, run in batches, and read as pandas tables::

    results = ecosystem.run("two_model_backfire")
    results.models
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecosystem.influence.influence import influence
    from ecosystem.runner.progress import Progress
    from ecosystem.runner.run import run
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.store.results import Results, open_results
    from ecosystem.world.ecosystem import Ecosystem

__version__ = "0.1.0"

_HOMES = {
    "Ecosystem": "ecosystem.world.ecosystem",
    "Progress": "ecosystem.runner.progress",
    "Results": "ecosystem.store.results",
    "Scenario": "ecosystem.scenario.scenario",
    "influence": "ecosystem.influence",
    "load_scenario": "ecosystem.scenario.load",
    "open_results": "ecosystem.store.results",
    "run": "ecosystem.runner.run",
}

__all__ = [
    "Ecosystem",
    "Progress",
    "Results",
    "Scenario",
    "__version__",
    "influence",
    "load_scenario",
    "open_results",
    "run",
]


def __getattr__(name: str) -> Any:
    # torch and mesa take seconds to import; what needs them is imported when it is first used.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
