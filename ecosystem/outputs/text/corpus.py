"""Prompts and real answers, by context, and what is held out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ecosystem.errors import EcosystemError, shorten
from ecosystem.scenario.fields.text import Arithmetic, Bbc, CorpusSource, TextFile, TextOutputs
from ecosystem.world.streams import stream


@dataclass(frozen=True)
class Pair:
    """A prompt and its real answer.

    Attributes
    ----------
    context : int
        The kind of prompt.
    prompt, answer : str
        The texts.
    label : str
        The topic that is asked for, or that a heading announces; empty where there is none.
    question : str
        Equal where prompts of several contexts ask the same.
    right : tuple of str
        All answers that are right; empty where that is `answer` alone.
    heading : str
        A tag that stands before the answer and announces its label: a model learns it and writes it, judges read what
        follows.
    """

    context: int
    prompt: str
    answer: str
    label: str = ""
    question: str = ""
    right: tuple[str, ...] = ()
    heading: str = ""


@dataclass(frozen=True)
class Corpus:
    """Real data.

    Attributes
    ----------
    pairs : tuple of Pair
        What models may read, and the prompts that they answer.
    held_out : tuple of Pair
        What they never read.
    running : tuple of (str, str)
        Prompt and running text from which the language is learned; empty where there is none.
    judged : tuple of (str, str)
        Label and text of what judges learn from.
    unseen : tuple of (str, str)
        The same of what judges are tried on, which neither judges nor models have read.
    tags : tuple of str
        Words that stand for themselves, each a token of its own.
    """

    pairs: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    running: tuple[tuple[str, str], ...] = ()
    judged: tuple[tuple[str, str], ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()


def corpus_of(outputs: TextOutputs, base: Path) -> Corpus:
    """Return the real data of a scenario's texts; the same for all seeds.

    Parameters
    ----------
    outputs : TextOutputs
        The block of the scenario.
    base : Path
        What paths are relative to.

    Raises
    ------
    EcosystemError
        A file cannot be read, or holds nothing to read.
    """
    return read_corpus(outputs.corpus, outputs.contexts, base)


def read_corpus(source: CorpusSource, contexts: int, base: Path) -> Corpus:
    """Return the real data of a source; see `corpus_of`."""
    path = source.path if isinstance(source, TextFile) else None
    stamp = (base / path).stat().st_mtime_ns if path is not None and (base / path).exists() else 0
    return _read(source.model_dump_json(), contexts, base, stamp)


@lru_cache(maxsize=4)
def _read(written: str, contexts: int, base: Path, stamp: int) -> Corpus:
    """Read real data once, as long as the file that they are in is the same."""
    del stamp
    source = _SOURCE.validate_json(written)
    if isinstance(source, Arithmetic):
        from ecosystem.outputs.text.arithmetic import arithmetic

        return arithmetic(source)
    if isinstance(source, Bbc):
        from ecosystem.outputs.text.bbc import bbc

        return bbc(source)
    from ecosystem.outputs.text.files import from_file

    return from_file(source, base, contexts)


def counterparts(pairs: Sequence[Pair], contexts: int) -> NDArray[np.int64]:
    """Return which pair asks in each context what a pair asks, ``[contexts, pairs]``; in its own, itself.

    Where several do, those that ask the same are spread over them.

    Raises
    ------
    EcosystemError
        A context asks what another one does not.
    """
    asked: list[dict[str, list[int]]] = [{} for _ in range(contexts)]
    for number, pair in enumerate(pairs):
        asked[pair.context].setdefault(pair.question, []).append(number)
    found = np.empty((contexts, len(pairs)), dtype=np.int64)
    for number, pair in enumerate(pairs):
        for context, there in enumerate(asked):
            same = there.get(pair.question)
            if same is None:
                raise EcosystemError(
                    f"learning.sharing: context {pair.context} asks {shorten(pair.prompt)}, and context {context} "
                    "nothing that is the same; what is learned for one can then not be given to the other"
                )
            found[context, number] = number if context == pair.context else same[number % len(same)]
    return found


_SOURCE: TypeAdapter[CorpusSource] = TypeAdapter(CorpusSource)


def shuffled(count: int, purpose: str) -> NDArray[np.int64]:
    """Return 0 … count − 1 in an order that is always the same for a purpose."""
    return stream(0, purpose).permutation(count)
