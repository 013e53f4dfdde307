"""Prompts and answers of a user's own: JSONL, CSV, or a data set on disk."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.outputs.text.corpus import Corpus, Pair, shuffled
from ecosystem.outputs.text.extra import needed
from ecosystem.scenario.fields.text import TextFile
from ecosystem.scenario.text_file import read_text

_MOST_BYTES = 1_000_000_000


def from_file(source: TextFile, base: Path, contexts: int) -> Corpus:
    """Return what a file holds, some of every context held out.

    Raises
    ------
    EcosystemError
        It cannot be read, it holds nothing, or a line lacks what is wanted.
    """
    pairs = [_pair(row, where, source, contexts) for where, row in _rows(base / source.path)]
    if not pairs:
        raise EcosystemError(f"outputs.corpus.path: {base / source.path} holds no prompts")
    # What several contexts ask is held out of all of them.
    questions = sorted({pair.question for pair in pairs})
    unread = {questions[number] for number in shuffled(len(questions), "file")[: _apart(source, len(questions))]}
    kept: list[Pair] = []
    held_out: list[Pair] = []
    for context in range(contexts):
        own = [pair for pair in pairs if pair.context == context]
        if len(own) < 2:
            raise EcosystemError(
                f"outputs.corpus.path: {base / source.path} has {len(own)} prompts of context {context}; at least 2 "
                "are needed, one to read and one to hold out"
            )
        if source.question is None:
            order = shuffled(len(own), f"file.{context}")
            apart = _apart(source, len(own))
            held_out += [own[number] for number in order[:apart]]
            kept += [own[number] for number in order[apart:]]
        else:
            held_out += [pair for pair in own if pair.question in unread]
            kept += [pair for pair in own if pair.question not in unread]
    unseen = tuple((pair.label, pair.answer) for pair in held_out)
    judged = tuple((pair.label, pair.answer) for pair in kept)
    return Corpus(tuple(kept), tuple(held_out), judged=judged, unseen=unseen)


def _apart(source: TextFile, count: int) -> int:
    """Return how many of so many are held out: at least one, and not all."""
    return min(max(1, round(source.held_out * count)), count - 1)


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield where each row is and what it holds."""
    if path.is_dir():
        datasets = needed("outputs.corpus: a data set on disk", "datasets")
        try:
            found = datasets.load_from_disk(str(path))
        except (OSError, ValueError) as error:
            raise EcosystemError(f"outputs.corpus.path: {path} is no data set on disk: {error}") from error
        for number, row in enumerate(found):
            yield f"{path}: row {number}", row
        return
    text = read_text(str(path), _MOST_BYTES, "JSONL or CSV", "write it as a data set on disk")
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text, newline=""))
        for row in reader:
            yield f"{path}:{reader.line_num}", row
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise EcosystemError(f"{path}:{number}: is not JSON ({error}); write one object a line") from error
        if not isinstance(row, dict):
            raise EcosystemError(f"{path}:{number}: must be an object (got {shorten(row)})")
        yield f"{path}:{number}", row


def _pair(row: Mapping[str, Any], where: str, source: TextFile, contexts: int) -> Pair:
    def field(name: str) -> Any:
        if name not in row:
            raise EcosystemError(f"{where}: there is no field {shorten(name)}{did_you_mean(name, filter(None, row))}")
        value = row[name]
        if value is None:
            raise EcosystemError(f"{where}: the field {shorten(name)} holds nothing")
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise EcosystemError(
                f"{where}: the field {shorten(name)} must be a text or a number (got {shorten(value)})"
            )
        return value

    context = 0 if source.context is None else _whole(field(source.context), where, contexts)
    label = "" if source.label is None else str(field(source.label))
    prompt, answer = str(field(source.prompt)), str(field(source.answer))
    if not prompt or not answer:
        raise EcosystemError(f"{where}: prompt and answer must not be empty (got {shorten(prompt)}, {shorten(answer)})")
    question = "" if source.question is None else str(field(source.question))
    return Pair(context, prompt, answer, label, question)


def _whole(value: Any, where: str, contexts: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < contexts:
        raise EcosystemError(f"{where}: the context must be a number from 0 to {contexts - 1} (got {shorten(value)})")
    return number
