"""Killed in the middle of writing or of training, language models go on, and end as they would have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from learners.language.small import sums

from ecosystem.store import checkpoints as kept
from ecosystem.store.results import Results, open_results

ROOT = Path(__file__).parents[3]

PROGRAM = """
import json, os, signal, sys
from pathlib import Path

import torch
from safetensors import safe_open
import peft, transformers.models.gpt2.modeling_gpt2
import ecosystem.learners.language.craft, ecosystem.runner, ecosystem.world
from ecosystem.cli import main
from ecosystem.learners.language import writing
from ecosystem.store import checkpoints

torch.set_num_threads(1)
utils = torch.nn.utils


def kills(place, name, call):
    \"\"\"Let a function kill the process when it is called for that many times.\"\"\"
    work, left = getattr(place, name), [call]

    def counted(*given, **named):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*given, **named)

    setattr(place, name, counted)


def run(folder, *moment):
    \"\"\"Run in a process of its own, killed at a moment; say how it ended, and which round was kept.\"\"\"
    child = os.fork()  # all is imported, and nothing has been computed yet
    if not child:
        os.environ["ECOSYSTEM_CACHE"] = f"{folder}/cache"
        if moment:
            kills(*moment)
        given = [f"{folder}/sums.yaml", "--out", f"{folder}/out", "--checkpoint", "0", "--workers", "0"]
        sys.argv = ["ecosystem", "run", *given]
        main()
    _, status = os.waitpid(child, 0)
    how = "killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else str(status)
    kept = [safe_open(file, framework="pt").metadata() for file in Path(folder).glob("out/checkpoints/*.safetensors")]
    print("ended", how, *(json.loads(about["about"])["round"] for about in kept), flush=True)


for moment in [
    (utils, "clip_grad_norm_", 9),  # the base is trained
    (writing, "drawn", 3),  # an answer is written before the first round: a token after its first
    (utils, "clip_grad_norm_", 2),  # the first round trains
    (writing, "drawn", 19),  # what it taught is written about
    (utils, "clip_grad_norm_", 8),  # the second round trains, and the first is kept
    (writing, "drawn", 2),
    (checkpoints, "whole_file", 1),  # the second round is about to be kept
    (checkpoints, "to_disk", 2),  # the third is, and its rows are there
    (writing, "drawn", 2),
    (utils, "clip_grad_norm_", 1),
]:
    run("killed", *moment)
run("killed")
run("undisturbed")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path) -> None:
    scenario = sums(
        {
            "architecture": {"layers": 1, "width": 16, "heads": 2, "context": 16},
            "base": {"answers": {"steps": 20, "batch": 16, "rate": 5.0e-3}},
            "training": {"steps": 6, "batch": 8, "rate": 1.0e-3},
            "adapters": {"rank": 2},
            "objective": "dpo",
            "anchor": 0.5,
        },
        rounds=4,
        rewards={"right": {"judge": "exact"}},
        models=[{"name": "m", "reward": "right", "diet": {"raw": 0.5, "curated": 0.5}, "curation": {"candidates": 2}}],
        record={"samples": 2, "weights": True},
    ).with_({"learning.corpus": {"window": 2}})
    written = json.dumps({key: value for key, value in scenario.settings().items() if value is not None})
    for name in ("killed", "undisturbed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sums.yaml").write_text(written, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line.removeprefix("ended ") for line in done.stdout.splitlines() if line.startswith("ended ")]
    assert told == [*["killed"] * 4, *["killed 1"] * 3, *["killed 2"] * 3, "0", "0"], done.stderr
    _assert_same(*(open_results(tmp_path / name / "out") for name in ("killed", "undisturbed")))


def _assert_same(found: Results, expected: Results) -> None:
    assert expected.runs["status"].tolist() == ["done"]
    pd.testing.assert_frame_equal(found.runs.drop(columns="seconds"), expected.runs.drop(columns="seconds"))
    for name in ("models", "groups", "rounds", "samples", "network"):
        pd.testing.assert_frame_equal(found.table(name), expected.table(name), check_exact=True)
    run = expected.runs["run"][0]
    one, other = found.weights(run)["m"], expected.weights(run)["m"]
    assert one.keys() == other.keys()
    assert all(torch.equal(part, other[name]) for name, part in one.items())
    assert any(part.any() for name, part in one.items() if "lora_B" in name)
    assert not (found.path / kept.FOLDER).exists()
