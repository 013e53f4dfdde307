"""The laws of learners of rows: probabilities of categorical outputs, moments of Gaussian ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecosystem.learners import row_learner_of
from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import State
from ecosystem.learners.plugged import Training
from ecosystem.moments import mean_and_covariance
from ecosystem.plugins.kinds import Learner
from ecosystem.plugins.registry import PluginError
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
)
from ecosystem.world.blueprint import blueprint

_KINDS = ("categorical", "gaussian")
_MODELS, _CONTEXTS = 3, 2
_RATES = (0.3, 1.0, 0.7)
_REGIMES = ("incremental", "retrain")
_STEP = 1e-5
_ROUNDING = 1e-9


def check_learner(
    learner: Member, *, kind: str | None = None, outputs: int = 5, seed: int = 0, **settings: Any
) -> None:
    """Check that a learner of categorical or Gaussian outputs keeps to the laws of learners.

    Rows stay rows: probabilities that sum to 1, or moments of a normal law, of the shape and precision of the scenario,
    also where outputs are absent, and of few drawn examples. The same training leads to the same; nothing is changed in
    place; permuting models permutes results; a model, or a world, alone has the bits that it has among others; single
    precision gives the same to four digits; where a learner says that it is differentiable, its derivative is that of
    finite differences.

    Parameters
    ----------
    learner : mapping or type
        A `learning.learner` block; or the class of a plug-in.
    kind : str, optional
        The kind of outputs to try it on; each kind that it learns by default.
    outputs : int
        How many outputs, or dimensions, to try it on.
    seed : int
        Of the distributions that it is tried on.
    **settings
        Of the block.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(learner, settings) as block:
        kinds = [kind] if kind is not None else _learned(learner, block)
        for each in kinds:
            for regime in _REGIMES:
                _check(_Lessons(block, each, outputs, regime, seed), seed)


def _learned(learner: Member, block: dict[str, Any]) -> list[str]:
    if not isinstance(learner, type):
        return [block["method"]] if block["method"] in _KINDS else ["categorical"]
    learns = getattr(learner, "learns", ())
    told = f"learns must name kinds of outputs, of {', '.join(_KINDS)} (got {learns!r})"
    law(not isinstance(learns, str) and bool(learns) and set(learns) <= set(_KINDS), told)
    return sorted(learns)


class _Lessons:
    """Models that read their own real data: where each starts, and what it reads."""

    def __init__(self, block: dict[str, Any], kind: str, outputs: int, regime: str, seed: int) -> None:
        self.block, self.kind, self.outputs, self.regime = block, kind, outputs, regime
        self.rows = [self.drawn(np.random.default_rng([seed, world])) for world in range(len(_RATES))]

    def drawn(self, generator: np.random.Generator) -> list[Any]:
        """Return what each model starts from and reads, ``[models][2][contexts]``."""
        if self.kind == "categorical":
            drawn: list[Any] = generator.dirichlet(np.ones(self.outputs), size=(_MODELS, 2, _CONTEXTS)).tolist()
            return drawn
        return [[[self._law(generator) for _ in range(_CONTEXTS)] for _ in range(2)] for _ in range(_MODELS)]

    def _law(self, generator: np.random.Generator) -> dict[str, Any]:
        root = generator.normal(size=(self.outputs, self.outputs))
        covariance = root @ root.T / self.outputs + 0.1 * np.eye(self.outputs)
        mean = generator.normal(size=self.outputs)
        return {"mean": mean.tolist(), "covariance": (0.5 * (covariance + covariance.T)).tolist()}

    def scenario(self, world: int = 0, models: list[int] | None = None, rows: Any = None, **changes: Any) -> Scenario:
        """Return one round of training."""
        size = {"size": self.outputs} if self.kind == "categorical" else {"dimension": self.outputs}
        rows = self.rows[world] if rows is None else rows
        diet = changes.pop("diet", {"real": 1})
        learning = {"learner": self.block, "rate": _RATES[world], "regime": self.regime}
        return Scenario(
            **{
                "name": "a learner",
                "rounds": 1,
                "outputs": {"kind": self.kind, "contexts": _CONTEXTS, **size},
                "models": [
                    {"name": f"m{n}", "initial": rows[n][0], "real": rows[n][1], "diet": diet}
                    for n in (range(_MODELS) if models is None else models)
                ],
                "learning": learning | changes.pop("learning", {}),
            }
            | changes
        )

    def without(self) -> list[Any]:
        """Return the same with outputs that models do not write, that are not in what they read, or neither."""
        rows = np.array(self.rows[0])
        rows[:, 0, :, :2] = 0
        rows[:, 1, :, 1:3] = 0
        absent: list[Any] = (rows / rows.sum(-1, keepdims=True)).tolist()
        return absent


