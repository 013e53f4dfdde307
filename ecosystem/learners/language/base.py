"""What models know before the first round: read from a folder, or trained on real text once and kept.

What is trained is kept in the user's cache under a hash of all that decides it, so that runs share it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, shorten
from ecosystem.learners.language.losses import held_out_loss, log_likelihoods, sft_loss
from ecosystem.learners.language.network import Network, check_module
from ecosystem.learners.language.tokens import Codec, Table, made_tokenizer
from ecosystem.learners.language.training import in_order, trained
from ecosystem.outputs.text.corpus import Corpus
from ecosystem.outputs.text.extra import needed
from ecosystem.outputs.text.named import config_of, model_of, source_of, tokenizer_of
from ecosystem.plan.identity import digest
from ecosystem.plan.named import contents, named_files
from ecosystem.scenario.fields.language import Language, Training
from ecosystem.scenario.fields.text import TextOutputs
from ecosystem.store.files import write_text
from ecosystem.world.streams import derived_seed, stream

_VERSION = 2
"""Raised whenever the same settings give another base."""


@dataclass(frozen=True)
class Origin:
    """Where the models of a scenario come from.

    Attributes
    ----------
    language, outputs : Language, TextOutputs
        The blocks of the scenario.
    corpus : Corpus
        Real data.
    folder : Path
        What paths are relative to.
    device : str
        Where they are trained.
    """

    language: Language
    outputs: TextOutputs
    corpus: Corpus
    folder: Path
    device: str

    @property
    def source(self) -> str | None:
        """The folder or the name on the hub that is read; None where models are built here."""
        named = self.language.model or self.language.config
        return None if named is None else source_of(named, self.folder, self._what)

    @property
    def _what(self) -> str:
        return f"learning.language.{'config' if self.language.model is None else 'model'}"

    def tokenizer(self) -> Any:
        """Return the tokenizer of all models."""
        if self.source is not None:
            return tokenizer_of(self.source, self._what)
        return made_tokenizer(self.corpus, self.language.architecture.vocabulary)

    def module(self, tokenizer: Any, seed: int) -> Any:
        """Return a model with the weights that it has before any training here.

        Raises
        ------
        EcosystemError
            There is no such model, or it cannot be read.
        """
        transformers = needed("learning.language", "transformers")
        if self.language.model is not None and self.source is not None:
            module = model_of("AutoModelForCausalLM", self.source, self._what)
        else:
            config = self._config(tokenizer, transformers)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derived_seed(seed, "language.base.weights"))
                try:
                    module = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
                except ValueError as error:
                    kind = shorten(getattr(config, "model_type", "?"))
                    raise EcosystemError(
                        f"{self._what}: models of type {kind} write no text from left to right"
                    ) from error
        if self.source is not None:
            check_module(module, tokenizer, f"{self._what} {shorten(self.source)}")
        return module.to(self.device)

    def _config(self, tokenizer: Any, transformers: Any) -> Any:
        if self.source is not None:
            return config_of(self.source, self._what)
        size = self.language.architecture
        return transformers.GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=size.context,
            n_embd=size.width,
            n_layer=size.layers,
            n_head=size.heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            activation_function="gelu_pytorch_tanh",  # GPT-2's own, in one pass
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )

    def weights(self, tokenizer: Any, seed: int) -> Mapping[str, Tensor]:
        """Return what a model knows before the first round, parameters by name.

        Parameters
        ----------
        tokenizer : transformers.PreTrainedTokenizerBase
            As `tokenizer` returns.
        seed : int
            The run's seed; the base has it, or one of its own.
        """
        base = self.language.base
        seed = seed if base.seed is None else base.seed
        steps = [training for training in (base.text, base.answers) if training is not None and training.steps]
        if not steps:
            return _copied(self.module(tokenizer, seed))
        safetensors = needed("learning.language", "safetensors.torch")
        place = cache() / self._key(seed)
        with filelock.FileLock(f"{place}.lock"):
            if not (place / "model.safetensors").exists():
                module = self.module(tokenizer, seed)
                self._train(module, tokenizer, seed)
                _keep(module, tokenizer, place)
        found: dict[str, Tensor] = safetensors.load_file(place / "model.safetensors")
        return {name: part.to(self.device) for name, part in found.items()}

    def kept(self, seed: int, asked: Mapping[str, Any], find: Callable[[], Any]) -> Any:
        """Return what was found of a base before, as JSON holds it; the first who asks finds it, and it is kept."""
        place = cache() / f"{self._key(seed)}-{digest(asked)}.json"
        with filelock.FileLock(f"{place}.lock"):
            if not place.exists():
                write_text(place, json.dumps(find()))
            return json.loads(place.read_text(encoding="utf-8"))

    def _train(self, module: Any, tokenizer: Any, seed: int) -> None:
        network, codec = Network(module), Codec(tokenizer, self.outputs.length)
        base = self.language.base
        if base.text is not None and self.corpus.running:
            windows = self._windows(codec)

            def text(chosen: Tensor) -> Tensor:
                rows = windows[chosen]
                logits = module(input_ids=rows, use_cache=False).logits[:, :-1].float()
                return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())

            self._fit(network, base.text, torch.arange(len(windows)), seed, "text", text)
        if base.answers is not None:
            table = codec.table(self.corpus.pairs).on(self.device)

            def answers(chosen: Tensor) -> Tensor:
                return sft_loss(*log_likelihoods(module, table, codec, chosen, table.answer[chosen]))

            self._fit(network, base.answers, _evenly(table, self.outputs.contexts), seed, "answers", answers)

    def _fit(self, network: Network, training: Training, rows: Tensor, seed: int, what: str, loss: Any) -> None:
        order = in_order(len(rows), training.batch, stream(seed, f"language.base.{what}"), self.device)
        there = rows.to(self.device)
        trained(network, training, (there[numbers] for numbers in order), loss)

    def _windows(self, codec: Codec) -> Tensor:
        """Return running text in pieces as long as the model sees, each after its prompt, ``[pieces, context]``.

        What is left at the end of a text, and is no whole piece, is left out.
        """
        size = self.language.architecture.context
        prompts = codec.encoded([prompt for prompt, _ in self.corpus.running])
        texts = codec.encoded([text for _, text in self.corpus.running])
        pieces = [
            [*prompt, *text[start : start + size - len(prompt)]]
            for prompt, text in zip(prompts, texts, strict=True)
            for start in range(0, len(text) + len(prompt) - size + 1, size - len(prompt))
        ]
        if not pieces:
            raise EcosystemError(f"outputs.corpus: no running text has {size} tokens, as many as the model sees")
        return torch.tensor(pieces, device=self.device)

    def _key(self, seed: int) -> str:
        import transformers

        language = self.language
        return digest(
            {
                "version": _VERSION,
                "packages": [torch.__version__, transformers.__version__],
                "device": self.device,
                "seed": seed,
                "base": language.base.model_dump(mode="json", exclude={"seed"}),
                "origin": language.model_dump(mode="json", include={"model", "config", "architecture"}),
                "corpus": self.outputs.corpus.model_dump(mode="json"),
                "shape": [self.outputs.contexts, self.outputs.length],
                "files": contents(named_files(self.outputs, language, self.folder), ("learning", "language")),
            }
        )


def cache() -> Path:
    """Return where bases are kept: ``ECOSYSTEM_CACHE``, else the user's cache."""
    named = os.environ.get("ECOSYSTEM_CACHE")
    root = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ecosystem-sim"
    (root / "language").mkdir(parents=True, exist_ok=True)
    return root / "language"


