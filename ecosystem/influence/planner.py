"""Where a budget of curation does most for an aim.

The aim is a function of all curated shares, and one transposed solve gives its gradient over all of
them; the best allocation is looked for by projected gradient ascent from the best of the simple ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError
from ecosystem.influence.allocations import by_degree, fill, greedy_shares, pick, project, uniform
from ecosystem.influence.implicit import Aim
from ecosystem.influence.problem import Problem
from ecosystem.scenario.scenario import Scenario

Array = NDArray[np.float64]
Kind = Literal["share", "models"]

_ROUNDS = 60
_SHORTEST = 1e-7
_SOFT = (20.0, 100.0, 500.0)
_NOISE = 1e-9
_GAIN = 1e-8


@dataclass(frozen=True)
class CurationPlan:
    """Allocations of a budget of curation, and what they reach.

    Attributes
    ----------
    shares : DataFrame
        Curated share of each model that has the lever (rows), by allocation (columns): `now`,
        `uniform`, `by_degree`, `greedy`, `best`.
    aims : Series
        The aim reached by each; NaN where the ecosystem does not come to rest.
    budget : float
        The total curated share, or the number of curated models.
    used : float
        How much of it the best allocation takes.
    room : float
        How much all models together can take.
    gradient : Series
        What a little more curation of each model does to the aim at the best allocation.
    """

    shares: pd.DataFrame
    aims: pd.Series[float]
    budget: float
    used: float
    room: float
    gradient: pd.Series[float]

    @property
    def more_is_less(self) -> bool:
        """Whether the best allocation leaves some of the budget, as more curation would lower the aim."""
        return self.used < min(self.budget, self.room) * (1 - 1e-4)

    def __str__(self) -> str:
        best = f"best allocation reaches {self.aims['best']:.6g} with {self.used:.4g} of {self.budget:.4g}"
        harmful = int((self.gradient < -_NOISE).sum())
        if self.more_is_less:
            return f"{best}; more curation lowers the aim"
        return f"{best}; more curation of {harmful} of {len(self.gradient)} models would lower the aim"


def plan(
    scenario: Scenario,
    budget: float | None = None,
    aim: Aim = "mean",
    kind: Kind = "share",
    cap: float = 0.95,
    seed: int = 0,
) -> CurationPlan:
    """Find where a budget of curation does most.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    budget : float, optional
        The most curation there may be; what there is now by default.
    aim : str or mapping
        `mean` alignment, `worst` (the lowest alignment), or a weight for each named model.
    kind : {"share", "models"}
        Whether the budget is the sum of curated shares, or a number of models of which each is curated by
        the mean share of those curated now.
    cap : float
        The largest curated share of a model.
    seed : int
        The run's seed.

    Raises
    ------
    EcosystemError
        If there is no stable point that attracts, no lever, or the budget or aim makes no sense.
    """
    problem = Problem(scenario, aim, cap, seed)
    now = problem.shares.share
    held = float(now[now > 0].mean()) if (now > 0).any() else 0.5
    if budget is None:
        budget = float(now.sum()) if kind == "share" else float((now > 0).sum())
    if not budget > 0 or (kind == "models" and budget != int(budget)):
        raise EcosystemError(f"budget: must be above 0, and for models a whole number (got {budget:g})")
    degree = np.array([problem.degree(int(model)) for model in problem.shares.models], dtype=np.float64)
    if kind == "share":
        found = _shares(problem, budget, degree)
    else:
        found = _models(problem, min(int(budget), len(now)), min(held, cap), degree)
    found = {"now": now, **found}
    best = found["best"]
    labels = pd.Index([problem.round.plan.names[model] for model in problem.shares.models], name="model")
    return CurationPlan(
        shares=pd.DataFrame(found, index=labels),
        aims=pd.Series(
            {name: problem.reached(each) if problem.attracts(each) else np.nan for name, each in found.items()},
            name="aim",
        ),
        budget=budget,
        used=float(best.sum()) if kind == "share" else float((best > 0).sum()),
        room=cap * len(now) if kind == "share" else float(len(now)),
        gradient=pd.Series(problem.gradient(best), index=labels, name="gradient"),
    )


def _shares(problem: Problem, budget: float, degree: Array) -> dict[str, Array]:
    found = {
        "uniform": uniform(len(degree), budget, problem.cap),
        "by_degree": by_degree(degree, budget, problem.cap),
        "greedy": greedy_shares(problem.gradient, len(degree), budget, problem.cap),
    }
    tops = [_ascend(problem, start, budget) for start in found.values()]
    return {**found, "best": _highest(problem, [*tops, *found.values()])}


def _models(problem: Problem, count: int, share: float, degree: Array) -> dict[str, Array]:
    """Return allocations of one share to a number of models; `uniform` spreads the same total evenly."""
    size = len(degree)
    found = {
        "uniform": fill(np.full(size, count * share / size), problem.cap),
        "by_degree": pick(degree, count, share),
        "greedy": _greedy_models(problem, count, share, size),
    }
    start = max((found["by_degree"], found["greedy"]), key=problem.height)
    return {**found, "best": _highest(problem, [_swap(problem, start, share), *found.values()])}


def _highest(problem: Problem, allocations: list[Array]) -> Array:
    """Return the allocation with the highest aim among those at which the ecosystem comes back to rest.

    Raises
    ------
    EcosystemError
        If there is none.
    """
    for shares in sorted(allocations, key=problem.height, reverse=True):
        if problem.attracts(shares):
            return shares
    raise EcosystemError("no allocation of this budget leaves the ecosystem with a stable point")


def _greedy_models(problem: Problem, count: int, share: float, size: int) -> Array:
    """Curate models one by one, each time the one whose gradient is largest; stop where none gains."""
    taken = np.zeros(size)
    for _ in range(count):
        gains = np.where(taken > 0, -np.inf, problem.gradient(taken))
        more = taken.copy()
        more[int(gains.argmax())] = share
        if problem.height(more) <= problem.height(taken):
            break
        taken = more
    return taken


def _swap(problem: Problem, start: Array, share: float) -> Array:
    """Give the curation of one model to another, or to none, as long as the aim rises."""
    best, height = start, problem.height(start)
    for _ in range(_ROUNDS):
        slopes = problem.gradient(best)
        taken, free = np.flatnonzero(best > 0), np.flatnonzero(best == 0)
        losers = taken[np.argsort(slopes[taken])][:3]
        gainers = [*free[np.argsort(-slopes[free])][:3].tolist(), None]
        trials = []
        for loser in losers.tolist():
            for gainer in gainers:
                trial = best.copy()
                trial[loser] = 0.0
                if gainer is not None:
                    trial[gainer] = share
                trials.append(trial)
        reached = [problem.height(trial) for trial in trials]
        if not reached or max(reached) <= height + _NOISE:
            break
        best, height = trials[int(np.argmax(reached))], max(reached)
    return best


def _ascend(problem: Problem, start: Array, budget: float) -> Array:
    """Climb by projected gradient with a step that halves when it fails and grows when it does not."""
    best, height = start, problem.height(start)
    for sharpness in _SOFT if problem.aim == "worst" else (None,):
        at, step = best, 0.5
        level = problem.reached(at, sharpness)
        for _ in range(_ROUNDS):
            slopes = problem.gradient(at, sharpness)
            size = float(np.abs(slopes).max())
            if size == 0:
                break
            while step > _SHORTEST:
                trial = project(at + step * slopes / size, budget, problem.cap)
                reached = problem.reached(trial, sharpness)
                if reached > level:
                    break
                step /= 2
            if step <= _SHORTEST:
                break
            gained = reached - level
            at, level, step = trial, reached, min(2 * step, 1.0)
            if problem.height(at) > height:
                best, height = at, problem.height(at)
            if gained < _GAIN:
                break
    return best