def _check(lessons: _Lessons, seed: int) -> None:
    _raw(lessons)
    alone = [after([lessons.scenario(world)]).state.p for world in range(len(_RATES))]
    for learned in alone:
        _rows(learned, lessons.kind)
    if lessons.kind == "categorical" and lessons.outputs > 3:
        _rows(after([lessons.scenario(rows=lessons.without())]).state.p, lessons.kind)
    for examples in (1, 7):
        drawn = lessons.scenario(mode="sampled", learning={"examples": examples})
        _rows(after([drawn]).state.p, lessons.kind)

    same_bits(after([lessons.scenario()]).state.p, alone[0], "the same training must lead to the same")
    order = [2, 0, 1]
    moved = after([lessons.scenario(models=order)]).state.p
    near(moved, alone[0][:, order], 1e-12, "permuting models must permute what they learn")
    for model in range(_MODELS):
        one = after([lessons.scenario(models=[model])]).state.p
        same_bits(one[:, 0], alone[0][:, model], "a model must have the same bits alone and among others")
    together = after([lessons.scenario(world) for world in range(len(_RATES))]).state.p
    for world, learned in enumerate(alone):
        same_bits(together[world], learned[0], "a world must have the same bits alone and among others")

    single = after([lessons.scenario(precision="float32")]).state.p
    law(single.dtype == torch.float32, "the precision of the scenario must be kept")
    scale = float(alone[0].abs().max())
    same_in_single_precision(single / scale, alone[0] / scale)
    _derivative(lessons, np.random.default_rng(seed))


def _rows(learned: Tensor, kind: str) -> None:
    """Check that what models write is a distribution."""
    if kind == "categorical":
        shares(learned, "what a model writes")
        return
    law(bool(torch.isfinite(learned).all()), "the moments of what a model writes must be finite")
    off = float((learned[..., 0] - 1).abs().max())
    law(off < _ROUNDING, f"the first of a row's moments must be 1 (it is off by {off:.3g})")
    covariance = mean_and_covariance(learned)[1]
    skew = float((covariance - covariance.transpose(-1, -2)).abs().max())
    law(skew < _ROUNDING, f"a covariance must be symmetric (it is off by {skew:.3g})")
    least = float(torch.linalg.eigvalsh(covariance).min())
    law(least > -_ROUNDING, f"a covariance must have no variance below 0 (got {least:.3g})")


def _raw(lessons: _Lessons) -> None:
    """Check what a plug-in gives before the engine divides rounding out."""
    batch = Batch([blueprint(lessons.scenario(), 0)])
    learner = row_learner_of(batch)
    if not isinstance(batch.learning.learner, Learner) or learner.plugged is None:
        return
    readers = learner.turns[0].blocks[0]
    given = learner.plugged.training(batch.real.contiguous(), readers, batch.initial.contiguous())
    before = vars(given)
    training = Training(**{name: part.clone() for name, part in before.items()})  # the start is another part, too
    _rows(learner.plugged.raw(training), lessons.kind)
    for name, part in before.items():
        same_bits(part, getattr(training, name), f"what training goes by must not be changed in place ({name} was)")


def _derivative(lessons: _Lessons, generator: np.random.Generator) -> None:
    """Compare a reverse pass through a round with a central difference; what is read moves with what is written."""
    batch = Batch([blueprint(lessons.scenario(diet={"real": 0.5, "raw": 0.5}), 0)])
    plugin = batch.learning.learner
    if isinstance(plugin, Learner) and not plugin.differentiable:
        return
    learner, p = row_learner_of(batch), batch.initial.contiguous()
    change = torch.from_numpy(generator.normal(size=p.shape)) * p
    if lessons.kind == "categorical":
        change = change - change.mean(-1, keepdim=True)
        change = change * (p.min() / change.abs().max())
    else:
        matrix = change[..., 1 + lessons.outputs :].unflatten(-1, (lessons.outputs, lessons.outputs))
        symmetric = (0.5 * (matrix + matrix.transpose(-1, -2))).flatten(-2)
        change = torch.cat([0 * p[..., :1], change[..., 1 : 1 + lessons.outputs], symmetric], dim=-1)
    weight = torch.from_numpy(generator.normal(size=p.shape))
    ahead, behind = (learner.step(State(0, p + sign * _STEP * change)).p for sign in (1, -1))
    slope = float((weight * (ahead - behind)).sum()) / (2 * _STEP)
    text = "the derivative must be that of finite differences; a learner without one says differentiable = False"
    try:
        with torch.enable_grad():
            at = p.clone().requires_grad_()
            (back,) = torch.autograd.grad((weight * learner.step(State(0, at)).p).sum(), at)
    except (PluginError, RuntimeError) as error:  # no way back through it, by what it says or by what torch says
        raise AssertionError(f"{text} ({error})") from error
    told = float((back * change).sum())
    size = float((weight * change).abs().sum())
    gap = abs(told - slope)
    law(gap <= 1e-6 * (size + abs(slope)), f"{text} (got {told:.6g}, and {slope:.6g} by differences)")
