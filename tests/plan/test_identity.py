"""A run's id changes with what changes its result, and with nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecosystem import Scenario
from ecosystem.errors import InputError
from ecosystem.plan.identity import RESULTS_VERSION, identity, recording, run_id
from tests.doubles import SMALL, small


def test_an_id_is_a_short_hash() -> None:
    assert len(run_id(small(), 0)) == 24
    assert int(run_id(small(), 0), 16) >= 0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"description": "text"},
        {"source": "a paper"},
        {"seeds": 12},
        {"record": {"every": 2, "states": True}},
        {"parameters": {"lam": 0.5, "unused": 3}},
        {"sweep": {"grid": {"lam": [0.1, 0.2]}}},
        {"expect": [{"table": "models", "column": "alignment", "at_least": 0, "source": "me"}]},
        {"learning": {"rate": 1, "regime": "retrain"}},
        {"learning": {"rate": 1.0}, "mode": "exact"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_what_has_no_effect_leaves_the_id(changes: dict[str, Any]) -> None:
    assert run_id(small(**changes), 3) == run_id(small(), 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"rounds": 3},
        {"parameters": {"lam": 0.25}},
        {"rewards": {"first": [1, 0.5]}},
        {"learning": {"rate": 0.5}},
        {"network": {}},
        {"mode": "sampled", "learning": {"examples": 10}},
        {"precision": "float32"},
        {"device": "cuda"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_what_has_an_effect_changes_the_id(changes: dict[str, Any]) -> None:
    assert run_id(small(**changes), 3) != run_id(small(), 3)


def test_an_expression_is_what_it_evaluates_to() -> None:
    models = [dict(SMALL["models"][0], diet={"real": 0.5, "curated": 0.5}), SMALL["models"][1]]
    assert run_id(small(models=models), 0) == run_id(small(), 0)


def test_seeds_version_precision_and_device_count(monkeypatch: pytest.MonkeyPatch) -> None:
    known = identity(small())
    assert len({known.run_id(seed) for seed in range(100)}) == 100
    for change in ({"precision": "float32"}, {"device": "cuda"}, {"version": RESULTS_VERSION + 1}):
        other = type(known)(**{"settings": known.settings, "files": known.files, **change})
        assert other.digest != known.digest


def test_the_contents_of_a_network_file_count_and_its_name_does_not(tmp_path: Path) -> None:
    def identified(text: str) -> str:
        (tmp_path / "edges.csv").write_text(text, encoding="utf-8")
        path = tmp_path / "scenario.yaml"
        path.write_text(
            "name: n\nrounds: 1\noutputs: {kind: categorical, size: 2}\n"
            "models: [{name: a, diet: {real: 1}}, {name: b, diet: {raw: 1}}]\n"
            "network: {file: edges.csv}\n",
            encoding="utf-8",
        )
        from ecosystem import load_scenario

        return run_id(load_scenario(path), 0)

    assert identified("from,to\na,b\n") == identified("from,to\na,b\n")
    assert identified("from,to\na,b\n") != identified("from,to\nb,a\n")


def test_a_network_file_that_went_away_is_told(tmp_path: Path) -> None:
    file = tmp_path / "edges.csv"
    file.write_text("from,to\np,q\n", encoding="utf-8")
    scenario = Scenario(**{**SMALL, "network": {"file": str(file)}})
    file.unlink()
    with pytest.raises(InputError, match=r"network\.file: cannot read"):
        run_id(scenario, 0)


def test_recording_has_a_hash_of_its_own() -> None:
    assert recording(small()) == recording(small(rounds=9))
    assert recording(small()) != recording(small(record={"every": 2}))
