"""How large a run is, guessed from its settings alone: memory, time, rows."""

from __future__ import annotations

from ecosystem.scenario.fields.learning import Until
from ecosystem.scenario.scenario import Scenario

_WORK_ARRAYS = 24
"""How many arrays of the size of the state a round holds at once, at the most."""

_ROW_BYTES = 13 * 8 + 2 * 40
"""A row of the table `models`: its numbers, the run's id and the model's name."""

_STATE_ROW_BYTES = 4 * 8 + 2 * 40

_MOST_ROW_BYTES = 1 << 28
"""Rows are written when there are many of them; they are held as columns, and as tables while they are written."""

_AGENT_BYTES = 4_000
"""A model as an agent on a graph, with its edges."""

_ROUND_SECONDS = 6e-4
"""What a round takes however small it is, on one core of an ordinary machine."""

_NUMBER_SECONDS = {"exact": 1e-7, "sampled": 5e-7}
"""What each number of the state adds to it."""


def most_rounds(scenario: Scenario) -> int:
    """Return the most rounds that a run can take."""
    return scenario.rounds.max if isinstance(scenario.rounds, Until) else scenario.rounds


def bytes_per_world(scenario: Scenario) -> int:
    """Estimate what one run holds in memory: the arrays of a round, its agents, and the rows it records."""
    models, written = _models(scenario), _written_models(scenario)
    recorded = most_rounds(scenario) // scenario.record.every + 2
    rows = (written + 1) * recorded * _ROW_BYTES
    if scenario.record.alignments:
        rows += written * len(scenario.rewards) * recorded * _ROW_BYTES
    if scenario.record.states:
        rows += _numbers(scenario) // models * written * recorded * _STATE_ROW_BYTES
    return _numbers(scenario) * 8 * _WORK_ARRAYS + models * _AGENT_BYTES + min(rows, _MOST_ROW_BYTES)


def seconds_per_world(scenario: Scenario) -> float:
    """Guess how long one run takes by itself, to within a factor of ten or so: enough to divide work by."""
    return max(1, most_rounds(scenario)) * (_ROUND_SECONDS + _numbers(scenario) * _NUMBER_SECONDS[scenario.mode])


def _models(scenario: Scenario) -> int:
    return sum(block.count or 1 for block in scenario.models)


def _written_models(scenario: Scenario) -> int:
    """Return of how many of the models rows are written."""
    chosen = scenario.record.models
    if isinstance(chosen, str):
        return _models(scenario) if chosen == "all" else 0
    return chosen if isinstance(chosen, int) else len(chosen)


def _numbers(scenario: Scenario) -> int:
    """Return how many numbers the state has."""
    return _models(scenario) * scenario.outputs.contexts * scenario.outputs.numbers
