"""Behaviour: what no single field can tell to be wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.errors import InputError
from ecosystem.scenario import Scenario
from ecosystem.scenario.document import Document
from scenario.valid import SMALL

CURATION = {"method": "luce", "candidates": 4, "reward": "first"}
PLURALISTIC = {"method": "pluralistic", "candidates": 2, "rewards": {"first": 1}}
MANY = {"name": "m", "count": 10, "diet": {"raw": 1}}

WRONG: list[tuple[dict[str, Any], str]] = [
    # Names
    (
        {"models": [{"name": "m1", "diet": {"raw": 1}}, MANY], "network": {}},
        "models[1].name: models[0] already names a model 'm1'",
    ),
    ({"models": [{**MANY, "count": 2_000_000}], "network": {}}, "models: a scenario has at most 1,000,000"),
    (
        {"models": [MANY], "network": {"edges": [{"from": "m", "to": "m1"}]}},
        "network.edges[0].from: 'm' stands for the models m0 to m9; name one of them",
    ),
    (
        {"curated": {"models": ["p", "r"], "curation": CURATION}},
        "curated.models[1]: there is no model 'r'; known here: p, q",
    ),
    (
        {"curated": {"models": ["p", "p"], "curation": CURATION}},
        "curated.models[1]: the model 'p' stands twice",
    ),
    ({"curated": {"count": 3, "curation": CURATION}}, "curated.count: there are only 2 models (got 3)"),
    (
        {"curated": {"count": 1, "by": "attribute", "attribute": "x", "curation": CURATION}},
        "curated.by: the models have attributes only where `network` is a file or a generator",
    ),
    (
        {"curated": {"count": 1, "fraction": 0.5, "curation": CURATION}},
        "curated: say who is curated by one of",
    ),
    # Rewards
    ({"models.1.reward": "frist"}, "models[1].reward: there is no reward 'frist'; did you mean 'first'?"),
    (
        {"rewards": {}, "models.0.reward": "a"},
        "models[0].reward: there is no reward 'a'; the scenario names no",
    ),
    (
        {"models.0.curation.reward": "x"},
        "models[0].curation.reward: there is no reward 'x'; known here: first",
    ),
    (
        {"models.0.reward": None},
        "models[0].curation: the curator has no reward; give one here or to the model",
    ),
    (
        {"curated": {"count": 1, "curation": {"candidates": 2}}},
        "curated.curation: the curator has no reward, and neither has models[1]; give one here",
    ),
    (
        {"rewards": {"first": [[1, 0], [0, 1]]}},
        "rewards.first: a reward must have a row per context, outputs.contexts = 1 (got 2 rows)",
    ),
    (
        {"rewards": {"first": [[1, 0, 0]]}},
        "rewards.first[0]: a reward must have a number per output, outputs.size = 2 (got 3 numbers)",
    ),
    # Distributions
    ({"real": [0.5, 0.4]}, "real: the probabilities must sum to 1 (got 0.5, 0.4, which sum to 0.9)"),
    ({"real": [1.5, -0.5]}, "real[1]: a probability must not be negative (got -0.5)"),
    ({"real": [0.5, 0.25, 0.25]}, "real: a distribution must have a number per output, outputs.size = 2"),
    ({"models.1.initial": [[0.5, 0.4]]}, "models[1].initial[0]: the probabilities must sum to 1"),
    ({"models.1.real": [[0.5, 0.5], [1, 0]]}, "models[1].real: a distribution must have a row per context"),
    # Curators
    (
        {"models.1.diet": {"raw": 0.5, "curated": 0.5}},
        "models[1].diet.curated: a model without a curator has no curated outputs; give it a `curation`",
    ),
    (
        {
            "models": [{**MANY, "diet": {"curated": 1}}],
            "network": {},
            "curated": {"fraction": 0.5, "curation": CURATION},
        },
        "models[0].diet.curated: a model without a curator has no curated outputs",
    ),
    (
        {"models.0.curation": {"candidates": 2, "temperature": 1e-5}},
        "models[0].curation.temperature: is too low to compute the choice among 2 candidates whose rewards "
        "differ by up to 1 (got 1e-05); use method: best_of, its limit, or a temperature of at least 0.00017",
    ),
    (
        {"curated": {"models": ["q"], "curation": {**CURATION, "temperature": 1e-5}}},
        "curated.curation.temperature: is too low",
    ),
    (
        {"models.0.reward": {"draw": "uniform", "high": 1e6}},
        "models[0].curation.temperature: is too low",
    ),
    (
        {"models.0.curation": {**PLURALISTIC, "rewards": {"first": 1, "frist": 1}}},
        "models[0].curation.rewards.frist: there is no reward 'frist'; did you mean 'first'?",
    ),
    (
        {"models.0.curation": {**CURATION, "method": "adversarial", "attack": 0.1, "attack_reward": "x"}},
        "models[0].curation.attack_reward: there is no reward 'x'",
    ),
    (
        {"models.0.curation": {**PLURALISTIC, "temperature": 1e-5}},
        "models[0].curation.temperature: is too low",
    ),
    (
        {"models.0.curation": {"candidates": 2, "noise": 0.1}},
        "models[0].curation: noise does not apply to method: luce; `noise` belongs to method: noisy",
    ),
    (
        {"models.0.curation": {"method": "noisy", "candidates": 2}},
        "models[0].curation: noise is missing with method: noisy; `noise` belongs to method: noisy",
    ),
    (
        {"models.0.curation": {"method": "best_of", "candidates": 2, "temperature": 0.5}},
        "models[0].curation: temperature does not apply to best_of; leave it out, or use method: luce",
    ),
    (
        {"models.0.curation": {**PLURALISTIC, "reward": "first"}},
        "models[0].curation: reward does not apply to pluralistic; its rewards stand under `rewards`",
    ),
    (
        {"models.0.curation": {**PLURALISTIC, "rewards": {"first": 0}}},
        "models[0].curation: the weights under rewards are all 0; at least one must be above 0",
    ),
    (
        {"network": {"generator": "complete"}, "curated": {"count": 1, "by": "attribute", "curation": CURATION}},
        "curated: `by: attribute` and `attribute: NAME` go together",
    ),
    # Network
    (
        {"network": {"edges": [{"from": "p", "to": "q"}, {"from": "p", "to": "q", "weight": 2}]}},
        "network.edges[1]: network.edges[0] already goes from 'p' to 'q'",
    ),
    (
        {"network": {"edges": [{"from": "p", "to": "q", "channel": {"matrix": [[1, 0, 0], [0, 1, 0]]}}]}},
        "network.edges[0].channel.matrix: a channel must have 2 rows of 2 numbers, outputs",
    ),
    (
        {"network": {"generator": "complete", "channel": {"matrix": [[2, -1], [0, 1]]}}},
        "network.channel.matrix[0][1]: a probability must not be negative (got -1)",
    ),
    ({"network": {"file": "none.csv"}}, "network.file: no such file (got 'none.csv', looked for in"),
    ({"network": {"file": __file__}}, "does not tell its format; add format: csv or format: graphml"),
    (
        {"network": {"generator": "complet"}},
        "network.generator: there is no generator 'complet'; did you mean",
    ),
    ({"network": {"generator": "barabasi_albert"}}, "network.m: is missing; barabasi_albert takes m"),
    ({"network": {"generator": "gnp_random", "p": 2}}, "network.p: must be a number from 0 to 1 (got 2)"),
    ({"network": {"generator": "complete", "n": 2}}, "network.n: is the number of models, which is known"),
    (
        {"network": {"generator": "karate_club"}},
        "network.generator: karate_club makes 34 nodes here, but there are 2 models",
    ),
    # Modes
    ({"mode": "sampled"}, "learning.examples: is missing; mode: sampled needs to know how many examples"),
    (
        {"mode": "sampled", "learning": {"examples": 5}, "rounds": {"max": 5, "until": "stable"}},
        "rounds.until: a sampled run never stands still",
    ),
    # Sweeps
    ({"sweep": {"grid": {"learning.rat": [1]}}}, "sweep.grid.learning.rat: 'learning.rat' is neither"),
    ({"sweep": {"zip": {"lam": [1], "rounds": [1, 2]}}}, "sweep: the lists under zip must have one length"),
    ({"sweep": {"grid": {"lam": [1]}, "zip": {"lam": [1]}}}, "sweep: 'lam' stands under grid and under zip"),
    ({"sweep": {"grid": {"lam": [1, 1]}}}, "sweep: a value of 'lam' stands twice"),
    (
        {"sweep": {"grid": {"lam": [0.1, 0.2], "learning.rate": ["= lam", 1]}}},
        "sweep.grid.learning.rate[0]: refers to 'lam', which is swept itself; sweep a parameter in its place",
    ),
    # Precision
    (
        {"precision": "float32", "rounds": {"max": 9, "until": "stable"}},
        "rounds.tolerance: numbers of precision: float32",
    ),
    (
        {"precision": "float32", "users": {"mode": "sampled", "groups": [{"name": "g", "size": 3, "contexts": [0]}]}},
        "users.mode: precision: float32 counts to 16 million only",
    ),
    ({"precision": "double"}, "precision: must be 'float64' or 'float32' (got 'double')"),
    ({"device": "gpu"}, "device: must be 'auto', 'cpu' or 'cuda' (got 'gpu')"),
    # Recording
    ({"record": {"models": ["p", "r"]}}, "record.models[1]: there is no model 'r'; known here: p, q"),
    ({"record": {"models": ["p", "p"]}}, "record.models[1]: the model 'p' stands twice"),
    ({"record": {"models": 3}}, "record.models: there are only 2 models (got 3)"),
    ({"record": {"models": "some"}}, "record.models: must be 'all' or 'aggregate' (got 'some')"),
    ({"record": {"models": "aggregate", "states": True}}, "record.states: has rows of models only"),
    ({"record": {"weights": True}}, "record.weights: is for outputs that are really drawn, and these are categorical"),
    # Numbers
    ({"rounds": float("inf")}, "rounds: must be a whole number (got inf)"),
    ({"sweep": {"grid": {"lam": ["= 1 +"]}}}, "sweep.grid.lam[0]: is not arithmetic (got '= 1 +')"),
    (
        {"sweep": {"sobol": {"samples": 2, "ranges": {"lam": {"low": 0, "high": 2.0**54, "whole": True}}}}},
        "sweep.sobol.ranges.lam: bounds of whole numbers are at most 2**53",
    ),
    # Expectations
    ({"expect": ["x"]}, "expect[0]: must be a mapping (got 'x')"),
]
EXPECT = {"table": "models", "column": "alignment", "sign": "positive", "source": "test"}
WRONG += [
    ({"expect": [{**EXPECT, **changes}]}, told)
    for changes, told in [
        ({"table": "model"}, "expect[0].table: there is no table 'model'; did you mean 'models'?"),
        ({"table": "states", "column": "probability"}, "expect[0].table: the table states is not recorded"),
        ({"table": "alignments", "column": "value"}, "expect[0].table: the table alignments is not recorded"),
        ({"column": "alignmnt"}, "expect[0].column: the table models has no column 'alignmnt'; did you mean"),
        (
            {"where": {"modle": "p"}},
            "expect[0].where.modle: is neither a column of the table models nor swept",
        ),
        ({"where": {"lam": 0.5}}, "expect[0].where.lam: is neither a column of the table models nor swept"),
        (
            {"where": {"lam": 0.5}, "minus": {"lam": 0.2}},
            "expect[0].where.lam: is neither a column of the table models nor swept (here and in 1 more); nothing is"
            " swept: --set expect=[] leaves all expectations out",
        ),
        ({"where": {"model": "r"}}, "expect[0].where.model: there is no model 'r'; known here: p, q"),
        (
            {"table": "influence", "column": "influence", "round": 3},
            "expect[0].round: the table influence has no rounds",
        ),
        ({"value": 1.0}, "expect[0]: value and tolerance go together"),
        ({"sign": None}, "expect[0]: say what is expected: value (with tolerance), sign, at_least or at_most"),
        ({"statistic": "var", "certain": True}, "expect[0]: minus and certain go with statistic: mean"),
    ]
]
WRONG += [
    ({"record": record, "expect": [{**EXPECT, **changes}]}, told)
    for record, changes, told in [
        ({"models": "aggregate"}, {}, "expect[0].table: record: {models: aggregate} writes no row of it"),
        (
            {"alignments": True},
            {"table": "alignments", "column": "value", "where": {"reward": "frist"}},
            "expect[0].where.reward: there is no reward 'frist'; did you mean 'first'?",
        ),
    ]
]

FULL: dict[str, Any] = {
    **SMALL,
    "real": [[0.5, 0.5]],
    "curated": {"models": ["q"], "curation": {**PLURALISTIC, "temperature": 0.5}, "diet": {"raw": 1}},
    "network": {"edges": [{"from": "p", "to": "q", "weight": 2, "channel": {"matrix": [[1, 0], [0, 1]]}}]},
    "learning": {"rate": 0.5, "corpus": {"window": 2}},
    "rounds": {"max": 5, "until": "stable"},
    "record": {"states": True},
    "sweep": {"grid": {"lam": [0.1, 0.2]}, "zip": {"seeds": [1, 2]}},
    "expect": [EXPECT],
}


@pytest.mark.parametrize(("changes", "told"), WRONG, ids=[told[:60] for _, told in WRONG])
def test_wrong(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**_changed(changes))
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert told in lines[0]


RIGHT: list[dict[str, Any]] = [
    {"models.0.curation.temperature": 1e-3},
    {"models.0.curation": {"candidates": "inf", "temperature": 1e-9}},
    {"models.0.curation": {"candidates": 2, "temperature": 0}},
    {"models.0.curation": {"candidates": 2, "method": "best_of"}},
    {"models.0.reward": None, "models.0.curation": PLURALISTIC},
    {"models.1.diet": {"curated": 1}, "curated": {"models": ["q"], "curation": CURATION}},
    {"models.1.diet": {"curated": 1}, "curated": {"fraction": 1.0, "curation": CURATION}},
    {"curated": {"fraction": 0.5, "diet": {"raw": 0.5, "curated": 0.5}, "curation": CURATION}},
    {"curated": {"models": ["p"], "curation": {"candidates": 2}}},
    {"curated": {"count": 0, "curation": {"candidates": 2}}},
    {"network": {"edges": [{"from": "p", "to": "p"}, {"from": "p", "to": "q"}]}},
    {"real": {"draw": "dirichlet"}},
    {"real": [1 / 3, 2 / 3]},
    {"real": [[0.1, 0.9]]},
    {"learning": {"smoothing": 0, "examples": None}},
    {"mode": "sampled", "learning": {"examples": 5, "pool": 3, "smoothing": 0.1}},
    {"learning": {"examples": 5, "pool": 3, "smoothing": 0.1}},
    {"learning": {"examples": 5}, "sweep": {"grid": {"mode": ["exact", "sampled"]}}},
    {"sweep": {"zip": {"mode": ["exact", "sampled"], "learning.examples": [None, 100]}}},
    {"sweep": {"grid": {"lam": [0.1, 0.2]}}, "expect": [{**EXPECT, "where": {"lam": 0.1}}]},
    {"record": {"models": "aggregate"}, "expect": [{**EXPECT, "table": "rounds", "column": "entropy"}]},
    {"record": {"models": 2, "alignments": True}},
    {"record": {"states": True}, "expect": [{**EXPECT, "table": "states", "column": "probability"}]},
]


@pytest.mark.parametrize("changes", RIGHT, ids=str)
def test_right(changes: dict[str, Any]) -> None:
    Scenario(**_changed(changes))


def test_files_are_looked_for_beside_the_scenario(tmp_path: Path) -> None:
    from ecosystem.scenario import load_scenario

    (tmp_path / "edges.csv").write_text("from,to\np,q\n", encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: filed\nrounds: 1\noutputs: {kind: categorical, size: 2}\n"
        "models: [{name: p, diet: {raw: 1}}, {name: q, diet: {raw: 1}}]\nnetwork: {file: edges.csv}\n",
        encoding="utf-8",
    )
    assert load_scenario(path).base == tmp_path


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**30)
    | st.floats()
    | st.sampled_from(["", "p", "= lam", "= x", "=", "inf", "luce", "until", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["p", "name", 0]), inner),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_value_anywhere_is_taken_or_told_of(data: st.DataObject) -> None:
    scenario: Any = copy.deepcopy(FULL)
    for _ in range(data.draw(st.integers(1, 3))):
        node = scenario
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(node[key], (dict, list)) or data.draw(st.integers(0, 3)) == 0:
                node[key] = data.draw(ANYTHING)
                break
            node = node[key]
    try:
        found = Scenario.from_document(Document(scenario))
    except InputError as error:
        assert error.problems
    else:
        assert Scenario(**json.loads(json.dumps(found.settings(), allow_nan=False))).settings() == found.settings()


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the small scenario with some values changed, wrong ones too, so not by `with_`."""
    data: Any = copy.deepcopy(SMALL)
    for key, value in changes.items():
        target, parts = data, key.split(".")
        for part in parts[:-1]:
            target = target[int(part)] if isinstance(target, list) else target[part]
        target[parts[-1]] = value
    return data  # type: ignore[no-any-return]
