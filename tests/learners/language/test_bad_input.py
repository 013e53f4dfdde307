"""What is wrong with prompts, folders and models is told in one message: at its line, or before a model is trained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from learners.language.small import corpus_of_tales, tales

import ecosystem
from ecosystem import Ecosystem
from ecosystem.errors import EcosystemError, InputError
from ecosystem.learners.language.tokens import made_tokenizer
from ecosystem.outputs.text import named

LINES = [json.dumps(line) for line in tales()]
MODEL = "learning.language.model"


def scenario(folder: Path, **changes: Any) -> Any:
    """A loop on tales, some of its settings changed; keys have __ for a dot."""
    (folder / "tales.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    corpus = {"source": "file", "path": "tales.jsonl", "context": "kind", "label": "topic"}
    scores = {"quality": {"judge": "lexicon", "words": ["ship"]}}
    written: dict[str, Any] = {
        "name": "tales",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "text", "contexts": 2, "corpus": corpus, "length": 12, "scores": scores},
        "models": [{"name": "m", "diet": {"raw": 1}}],
        "learning": {"examples": 8, "language": {"architecture": {"layers": 1, "width": 16, "context": 64}}},
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        at = written
        for part in path:
            at = at[part]
        at[last] = value
    (folder / "tales.yaml").write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    return ecosystem.load_scenario(folder / "tales.yaml")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.jsonl", None, "no such file (got 'none.jsonl', looked for in "),
        ("a.jsonl", "", "a.jsonl holds no prompts"),
        ("a.csv", "prompt,answer,kind,topic\n", "a.csv holds no prompts"),
        ("a.jsonl", "\n".join([*LINES[:3], '{"prompt": ', *LINES]), "a.jsonl:4: is not JSON"),
        ("a.csv", "prompt,reply,kind,topic\na,b,0,sea\n", "a.csv:2: there is no field 'answer'"),
        ("a.csv", "prompt,answer,kind,topic\na,b\n", "a.csv:2: the field 'kind' holds nothing"),
        ("a.jsonl", LINES[0].replace('"tell', '["tell').replace(':"', ':"]'), "a.jsonl:1: the field 'prompt' must be"),
    ],
)
def test_files_of_prompts(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        scenario(tmp_path, outputs__corpus__path=name)
    assert re.match(r".*tales\.yaml:9:11: outputs\.corpus\.path: ", str(error.value)) and message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_topic_that_no_text_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\[1\]: no text is of this topic \(got 'see'\); did you mean 'sea'"):
        scenario(tmp_path, outputs__scores__quality={"judge": "topic", "labels": ["sea", "see"]})


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        ({}, "./none", "there is no such folder (got './none', looked for in"),
        ({}, "a/b/c", "there is no such folder (got 'a/b/c', looked for in"),
        ({"tokenizer.json": "{}"}, "mine", "the folder has no config.json"),
        ({"config.json": "{}"}, "mine", "the folder has no tokenizer"),
        ({"config.json": "{no", "tokenizer.json": "{}"}, "mine", "its config.json cannot be read: Expecting property"),
    ],
)
def test_folders_of_models(tmp_path: Path, files: dict[str, str], name: str, message: str) -> None:
    (tmp_path / "mine").mkdir()
    for file, text in files.items():
        (tmp_path / "mine" / file).write_text(text, encoding="utf-8")
    for key in ("learning__language__model", "learning__language__config"):
        with pytest.raises(InputError) as error:
            scenario(tmp_path, **{key: name})
        assert f": {key.replace('__', '.')}: {message}" in str(error.value)
    with pytest.raises(InputError) as error:
        scenario(tmp_path, outputs__scores__quality={"judge": "reward_model", "model": name})
    assert f"outputs.scores.quality.model: {message}" in str(error.value)


TOKENIZER = made_tokenizer(corpus_of_tales(), None)


def model(folder: Path, kind: str, tokenizer: Any = TOKENIZER, **settings: Any) -> None:
    import transformers

    sizes = {"vocab_size": len(TOKENIZER), "pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    if kind.startswith("GPT2"):
        config = transformers.GPT2Config(
            **sizes | {"n_positions": 96, "n_embd": 8, "n_layer": 1, "n_head": 1} | settings
        )
    else:
        small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
        config = transformers.BertConfig(**sizes | small | {"max_position_embeddings": 96} | settings)
    torch.manual_seed(0)
    getattr(transformers, kind)(config).save_pretrained(folder / "mine")
    tokenizer.save_pretrained(folder / "mine")


def without(*tokens: str) -> Any:
    """A tokenizer that lacks some of its special tokens."""
    made = made_tokenizer(corpus_of_tales(), None)
    for token in tokens:
        setattr(made, token, None)
    return made


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "GPT2LMHeadModel",
            {"n_positions": 24},
            "outputs.length: the longest prompt has 17 tokens, an answer up to 12",
        ),
        ("GPT2LMHeadModel", {"vocab_size": 5}, "its tokenizer has 23 tokens, the model 5; they do not belong together"),
        ("GPT2LMHeadModel", {"tokenizer": without("eos_token", "pad_token")}, "no token that ends a text (eos_token)"),
        ("BertForMaskedLM", {}, "is no causal language model (it is of type bert)"),
        ("BertModel", {}, "is no causal language model: its weights lack cls.predictions.bias"),
    ],
)
def test_models_that_cannot_write(tmp_path: Path, kind: str, settings: dict[str, Any], message: str) -> None:
    model(tmp_path, kind, **settings)
    with pytest.raises(EcosystemError) as error:
        Ecosystem(scenario(tmp_path, learning__language__model="mine"))
    assert message in str(error.value)


def test_a_tokenizer_that_pads_with_its_end_will_do(tmp_path: Path) -> None:
    model(tmp_path, "GPT2LMHeadModel", without("pad_token"))
    made = Ecosystem(scenario(tmp_path, learning__language__model="mine"))
    made.step()
    assert torch.isfinite(made.state.loss).all()
    targets = {"rank": 2, "targets": ["c_atn"]}
    with pytest.raises(EcosystemError, match=r"adapters\.targets: no module of .* \(got 'c_atn'\); known here: c_attn"):
        Ecosystem(scenario(tmp_path, learning__language__model="mine", learning__language__adapters=targets))


@pytest.mark.parametrize(
    ("kind", "further", "message"),
    [
        ("BertForSequenceClassification", {}, "mine has 2 outputs; say which is the reward, such as output: 0"),
        ("BertForSequenceClassification", {"output": 2}, r"mine has 2 outputs, 0 to 1 \(got output 2\)"),
        ("BertModel", {"output": 0}, "is no trained reward model .*: its weights lack classifier"),
    ],
)
def test_reward_models(tmp_path: Path, kind: str, further: dict[str, Any], message: str) -> None:
    model(tmp_path, kind)
    with pytest.raises(EcosystemError, match=message):
        Ecosystem(scenario(tmp_path, outputs__scores__quality={"judge": "reward_model", "model": "mine"} | further))


def test_a_name_on_a_hub_that_does_not_answer_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    class ConnectError(Exception):
        pass

    class Session:
        def head(self, *given: Any, **settings: Any) -> None:
            asked.append(given)
            raise ConnectError

    monkeypatch.setattr(huggingface_hub, "get_session", Session)
    monkeypatch.setattr(named, "_PAUSE", 0.0)
    named._hub_answers.cache_clear()
    with pytest.raises(
        EcosystemError, match=rf"^{MODEL}: there is no folder 'nobody-has-this', .* the hub does not ans"
    ):
        Ecosystem(scenario(tmp_path, learning__language__model="nobody-has-this"))
    assert len(asked) == 2
    monkeypatch.setattr(Session, "head", lambda *given, **settings: asked.append(given))  # it answers, whatever it says
    named._hub_answers.cache_clear()
    assert named._hub_answers() and len(asked) == 3
    named._hub_answers.cache_clear()
