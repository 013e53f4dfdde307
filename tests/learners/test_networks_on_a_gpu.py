"""Networks that are trained on a GPU: they agree with the CPU to rounding, and repeat themselves bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from learners.language.small import VERIFIED, network, sums
from learners.neural.test_craft import FLOW, SMALL, written
from learners.test_precision_and_device import categorical, gaussian

from ecosystem import Scenario
from ecosystem.learners.language.losses import log_likelihoods
from ecosystem.learners.language.writing import answers
from ecosystem.plan.runs import plan
from ecosystem.scenario.fields.language import Adapters, Writing
from ecosystem.world.simulation import simulate

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU with CUDA here")

DIFFUSION = SMALL | {"network": {"kind": "diffusion", "width": 24, "depth": 2, "steps": 4}}
CURATED = {"models": [{"name": "m", "reward": "right", "diet": {"curated": 1}, "curation": {"candidates": 3}}]}
TEXTS: dict[str, dict[str, Any]] = {
    "sft": {"remedy": VERIFIED},
    "dpo": CURATED | {"rewards": {"right": {"judge": "exact"}}, "learning.language.objective": "dpo"},
    "adapters": {"learning.language.adapters": {"rank": 4}},
}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECOSYSTEM_CACHE", str(tmp_path_factory.getbasetemp() / "gpu-cache"))
        yield


def text(name: str) -> Scenario:
    changes = TEXTS[name]
    whole = {key: value for key, value in changes.items() if "." not in key}
    return sums(**whole).with_({key: value for key, value in changes.items() if "." in key})


def tables(scenario: Scenario) -> dict[str, pa.Table]:
    outcome = simulate(plan(scenario, 2).runs)
    assert not outcome.errors
    return dict(outcome.tables)


SCENARIOS = {
    "categorical": lambda: Scenario(**categorical("sampled")),
    "gaussian": lambda: Scenario(**gaussian("sampled")),
    "vae": lambda: Scenario(**written(SMALL)),
    "flow": lambda: Scenario(**written(FLOW)),
    "diffusion": lambda: Scenario(**written(DIFFUSION)),
} | {name: lambda name=name: text(name) for name in TEXTS}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_repeats_bit_by_bit(name: str) -> None:
    scenario = SCENARIOS[name]().with_({"device": "cuda", "record.states": name in ("categorical", "gaussian")})
    first, second = tables(scenario), tables(scenario)
    for table in first:
        assert first[table].equals(second[table]) or _same(first[table], second[table]), table


def _same(one: pa.Table, other: pa.Table) -> bool:
    """Compare tables in which what is no number equals itself."""
    return all(
        a.to_pylist() == b.to_pylist()
        or np.array_equal(a.to_numpy(zero_copy_only=False), b.to_numpy(zero_copy_only=False), equal_nan=True)
        for a, b in zip(one.columns, other.columns, strict=True)
    )


@pytest.mark.parametrize("name", ["vae", "flow", "diffusion"])
def test_images_are_those_of_the_cpu_to_rounding_before_they_drift_apart(name: str) -> None:
    found = [tables(SCENARIOS[name]().with_({"device": device}))["models"].to_pandas() for device in ("cpu", "cuda")]
    here, there = (models[models["round"] == 0] for models in found)
    for column in ("alignment", "loss"):
        np.testing.assert_allclose(there[column], here[column], rtol=0.02, atol=0.02)
    assert (found[0]["loss"] - found[1]["loss"]).abs().max() < 0.2 * found[0]["loss"].abs().max()


@pytest.mark.parametrize("adapters", [None, Adapters(rank=4)])
def test_likelihoods_and_answers_are_those_of_the_cpu(adapters: Adapters | None) -> None:
    plain, codec, table, _ = network(adapters)
    rows = torch.arange(len(table.pairs)).repeat(20)
    luck = torch.from_numpy(np.random.default_rng(0).random((len(rows), 4)))

    def told(device: str) -> tuple[torch.Tensor, torch.Tensor]:
        module, there = plain.module.to(device), table.on(device)
        asked = rows.to(device)
        scores, _ = log_likelihoods(module, there, codec, asked, there.answer[asked])
        said = answers(
            module, there.prompt[asked], there.there[asked], luck.to(device), Writing(), codec.end, codec.pad
        )
        return scores.detach().cpu(), said.cpu()

    (scores, said), (others, told_there) = told("cpu"), told("cuda")
    torch.testing.assert_close(others, scores, rtol=0, atol=2e-4)
    assert (said == told_there).all(-1).double().mean() > 0.995  # a number may fall on the other side of a step


def test_a_language_model_learns_there_as_on_the_cpu(tmp_path: Path) -> None:
    longer = {"training": {"steps": 40, "batch": 32, "rate": 2.0e-3}}
    scenario = sums(longer, remedy=VERIFIED).with_({"learning.examples": 200, "seeds": 4})
    found = []
    for device in ("cpu", "cuda"):
        groups = tables(scenario.with_({"device": device}))["groups"].to_pandas()
        last = groups[groups["round"] == groups["round"].max()]
        found.append(last.groupby("group", observed=True)["quality"].mean())
    assert (found[0] - found[1]).abs().max() < 0.2
    assert found[1]["A"] > 0.2
