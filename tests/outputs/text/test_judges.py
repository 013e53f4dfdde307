"""Judges of answers against closed forms and plain computations."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learners.language.small import corpus_of_tales, tale
from pydantic import TypeAdapter, ValidationError

from ecosystem.errors import EcosystemError
from ecosystem.outputs.text.corpus import Corpus, Pair
from ecosystem.outputs.text.judges import Said, judge_of
from ecosystem.scenario.fields.rewards import Judge

JUDGES = TypeAdapter(Judge)

pytest.importorskip("sklearn", reason="the extra [language] is not installed")


def judged(written: dict[str, Any], pairs: Sequence[Pair], answers: Sequence[str], base: Path = Path()) -> list[float]:
    judge = judge_of(JUDGES.validate_python(written), corpus_of_tales(), base)
    values = judge(Said(pairs, answers, lambda: np.full(len(answers), 0.25)))
    assert values.shape == (len(answers),)
    return [float(value) for value in values]


def longest_common(one: list[str], other: list[str]) -> int:
    """The length of the longest common subsequence, by the plain recurrence."""
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


def test_an_exact_answer_is_the_real_one() -> None:
    pairs = [Pair(0, "1+2=", "3")] * 3
    assert judged({"judge": "exact"}, pairs, ["3", " 3", "33"]) == [1, 1, 0]


def test_an_answer_is_right_in_any_of_its_forms() -> None:
    pair = Pair(0, "a1+2=", "4", right=("3", "~3"))  # a real answer may be wrong itself
    assert judged({"judge": "exact"}, [pair] * 4, ["3", "~3", "4", "~4"]) == [1, 1, 0, 0]


def test_a_pattern_is_that_of_the_whole_answer() -> None:
    pairs = [Pair(0, "1+2=", "3")] * 5
    assert judged({"judge": "pattern", "pattern": "[0-9]+"}, pairs, ["3", " 12 ", "~3", "3~", ""]) == [1, 1, 0, 0, 0]
    with pytest.raises(ValidationError, match="is no regular expression: missing \\), unterminated subpattern"):
        JUDGES.validate_python({"judge": "pattern", "pattern": "(a"})


def test_rouge_is_the_longest_common_subsequence() -> None:
    pytest.importorskip("rouge_score")
    pair = Pair(0, "", "the ship left the harbour at dawn")
    answers = ["the ship at dawn left", "nothing else", "the ship left the harbour at dawn"]
    expected = []
    for answer in answers:
        common = longest_common(answer.split(), pair.answer.split())
        precision, recall = common / len(answer.split()), common / len(pair.answer.split())
        expected.append(2 * precision * recall / (precision + recall) if common else 0.0)
    assert judged({"judge": "rouge"}, [pair] * 3, answers) == pytest.approx(expected)


def test_topics_are_told_and_corrected_for_errors() -> None:
    from ecosystem.outputs.text.topics import Rates, Topics

    topics = Topics(corpus_of_tales())
    assert topics.accuracy() > 0.95
    pairs = [Pair(0, "", "", "sea"), Pair(0, "", "", "wood")]
    answers = [tale("sea", 3), tale("sea", 5)]
    assert judged({"judge": "topic", "labels": ["wood"]}, pairs, answers) == [0, 0]
    assert judged({"judge": "topic"}, pairs, answers) == [1, 0]  # the topic that was asked for
    # Of many texts, half of them of the topic, a judge that errs tells .45; corrected it is a half.
    told = np.r_[np.ones(450), np.zeros(550)]
    assert Rates(0.85, 0.8, 0.1).corrected(told).mean() == pytest.approx(0.5)


def test_a_judge_that_errs_is_corrected_by_rates_it_measured() -> None:
    from ecosystem.outputs.text.topics import topic

    corpus = corpus_of_tales()
    confused = tuple(("wood" if number % 3 == 0 else label, text) for number, (label, text) in enumerate(corpus.unseen))
    corpus = Corpus(corpus.pairs, corpus.held_out, judged=corpus.judged, unseen=confused)
    judge = topic(JUDGES.validate_python({"judge": "topic", "labels": ["sea"]}), corpus)
    said = Said([Pair(0, "", "", label) for label, _ in confused], [text for _, text in confused], lambda: np.zeros(1))
    share = np.mean([label == "sea" for label, _ in confused])
    raw = JUDGES.validate_python({"judge": "topic", "labels": ["sea"], "correct": False})
    assert abs(topic(raw, corpus)(said).mean() - share) > 0.02
    assert judge(said).mean() == pytest.approx(share)


def test_a_topic_that_there_is_not_is_told() -> None:
    with pytest.raises(EcosystemError, match="there is no topic 'see'; did you mean 'sea'"):
        judged({"judge": "topic", "labels": ["see"]}, [], [])
    with pytest.raises(EcosystemError, match="must have two topics or more"):
        judge_of(JUDGES.validate_python({"judge": "topic"}), Corpus((), (), judged=(("a", "text"),)), Path())


def test_embeddings_of_like_texts_are_near() -> None:
    pair = Pair(0, "", tale("sea", 1, 8))
    same, near, far, none = judged(
        {"judge": "embedding", "dimensions": 6}, [pair] * 4, [pair.answer, tale("sea", 4, 8), tale("wood", 1, 8), "0"]
    )
    assert same == pytest.approx(1)
    assert near > far + 0.3
    assert none == 0


def test_a_function_of_ones_own_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("taste_of_mine")
    module.length = lambda prompts, answers, real: [
        len(p) + len(a) - len(r) for p, a, r in zip(prompts, answers, real, strict=True)
    ]
    module.broken = lambda prompts, answers, real: [0.0]
    monkeypatch.setitem(sys.modules, "taste_of_mine", module)
    pairs = [Pair(0, "abc", "x")] * 2
    assert judged({"judge": "python", "function": "taste_of_mine:length"}, pairs, ["", "four"]) == [2, 6]
    with pytest.raises(EcosystemError, match="must return a finite number for each of 2 answers"):
        judged({"judge": "python", "function": "taste_of_mine:broken"}, pairs, ["", ""])
    with pytest.raises(EcosystemError, match="there is no function taste_of_mine:missing"):
        judged({"judge": "python", "function": "taste_of_mine:missing"}, pairs, ["", ""])


def test_a_function_may_stand_beside_the_scenario(tmp_path: Path) -> None:
    from ecosystem.plan.named import judge_files

    (tmp_path / "taste_beside.py").write_text("def one(prompts, answers, real):\n    return [1.0] * len(answers)\n")
    written = {"judge": "python", "function": "taste_beside:one"}
    assert judged(written, [Pair(0, "a", "b")], ["c"], tmp_path) == [1]
    # What is in it decides a run's result.
    found = judge_files([JUDGES.validate_python(written)], tmp_path)
    assert found == {"taste_beside:one": tmp_path / "taste_beside.py"}
    assert judge_files([JUDGES.validate_python(written)], tmp_path / "elsewhere") == {}


def test_encoders_and_reward_models_are_read_from_a_folder(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from ecosystem.learners.language.tokens import made_tokenizer

    corpus = corpus_of_tales()
    tokenizer = made_tokenizer(corpus, None)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=96,
        num_labels=2,
    )
    torch.manual_seed(0)
    for name, kind in (("encoder", transformers.BertModel), ("reward", transformers.BertForSequenceClassification)):
        kind(config).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    pair = corpus.pairs[0]
    answers = [pair.answer, tale("wood", 2), tale("sea", 9, 3)]
    near = judged({"judge": "embedding", "model": "encoder"}, [pair] * 3, answers, tmp_path)
    assert near[0] == pytest.approx(1, abs=1e-6) and near[1] < near[0]
    found = judged({"judge": "reward_model", "model": "reward", "output": 1}, [pair] * 3, answers, tmp_path)
    model = transformers.BertForSequenceClassification.from_pretrained(tmp_path / "reward").eval()
    for answer, value in zip(answers, found, strict=True):
        with torch.no_grad():
            alone = model(**tokenizer(pair.prompt, answer, return_tensors="pt")).logits[0, 1]
        assert value == pytest.approx(float(alone), abs=1e-5)
    with pytest.raises(EcosystemError, match=r"reward has 2 outputs, 0 to 1 \(got output 2\)"):
        judged({"judge": "reward_model", "model": "reward", "output": 2}, [pair], [""], tmp_path)
    with pytest.raises(EcosystemError, match="no tokenizer can be read from"):
        (tmp_path / "nothing").mkdir()
        judged({"judge": "reward_model", "model": "nothing"}, [pair], [""], tmp_path)
