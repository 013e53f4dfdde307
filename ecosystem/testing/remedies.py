"""The laws of remedies."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from ecosystem.plugins import registry
from ecosystem.plugins.kinds import Remedy
from ecosystem.plugins.registry import told
from ecosystem.remedies.plugged import Drawn, PluggedFilter, Written
from ecosystem.scenario.scenario import Scenario
from ecosystem.testing.laws import Member, after, as_block, law, near, same_bits, shares, untouched

_EXAMPLES = 40_000
_CHOICES, _FEW = 16, 3


def check_remedy(remedy: Member, *, outputs: int = 5, seed: int = 0, **settings: Any) -> None:
    """Check that a remedy keeps to the laws of remedies, of categorical outputs and of such as are drawn.

    Of categorical outputs (`filter`): what is learned sums to 1, with nothing of an output that neither models nor real
    data have; what users are served in that round is what models wrote; permuting outputs permutes results; a world
    alone has the bits that it has among others; drawn training sets tend to what is left.

    Of candidates that are drawn (`chances`): they are probabilities that sum to 1; a choice alone has the bits that it
    has among others; nothing is changed in place; where there is `filter`, too, it is what follows when candidates are
    drawn from what models write, summed over all that there may be.

    Parameters
    ----------
    remedy : mapping or type
        A `remedy` block, which may name the groups ``A`` and ``B`` and go by the score ``quality``; or the class of a
        plug-in.
    outputs : int
        How many outputs to try it on.
    seed : int
        Of what models write, and of the score.
    **settings
        Of the block.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(remedy, settings) as block:
        generator = np.random.default_rng(seed)
        plugin: type[Remedy] | None = registry.find("remedies", block["method"])
        if plugin is not None and plugin.has("chances"):
            _check_chances(plugin.model_validate(block), generator)
        if plugin is not None and not plugin.has("filter"):
            return
        worlds = [_World(block, outputs, generator) for _ in range(3)]
        first = worlds[0]
        _raw(first.scenario())
        learned = after([first.scenario()]).state.p
        shares(learned, "what is learned")
        law(bool((learned[..., 0] == 0).all()), "nothing may be learned of an output that neither models nor data have")
        before = after([first.scenario()], 0)
        plain = after([first.scenario(remedy=None)], 0)
        same_bits(before.state.p, plain.state.p, "what users are served is what models write, whatever the remedy")
        order = generator.permutation(outputs)
        moved = after([first.permuted(order).scenario()]).state.p
        near(moved, learned[..., order.tolist()], 1e-9, "permuting outputs must permute what is learned")
        together = after([world.scenario() for world in worlds]).state.p
        for number, world in enumerate(worlds):
            alone = after({number: world.scenario()}).state.p[0]
            same_bits(together[number], alone, "a world must have the same bits alone and among others")
        drawn = after([first.scenario(mode="sampled", learning={"examples": _EXAMPLES})]).state.p
        spread = 8 * (learned * (1 - learned) / (_EXAMPLES / 4)).sqrt() + 1e-9
        near(drawn, learned, spread, "drawn training sets must tend to what is left")


def _check_chances(remedy: Remedy, generator: np.random.Generator) -> None:
    """Check what a plug-in says of candidates, one choice a row, by the score `quality` and by similarity."""
    k = int(remedy.model_dump()["candidates"])
    quality, similarity = (torch.from_numpy(generator.uniform(size=(_CHOICES, k))) for _ in range(2))
    drawn = Drawn({"quality": quality.clone()}, similarity.clone() if remedy.similar else None)
    likely = remedy.chances(drawn)
    wanted = f"the chances of candidates must be {told(quality)} (got {told(likely)})"
    law(likely.shape == quality.shape and likely.dtype == quality.dtype, wanted)
    shares(likely, "the chances of candidates")
    same_bits(drawn.scores["quality"], quality, "scores of candidates must not be changed in place")
    for row in range(_CHOICES):
        here = slice(row, row + 1)
        one = Drawn({"quality": quality[here].clone()}, similarity[here].clone() if remedy.similar else None)
        alone = remedy.chances(one)
        same_bits(likely[here], alone, "a choice must have the same bits alone and among others")
    if remedy.has("filter"):
        _enumerated(remedy, k, generator)


def _enumerated(remedy: Remedy, k: int, generator: np.random.Generator) -> None:
    """Check that `filter` is what `chances` come to, over all candidates that may be drawn."""
    p, real = generator.dirichlet(np.ones(_FEW), size=2)
    quality = generator.uniform(size=_FEW)
    lots = np.array(list(itertools.product(range(_FEW), repeat=k)))  # [lots, k]
    typical = torch.from_numpy((real / real.max())[lots]) if remedy.similar else None
    likely = remedy.chances(Drawn({"quality": torch.from_numpy(quality[lots])}, typical)).numpy()
    each = p[lots].prod(-1, keepdims=True) * likely
    expected = np.bincount(lots.ravel(), weights=each.ravel(), minlength=_FEW)
    at, there, score = (torch.from_numpy(row)[None, None, None] for row in (p, real, quality))
    left = remedy.filter(Written(at, there, {"quality": score}, None)).flatten()
    near(left, torch.from_numpy(expected), 1e-9, f"filter must be what chances come to, of {k} candidates")


class _World:
    """Two models, two contexts, two groups, and a score."""

    def __init__(self, block: dict[str, Any], outputs: int, generator: np.random.Generator) -> None:
        self.block = block
        rows = generator.dirichlet(np.ones(outputs), size=(3, 2))
        rows[..., 0] = 0
        self.rows = rows / rows.sum(-1, keepdims=True)
        self.quality = generator.uniform(size=outputs)

    def permuted(self, order: np.ndarray) -> _World:
        """Return the same with outputs in another order."""
        made = object.__new__(_World)
        made.block, made.rows, made.quality = self.block, self.rows[..., order], self.quality[order]
        return made

    def scenario(self, **changes: Any) -> Scenario:
        """Return one round of learning from what models write."""
        diet = {"raw": 0.7, "neighbours_raw": 0.3}
        written = {
            "name": "a remedy",
            "rounds": 1,
            "outputs": {
                "kind": "categorical",
                "size": len(self.quality),
                "contexts": 2,
                "scores": {"quality": self.quality.tolist()},
            },
            "real": self.rows[2].tolist(),
            "models": [{"name": f"m{n}", "initial": self.rows[n].tolist(), "diet": diet} for n in range(2)],
            "network": {"edges": [{"from": "m0", "to": "m1"}, {"from": "m1", "to": "m0"}]},
            "users": {
                "groups": [
                    {"name": "A", "size": 300, "contexts": {0: 0.8, 1: 0.2}},
                    {"name": "B", "size": 100, "contexts": [0, 1]},
                ]
            },
            "remedy": self.block,
        }
        return Scenario(**written | changes)


def _raw(scenario: Scenario) -> None:
    """Check what a plug-in gives before the engine divides rounding out."""
    model = after([scenario], 0)
    if isinstance(model.learner.remedy, PluggedFilter):
        with untouched("what is written must not be changed in place", model.state.p):
            left = model.learner.remedy.raw(model.state.p, model.demand)
        shares(left, "what is left")
