"""What is read out of the tables: statistics, comparisons, bias, propagation, sensitivity; plots and reports.

A function whose first argument is called `results` reads a run's tables, each only by the columns that it needs; one
whose first argument is called `table` takes a frame, such as another function gave. All return tidy frames and change
nothing::

    results = ecosystem.open_results("runs/x")
    analysis.propagation(results)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ecosystem.extras import need

if TYPE_CHECKING:
    from analysis.bias import bias_changes, bias_table, biases, decomposition
    from analysis.clusters import communities
    from analysis.comparison import compare, compare_runs, gains
    from analysis.influences import influence_summary, lever_summary
    from analysis.layout import readable
    from analysis.predicted import prediction
    from analysis.reach import decay, decay_of, propagation, reached
    from analysis.reading import outcome
    from analysis.sensitivity import morris, sobol
    from analysis.settling import convergence
    from analysis.significance import adjusted, p_value
    from analysis.statistics import intervals, mean_interval
    from analysis.switches import counterfactual, counterfactuals, without
    from analysis.thresholds import tipping

# No module is called as a function is: importing it would put it in the function's place.
_HOMES = {
    "adjusted": "analysis.significance",
    "bias_changes": "analysis.bias",
    "bias_table": "analysis.bias",
    "biases": "analysis.bias",
    "communities": "analysis.clusters",
    "compare": "analysis.comparison",
    "compare_runs": "analysis.comparison",
    "convergence": "analysis.settling",
    "counterfactual": "analysis.switches",
    "counterfactuals": "analysis.switches",
    "decay": "analysis.reach",
    "decay_of": "analysis.reach",
    "decomposition": "analysis.bias",
    "gains": "analysis.comparison",
    "influence_summary": "analysis.influences",
    "intervals": "analysis.statistics",
    "lever_summary": "analysis.influences",
    "mean_interval": "analysis.statistics",
    "morris": "analysis.sensitivity",
    "outcome": "analysis.reading",
    "p_value": "analysis.significance",
    "prediction": "analysis.predicted",
    "propagation": "analysis.reach",
    "reached": "analysis.reach",
    "readable": "analysis.layout",
    "sobol": "analysis.sensitivity",
    "tipping": "analysis.thresholds",
    "without": "analysis.switches",
}

__all__ = [
    "adjusted",
    "bias_changes",
    "bias_table",
    "biases",
    "communities",
    "compare",
    "compare_runs",
    "convergence",
    "counterfactual",
    "counterfactuals",
    "decay",
    "decay_of",
    "decomposition",
    "gains",
    "influence_summary",
    "intervals",
    "lever_summary",
    "mean_interval",
    "morris",
    "outcome",
    "p_value",
    "prediction",
    "propagation",
    "reached",
    "readable",
    "sobol",
    "tipping",
    "without",
]


def __getattr__(name: str) -> Any:
    # pandas and scipy take a second to import; what needs them is imported when it is first used.
    if name == "plots":
        need("analysis.plots", "report", "matplotlib", "igraph")
        return importlib.import_module("analysis.plots")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
