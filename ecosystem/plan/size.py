"""How large a run is, guessed from its settings alone: memory, time, rows."""

from __future__ import annotations

from ecosystem.scenario.fields.drawn import DrawnOutputs
from ecosystem.scenario.fields.learning import Until
from ecosystem.scenario.fields.remedy import BestOfK, RejectionSampling
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

_TRAINING_SECONDS = 0.5
"""What it takes to train a model for a round."""

_TRAINED_BYTES = 1 << 22
"""What a model that is really trained takes, with its optimiser."""

_COPIES = 3
"""How often what models write is held at once: as written, judged, and read."""


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
    held = models * _AGENT_BYTES + min(rows, _MOST_ROW_BYTES)
    if isinstance(scenario.outputs, DrawnOutputs):
        return held + models * (_TRAINED_BYTES + _written_bytes(scenario, scenario.outputs))
    return held + _numbers(scenario) * 8 * _WORK_ARRAYS


def worlds_together(scenario: Scenario) -> int | None:
    """Return how many runs are best executed together; None where that is a matter of time and memory alone."""
    return scenario.outputs.together if isinstance(scenario.outputs, DrawnOutputs) else None


def seconds_per_world(scenario: Scenario) -> float:
    """Guess how long one run takes by itself, to within a factor of ten or so: enough to divide work by."""
    if isinstance(scenario.outputs, DrawnOutputs):
        return (1 + most_rounds(scenario)) * _models(scenario) * _TRAINING_SECONDS
    return max(1, most_rounds(scenario)) * (_ROUND_SECONDS + _numbers(scenario) * _NUMBER_SECONDS[scenario.mode])


def _written_bytes(scenario: Scenario, outputs: DrawnOutputs) -> int:
    """Return how much a model writes in a round, and keeps of earlier ones."""
    learning = scenario.learning
    examples = learning.examples or 1
    blocks = [block.curation for block in scenario.models]
    if scenario.curated is not None:
        blocks.append(scenario.curated.curation)
    candidates = max((int(block.candidates) for block in blocks if block is not None), default=1)
    if isinstance(scenario.remedy, (RejectionSampling, BestOfK)):
        several = scenario.remedy.candidates
        candidates *= max(several.values()) if isinstance(several, dict) else several
    kept = most_rounds(scenario) if learning.corpus == "accumulate" else 1
    return ((learning.pool or examples) * candidates * _COPIES + 2 * examples * kept) * outputs.item_bytes


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
