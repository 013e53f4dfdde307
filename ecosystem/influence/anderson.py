"""Finding a fixed point in fewer rounds than the plain iteration takes, and never in the wrong place.

Anderson acceleration (Anderson 1965, doi:10.1145/321296.321305; type II as in Walker & Ni 2011,
doi:10.1137/10078356X) with a safeguard: a step that makes the residual grow is taken back, and the
plain round is made in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ecosystem.influence.rounds import Round
from ecosystem.influence.society import Society

_MEMORY = 10
_WORSE = 2.0
_LAST = 3


@dataclass(frozen=True)
class Found:
    """Where an iteration ended.

    Attributes
    ----------
    x : Tensor
        The last state, ``[models, contexts, numbers]``.
    residual : float
        Largest change of a number in a round.
    rounds : int
        Rounds that were computed.
    """

    x: Tensor
    residual: float
    rounds: int


def accelerate(round_: Round | Society, start: Tensor, tolerance: float, most: int) -> Found:
    """Iterate until a round moves no number by more than `tolerance`; the last rounds are plain ones.

    Parameters
    ----------
    round_ : Round or Society
        The round.
    start : Tensor
        The first state, ``[models, contexts, numbers]``.
    tolerance : float
        Largest change of a number in a round that counts as none.
    most : int
        The most rounds to compute.
    """
    x = start
    image = round_.step(x)
    gap = image - x
    size, rounds = _size(gap), 1
    images: list[Tensor] = []
    gaps: list[Tensor] = []
    best = size
    while rounds < most and size > tolerance and size == size:
        images, gaps = [*images, image][-_MEMORY:], [*gaps, gap][-_MEMORY:]
        trial = round_.frame.admit(_mixed(images, gaps), image)
        trial_image = round_.step(trial)
        trial_gap = trial_image - trial
        rounds += 1
        grown = not _size(trial_gap) <= _WORSE * best
        if grown and len(images) > 1:
            images, gaps = [], []
            trial, trial_image = image, round_.step(image)
            trial_gap = trial_image - trial
            rounds += 1
        x, image, gap, size = trial, trial_image, trial_gap, _size(trial_gap)
        best = min(best, size) if not grown else size
    return _settle(round_, image, rounds, tolerance)


def _settle(round_: Round | Society, x: Tensor, rounds: int, tolerance: float) -> Found:
    """Make a few plain rounds, as long as they bring the state nearer to rest."""
    size = float("inf")
    for _ in range(_LAST):
        image = round_.step(x)
        rounds += 1
        left = _size(image - x)
        if not left < size:
            break
        x, size = image, left
        if left <= 0.01 * tolerance:
            break
    final = _size(round_.step(x) - x)
    return Found(x, final, rounds + 1)


def _mixed(images: list[Tensor], gaps: list[Tensor]) -> Tensor:
    """Return the combination of images whose combined gap is smallest."""
    if len(images) == 1:
        return images[0]
    latest = gaps[-1].reshape(-1)
    changes = torch.stack([(gaps[-1] - gap).reshape(-1) for gap in gaps[:-1]])
    lengths = changes.norm(dim=1).clamp_min(1e-300)
    changes = changes / lengths[:, None]
    gram = changes @ changes.T
    gram = gram + 1e-14 * torch.eye(len(gram), dtype=gram.dtype)
    weights = torch.linalg.solve(gram, changes @ latest) / lengths
    mixed = images[-1]
    for weight, image in zip(weights.tolist(), images[:-1], strict=True):
        mixed = mixed - weight * (images[-1] - image)
    return mixed


def _size(gap: Tensor) -> float:
    return float(gap.abs().max())
