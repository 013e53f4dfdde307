"""Stable points: where an exact ecosystem comes to rest, and whether it really does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.influence.anderson import accelerate
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.orbit import follow
from ecosystem.influence.rounds import Round
from ecosystem.influence.society import Society, Transposed, round_of
from ecosystem.influence.spectrum import leading, leading_back
from ecosystem.scenario.scenario import Scenario

Verdict = Literal["stable", "unstable", "cycle", "diverging", "neutral", "several stable points"]

NEUTRAL = 1e-7
"""How near to 1 the modulus of an eigenvalue counts as 1."""

_DISTINCT = 1e-5
_SETTLED = 10.0


@dataclass(frozen=True)
class StablePoint:
    """Where the rounds of a scenario lead.

    Attributes
    ----------
    names : tuple of str
        The models.
    p : ndarray
        The state there, ``[models, contexts, numbers]``; the last one seen where there is no rest.
    residual : float
        Largest change of a number in one more round.
    rounds : int
        Rounds computed to find it.
    spectral_radius : float
        Of ∂F/∂x, on changes that keep sums; NaN where no fixed point was found.
    verdict : str
        `stable`: the plain iteration from the initial state ends here, and so it does from nearby.
        `several stable points`: so it is, but other starts end elsewhere. `neutral`: an eigenvalue of
        modulus 1, which neither attracts nor repels (a continuum of fixed points, where it is 1).
        `cycle`: the iteration repeats itself. `unstable`: there is a fixed point that repels, or the
        iteration never comes to rest. `diverging`: it leaves every bound.
    period : int or None
        Of a cycle, in rounds.
    points : tuple of ndarray
        What models write at all stable points that were found, this one first.
    """

    names: tuple[str, ...]
    p: NDArray[np.float64]
    residual: float
    rounds: int
    spectral_radius: float
    verdict: Verdict
    period: int | None
    points: tuple[NDArray[np.float64], ...]
    whole: NDArray[np.float64]
    """The whole state there: `p`, or a vector that holds what users are too."""

    @property
    def attracts(self) -> bool:
        """Whether the ecosystem comes back here after a small push, so that influence exists."""
        return self.verdict in ("stable", "several stable points")

    def __str__(self) -> str:
        text: str = self.verdict
        if self.period is not None:
            text += f", period {self.period}"
        if len(self.points) > 1:
            text += f" ({len(self.points)})"
        return f"{text}; spectral radius {self.spectral_radius:.6g}, residual {self.residual:.1e}"


def stable_point(
    scenario: Scenario, seed: int = 0, starts: int = 1, tolerance: float = 1e-12, max_rounds: int = 10_000
) -> StablePoint:
    """Find where an exact scenario comes to rest.

    The corpus counts as one that is replaced: `accumulate` and `window` have the same stable points.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    seed : int
        The run's seed, and that of other starts.
    starts : int
        From how many states to start: the initial one, states near one output, random states.
    tolerance : float
        Largest change of a number in a round that counts as none.
    max_rounds : int
        The most rounds of each iteration.

    Raises
    ------
    EcosystemError
        If the scenario is sampled or has a sweep.

    Examples
    --------
    >>> from ecosystem import Scenario
    >>> scenario = Scenario(
    ...     name="one",
    ...     rounds=1,
    ...     outputs={"kind": "categorical", "size": 2},
    ...     rewards={"first": [1, 0]},
    ...     models=[
    ...         {
    ...             "name": "p",
    ...             "reward": "first",
    ...             "diet": {"real": 0.5, "curated": 0.5},
    ...             "curation": {"method": "luce", "candidates": 2},
    ...         }
    ...     ],
    ... )
    >>> point = stable_point(scenario)
    >>> point.verdict, round(float(point.p[0, 0, 0]), 6)
    ('stable', 0.609943)
    """
    return find(round_of(scenario, seed), seed, starts, tolerance, max_rounds)


def find(
    round_: Round | Society, seed: int = 0, starts: int = 1, tolerance: float = 1e-12, max_rounds: int = 10_000
) -> StablePoint:
    """Return the stable point of a round; see `stable_point`."""
    found = accelerate(round_, round_.start, tolerance, max_rounds)
    settled = found.residual <= _SETTLED * tolerance
    orbit = follow(round_, found.x if settled else None, tolerance, max_rounds)
    rounds = found.rounds + orbit.rounds
    if orbit.ended == "rest":
        again = accelerate(round_, orbit.x, tolerance, max_rounds)
        rounds += again.rounds
        found, settled = again, again.residual <= _SETTLED * tolerance
    x = found.x if settled and orbit.ended != "cycle" else orbit.x
    radius = radius_at(round_, found.x) if settled else math.nan
    verdict: Verdict = _verdict(orbit.ended, settled, radius)
    points = [x]
    if verdict == "stable":
        for other in round_.frame.elsewhere(round_.start, starts - 1, seed):
            rounds += _look(round_, other, points, tolerance, max_rounds)
        if len(points) > 1:
            verdict = "several stable points"
    return StablePoint(
        names=round_.plan.names,
        p=_written(round_, x),
        residual=float((round_.step(x) - x).abs().max()),
        rounds=rounds,
        spectral_radius=radius,
        verdict=verdict,
        period=orbit.period,
        points=tuple(_written(round_, point) for point in points),
        whole=x.numpy(),
    )


def radius_at(round_: Round | Society, x: Tensor) -> float:
    """Return the spectral radius of the round's derivative at a state."""
    if isinstance(round_, Society):
        return abs(leading_back(Transposed(round_, x)))
    return abs(leading(Linearisation(round_, x, x)))


