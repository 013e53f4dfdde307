"""What there is to read of drawn outputs, lot by lot: a plain loop that is given the same random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ecosystem import Ecosystem, Scenario
from ecosystem.learners import crafts
from ecosystem.learners.offers import Offers, Pool
from ecosystem.world.streams import uniforms

ROUND, CONTEXTS, LOTS = 2, 2, 9


@pytest.fixture(autouse=True)
def _tally(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")


def test_the_best_and_the_worst_are_among_as_many_as_each_curator_sees() -> None:
    best = {"method": "best_of", "reward": "last"}
    curators: list[dict[str, Any] | None] = [
        {"method": "luce", "candidates": 2, "temperature": 0.5, "reward": "first"},
        best | {"candidates": 2},
        None,
        best | {"candidates": 5},
        {"method": "luce", "candidates": 4, "temperature": 2.0, "reward": "last"},
    ]
    names = {"first": [1, 0, 0], "last": [0, 0, 1]}
    written = {
        "name": "offers",
        "rounds": 1,
        "mode": "sampled",
        "outputs": {"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": CONTEXTS},
        "rewards": {name: {"judge": "values", "values": values} for name, values in names.items()},
        "models": [
            {"name": f"m{number}", "diet": {"raw": 1}} | ({} if curator is None else {"curation": curator})
            for number, curator in enumerate(curators)
        ],
        "learning": {"examples": 10},
    }
    model = Ecosystem(Scenario(**written), seed=3)
    offers = Offers(model.batch, None)
    assert offers.candidates == 5
    judged = np.random.default_rng(0).normal(size=(1, len(curators), CONTEXTS, LOTS, 5, 2))
    found = offers.of(Pool(torch.zeros(judged.shape[:5]), torch.from_numpy(judged)), None, model.demand, ROUND)
    luck = [
        uniforms(3, f"curate.luck.{k}", ROUND, len(curators), CONTEXTS * LOTS).reshape(-1, CONTEXTS, LOTS)
        for k in range(5)
    ]
    for number, curator in enumerate(curators):
        for place in np.ndindex(CONTEXTS, LOTS):
            kept = rejected = 0
            if curator is not None:
                seen = range(curator["candidates"])
                worth = judged[0, number, *place, :, list(names).index(curator["reward"])]
                appeal = [worth[k] / curator.get("temperature", 1.0) for k in seen]
                if curator["method"] == "luce":
                    appeal = [value - np.log(-np.log(luck[k][number, *place])) for k, value in enumerate(appeal)]
                kept, rejected = int(np.argmax(appeal)), int(np.argmin(appeal))
            where = (0, number, *place)
            assert (int(found.raw[where]), int(found.kept[where]), int(found.rejected[where])) == (0, kept, rejected)
