"""Small language models, and scenarios that train them in a second."""

from __future__ import annotations

import itertools
from typing import Any

from ecosystem import Scenario
from ecosystem.learners.language.network import Network
from ecosystem.learners.language.tokens import Codec, Table, made_tokenizer
from ecosystem.outputs.text.arithmetic import arithmetic
from ecosystem.outputs.text.corpus import Corpus, Pair
from ecosystem.scenario.fields.language import Adapters
from ecosystem.scenario.fields.text import Arithmetic

GROUPS = [{"name": "A", "size": 600, "contexts": [0]}, {"name": "B", "size": 400, "contexts": [1]}]
LINEAR = {"method": "linear", "group": "A", "step": 0.07, "cap": 0.95}
VERIFIED = {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}}
BASE = {"answers": {"steps": 500, "batch": 32, "rate": 5.0e-3}, "seed": 7}


def sums(language: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """A loop on sums of one and of two digits."""
    settings = {
        "architecture": {"layers": 1, "width": 32, "heads": 2, "context": 16},
        "base": BASE,
        "training": {"steps": 4, "batch": 16, "rate": 1.0e-3},
    }
    whole = {
        "name": "sums",
        "rounds": 2,
        "mode": "sampled",
        "outputs": {
            "kind": "text",
            "contexts": 2,
            "corpus": {"source": "arithmetic", "digits": [1, 2], "problems": 300},
            "length": 4,
            "scores": {"quality": {"judge": "exact"}},
        },
        "models": [{"name": "m", "diet": {"raw": 1}}],
        "learning": {"regime": "incremental", "examples": 40, "language": settings | (language or {})},
        "users": {"groups": GROUPS, "feedback": LINEAR},
    }
    return Scenario(**whole | changes)


def network(adapters: Adapters | None = None, seed: int = 0) -> tuple[Network, Codec, Table, Any]:
    """An untrained GPT-2 of sums, with its codec, its prompts and its tokenizer."""
    import torch
    import transformers

    corpus = arithmetic(Arithmetic(source="arithmetic", digits=(1, 2), problems=40))
    tokenizer = made_tokenizer(corpus, None)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=1
    )
    torch.manual_seed(seed)
    module = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for part in module.parameters():
            part.mul_(4)  # so that it prefers some tokens to others
    codec = Codec(tokenizer, 4)
    return Network(module, adapters), codec, codec.table(corpus.pairs), tokenizer


WORDS = {
    "sea": ["ship", "wave", "harbour", "sailor", "tide", "anchor", "mast", "shore"],
    "wood": ["tree", "leaf", "forest", "hunter", "moss", "branch", "deer", "root"],
}


def tale(topic: str, number: int, length: int = 6) -> str:
    """A text about a topic: every one is another."""
    words = list(itertools.permutations(WORDS[topic], 3))
    return " ".join(itertools.islice(itertools.chain.from_iterable(words[number * 7 % len(words) :]), length))


def tales(count: int = 40) -> list[dict[str, Any]]:
    """Lines of a file: context 0 asks for the sea mostly, context 1 for the wood."""
    return [
        {"prompt": f"tell of the {topic}:", "answer": " " + tale(topic, number), "kind": context, "topic": topic}
        for context, share in ((0, 4), (1, 1))
        for number in range(count)
        for topic in [("sea" if number % 5 < share else "wood")]
    ]


def corpus_of_tales() -> Corpus:
    """The same as a corpus, for judges."""
    pairs = tuple(Pair(row["kind"], row["prompt"], row["answer"], row["topic"]) for row in tales())
    texts = tuple((pair.label, pair.answer) for pair in pairs)
    return Corpus(pairs, pairs[:10], judged=texts[::2], unseen=texts[1::2])
