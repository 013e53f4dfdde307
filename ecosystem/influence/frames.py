"""What valid states of a kind of output are, and which changes lead from one to another."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Frame(Protocol):
    """Valid states of one kind of output; rows of numbers lie in the last dimension of a state."""

    def tangent(self, change: Tensor, dim: int = 2) -> Tensor:
        """Return the part of changes that leads from valid states to valid ones; `dim` holds the numbers."""
        ...

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return the valid state near to `x`; `plain` is the valid state that a plain round gave."""
        ...

    def elsewhere(self, like: Tensor, count: int, seed: int) -> list[Tensor]:
        """Return other states to start from, shaped as `like`."""
        ...


class Probabilities:
    """Rows are probabilities."""

    def tangent(self, change: Tensor, dim: int = 2) -> Tensor:
        """Return changes without the part that adds to a row's sum."""
        return change - change.mean(dim, keepdim=True)

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return probabilities near to `x`.

        What a plain round still writes keeps a part of its probability: at zero it would be lost for good.
        """
        clipped = torch.maximum(x, 0.1 * plain)
        return clipped / clipped.sum(-1, keepdim=True)

    def elsewhere(self, like: Tensor, count: int, seed: int) -> list[Tensor]:
        """Return states near one output for all models (as many as there are outputs), then Dirichlet draws."""
        generator = np.random.default_rng(seed)
        states = []
        for number in range(count):
            if number < like.shape[-1]:
                state = torch.full_like(like, 0.01 / like.shape[-1])
                state[..., number] += 0.99
            else:
                drawn = generator.dirichlet(np.ones(like.shape[-1]), size=tuple(like.shape[:-1]))
                state = torch.from_numpy(drawn)
            states.append(state)
        return states


class Moments:
    """Rows are (1, E x, E x xᵀ)."""

    def tangent(self, change: Tensor, dim: int = 2) -> Tensor:
        """Return changes that leave the first number, 1, as it is."""
        held = torch.ones(change.shape[dim], dtype=change.dtype)
        held[0] = 0.0
        return change * held.reshape([-1 if d == dim % change.ndim else 1 for d in range(change.ndim)])

    def admit(self, x: Tensor, plain: Tensor) -> Tensor:
        """Return `x`, or what a plain round gave for rows without a variance that is positive."""
        d = round(((4 * x.shape[-1] - 3) ** 0.5 - 1) / 2)
        mean = x[..., 1 : 1 + d]
        second = x[..., 1 + d :].unflatten(-1, (d, d))
        covariance = second - mean[..., :, None] * mean[..., None, :]
        valid = torch.linalg.eigvalsh(covariance).amin(-1, keepdim=True) >= -1e-12
        return torch.where(valid, x, plain)

    def elsewhere(self, like: Tensor, count: int, seed: int) -> list[Tensor]:
        """Return states whose means are moved at random, covariances kept."""
        generator = np.random.default_rng(seed)
        d = round(((4 * like.shape[-1] - 3) ** 0.5 - 1) / 2)
        states = []
        for _ in range(count):
            moved = torch.from_numpy(generator.normal(scale=3.0, size=(*like.shape[:-1], d)))
            mean = like[..., 1 : 1 + d]
            outer = moved[..., :, None] * mean[..., None, :]
            second = outer + outer.transpose(-1, -2) + moved[..., :, None] * moved[..., None, :]
            states.append(torch.cat([like[..., :1], mean + moved, like[..., 1 + d :] + second.flatten(-2)], dim=-1))
        return states


def frame_of(kind: str) -> Frame:
    """Return the frame of a kind of output."""
    return Probabilities() if kind == "categorical" else Moments()