def _written(round_: Round | Society, x: Tensor) -> NDArray[np.float64]:
    """Return what models write in a state, ``[models, contexts, numbers]``."""
    return np.array((round_.parts(x).p if isinstance(round_, Society) else x).numpy())


def settle(round_: Round | Society, start: Tensor, tolerance: float = 1e-12, max_rounds: int = 10_000) -> Tensor:
    """Return the fixed point near a state, without asking whether it attracts.

    Raises
    ------
    EcosystemError
        If the iteration does not come to rest.
    """
    found = accelerate(round_, start, tolerance, max_rounds)
    if not found.residual <= _SETTLED * tolerance:
        raise EcosystemError(
            f"the ecosystem did not come to rest (a round still moves it by {found.residual:.1e} "
            f"after {found.rounds} rounds)"
        )
    return found.x


def _verdict(ended: str, settled: bool, radius: float) -> Verdict:
    if ended == "cycle":
        return "cycle"
    if ended == "diverging":
        return "diverging"
    if not settled:
        return "unstable"
    if radius > 1 + NEUTRAL:
        return "unstable"
    if radius >= 1 - NEUTRAL:
        return "neutral"
    return "unstable" if ended == "nowhere" else "stable"


def _look(round_: Round | Society, start: Tensor, points: list[Tensor], tolerance: float, most: int) -> int:
    """Add the stable point that another start leads to, if it is a new one; return rounds computed."""
    found = accelerate(round_, start, tolerance, most)
    if found.residual > _SETTLED * tolerance:
        return found.rounds
    if min(float((found.x - point).abs().max()) for point in points) > _DISTINCT:
        radius = radius_at(round_, found.x)
        if radius < 1 - NEUTRAL:
            points.append(found.x)
    return found.rounds


def require(point: StablePoint) -> torch.Tensor:
    """Return the state of a point that attracts.

    Raises
    ------
    EcosystemError
        If it does not: there is no influence there.
    """
    if not point.attracts:
        raise EcosystemError(
            f"no influence: the ecosystem has no stable point that attracts ({point}); {_HINT[point.verdict]}"
        )
    return torch.from_numpy(point.whole)


_HINT = {
    "neutral": "a share of real data makes it stable, and influence at a finite round exists always",
    "cycle": "influence at a finite round exists always",
    "unstable": "influence at a finite round exists always",
    "diverging": "influence at a finite round exists as long as the state is finite",
}
