"""What is written down: models that exist, and rows of models where some are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.errors import Problem, shorten
from ecosystem.scenario.checks.facts import Facts, count, mapping
from ecosystem.scenario.checks.names import unknown_model

_OF_MODELS = ("states", "alignments", "samples")


def check_record(facts: Facts) -> Iterator[Problem]:
    """Check that `record.models` names models that exist, each once, or no more than there are."""
    record = mapping(facts.data.get("record"))
    chosen = record.get("models")
    path = ("record", "models")
    if isinstance(chosen, (list, tuple)) and facts.names is not None:
        seen: set[str] = set()
        for index, name in enumerate(chosen):
            if isinstance(name, str) and name not in facts.names:
                yield Problem((*path, index), unknown_model(facts, name))
            elif isinstance(name, str) and name in seen:
                yield Problem((*path, index), f"the model {shorten(name)} stands twice")
            seen.add(str(name))
    number_of = count(chosen)
    if number_of is not None and facts.model_count is not None and number_of > facts.model_count:
        yield Problem(path, f"there are only {facts.model_count} models (got {number_of})")
    for table in _OF_MODELS:
        if chosen == "aggregate" and record.get(table):
            message = "has rows of models only, and models: aggregate writes none; leave it out, or name models"
            yield Problem(("record", table), message)
    for key in ("samples", "weights"):
        if record.get(key) and not facts.drawn:
            message = f"is for outputs that are really drawn, and these are {facts.kind}; leave it out"
            yield Problem(("record", key), message)
