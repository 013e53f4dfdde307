"""Texts: judges that there are, and settings of language models that fit the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, mapping, number
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
    yield from _shared(facts)
    curated = any(mapping(entry.get("curation")) for _, entry in facts.models) or mapping(facts.curated.get("curation"))
    if language.get("objective") == "dpo" and not curated:
        message = "dpo learns from what a curator chose over something else; give a model a `curation` block"
        yield Problem(("learning", "language", "objective"), message)


def _shared(facts: Facts) -> Iterator[Problem]:
    """Check that contexts ask the same, where what is learned is shared between them."""
    corpus = mapping(mapping(facts.data.get("outputs")).get("corpus"))
    if not number(facts.learning.get("sharing", 0)) or facts.data["outputs"].get("contexts", 1) == 1:
        return
    digits, source = corpus.get("digits", (1, 2)), corpus.get("source")
    alike = not isinstance(digits, (list, tuple)) or all(each == digits[0] for each in digits)
    reason = {
        "arithmetic": "outputs.corpus.digits must be the same for all contexts" if not alike else "",
        "bbc": "outputs.corpus.opening must be 0" if corpus.get("opening", 0) else "",
        "file": "" if corpus.get("question") else "outputs.corpus.question must name the field that tells",
    }.get(str(source), "")
    if reason:
        message = f"needs contexts that ask the same, so that an answer of one can be learned for another: {reason}"
        yield Problem(("learning", "sharing"), message)


def _judged(path: Path, value: Any) -> Iterator[Problem]:
    judge = mapping(value).get("judge")
    judges = (*TEXT_JUDGES, *registry.names("judges"))
    if isinstance(judge, str) and judge not in judges:
        yield Problem((*path, "judge"), f"there is no judge {shorten(judge)} of texts{did_you_mean(judge, judges)}")
