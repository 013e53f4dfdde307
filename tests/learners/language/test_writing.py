"""Answers are drawn from what the model says, whatever stands beside them."""

from __future__ import annotations

import pytest
import torch
from learners.language.small import network

from ecosystem.learners.language.writing import answers, drawn
from ecosystem.scenario.fields.language import Adapters, Writing

LOGITS = torch.tensor([0.5, 0.25, 0.2, 0.05]).log()


def shares(writing: Writing, n: int = 1000) -> list[float]:
    luck = (torch.arange(n) + 0.5) / n
    return (torch.bincount(drawn(LOGITS.expand(n, -1), luck, writing), minlength=4) / n).tolist()


def test_tokens_are_as_often_as_the_model_says() -> None:
    assert shares(Writing()) == pytest.approx([0.5, 0.25, 0.2, 0.05], abs=2e-3)
    square = torch.tensor([0.5, 0.25, 0.2, 0.05]).square()
    assert shares(Writing(temperature=0.5)) == pytest.approx((square / square.sum()).tolist(), abs=2e-3)
    assert shares(Writing(temperature=0)) == [1, 0, 0, 0]
    assert shares(Writing(top_p=0.7)) == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=2e-3)
    assert shares(Writing(top_p=0.01)) == [1, 0, 0, 0]


@pytest.mark.parametrize("adapters", [None, Adapters(rank=2)])
def test_a_batch_with_padding_and_memory_writes_what_a_plain_loop_writes(adapters: Adapters | None) -> None:
    net, codec, table, _ = network(adapters)
    rows = torch.arange(0, len(table.pairs), 5)
    luck = torch.rand(len(rows), 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    writing = Writing(temperature=1.5)
    found = answers(net.module, table.prompt[rows], table.there[rows], luck, writing, codec.end, codec.pad)
    for row, number in enumerate(rows):
        read = table.prompt[number][table.there[number]].tolist()
        said: list[int] = []
        for step in range(4):
            with torch.no_grad():
                logits = net.module(input_ids=torch.tensor([read + said])).logits[0, -1]
            said.append(int(drawn(logits[None], luck[row, step : step + 1], writing)))
            if said[-1] == codec.end:
                break
        assert found[row].tolist() == said + [codec.pad] * (4 - len(said))
    assert len({tuple(row) for row in found.tolist()}) > 10


def test_a_large_vocabulary_is_drawn_from_as_if_all_of_it_were_added_up() -> None:
    generator = torch.Generator().manual_seed(0)
    for vocabulary in (63, 64, 65, 1000):
        logits = 4 * torch.randn(400, vocabulary, generator=generator)
        luck = torch.rand(400, generator=generator, dtype=torch.float64)
        luck[0] = 0
        for writing in (Writing(), Writing(top_p=0.5)):
            share = torch.softmax(logits, -1)
            if writing.top_p < 1:
                order = share.sort(dim=-1, descending=True, stable=True).indices
                kept = share.gather(-1, order).cumsum(-1) - share.gather(-1, order) < writing.top_p
                share = torch.where(torch.zeros_like(kept).scatter(-1, order, kept), share, 0.0)
            steps = share.double().cumsum(-1)
            plain = (steps <= luck[:, None] * steps[:, -1:]).sum(-1)
            assert torch.equal(drawn(logits, luck, writing), plain)
