"""Likelihoods, preferences and adapters against what `transformers`, `trl` and plain arithmetic say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learners.language.small import network

from ecosystem.learners.language.losses import dpo_loss, held_out_loss, log_likelihoods, sft_loss
from ecosystem.learners.language.training import in_order, taught
from ecosystem.scenario.fields.language import Adapters, Language, Training


def test_the_loss_is_that_of_transformers() -> None:
    net, codec, table, _ = network()
    ids = torch.cat([table.prompt, table.answer], 1)
    there = torch.cat([table.there, codec.said(table.answer)], 1)
    labels = torch.where(there, ids, -100)
    labels[:, : table.prompt.shape[1]] = -100
    place = (there.long().cumsum(-1) - 1).clamp_min(0)
    with torch.no_grad():
        theirs = net.module(input_ids=ids, attention_mask=there.long(), position_ids=place, labels=labels).loss
    assert held_out_loss(net.module, table, codec, rows=7) == pytest.approx(float(theirs), abs=2e-6)


def test_the_gradient_is_that_of_transformers_where_labels_are_answers() -> None:
    net, codec, table, _ = network()
    rows = torch.arange(0, len(table.pairs), 7)
    sft_loss(*log_likelihoods(net.module, table, codec, rows, table.answer[rows])).backward()
    ours = [part.grad.clone() for part in net.parameters]
    net.module.zero_grad()
    ids = torch.cat([table.prompt[rows], table.answer[rows]], 1)
    there = torch.cat([table.there[rows], codec.said(table.answer[rows])], 1)
    labels = torch.where(there, ids, -100)
    labels[:, : table.prompt.shape[1]] = -100
    place = (there.long().cumsum(-1) - 1).clamp_min(0)
    net.module(input_ids=ids, attention_mask=there.long(), position_ids=place, labels=labels).loss.backward()
    for mine, part in zip(ours, net.parameters, strict=True):
        assert torch.allclose(mine, part.grad, atol=1e-5 * max(1e-2, float(part.grad.abs().max())))


def test_padding_changes_no_likelihood() -> None:
    net, codec, table, _ = network()
    numbers = torch.arange(0, len(table.pairs), 9)
    found, said = log_likelihoods(net.module, table, codec, numbers, table.answer[numbers])
    for row, number in enumerate(numbers):
        prompt = table.prompt[number][table.there[number]]
        answer = table.answer[number][said[row]]
        with torch.no_grad():
            logits = net.module(input_ids=torch.cat([prompt, answer])[None]).logits[0]
        alone = logits.log_softmax(-1)[len(prompt) - 1 : -1].gather(-1, answer[:, None])[:, 0]
        assert torch.allclose(found[row][said[row]], alone, atol=1e-5)
        assert not found[row][~said[row]].any()


def test_an_answer_ends_where_it_ends() -> None:
    _, codec, table, _ = network()
    answers = torch.tensor([[5, codec.end, 7, 8], [5, 6, 7, 8], [codec.end, codec.pad, codec.pad, codec.pad]])
    assert codec.said(answers).tolist() == [[True, True, False, False], [True] * 4, [True, False, False, False]]
    assert codec.texts(table.answer) == [pair.answer for pair in table.pairs]


def test_dpo_is_the_formula() -> None:
    found = dpo_loss(*(torch.tensor([value]) for value in (-3.0, -5.0, -4.0, -4.5)), beta=0.3)
    margin = 0.3 * ((-3.0 + 4.0) - (-5.0 + 4.5))
    assert float(found) == pytest.approx(-math.log(1 / (1 + math.exp(-margin))))


def test_dpo_is_that_of_trl(tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    net, codec, table, tokenizer = network(seed=1)
    first, *_ = network(seed=2)
    rows = torch.arange(0, 60, 5)
    worse = rows + 3
    beta = 0.2

    def whole(one: Any, answers: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return log_likelihoods(one.module, table, codec, rows, answers)[0].sum(-1)

    chosen, rejected = table.answer[rows], table.answer[worse]
    ours = dpo_loss(whole(net, chosen), whole(net, rejected), whole(first, chosen), whole(first, rejected), beta)
    pairs = [
        {"prompt": table.pairs[a].prompt, "chosen": table.pairs[a].answer, "rejected": table.pairs[b].answer}
        for a, b in zip(rows.tolist(), worse.tolist(), strict=True)
    ]
    config = trl.DPOConfig(
        output_dir=str(tmp_path),
        beta=beta,
        per_device_eval_batch_size=len(pairs),
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_dropout=True,
    )
    data = datasets.Dataset.from_list(pairs)
    trainer = trl.DPOTrainer(
        model=net.module,
        ref_model=first.module,
        args=config,
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )
    assert float(ours) == pytest.approx(trainer.evaluate()["eval_loss"], abs=1e-5)

    def gradient(loss: torch.Tensor) -> list[torch.Tensor]:
        net.module.zero_grad()
        loss.backward()
        return [part.grad.clone() for part in net.parameters]

    batch = trainer._prepare_inputs(next(iter(trainer.get_eval_dataloader())))
    theirs = gradient(trainer.compute_loss(net.module, batch))
    before = whole(first, chosen), whole(first, rejected)
    now = [log_likelihoods(net.module, table, codec, rows, part)[0].sum(-1) for part in (chosen, rejected)]
    for mine, other in zip(gradient(dpo_loss(*now, *before, beta)), theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-4 * max(1e-3, float(other.abs().max())))


def test_dpo_prefers_what_was_chosen() -> None:
    net, codec, table, _ = network()
    rows = torch.arange(40)
    items = torch.cat([rows[:, None], table.answer[rows]], 1)
    rejected = torch.cat([rows[:, None], table.answer[rows + 1]], 1)

    def margin() -> float:
        with torch.no_grad():
            both = [log_likelihoods(net.module, table, codec, rows, part[:, 1:])[0].sum() for part in (items, rejected)]
        return float(both[0] - both[1])

    before = margin()
    language = Language(objective="dpo", training=Training(steps=10, batch=8, rate=1e-3))
    taught(net, language, table, codec, (items, rejected), np.random.default_rng(0))
    assert margin() > before
    known = net.known()
    taught(net, language, table, codec, (items, items), np.random.default_rng(0))  # nobody chose: nothing is learned
    assert all(torch.equal(part, known[name]) for name, part in net.known().items())


def test_merged_adapters_say_the_same() -> None:
    net, codec, table, _ = network(Adapters(rank=4))
    plain, *_ = network()
    rows = torch.arange(30)

    def said(module: Any) -> torch.Tensor:
        with torch.no_grad():
            return log_likelihoods(module, table, codec, rows, table.answer[rows])[0]

    assert torch.equal(said(net.module), said(plain.module))  # fresh adapters add nothing
    items = torch.cat([rows[:, None], table.answer[rows]], 1)
    language = Language(adapters=Adapters(rank=4), training=Training(steps=10, batch=8, rate=1e-2))
    taught(net, language, table, codec, (items, items), np.random.default_rng(0))
    assert said(net.module).sum() > said(plain.module).sum() + 1
    assert torch.allclose(said(net.merged()), said(net.module), atol=1e-4)
    with net.plain():
        assert torch.equal(said(net.module), said(plain.module))  # and the base is what it was
    assert sum(part.numel() for part in net.known().values()) < sum(p.numel() for p in plain.parameters) / 4


def test_everything_is_read_once_before_anything_is_read_again() -> None:
    order = in_order(10, 4, np.random.default_rng(0), "cpu")
    read = torch.cat([next(order) for _ in range(5)])
    assert sorted(read[:10].tolist()) == sorted(read[10:].tolist()) == list(range(10))
