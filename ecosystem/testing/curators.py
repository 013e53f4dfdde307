"""The laws of curators."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecosystem.curators.plugged import Plugged, chances
from ecosystem.learners.batch import Batch
from ecosystem.plugins import registry
from ecosystem.plugins.kinds import Curator
from ecosystem.scenario.scenario import Scenario
from ecosystem.testing.laws import (
    Member,
    after,
    as_block,
    law,
    near,
    same_bits,
    same_in_single_precision,
    shares,
    untouched,
)
from ecosystem.world.blueprint import blueprint

_EXAMPLES = 40_000
_STEP = 1e-5
_CHOICES, _FEW, _MOST = 16, 3, 6


def check_curator(curator: Member, *, outputs: int = 5, seed: int = 0, **settings: Any) -> None:
    """Check that a curator keeps to the laws of curators, of categorical outputs and of such as are drawn.

    Of categorical outputs (`keep`): what is kept sums to 1, with nothing where nothing is written; one candidate is
    kept as it is; permuting outputs permutes what is kept; a world, or a row, alone has the bits that it has among
    others; nothing is changed in place; single precision gives the same to four digits; derivatives are those of finite
    differences; drawn training sets tend to what is kept.

    Of candidates that are drawn (`chances`): they are probabilities that sum to 1; a choice alone has the bits that it
    has among others, and so has a world; nothing is changed in place; where there is `keep`, too, it is what follows
    when candidates are drawn from `p`, summed over all that there may be.

    Parameters
    ----------
    curator : mapping or type
        A `curation` block, which may name the rewards ``first`` and ``second``; or the class of a plug-in.
    outputs : int
        How many outputs to try it on.
    seed : int
        Of the distributions and rewards that it is tried on.
    **settings
        Of the block; `candidates` is 3 by default.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    if not isinstance(curator, dict):
        settings.setdefault("candidates", 3)
    with as_block(curator, settings) as block:
        generator = np.random.default_rng(seed)
        plugin: type[Curator] | None = registry.find("curators", block["method"]) if "method" in block else None
        if plugin is None or plugin.has("keep"):
            _check(block, outputs, generator)
        if plugin is not None and plugin.has("chances"):
            _check_chances(_drawn(block, seed).models[0].curation, generator)
            _drawn_worlds([_drawn(block, number) for number in (seed, seed + 1)])


def _check(block: dict[str, Any], outputs: int, generator: np.random.Generator) -> None:
    p = generator.dirichlet(np.ones(outputs), size=3)
    rewards = generator.normal(size=(2, outputs))
    _raw(block, p, rewards, "what is kept")
    kept = _kept([_scenario(block, p, rewards)])
    shares(kept, "what is kept")

    absent = p.copy()
    absent[:, 0] = 0
    absent /= absent.sum(-1, keepdims=True)
    _raw(block, absent, rewards, "what is kept where an output is absent")
    some = _kept([_scenario(block, absent, rewards)])
    shares(some, "what is kept where an output is absent")
    law(bool((some[..., 0] == 0).all()), "nothing may be kept of an output that is not written")
    near(_kept([_scenario(block | {"candidates": 1}, p, rewards)]), _tensor(p), 1e-12, "one candidate must be kept")

    order = generator.permutation(outputs)
    moved = _kept([_scenario(block, p[:, order], rewards[:, order])])
    near(moved, kept[..., order.tolist()], 1e-10, "permuting outputs must permute what is kept")
    tied = rewards.round()
    tied[:, -1] = tied[:, 0]
    one, other = (_kept([_scenario(block, p[:, way], tied[:, way])]) for way in (slice(None), slice(None, None, -1)))
    near(other.flip(-1), one, 1e-10, "permuting outputs must permute what is kept, where rewards tie, too")

    # Only worlds whose rewards are as far apart are computed together.
    others = [(generator.dirichlet(np.ones(outputs), size=3), generator.permuted(rewards, axis=1)) for _ in range(2)]
    worlds = [_scenario(block, *one) for one in [(p, rewards), *others]]
    together = _kept(worlds)
    for number, world in enumerate(worlds):
        same_bits(together[number], _kept([world])[0], "a world must have the same bits alone and among others")
    for row in range(len(p)):
        alone = _kept([_scenario(block, p[row : row + 1], rewards)])
        same_bits(kept[:, row], alone[:, 0], "a model must have the same bits alone and among others")

    single = _kept([_scenario(block, p, rewards, precision="float32")])
    law(single.dtype == torch.float32, "the precision of the scenario must be kept")
    same_in_single_precision(single, kept)
    _derivative(_scenario(block, p, rewards), generator)
    _sampled(block, p, rewards, kept)


def _check_chances(plugin: Any, generator: np.random.Generator) -> None:
    """Check what a plug-in says of candidates, one choice a row."""
    counts = sorted({2, 3, int(min(plugin.candidates, _MOST))} - {1})
    for k in counts:
        rho = torch.from_numpy(generator.normal(size=(_CHOICES, k)))
        before = rho.clone()
        with untouched("rewards of candidates must not be changed in place", rho):
            likely = chances(plugin, rho)
        shares(likely, "the chances of candidates")
        for row in range(_CHOICES):
            alone = chances(plugin, before[row : row + 1].clone())
            same_bits(likely[row : row + 1], alone, "a choice must have the same bits alone and among others")
        single = chances(plugin, before.float())
        same_in_single_precision(single, likely, " chances")
        if plugin.has("keep"):
            _enumerated(plugin, k, generator)


