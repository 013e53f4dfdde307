"""Texts: judges that there are, and settings of language models that fit the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, mapping
from ecosystem.scenario.fields.text_judges import TEXT_JUDGES


def check_text(facts: Facts) -> Iterator[Problem]:
    """Check what judges answers, and that language models are asked for where there are texts."""
    language = mapping(facts.learning.get("language"))
    if facts.kind != "text":
        if language and isinstance(facts.kind, str):
            message = f"is for outputs of kind text (they are of kind {shorten(facts.kind)}); leave it out"
            yield Problem(("learning", "language"), message)
        return
    scores = mapping(mapping(facts.data.get("outputs")).get("scores"))
    for name, value in facts.rewards.items():
        yield from _judged(("rewards", name), value)
    for name, value in scores.items():
        yield from _judged(("outputs", "scores", name), value)
    for name in mapping(language.get("gate")):
        if name not in scores:
            yield Problem(("learning", "language", "gate", name), f"there is no such score{did_you_mean(name, scores)}")
    curated = any(mapping(entry.get("curation")) for _, entry in facts.models) or mapping(facts.curated.get("curation"))
    if language.get("objective") == "dpo" and not curated:
        message = "dpo learns from what a curator chose over something else; give a model a `curation` block"
        yield Problem(("learning", "language", "objective"), message)


def _judged(path: Path, value: Any) -> Iterator[Problem]:
    judge = mapping(value).get("judge")
    judges = (*TEXT_JUDGES, *registry.names("judges"))
    if isinstance(judge, str) and judge not in judges:
        yield Problem((*path, "judge"), f"there is no judge {shorten(judge)} of texts{did_you_mean(judge, judges)}")