def unigram_loss(table: Table, held_out: Table, codec: Codec, vocabulary: int) -> float:
    """Return − log p a token of held-out answers by how often each token is in real ones, in nats.

    Every token of the vocabulary counts one more than it was seen (Laplace).
    """
    seen = table.answer[codec.said(table.answer)]
    counts = torch.bincount(seen, minlength=vocabulary).double() + 1
    return float(-(counts / counts.sum()).log()[held_out.answer[codec.said(held_out.answer)]].mean())


def learned(module: Any, codec: Codec, table: Table, held_out: Table, vocabulary: int) -> dict[str, float]:
    """Return the perplexity of held-out answers, the model's and that of unigrams."""
    losses = {
        "perplexity": held_out_loss(module, held_out, codec),
        "unigram_perplexity": unigram_loss(table, held_out, codec, vocabulary),
    }
    return {name: float(torch.tensor(loss).exp()) for name, loss in losses.items()}


def _evenly(table: Table, contexts: int) -> Tensor:
    """Return numbers of prompts, as many of each context: a small one is read as often as a large one."""
    own = [table.of(context) for context in range(contexts)]
    most = max(len(rows) for rows in own)
    return torch.cat([rows.repeat(-(-most // len(rows)))[:most] for rows in own])


def _copied(module: Any) -> dict[str, Tensor]:
    return {name: part.detach().clone() for name, part in module.named_parameters()}


def _keep(module: Any, tokenizer: Any, place: Path) -> None:
    """Write a base beside its place, and put it there: whoever is killed leaves nothing half done."""
    safetensors = needed("learning.language", "safetensors.torch")
    beside = Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        module.config.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        parts = {name: part.contiguous().cpu() for name, part in _copied(module).items()}
        safetensors.save_file(parts, beside / "model.safetensors", metadata={"format": "pt"})
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
