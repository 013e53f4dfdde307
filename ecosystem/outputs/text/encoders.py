"""Judges that are models themselves: embeddings, and reward models by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecosystem.errors import EcosystemError
from ecosystem.outputs.text.corpus import Corpus
from ecosystem.outputs.text.extra import needed
from ecosystem.outputs.text.judges import Judge, Said, Values
from ecosystem.outputs.text.named import model_of, source_of, tokenizer_of
from ecosystem.scenario.fields.text_judges import EmbeddingJudge, RewardModelJudge

_ROWS = 64
"""Texts that are read at once."""


def embedding(written: EmbeddingJudge, corpus: Corpus, base: Path) -> Judge:
    """Return the judge by the cosine of the embeddings of answer and real answer; 0 where one has none."""
    embed = _latent(written, corpus) if written.model is None else _encoder(written.model, base)

    def judge(said: Said) -> Values:
        one, other = embed(said.answers), embed([pair.answer for pair in said.pairs])
        length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        return np.where(length > 1e-12, (one * other).sum(1) / np.where(length > 1e-12, length, 1.0), 0.0)

    return judge


def _latent(written: EmbeddingJudge, corpus: Corpus) -> Callable[[Sequence[str]], Values]:
    """Latent semantic analysis (Deerwester et al. 1990) of the real text."""
    text = needed("the judge embedding", "sklearn.feature_extraction.text")
    decomposition = needed("the judge embedding", "sklearn.decomposition")
    texts = [text for _, text in corpus.judged] or [pair.answer for pair in corpus.pairs]
    vectors = text.TfidfVectorizer(sublinear_tf=True)
    seen = vectors.fit_transform(texts)
    size = min(written.dimensions, min(seen.shape) - 1)
    if size < 1:
        raise EcosystemError("the judge embedding: real text must have two texts and two words or more")
    axes = decomposition.TruncatedSVD(size, random_state=0).fit(seen)
    return lambda some: np.asarray(axes.transform(vectors.transform(some)))


def _encoder(model: str, base: Path) -> Callable[[Sequence[str]], Values]:
    what = "the judge embedding"
    source = source_of(model, base, what)
    tokenizer, encoder = tokenizer_of(source, what), model_of("AutoModel", source, what, whole=False)
    _can_pad(tokenizer, encoder, what)

    def embed(texts: Sequence[str]) -> Values:
        found = []
        with torch.no_grad():
            for start in range(0, len(texts), _ROWS):
                read = _read(tokenizer, [texts[start : start + _ROWS]], encoder)
                there = read["attention_mask"][..., None]
                last = encoder(**read).last_hidden_state
                found.append((last * there).sum(1) / there.sum(1).clamp_min(1))
        return torch.cat(found).double().numpy()

    return embed


def reward_model(written: RewardModelJudge, base: Path) -> Judge:
    """Return the judge that is a reward model: one of its outputs, given prompt and answer."""
    what = "the judge reward_model"
    source = source_of(written.model, base, what)
    tokenizer, model = tokenizer_of(source, what), model_of("AutoModelForSequenceClassification", source, what)
    _can_pad(tokenizer, model, what)
    outputs = model.config.num_labels
    if written.output is None and outputs > 1:
        raise EcosystemError(
            f"{what}: {written.model} has {outputs} outputs; say which is the reward, such as output: 0"
        )
    output = written.output or 0
    if output >= outputs:
        raise EcosystemError(f"{what}: {written.model} has {outputs} outputs, 0 to {outputs - 1} (got output {output})")

    def judge(said: Said) -> Values:
        found = []
        with torch.no_grad():
            for start in range(0, len(said.answers), _ROWS):
                some = slice(start, start + _ROWS)
                prompts = [pair.prompt for pair in said.pairs[some]]
                read = _read(tokenizer, [prompts, list(said.answers[some])], model)
                found.append(model(**read).logits[:, output])
        return torch.cat(found).double().numpy()

    return judge


def _read(tokenizer: Any, texts: Sequence[Sequence[str]], model: Any) -> Any:
    longest = getattr(model.config, "max_position_embeddings", None) or 512
    return tokenizer(
        *(list(some) for some in texts), return_tensors="pt", padding=True, truncation=True, max_length=longest
    )


def _can_pad(tokenizer: Any, model: Any, what: str) -> None:
    """Let texts of different lengths be read together, with the token that ends them where none pads them."""
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise EcosystemError(f"{what}: its tokenizer has neither a token that pads texts nor one that ends them")
        tokenizer.pad_token = tokenizer.eos_token
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
