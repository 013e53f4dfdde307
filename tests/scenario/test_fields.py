"""Behaviour: what a scenario holds, how it is changed, compared, sent and written out."""

from __future__ import annotations

import copy
import enum
import json
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ecosystem.errors import InputError
from ecosystem.scenario import Scenario, load_scenario
from ecosystem.scenario.fields.learning import Learning, Until
from ecosystem.scenario.fields.network import GeneratedNetwork
from ecosystem.scenario.shipped import shipped
from scenario.valid import SMALL, WHOLE


@pytest.fixture
def whole(tmp_path: Path) -> Scenario:
    path = tmp_path / "whole.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    return load_scenario(path)


def test_the_example_of_a_whole_scenario(whole: Scenario, tmp_path: Path) -> None:
    assert whole.model_names == ("p", "q")
    assert whole.models[0].diet.real == 0.5
    assert whole.models[0].diet.curated == pytest.approx(0.15)
    assert whole.models[0].diet.neighbours_curated == pytest.approx(0.35)
    assert whole.rewards == {"first": (1.0, 0.0), "second": (0.0, 1.0)}
    assert whole.expect[1].table == "influence"
    assert whole.base == tmp_path


def test_defaults() -> None:
    scenario = Scenario(**SMALL)
    assert scenario.mode == "exact"
    assert scenario.seed_list == (0,)
    assert scenario.outputs.contexts == 1
    assert scenario.learning == Learning(regime="retrain", rate=1.0, sharing=0.0, corpus="replace")
    assert scenario.real is None


def test_counts_are_spelled_out() -> None:
    scenario = _small(models=[{"name": "m", "count": 3, "diet": {"raw": 1}}], network={}, rewards={})
    assert scenario.model_names == ("m0", "m1", "m2")


class Rate(enum.IntEnum):
    FULL = 1


class Regime(enum.StrEnum):
    RETRAIN = "retrain"


