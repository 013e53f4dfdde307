"""Answers written and read by a language model in the loop, against plain `transformers` on one thread.

Both sides have the same GPT-2 and the same prompts. Plain writing is `generate`, one prompt at a time or all at once;
plain training is a loop over `model(labels=...)` with AdamW, on the same minibatches. The sizes are those of the
scenarios arithmetic_loop and news_loop.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from _timing import Comparison, compare, header, keep, row

from ecosystem.learners.language.losses import log_likelihoods, sft_loss
from ecosystem.learners.language.network import Network
from ecosystem.learners.language.tokens import Codec, Table
from ecosystem.learners.language.training import trained
from ecosystem.learners.language.writing import answers
from ecosystem.outputs.text.corpus import Pair
from ecosystem.scenario.fields.language import Training, Writing
from ecosystem.threads import one_thread

PAD, END = 0, 1


@dataclass(frozen=True)
class Size:
    """What a generation of a scenario is like.

    Attributes
    ----------
    name : str
        The scenario.
    layers, width, context, vocabulary : int
        Of the model.
    prompt, length : int
        The most tokens of a prompt, and of an answer.
    answers : int
        How many are written to one kind of prompt, and read.
    steps, batch : int
        Of a round's training.
    """

    name: str
    layers: int
    width: int
    context: int
    vocabulary: int
    prompt: int
    length: int
    answers: int
    steps: int
    batch: int

    def module(self) -> Any:
        """Return the model, with weights that are the same every time."""
        config = transformers.GPT2Config(
            vocab_size=self.vocabulary,
            n_positions=self.context,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=4,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            activation_function="gelu_pytorch_tanh",
            bos_token_id=END,
            eos_token_id=END,
            pad_token_id=PAD,
        )
        torch.manual_seed(0)
        return transformers.GPT2LMHeadModel(config).eval()

    def table(self) -> Table:
        """Return prompts of several lengths with answers of full length, drawn at random."""
        prompt = torch.randint(2, self.vocabulary, (self.answers, self.prompt))
        short = torch.randint(1, self.prompt + 1, (self.answers, 1))
        there = torch.arange(self.prompt) >= self.prompt - short
        answer = torch.randint(2, self.vocabulary, (self.answers, self.length))
        pairs = (Pair(0, "", ""),) * self.answers
        return Table(pairs, torch.zeros(self.answers, dtype=torch.int64), prompt.where(there, PAD), there, answer)


SIZES = (
    Size("arithmetic_loop", 2, 96, 16, 15, prompt=6, length=4, answers=300, steps=60, batch=32),
    Size("news_loop", 3, 128, 64, 2048, prompt=1, length=40, answers=448, steps=56, batch=16),
)


class _Codec(Codec):
    """Knows where an answer ends, and no texts."""

    def __init__(self, length: int) -> None:
        self.length, self.end, self.pad = length, END, PAD


def written(size: Size, repeats: int, alone: int = 24) -> list[Comparison]:
    """Compare writing, with `generate` one prompt at a time, of which some are enough, and all at once."""
    module, table = size.module(), size.table()
    luck = torch.rand(size.answers, size.length, dtype=torch.float64)

    def ours() -> None:
        with one_thread():
            answers(module, table.prompt, table.there, luck, Writing(), END, PAD)

    def plain(rows: torch.Tensor) -> None:
        ids, there = table.prompt[rows], table.there[rows]
        module.generate(
            input_ids=ids,
            attention_mask=there.long(),
            do_sample=True,
            top_k=0,
            max_new_tokens=size.length,
            pad_token_id=PAD,
            eos_token_id=END,
        )

    def one_by_one() -> None:
        with one_thread():
            for number in range(alone):
                plain(torch.tensor([number]))

    def all_at_once() -> None:
        with one_thread():
            plain(torch.arange(size.answers))

    what = f"{size.name}: {size.answers} answers written"
    scale = size.answers / alone
    return [
        compare(f"{what}, generate one by one", one_by_one, ours, repeats, scale=scale, at_least=5),
        compare(f"{what}, generate all at once", all_at_once, ours, repeats, at_least=1),
    ]


def read(size: Size, repeats: int) -> Comparison:
    """Compare a round's training."""
    table, codec = size.table(), _Codec(size.length)
    settings = Training(steps=size.steps, rate=1e-4, batch=size.batch, schedule="constant")
    order = [torch.randperm(size.answers)[: size.batch] for _ in range(size.steps)]
    network, module = Network(size.module()), size.module()

    def ours() -> None:
        def loss(chosen: torch.Tensor) -> torch.Tensor:
            return sft_loss(*log_likelihoods(network.module, table, codec, chosen, table.answer[chosen]))

        with one_thread():
            trained(network, settings, iter(order), loss)

    def plain() -> None:
        with one_thread():
            optimiser = torch.optim.AdamW(module.parameters(), lr=settings.rate, weight_decay=0.01)
            for rows in order:
                ids = torch.cat([table.prompt[rows], table.answer[rows]], 1)
                there = torch.cat([table.there[rows], torch.ones_like(table.answer[rows], dtype=torch.bool)], 1)
                labels = ids.clone()
                labels[:, : size.prompt] = -100
                place = (there.long().cumsum(-1) - 1).clamp_min(0)
                optimiser.zero_grad()
                module(input_ids=ids, attention_mask=there.long(), position_ids=place, labels=labels).loss.backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
                optimiser.step()

    return compare(f"{size.name}: {size.steps} steps of {size.batch} answers read", plain, ours, repeats, at_least=0.9)


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    found: list[Comparison] = []
    tokens: dict[str, int] = {}
    print(header("plain", "ours"))
    for size in SIZES:
        every = size.answers * size.length
        for each in (*written(size, arguments.repeats), read(size, arguments.repeats)):
            found.append(each)
            done = size.steps * size.batch * size.length if each.name.endswith("read") else every
            tokens[each.name] = round(done / min(each.second))
            print(f"{row(each)}; {tokens[each.name]:,} tokens/s")
    print(f"figures: {keep('language', found, tokens_per_second=tokens)}")


if __name__ == "__main__":
    main()
