"""Language models as a craft: what they write, what judges say of it, and what they learn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.learners.batch import Batch
from ecosystem.learners.craft import Craft, Lessons, Weights
from ecosystem.learners.language.base import Origin
from ecosystem.learners.language.gate import closed
from ecosystem.learners.language.jury import Jury
from ecosystem.learners.language.losses import held_out_loss
from ecosystem.learners.language.network import Network
from ecosystem.learners.language.tokens import Codec, Table
from ecosystem.learners.language.training import taught
from ecosystem.learners.language.variety import distinct, frequencies
from ecosystem.learners.language.writing import answers
from ecosystem.outputs.text.corpus import corpus_of, counterparts
from ecosystem.outputs.text.judges import judge_of
from ecosystem.plan.named import contents, judge_files
from ecosystem.scenario.fields.language import Language
from ecosystem.scenario.fields.text import TextOutputs
from ecosystem.scenario.fields.text_judges import TextJudge
from ecosystem.world.streams import stream

_GATED = 3072
"""Answers to each context by which it is told whether a model has learned its task: a share is known to .01 or so."""

_HELD_OUT = 256
"""Held-out answers of each context that perplexity is measured on."""

_WRITTEN = 1024
"""Answers that are written at once: what a model has computed of earlier tokens is held for each."""


class TextCraft(Craft):
    """Causal language models. An item is the number of its prompt, then the tokens of the answer.

    The loss of a model is that of held-out real answers, in nats a token.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.

    Raises
    ------
    EcosystemError
        A package, a model, or a file that is needed is missing, or holds nothing.
    """

    dtype = torch.int64
    measures = ("distinct_2", "perplexity")

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        scenario = batch.worlds[0].scenario
        outputs = scenario.outputs
        assert isinstance(outputs, TextOutputs)
        self._outputs = outputs
        self._language = scenario.learning.language or Language()
        self.compares = self._language.objective == "dpo"
        base = self._folder = Path(scenario.base)
        self._corpus = corpus_of(outputs, base)
        self._origin = Origin(self._language, outputs, self._corpus, base, batch.device)
        self._tokenizer = self._origin.tokenizer()
        self._codec = Codec(self._tokenizer, outputs.length)
        self.item = (1 + outputs.length,)
        self._table = self._codec.table(self._corpus.pairs).on(batch.device)
        self._held_out = self._some_of(self._codec.table(self._corpus.held_out)).on(batch.device)
        # Which prompt asks in a context what a prompt asks, [contexts, prompts]; None where nothing is shared.
        self._counterparts: Tensor | None = None
        if bool((batch.sharing > 0).any()):
            found = counterparts(self._corpus.pairs, batch.contexts)
            self._counterparts = torch.from_numpy(found).to(batch.device)
        written = [*scenario.rewards.values(), *outputs.scores.values()]
        blocks = [judge for judge in written if isinstance(judge, TextJudge)]
        judges = [judge_of(block, self._corpus, base) for block in blocks]
        module = self._origin.module(self._tokenizer, 0)
        # Some models say more tokens than their tokenizer has, for the sake of round numbers.
        self._vocabulary = max(len(self._tokenizer), module.get_input_embeddings().num_embeddings)
        seen = getattr(module.config, "max_position_embeddings", None)
        due = self._table.prompt.shape[1] + outputs.length
        if seen is not None and due > seen:
            raise EcosystemError(
                f"outputs.length: the longest prompt has {self._table.prompt.shape[1]} tokens, an answer up to "
                f"{outputs.length}; the model sees {seen}, fewer than these {due}"
            )
        self._network = Network(module, self._language.adapters)
        self._jury = Jury(judges, self._table, self._held_out, self._codec, self._network, self._base_of)

    def begin(self) -> tuple[Weights, Tensor]:
        """Return what models know before the first round, and their loss; see `Craft.begin`.

        Raises
        ------
        EcosystemError
            A model has not learned what the scenario's gate asks for.
        """
        rows, losses, tried = [], [], set()
        for world in range(self.batch.size):
            self._stand_on(world)
            rows.append(self._first(world))
            self._network.know(rows[-1])
            losses.append(held_out_loss(self._network.module, self._held_out, self._codec))
            seed = self._base_seed(world)
            if self._language.gate and seed not in tried:
                self._try(world, seed)
                tried.add(seed)
        models = self.batch.models
        weights = {
            name: torch.stack([row[name] for row in rows])[:, None].repeat(1, models, *[1] * rows[0][name].dim())
            for name in rows[0]
        }
        return weights, torch.tensor(losses, device=self.batch.device)[:, None].repeat(1, models)

    def real(self, round_: int, context: Tensor) -> Tensor:
        """Return drawn real answers; see `Craft.real`."""
        found = torch.empty((*context.shape, *self.item), dtype=self.dtype, device=self.batch.device)
        for world in range(context.shape[0]):
            seed = self.batch.worlds[world].seed
            for model in range(context.shape[1]):
                luck = self._luck("language.real", seed, round_, model, context.shape[2])
                for number in range(self.batch.contexts):
                    here = context[world, model] == number
                    prompts = self._picked(number, luck[here])
                    found[world, model, here] = self._items(prompts, self._table.answer[prompts])
        return found

    def write(self, weights: Weights, round_: int, lots: int, candidates: int) -> Tensor:
        """Return what models write; see `Craft.write`.

        Each candidate of all lots of a context is written by itself, so that its bits do not depend on the others.
        """
        batch = self.batch
        shape = (batch.size, batch.models, batch.contexts, lots, candidates, *self.item)
        found = torch.empty(shape, dtype=self.dtype, device=batch.device)
        asked = 0 if batch.learning.prompts == "reused" else round_
        for world in range(batch.size):
            self._stand_on(world)
            seed = batch.worlds[world].seed
            for model in range(batch.models):
                self._network.know({name: part[world, model] for name, part in weights.items()})
                for context in range(batch.contexts):
                    block = model * batch.contexts + context
                    prompts = self._picked(context, self._luck("language.prompts", seed, asked, block, lots))
                    for number in range(candidates):
                        purpose = f"language.write.{number}"
                        found[world, model, context, :, number] = self._answered(purpose, seed, round_, block, prompts)
        return found

    def judge(self, items: Tensor, context: Tensor) -> Tensor:
        """Return what judges say of answers; see `Craft.judge`."""
        del context  # every prompt has its own
        return torch.stack([self._jury.values(world, rows) for world, rows in enumerate(items)])

    def similarity(self, items: Tensor, context: Tensor) -> Tensor:
        """Return how typical answers are of real ones, 2 min(F, 1 − F); see `TypicalJudge`."""
        del context
        found = [self._jury.typical(world, rows.flatten(0, -2)) for world, rows in enumerate(items)]
        return torch.stack(found).reshape(items.shape[:-1])

    def measure(self, written: Tensor, loss: Tensor, weights: Weights) -> Mapping[str, Tensor]:
        """Return what is measured of answers; see `Craft.measure`.

        `distance_real` is the total variation between how often each token is written and how often it is in real
        answers; `distinct_2` the share of pairs of neighbouring tokens that differ from one another (Li et al. 2016);
        `perplexity` that of held-out real answers. The first two are means over contexts.
        """
        del weights  # the loss of what they are is known already
        said = self._codec.said(written[..., 1:])
        share = frequencies(written[..., 1:], said, self._vocabulary)
        return {
            "distance_real": (share - self._real_share).abs().sum(-1).mean(-1) / 2,
            "distinct_2": distinct(written[..., 1:], said).mean(-1),
            "perplexity": loss.exp(),
        }

    def train(self, weights: Weights, first: Weights, lessons: Lessons, round_: int) -> tuple[Weights, Tensor]:
        """Return what models know after a round's lessons; see `Craft.train`."""
        start = self._language.start
        if start is None:
            start = "present" if self.batch.learning.regime == "incremental" else "first"
        before = weights if start == "present" else first
        rejected = lessons.items if lessons.rejected is None else lessons.rejected
        after = {name: torch.empty_like(part) for name, part in weights.items()}
        loss = torch.empty(self.batch.size, self.batch.models, device=self.batch.device)
        for world in range(self.batch.size):
            self._stand_on(world)
            for model in range(self.batch.models):
                self._network.know({name: part[world, model] for name, part in before.items()})
                generator = stream(self.batch.worlds[world].seed, "language.train", round_, model)
                asked = lessons.context[world, model]
                read = (
                    self._at_home(lessons.items[world, model], asked),
                    self._at_home(rejected[world, model], asked),
                )
                taught(self._network, self._language, self._table, self._codec, read, generator)
                for name, part in self._network.known().items():
                    after[name][world, model] = part
                loss[world, model] = held_out_loss(self._network.module, self._held_out, self._codec)
        return after, loss

    def _at_home(self, items: Tensor, context: Tensor) -> Tensor:
        """Return answers to what the same prompts are in the contexts for which they are learned.

        What is shared between contexts is an answer of one that is learned for another.
        """
        if self._counterparts is None:
            return items
        return self._items(self._counterparts[context, items[:, 0]], items[:, 1:])

    def show(self, items: Tensor) -> list[str | bytes]:
        """Return prompts and answers as texts; see `Craft.show`."""
        prompts = [self._table.pairs[number].prompt for number in items[:, 0].tolist()]
        said = self._codec.texts(items[:, 1:])
        return [prompt + answer for prompt, answer in zip(prompts, said, strict=True)]

    def _first(self, world: int) -> dict[str, Tensor]:
        """Return what a model knows before the first round: the base, or adapters that add nothing to it."""
        return self._fresh if self._network.adapted else dict(self._base_of(world))

    @cached_property
    def _fresh(self) -> dict[str, Tensor]:
        return self._network.known()

    def _base_of(self, world: int) -> Mapping[str, Tensor]:
        seed = self._base_seed(world)
        if seed not in self._bases:
            self._bases[seed] = self._origin.weights(self._tokenizer, seed)
        return self._bases[seed]

    def _base_seed(self, world: int) -> int:
        fixed = self._language.base.seed
        return self.batch.worlds[world].seed if fixed is None else fixed

    @cached_property
    def _bases(self) -> dict[int, Mapping[str, Tensor]]:
        return {}

    def _stand_on(self, world: int) -> None:
        if self._network.adapted:
            self._network.stand_on(self._base_of(world))

    def _try(self, world: int, seed: int) -> None:
        """Raise where the model before the first round has not learned what the gate asks for.

        Its answers are drawn with the seed of the base, so that all runs on one base pass, or none does; what they
        are worth is kept beside the base.
        """
        asked = {
            "answers": _GATED,
            "outputs": self._outputs.model_dump(mode="json"),
            "writing": self._language.writing.model_dump(mode="json"),
            "judges": contents(judge_files(self._outputs.scores.values(), self._folder), ("outputs", "scores")),
        }
        written, real = self._origin.kept(seed, asked, lambda: self._sampled(world, seed))
        closed(self._language.gate, np.array(written), np.array(real), list(self._outputs.scores))

    def _sampled(self, world: int, seed: int) -> list[list[list[float]]]:
        """Return mean scores of what the network answers, and of real answers, ``[2][contexts][scores]``."""
        scores = len(self._outputs.scores)
        found: list[list[list[float]]] = [[], []]
        for context in range(self.batch.contexts):
            prompts = self._picked(context, self._luck("language.gate.prompts", seed, 0, context, _GATED))
            said = self._answered("language.gate", seed, 0, context, prompts)
            true = self._items(prompts, self._table.answer[prompts])
            for items, into in zip((said, true), found, strict=True):
                into.append(self._jury.values(world, items).mean(0)[-scores:].tolist())
        return found

    def _answered(self, purpose: str, seed: int, round_: int, block: int, prompts: Tensor) -> Tensor:
        """Return what the network answers now, ``[n, 1 + length]``."""
        luck = self._luck(purpose, seed, round_, block, len(prompts) * self._codec.length)
        said = [
            answers(
                self._network.module,
                self._table.prompt[asked],
                self._table.there[asked],
                numbers,
                self._language.writing,
                self._codec.end,
                self._codec.pad,
            )
            for asked, numbers in zip(
                prompts.split(_WRITTEN), luck.reshape(len(prompts), -1).split(_WRITTEN), strict=True
            )
        ]
        return self._items(prompts, torch.cat(said))

    @staticmethod
    def _items(prompts: Tensor, said: Tensor) -> Tensor:
        return torch.cat([prompts[:, None], said], dim=1)

    def _luck(self, purpose: str, seed: int, round_: int, block: int, draws: int) -> Tensor:
        found = stream(seed, purpose, round_, block).random(draws)
        return torch.from_numpy(found).to(self.batch.device)

    def _picked(self, context: int, luck: Tensor) -> Tensor:
        """Return the number of the prompt that each uniform number falls on."""
        own = self._table.of(context)
        return own[(luck * len(own)).long()]

    @cached_property
    def _real_share(self) -> Tensor:
        """How often each token is in real answers, ``[contexts, vocabulary]``."""
        rows = [self._table.answer[self._table.of(context)] for context in range(self.batch.contexts)]
        return torch.stack([frequencies(row, self._codec.said(row), self._vocabulary) for row in rows])

    def _some_of(self, table: Table) -> Table:
        """Return as many of the held-out answers of each context as perplexity is measured on."""
        kept = torch.cat([table.of(context)[:_HELD_OUT] for context in range(self.batch.contexts)])
        pairs: tuple[NDArray[np.int64], ...] = tuple(kept.tolist())
        return Table(
            tuple(table.pairs[int(number)] for number in pairs),
            *(part[kept] for part in (table.context, table.prompt, table.there, table.answer)),
        )
