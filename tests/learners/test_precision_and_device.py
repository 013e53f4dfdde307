"""Numbers of another precision, on another device: the same results to rounding, the same law where they are drawn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from plain.random_ecosystems import random_ecosystem

from ecosystem import Ecosystem, Scenario, devices, run
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import plan
from ecosystem.world.simulation import simulate

ON_A_GPU = pytest.param(
    {"device": "cuda"},
    1e-12,
    id="cuda",
    marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU with CUDA here"),
)
ELSEWHERE = [pytest.param({"precision": "float32"}, 2e-6, id="float32"), ON_A_GPU]

GAUSSIAN: dict[str, Any] = {
    "name": "vectors",
    "rounds": 4,
    "outputs": {"kind": "gaussian", "dimension": 2, "contexts": 2},
    "rewards": {"right": {"linear": [1, 0.3]}, "near": {"linear": [0.2, 0], "curvature": 0.5, "centre": [1, 1]}},
    "models": [
        {
            "name": "p",
            "reward": "near",
            "diet": {"real": 0.4, "curated": 0.3, "neighbours_raw": 0.2, "users": 0.1},
            "curation": {"method": "luce", "candidates": 4, "reward": "right"},
        },
        {"name": "q", "reward": "right", "diet": {"real": 0.5, "neighbours_curated": 0.5}},
        {
            "name": "r",
            "reward": "near",
            "diet": {"real": 0.5, "curated": 0.5},
            "curation": {"method": "luce", "candidates": "inf", "reward": "right"},
        },
    ],
    "network": {
        "edges": [
            {"from": "p", "to": "q", "channel": {"matrix": [[0.3, 0.1], [0, 0.5]], "offset": [0.1, 0]}},
            {"from": "q", "to": "p"},
        ]
    },
    "users": {
        "groups": [
            {"name": "A", "size": 600, "contexts": [0], "reward": "right"},
            {"name": "B", "size": 400, "contexts": {0: 0.3, 1: 0.7}, "reward": "near"},
        ],
        "choice": {"method": "softmax", "temperature": 0.5},
        "feedback": {"method": "replicator", "rate": 0.1},
    },
}


def categorical(mode: str) -> dict[str, Any]:
    """An ecosystem with a network, channels, curators of several kinds, users who curate and a remedy."""
    written: dict[str, Any] = random_ecosystem(5, 6, 5, 2, mode)
    written["outputs"]["scores"] = {"quality": [1, 0, 1, 0, 1]}
    reward = next(iter(written["rewards"]))
    written["users"] = {
        "groups": [
            {"name": "A", "size": 600, "contexts": [0], "reward": reward},
            {"name": "B", "size": 400, "contexts": {0: 0.3, 1: 0.7}, "reward": reward},
        ],
        "choice": {"method": "multiplicative", "rate": 0.5},
        "feedback": {"method": "retention", "scale": 2.0, "arrivals": 5},
        "curate": True,
    }
    written["remedy"] = {"method": "rejection_sampling", "candidates": {"A": 2, "B": 4}, "accuracy": 0.8}
    if mode == "sampled":
        written["learning"] |= {"examples": 400}
    return written | {"rounds": 4}


def gaussian(mode: str) -> dict[str, Any]:
    return GAUSSIAN | {"mode": mode} | ({"learning": {"examples": 400}} if mode == "sampled" else {})


def after(written: dict[str, Any], seed: int = 0) -> Ecosystem:
    model = Ecosystem(Scenario(**written), seed)
    for _ in range(4):
        model.step()
    return model


@pytest.mark.parametrize(("changes", "tolerance"), ELSEWHERE)
@pytest.mark.parametrize("written", [categorical, gaussian])
def test_exact_rounds_agree_to_rounding(
    written: Callable[[str], dict[str, Any]], changes: dict[str, Any], tolerance: float
) -> None:
    here, there = after(written("exact")), after(written("exact") | changes)
    assert there.state.p.dtype == getattr(torch, changes.get("precision", "float64"))
    assert there.state.p.device.type == changes.get("device", "cpu")
    torch.testing.assert_close(there.state.p.to(here.state.p), here.state.p, rtol=0, atol=5 * tolerance)
    assert here.crowd is not None and there.crowd is not None
    torch.testing.assert_close(
        there.crowd.activity.to(here.crowd.activity), here.crowd.activity, rtol=10 * tolerance, atol=0
    )


@pytest.mark.parametrize(("changes", "tolerance"), ELSEWHERE)
@pytest.mark.parametrize("written", [categorical, gaussian])
def test_every_table_is_that_of_the_cpu_to_rounding(
    written: Callable[[str], dict[str, Any]], changes: dict[str, Any], tolerance: float
) -> None:
    record = {"record": {"states": True, "alignments": True}}
    outcomes = [simulate(plan(Scenario(**written("exact") | record | more), 2).runs) for more in ({}, changes)]
    assert not outcomes[0].errors and not outcomes[1].errors
    for name, table in outcomes[0].tables.items():
        there = outcomes[1].tables[name]
        assert there.schema == table.schema
        for column, values in zip(table.column_names, table.columns, strict=True):
            if values.type == "double":
                np.testing.assert_allclose(
                    there[column].to_numpy(), values.to_numpy(), rtol=100 * tolerance, atol=100 * tolerance
                )


@pytest.mark.parametrize(("changes", "tolerance"), ELSEWHERE)
@pytest.mark.parametrize("written", [categorical, gaussian])
def test_sampled_rounds_have_the_same_law(
    written: Callable[[str], dict[str, Any]], changes: dict[str, Any], tolerance: float
) -> None:
    del tolerance
    seeds = range(60)
    here = torch.stack([after(written("sampled"), seed).state.p[0] for seed in seeds])
    # Other seeds: that equal seeds draw alike would hide another law.
    elsewhere = [after(written("sampled") | changes, 1000 + seed).state.p[0].to("cpu", here.dtype) for seed in seeds]
    there = torch.stack(elsewhere)
    spread = ((here.var(0) + there.var(0)) / len(seeds)).sqrt()
    moves = spread > 1e-9
    z = ((here.mean(0) - there.mean(0))[moves] / spread[moves]).abs()
    assert bool(moves.any())
    assert float(z.square().mean().sqrt()) < 1.6
    assert float(z.max()) < 5


@pytest.mark.parametrize(("changes", "tolerance"), ELSEWHERE)
def test_a_world_in_a_batch_is_the_world_alone(changes: dict[str, Any], tolerance: float) -> None:
    del tolerance
    runs = plan(Scenario(**categorical("sampled") | changes), 7).runs
    together, alone = simulate(runs).tables["models"], [simulate([each]).tables["models"] for each in runs]
    rows = together.num_rows // len(runs)
    for number, table in enumerate(alone):
        part = together.slice(number * rows, rows)
        for column in ("alignment", "entropy", "displacement"):
            assert part[column].to_numpy().tobytes() == table[column].to_numpy().tobytes()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told_of_and_auto_goes_without() -> None:
    with pytest.raises(EcosystemError, match="device: torch finds no GPU"):
        Ecosystem(Scenario(**categorical("exact") | {"device": "cuda"}))
    results = run(Scenario(**categorical("exact") | {"device": "cuda"}))
    assert results.runs["status"].tolist() == ["failed"]
    assert "torch finds no GPU" in results.runs["error"][0]
    assert Ecosystem(Scenario(**categorical("exact") | {"device": "auto"})).state.p.device.type == "cpu"


def test_auto_has_the_id_of_the_device_that_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    written = categorical("exact")
    for there, kind in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(devices, "_has_cuda", lambda there=there: there)
        asked = plan(Scenario(**written | {"device": "auto"}))
        assert asked.scenario.device == asked.runs[0].scenario.device == kind
        assert asked.runs[0].id == plan(Scenario(**written | {"device": kind})).runs[0].id


def test_a_gpu_is_asked_to_repeat_itself() -> None:
    program = """
import os, torch
from ecosystem import devices
devices._has_cuda = lambda: True
assert devices.usable("cpu") == "cpu" and not torch.are_deterministic_algorithms_enabled()
assert devices.usable("auto") == "cuda" and torch.are_deterministic_algorithms_enabled()
cuda = torch.backends.cuda
assert not (cuda.mem_efficient_sdp_enabled() or cuda.flash_sdp_enabled() or cuda.cudnn_sdp_enabled())
assert cuda.math_sdp_enabled() and os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