def _enumerated(plugin: Curator, k: int, generator: np.random.Generator) -> None:
    """Check that `keep` is what `chances` come to, over all candidates that may be drawn."""
    p, rho = generator.dirichlet(np.ones(_FEW)), generator.normal(size=_FEW)
    lots = np.array(list(itertools.product(range(_FEW), repeat=k)))  # [lots, k]
    weight = p[lots].prod(-1, keepdims=True)
    each = weight * chances(plugin, torch.from_numpy(rho[lots])).numpy()
    expected = np.bincount(lots.ravel(), weights=each.ravel(), minlength=_FEW)
    kept = Plugged(plugin, _tensor(rho[None]), torch.full((1, 1), float(k), dtype=torch.float64)).keep(
        _tensor(p[None])[None]
    )
    near(kept.flatten(), torch.from_numpy(expected), 1e-9, f"keep must be what chances come to, of {k} candidates")


def _drawn(block: dict[str, Any], seed: int) -> Scenario:
    """Return two models whose outputs are drawn one by one."""
    curation = block | {"candidates": min(block["candidates"], _MOST)}
    model = {"reward": "first", "diet": {"curated": 1}, "curation": curation}
    return Scenario(
        name="a curator",
        rounds=1,
        mode="sampled",
        outputs={"kind": "gaussian", "dimension": 1},
        rewards={"first": {"linear": [1]}, "second": {"linear": [-1]}},
        models=[
            {"name": f"m{number}", "initial": {"mean": [seed + number], "covariance": 1}, **model} for number in (0, 1)
        ],
        learning={"examples": 40},
    )


def _drawn_worlds(worlds: list[Scenario]) -> None:
    """Check that a world of outputs that are drawn does not depend on the others."""
    together = after(worlds).state.p
    law(bool(torch.isfinite(together).all()), "what is learned of drawn outputs must be finite")
    for number, world in enumerate(worlds):
        alone = after({number: world}).state.p[0]
        same_bits(together[number], alone, "a world must have the same bits alone and among others")


def _scenario(block: dict[str, Any], p: np.ndarray, rewards: np.ndarray, **changes: Any) -> Scenario:
    """Return a scenario of models that are all curated alike and write by the rows of p."""
    models = [
        {"name": f"m{number}", "initial": row.tolist(), "reward": "first", "diet": {"curated": 1}, "curation": block}
        for number, row in enumerate(p)
    ]
    return Scenario(
        name="a curator",
        rounds=1,
        outputs={"kind": "categorical", "size": p.shape[1]},
        rewards={"first": rewards[0].tolist(), "second": rewards[1].tolist()},
        models=models,
        **changes,
    )


def _kept(scenarios: list[Scenario]) -> Tensor:
    """Return what is kept, ``[worlds, models, outputs]``."""
    batch = Batch([blueprint(scenario, 0) for scenario in scenarios])
    return batch.curation().keep(batch.initial.contiguous())[:, :, 0]


def _raw(block: dict[str, Any], p: np.ndarray, rewards: np.ndarray, what: str) -> None:
    """Check what a plug-in gives before the engine divides rounding out."""
    plugin = _scenario(block, p, rewards).models[0].curation
    if isinstance(plugin, Curator):
        rho, count = _tensor(rewards[:1]), torch.full((1, 1), plugin.candidates, dtype=torch.float64)
        at = _tensor(p)[None]
        with untouched("what is written must not be changed in place: keep leaves p, rho, candidates", at, rho, count):
            kept = Plugged(plugin, rho, count).raw(at)
        shares(kept, what)


def _derivative(scenario: Scenario, generator: np.random.Generator) -> None:
    batch = Batch([blueprint(scenario, 0)])
    curation, p = batch.curation(), batch.initial.contiguous()
    change = torch.from_numpy(generator.normal(size=p.shape)) * p
    change = change - change.mean(-1, keepdim=True)
    change = change * (p.min() / change.abs().max())
    ahead, behind = (curation.keep(p + sign * _STEP * change) for sign in (1, -1))
    try:
        rows, blocks = curation.derivative(p)
    except RuntimeError as error:  # torch finds no way back
        text = "what is kept must be differentiable: autograd must lead from it back to p, without detach or numbers"
        raise AssertionError(f"{text} ({error})") from error
    told = (blocks @ change.flatten(1, 2)[:, rows, :, None])[..., 0]
    told = told - told.mean(-1, keepdim=True)
    slope = ((ahead - behind) / (2 * _STEP)).flatten(1, 2)[:, rows]
    scale = float(change.abs().max())
    text = "the derivative must be that of finite differences"
    near(told / scale, slope / scale, 1e-5 * (1 + float(slope.abs().max()) / scale), text)


def _sampled(block: dict[str, Any], p: np.ndarray, rewards: np.ndarray, kept: Tensor) -> None:
    scenario = _scenario(block, p, rewards, mode="sampled", learning={"examples": _EXAMPLES})
    drawn = after([scenario]).state.p[:, :, 0]
    spread = 6 * (kept * (1 - kept) / _EXAMPLES).sqrt() + 1e-9
    near(drawn, kept, spread, "drawn training sets must tend to what is kept")


def _tensor(rows: np.ndarray) -> Tensor:
    return torch.tensor(rows)[None]
