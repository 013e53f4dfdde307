"""Layers of many networks at once: each weight is ``[models, inputs, outputs]``, one batched product a layer.

Widths are padded to whole cache lines with zeros, which stay zero in training: what flows into a padded unit is
nothing, and nothing flows out of it. So a network gives the same bits alone and among others (`ecosystem.linalg`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem import linalg

Stack: TypeAlias = Mapping[str, Tensor]
"""Weights of networks by name, ``[models, ...]`` each."""

_SIZE = 4
"""Bytes of a number: weights are float32."""


def padded(width: int) -> int:
    """Return a width rounded up to whole cache lines of float32.

    >>> padded(138)
    144
    """
    return linalg.padded(width, _SIZE)


def fresh(layers: Mapping[str, tuple[int, int]], generator: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return new random weights of one network: uniform within ±1/√inputs, as `torch.nn.Linear` has them.

    Parameters
    ----------
    layers : mapping of str to pair of int
        Inputs and outputs of each layer.
    generator : numpy.random.Generator
        Where the numbers come from.
    """
    found = {}
    for name, (inputs, outputs) in layers.items():
        bound = 1 / np.sqrt(inputs)
        weight = np.zeros((padded(inputs), padded(outputs)), dtype=np.float32)
        weight[:inputs, :outputs] = generator.uniform(-bound, bound, (inputs, outputs))
        bias = np.zeros((1, padded(outputs)), dtype=np.float32)
        bias[0, :outputs] = generator.uniform(-bound, bound, outputs)
        found[f"{name}.weight"], found[f"{name}.bias"] = weight, bias
    return found


def linear(stack: Stack, name: str, x: Tensor) -> Tensor:
    """Return x W + b of a layer, ``[models, rows, outputs]``, padded."""
    return torch.baddbmm(stack[f"{name}.bias"], x, stack[f"{name}.weight"])


def perceptron(stack: Stack, names: Sequence[str], x: Tensor) -> Tensor:
    """Return what layers one after another make of x, with SiLU between them."""
    for name in names[:-1]:
        x = torch.nn.functional.silu(linear(stack, name, x))
    return linear(stack, names[-1], x)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return columns side by side, filled up with zeros to a padded width."""
    width = sum(part.shape[-1] for part in parts)
    rest = padded(width) - width
    filled = [*parts, parts[0].new_zeros((*parts[0].shape[:-1], rest))] if rest else parts
    return torch.cat(list(filled), dim=-1)
