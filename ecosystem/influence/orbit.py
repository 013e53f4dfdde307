"""The plain iteration from the initial state, to see where it really goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ecosystem.influence.rounds import Round
from ecosystem.influence.society import Society

_NEAR = 1e-6
_SAME = 1e-9
_BOUND = 1e12
_CLOSER = 0.5


@dataclass(frozen=True)
class Orbit:
    """How a plain iteration ended.

    Attributes
    ----------
    x : Tensor
        Its last state.
    rounds : int
        Rounds made.
    ended : str
        `near` the state it was expected at (or on the way there), at `rest` elsewhere, in a `cycle`,
        `diverging`, or `nowhere`.
    period : int or None
        Of a cycle.
    """

    x: Tensor
    rounds: int
    ended: Literal["near", "rest", "cycle", "diverging", "nowhere"]
    period: int | None = None


def follow(round_: Round | Society, target: Tensor | None, tolerance: float, most: int) -> Orbit:
    """Iterate plainly until it is clear where the iteration goes.

    Cycles are found by Brent's method: a state is kept, and its return is waited for, twice as long
    each time.

    Parameters
    ----------
    round_ : Round or Society
        The round.
    target : Tensor or None
        The state it is expected to approach.
    tolerance : float
        Largest change of a number in a round that counts as none.
    most : int
        The most rounds.
    """
    x = kept = round_.start
    since, wait, strayed = 0, 1, 0.0
    first = last = float("inf") if target is None else _far(x, target)
    for rounds in range(most + 1):
        if target is not None:
            last = _far(x, target)
            if last <= _NEAR:
                return Orbit(x, rounds, "near")
            if rounds == most // 2:
                first = last
        new = round_.step(x)
        moved = _far(new, x)
        if not moved <= _BOUND:
            return Orbit(x, rounds, "diverging")
        if moved <= tolerance:
            return Orbit(new, rounds, "rest")
        x, since = new, since + 1
        away = _far(x, kept)
        if since > 1 and away <= _SAME and strayed > 1e3 * _SAME:
            return Orbit(x, rounds, "cycle", since)
        strayed = max(strayed, away)
        if since == wait:
            kept, since, wait, strayed = x, 0, 2 * wait, 0.0
    return Orbit(x, most, "near" if last <= _CLOSER * first else "nowhere")


def _far(x: Tensor, y: Tensor) -> float:
    return float((x - y).abs().max())
