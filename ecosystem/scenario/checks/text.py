"""Texts: judges that there are, and settings of language models that fit the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from ecosystem.errors import EcosystemError, Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, mapping, number
from ecosystem.scenario.fields.text import TextFile
from ecosystem.scenario.fields.text_judges import TEXT_JUDGES

_READ_BEFORE = 20_000_000
"""Bytes up to which a file of prompts is read when the scenario is, so that what is wrong in it is told at once."""


def check_text(facts: Facts) -> Iterator[Problem]:
    """Check what judges answers, and that language models are asked for where there are texts."""
    language = mapping(facts.learning.get("language"))
    if facts.kind != "text":
        if language and isinstance(facts.kind, str):
            message = f"is for outputs of kind text (they are of kind {shorten(facts.kind)}); leave it out"
            yield Problem(("learning", "language"), message)
        return
    outputs = mapping(facts.data.get("outputs"))
    scores = mapping(outputs.get("scores"))
    problem, topics = _corpus(facts, mapping(outputs.get("corpus")))
    if problem is not None:
        yield problem
    places: list[tuple[Path, Any]] = [(("rewards", name), value) for name, value in facts.rewards.items()]
    places += [(("outputs", "scores", name), value) for name, value in scores.items()]
    for place, value in places:
        yield from _judged(facts, place, mapping(value), topics)
    for key in ("model", "config"):
        yield from _folder(facts, ("learning", "language", key), language.get(key))
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


def _judged(facts: Facts, path: Path, written: Mapping[Any, Any], topics: frozenset[str] | None) -> Iterator[Problem]:
    judge = written.get("judge")
    judges = (*TEXT_JUDGES, *registry.names("judges"))
    if isinstance(judge, str) and judge not in judges:
        yield Problem((*path, "judge"), f"there is no judge {shorten(judge)} of texts{did_you_mean(judge, judges)}")
    labels = written.get("labels")
    if judge == "topic" and topics is not None and isinstance(labels, (list, tuple)):
        for index, label in enumerate(labels):
            if isinstance(label, str) and label not in topics:
                message = f"no text is of this topic (got {shorten(label)}){did_you_mean(label, topics)}"
                yield Problem((*path, "labels", index), message)
    if judge in ("embedding", "reward_model"):
        yield from _folder(facts, (*path, "model"), written.get("model"))


def _corpus(facts: Facts, corpus: Mapping[Any, Any]) -> tuple[Problem | None, frozenset[str] | None]:
    """Return what is wrong with prompts and real answers, and the topics that they have where that is known."""
    mixes = corpus.get("mixes")
    if corpus.get("source") == "bbc" and isinstance(mixes, (list, tuple)):
        asked = [topic for mix in mixes for topic, weight in mapping(mix).items() if weight]
        return None, frozenset(map(str, asked))
    path, contexts = corpus.get("path"), facts.contexts
    if corpus.get("source") != "file" or not isinstance(path, str) or contexts is None:
        return None, None
    file, place = facts.base / path, ("outputs", "corpus", "path")
    try:
        if not file.exists():
            return Problem(place, f"no such file (got {shorten(path)}, looked for in {facts.base})"), None
        if file.is_dir() or file.stat().st_size > _READ_BEFORE:
            return None, None
        from ecosystem.outputs.text.corpus import read_corpus

        found = read_corpus(TextFile.model_validate(corpus), contexts, facts.base)
    except (OSError, ValueError, ValidationError) as error:
        return (None if isinstance(error, ValidationError) else Problem(place, str(error))), None
    except EcosystemError as error:
        return Problem(place, str(error).removeprefix("outputs.corpus.path: ")), None
    return None, frozenset(label for label, _ in found.judged) if corpus.get("label") else None


def _folder(facts: Facts, path: Path, named: Any) -> Iterator[Problem]:
    """Check a folder that a model is read from; a name that is none may be one on the hub."""
    if not isinstance(named, str):
        return
    try:
        folder = facts.base / named
        if not folder.is_dir():
            if folder.exists() or named.startswith((".", "/", "~")) or named.count("/") > 1:
                yield Problem(path, f"there is no such folder (got {shorten(named)}, looked for in {facts.base})")
            return
        config = folder / "config.json"
        if not config.is_file():
            yield Problem(path, f"the folder has no config.json, as save_pretrained writes it (got {shorten(named)})")
        elif not isinstance(json.loads(config.read_text(encoding="utf-8")), dict):
            yield Problem(path, f"its config.json must be an object (got {shorten(named)})")
        if not any(folder.glob("tokenizer*")) and not any(folder.glob("vocab*")):
            yield Problem(path, f"the folder has no tokenizer, as save_pretrained writes it (got {shorten(named)})")
    except (OSError, ValueError) as error:
        yield Problem(path, f"its config.json cannot be read: {error} (got {shorten(named)})")
