"""What models had learned, kept in a file a run: read as it was written, told where it is not there or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ecosystem.errors import EcosystemError
from ecosystem.store import weights
from ecosystem.store.errors import StoreError
from ecosystem.store.results import open_results
from tests.doubles import carried_out, small


@pytest.fixture
def store(tmp_path: Path) -> Path:
    carried_out(small(), tmp_path)
    return tmp_path


def test_what_is_kept_is_read_again_by_model_and_name(store: Path) -> None:
    kept = {"p/layer.weight": torch.arange(6.0).reshape(2, 3).T, "lab/q/layer.weight": torch.ones(2)}
    weights.save(store, "run", kept)
    found = open_results(store).weights("run")
    assert {model: list(named) for model, named in found.items()} == {
        "p": ["layer.weight"],
        "lab/q": ["layer.weight"],
    }
    assert torch.equal(found["p"]["layer.weight"], kept["p/layer.weight"])
    readable = (store / "manifest.json").stat().st_mode
    assert (store / "weights" / "run.safetensors").stat().st_mode == readable


def test_where_there_are_none_or_damaged_ones_that_is_told(store: Path) -> None:
    with pytest.raises(EcosystemError, match=r"there are no weights of this run; record: \{weights: true\} keeps them"):
        open_results(store).weights("run")
    weights.save(store, "run", {"p/layer.weight": torch.ones(2)})
    file = store / "weights" / "run.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(StoreError, match=r"run\.safetensors: is damaged"):
        open_results(store).weights("run")
