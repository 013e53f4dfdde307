"""The laws of network generators."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecosystem.scenario.scenario import Scenario
from ecosystem.testing.laws import Member, as_block, law
from ecosystem.world.network import build


def check_network(network: Member, *, nodes: Sequence[int] = (6, 20), **settings: Any) -> None:
    """Check that a network generator keeps to the laws of generators.

    It makes as many nodes as there are models; weights are above 0; the seed alone says what is drawn, whatever else is
    drawn meanwhile, and nothing else is moved by it.

    Parameters
    ----------
    network : mapping or type
        A `network` block, or the class of a plug-in.
    nodes : sequence of int
        Numbers of models to try.
    **settings
        Of the block.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(network, settings) as block:
        for count in nodes:
            for seed in (0, 1):
                _check(block, count, seed)


def _check(block: dict[str, Any], count: int, seed: int) -> None:
    scenario = Scenario(
        name="a network",
        rounds=1,
        outputs={"kind": "categorical", "size": 2},
        models=[{"name": "m", "count": count, "diet": {"real": 1}}],
        network=block,
    )
    names = scenario.model_names
    np.random.seed(0)
    random.seed(0)
    before = (str(np.random.get_state()), random.getstate())
    graph = build(scenario.network, names, seed, Path())
    moved = before != (str(np.random.get_state()), random.getstate())
    law(not moved, "the seed alone may say what is drawn: global random numbers were used")
    law(tuple(graph) == names, f"there must be a node for each of the {count} models (got {len(graph)})")
    edges: list[Any] = list(graph.edges(data="weight"))
    law(all(weight > 0 for *_, weight in edges), "weights of edges must be above 0")
    again: list[Any] = list(build(scenario.network, names, seed, Path()).edges(data="weight"))
    law(edges == again, "the same seed must draw the same edges, in the same order")