def test_numbers_texts_and_paths_of_other_types_from_python(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text("from,to\np,q\n", encoding="utf-8")
    scenario = _small(
        parameters={"lam": Fraction(1, 4)},
        learning={"rate": Rate.FULL, "regime": Regime.RETRAIN},
        network={"file": tmp_path / "edges.csv"},
    )
    assert scenario.models[0].diet.curated == 0.25
    assert (scenario.learning.rate, scenario.learning.regime) == (1.0, "retrain")
    assert json.loads(json.dumps(scenario.settings()))["network"]["file"] == str(tmp_path / "edges.csv")


def test_what_no_file_could_hold_is_refused() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    for changes, told in [
        ({"rewards": {1.5: [1, 0]}}, r"rewards: a key must be text or a whole number \(got 1\.5\)"),
        ({"real": deep}, "is nested more than 60 levels deep"),
        ({"name": object()}, "name: a value of type object has no place in a scenario"),
    ]:
        with pytest.raises(InputError, match=told):
            _small(**changes)


def test_values_from_python() -> None:
    scenario = _small(
        rewards={"first": np.array([1, 0])},
        real=(np.float64(0.25), 0.75),
        seeds=range(3),
        learning=Learning(rate=0.5),
        rounds=Until(max=5, until="stable"),
    )
    assert scenario.real == (0.25, 0.75)
    assert scenario.seeds == (0, 1, 2)
    assert scenario.learning.rate == 0.5
    assert scenario.rounds == Until(max=5, until="stable", tolerance=1e-12)
    with pytest.raises(InputError, match="a value of type object has no place in a scenario"):
        _small(real=object())


def test_whole_numbers_and_infinity_from_expressions() -> None:
    curation = {"method": "luce", "candidates": "= 2 * K", "reward": "first"}
    models = [{"name": "p", "diet": {"raw": 1}, "curation": curation}]
    scenario = _small(parameters={"K": 2}, rounds="= 10 / 2", seeds="= 1 + 1", models=models, network={})
    assert (scenario.rounds, scenario.seeds, scenario.models[0].curation.candidates) == (5, 2, 4)  # type: ignore[union-attr]
    assert scenario.with_({"K": "inf"}).models[0].curation.candidates == float("inf")  # type: ignore[union-attr]


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Scenario(**SMALL).rounds = 4


def test_what_is_given_may_change_afterwards() -> None:
    data = copy.deepcopy(SMALL)
    scenario = Scenario(**data)
    data["models"][0]["diet"]["real"] = 0.9
    assert scenario.with_({"rounds": 4}).models[0].diet.real == 0.5


CHANGES: list[tuple[dict[str, Any], str, Any]] = [
    ({"lam": 0.25}, "models.0.diet.real", 0.75),
    ({"lam": "= 1 / 4"}, "models.0.diet.real", 0.75),
    ({"learning.rate": 0.5}, "learning.rate", 0.5),
    ({"learning.corpus.window": 5}, "learning.corpus.window", 5),
    ({"models.p.curation.candidates": 4}, "models.0.curation.candidates", 4),
    ({"models[0].curation.candidates": 4}, "models.0.curation.candidates", 4),
    ({"models.0.curation.candidates": 4}, "models.0.curation.candidates", 4),
    ({"network.edges.p->q.weight": 2}, "network.edges.0.weight", 2),
    ({"rewards.first.1": 3}, "rewards.first.1", 3),
    ({"rounds.max": 9, "rounds.until": "stable"}, "rounds.max", 9),
    ({"models.p.diet": {"real": 1}, "models.p.curation": None}, "models.0.diet.real", 1),
    ({"network": {"generator": "complete"}}, "network.generator", "complete"),
]


@pytest.mark.parametrize(("changes", "path", "value"), CHANGES)
def test_changed_settings(changes: dict[str, Any], path: str, value: Any) -> None:
    found: Any = Scenario(**SMALL).with_(changes).settings()
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert found == value


REFUSED_CHANGES = [
    ("lma", "'lma' is neither a parameter nor a setting: there is no 'lma'; did you mean 'lam'?"),
    ("learning.rat", "learning has no 'rat'; did you mean 'rate'?"),
    ("lerning.rate", "there is no 'lerning'; did you mean 'learning'?"),
    ("models.p.diet.reel", "models[0].diet has no 'reel'; did you mean 'real'?"),
    ("models.r.diet.real", "models has no entry 'r'; known here: p, q"),
    ("models[7].name", "models has no entry '7'"),
    ("parameters.new", "parameters has no 'new'"),
    ("learning.rate.x", "learning.rate has no parts, so none called 'x'"),
    ("a..b", "'a..b' is no path; write one such as learning.rate"),
    ("learning.rate", "learning.rate: must be at most 1 (got 7)"),
]


@pytest.mark.parametrize(("key", "message"), REFUSED_CHANGES)
def test_refused_changes(key: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**SMALL).with_({key: 7})
    assert message in str(caught.value)


def test_one_of_many_alike_cannot_be_changed() -> None:
    scenario = _small(models=[{"name": "m", "count": 30, "diet": {"raw": 1}}], network={})
    with pytest.raises(InputError, match="'m3' is one of the models that 'm' counts"):
        scenario.with_({"models.m3.diet.raw": 1})


def test_a_swept_key_cannot_be_changed(whole: Scenario) -> None:
    with pytest.raises(InputError, match="'lam' is swept"):
        whole.with_({"lam": 0.3})


def test_a_changed_setting_has_no_place_in_the_file(whole: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        whole.with_({"learning.rate": 7})
    assert str(caught.value) == "learning.rate: must be at most 1 (got 7)"


def test_overrides_come_before_validation(tmp_path: Path) -> None:
    path = tmp_path / "fragment.yaml"
    path.write_text(WHOLE.replace("rounds: 200 ", "rounds: -1 "), encoding="utf-8")
    assert load_scenario(path, {"rounds": 2}).rounds == 2
    with pytest.raises(InputError, match="did you mean 'rounds'"):
        load_scenario(path, {"round": 2})


def test_settings_are_json_and_make_the_scenario_again() -> None:
    curation = {"candidates": "inf", "reward": "first"}
    scenario = _small(
        models=[{"name": "p", "diet": {"real": "= lam", "raw": "= 1 - lam"}, "curation": curation}],
        network={"generator": "complete"},
    )
    settings = json.loads(json.dumps(scenario.settings(), allow_nan=False))
    assert settings["models"][0]["curation"]["candidates"] == "inf"
    assert settings["models"][0]["diet"]["real"] == 0.5
    assert Scenario(**settings) == scenario
    assert Scenario.model_validate(settings) == scenario


def test_equality_is_of_settings() -> None:
    scenario = Scenario(**SMALL)
    same = scenario.with_({"learning.rate": 1.0})
    assert same == scenario
    assert hash(same) == hash(scenario)
    assert scenario.with_({"lam": 0.4}) != scenario
    assert scenario != "small"


@pytest.mark.parametrize("copied", [lambda s: pickle.loads(pickle.dumps(s)), copy.copy, copy.deepcopy])
def test_copies_keep_expressions(copied: Any, whole: Scenario) -> None:
    found = copied(whole)
    assert found == whole
    assert found.base == whole.base
    assert found.with_({"c": 0.2}).models[0].diet.curated == pytest.approx(0.4)


def test_generated_networks_take_further_arguments() -> None:
    scenario = _small(network={"generator": "gnp_random", "p": 0.5, "seed": 3})
    assert isinstance(scenario.network, GeneratedNetwork)
    assert scenario.network.arguments == {"p": 0.5}


@pytest.mark.parametrize("path", shipped().values(), ids=shipped().keys())
def test_shipped_scenarios_load(path: Path) -> None:
    assert load_scenario(path.stem).name == load_scenario(path).name


def test_scenarios_are_found_by_name_too() -> None:
    for name in shipped():
        assert load_scenario(name.replace("_", "-")) == load_scenario(name)


def test_nothing_slow_is_imported() -> None:
    script = (
        "import sys; from ecosystem.scenario import Scenario\n"
        f"Scenario(**{SMALL!r})\n"
        "print([name for name in ('torch', 'mesa', 'networkx', 'numpy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _small(**changes: Any) -> Scenario:
    return Scenario(**{**SMALL, **changes})
