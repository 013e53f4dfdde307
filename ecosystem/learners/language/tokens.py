"""Texts as tokens: tokenizers that are made here, and tables of prompts and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, shorten
from ecosystem.outputs.text.corpus import Corpus, Pair
from ecosystem.outputs.text.extra import needed

PAD, END = "<pad>", "<end>"


def made_tokenizer(corpus: Corpus, vocabulary: int | None) -> Any:
    """Return a tokenizer made from a corpus: of characters, or of byte pairs.

    Parameters
    ----------
    corpus : Corpus
        What it is made from.
    vocabulary : int, optional
        How many byte pairs; every character is a token where there is none.

    Returns
    -------
    transformers.PreTrainedTokenizerFast
    """
    tokenizers = needed("learning.language", "tokenizers")
    transformers = needed("learning.language", "transformers")
    special = [PAD, END, *corpus.tags]
    texts = [
        *(text for _, text in corpus.running),
        *(text for pair in corpus.pairs for text in (pair.prompt, pair.answer)),
    ]
    if vocabulary is None:
        seen = {tag: "" for tag in corpus.tags}
        characters = sorted({character for text in texts for character in _without(text, seen)})
        numbers = {word: number for number, word in enumerate([*special, *characters])}
        made = tokenizers.Tokenizer(tokenizers.models.WordLevel(numbers, unk_token=PAD))
        made.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex("[\\s\\S]"), "isolated")
        made.decoder = tokenizers.decoders.Fuse()
        made.add_special_tokens(special)
    else:
        made = tokenizers.Tokenizer(tokenizers.models.BPE())
        made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=special,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        made.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token=PAD, eos_token=END)


def _without(text: str, tags: dict[str, str]) -> str:
    for tag in tags:
        text = text.replace(tag, "")
    return text


@dataclass(frozen=True)
class Table:
    """Prompts, by number, with their real answers.

    Attributes
    ----------
    pairs : tuple of Pair
        The texts.
    context : Tensor
        ``[prompts]``
    prompt, there : Tensor
        Tokens, padded on the left, and which are no padding, ``[prompts, longest prompt]``.
    answer : Tensor
        Tokens of the real answers, padded on the right, ``[prompts, length]``.
    """

    pairs: tuple[Pair, ...]
    context: Tensor
    prompt: Tensor
    there: Tensor
    answer: Tensor

    def of(self, context: int) -> Tensor:
        """Return the numbers of the prompts of a context."""
        return (self.context == context).nonzero()[:, 0]

    def on(self, device: str) -> Table:
        """Return the same on a device."""
        parts = (self.context, self.prompt, self.there, self.answer)
        return Table(self.pairs, *(part.to(device) for part in parts))


class Codec:
    """Turns texts into tokens and back.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        Whose tokens.
    length : int
        The most tokens of an answer, its end included.

    Attributes
    ----------
    end, pad : int
        The tokens that end an answer, and that fill it up after that.
    """

    def __init__(self, tokenizer: Any, length: int) -> None:
        if tokenizer.eos_token_id is None:
            raise EcosystemError("learning.language.model: its tokenizer has no token that ends a text (eos_token)")
        self._tokenizer, self.length = tokenizer, length
        self.end = int(tokenizer.eos_token_id)
        self.pad = self.end if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)

    def encoded(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of texts, without any that the tokenizer adds by itself."""
        found: list[list[int]] = self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return found

    def table(self, pairs: Sequence[Pair]) -> Table:
        """Return prompts and real answers as tokens."""
        prompts = self.encoded([pair.prompt for pair in pairs])
        answers = self.encoded([pair.heading + pair.answer for pair in pairs])
        empty = next((pair for pair, prompt in zip(pairs, prompts, strict=True) if not prompt), None)
        if empty is not None:
            raise EcosystemError(
                f"outputs.corpus: the prompt {shorten(empty.prompt)} has no tokens; is there a tokenizer.json in the "
                "model's folder (learning.language)?"
            )
        longest = max(map(len, prompts))
        missing = [longest - len(asked) for asked in prompts]
        prompt = torch.tensor([[self.pad] * left + asked for left, asked in zip(missing, prompts, strict=True)])
        there = torch.arange(longest) >= torch.tensor(missing)[:, None]
        kept = [[*said, self.end][: self.length] for said in answers]
        answer = torch.tensor([said + [self.pad] * (self.length - len(said)) for said in kept])
        context = torch.tensor([pair.context for pair in pairs])
        return Table(tuple(pairs), context, prompt, there, answer)

    def said(self, answer: Tensor) -> Tensor:
        """Return which tokens of answers ``[..., length]`` are part of them: all up to the end, which is one."""
        ended = (answer == self.end).cumsum(-1) - (answer == self.end).long()
        return ended == 0

    def texts(self, answer: Tensor) -> list[str]:
        """Return answers ``[n, length]`` as texts, without what ends and fills them."""
        keep = self.said(answer) & (answer != self.end)
        rows = [row[mask].tolist() for row, mask in zip(answer.cpu(), keep.cpu(), strict=True)]
        found: list[str] = self._tokenizer.batch_decode(rows, skip_special_tokens=True)
        return found

    def words(self, tokens: Tensor) -> list[str]:
        """Return each of some tokens ``[n]`` as it stands in the vocabulary."""
        found: list[str] = self._tokenizer.convert_ids_to_tokens(tokens.tolist())
        return found
