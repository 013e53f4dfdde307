"""Many variants brought to rest at once, each a world of one batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecosystem.learners import row_learner_of
from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import State
from ecosystem.world.blueprint import Blueprint

_NUMBERS = 8_000_000


def rest_together(
    plans: Sequence[Blueprint], start: Tensor | None = None, tolerance: float = 1e-13, most: int = 10_000
) -> Tensor:
    """Return where each run comes to rest by plain rounds, NaN where it does not.

    Parameters
    ----------
    plans : sequence of Blueprint
        Runs of exact scenarios of one size; those of equal shape are computed together.
    start : Tensor, optional
        A state to start all of them from, ``[models, contexts, numbers]``; each its own by default.
    tolerance : float
        Largest change of a number in a round that counts as none.
    most : int
        The most rounds.

    Returns
    -------
    Tensor
        ``[runs, models, contexts, numbers]``
    """
    found = torch.full((len(plans), *plans[0].initial.shape), torch.nan, dtype=torch.float64)
    groups: dict[object, list[int]] = {}
    for number, plan in enumerate(plans):
        groups.setdefault(plan.shape, []).append(number)
    for numbers in groups.values():
        width = max(1, _NUMBERS // plans[0].initial.size)
        for first in range(0, len(numbers), width):
            some = numbers[first : first + width]
            found[some] = _rest([plans[number] for number in some], start, tolerance, most)
    return found


def _rest(plans: Sequence[Blueprint], start: Tensor | None, tolerance: float, most: int) -> Tensor:
    """Iterate worlds together; those at rest leave the batch."""
    result = torch.full((len(plans), *plans[0].initial.shape), torch.nan, dtype=torch.float64)
    going = list(range(len(plans)))
    learner = row_learner_of(Batch(plans, torch.float64, "cpu"))
    x = learner.batch.initial if start is None else start.expand_as(learner.batch.initial)
    for _ in range(most):
        following = learner.step(State(0, x)).p
        moved = (following - x).abs().flatten(1).amax(-1)
        x = following
        done = moved <= tolerance
        lost = ~torch.isfinite(moved)
        if bool((done | lost).sum() * 2 >= len(going)) or bool((done | lost).all()):
            for place in torch.nonzero(done).flatten().tolist():
                result[going[place]] = x[place]
            stay = torch.nonzero(~(done | lost)).flatten()
            going = [going[place] for place in stay.tolist()]
            if not going:
                return result
            learner, x = row_learner_of(Batch([plans[number] for number in going], torch.float64, "cpu")), x[stay]
    for place in torch.nonzero(moved <= tolerance).flatten().tolist():
        result[going[place]] = x[place]
    return result
