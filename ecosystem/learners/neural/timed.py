"""What flows and diffusions share: a perceptron that sees an image between noise and itself, and how far it is."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.neural.network import Network
from ecosystem.learners.neural.stack import Stack, joined, perceptron

_TIMES = 3
"""Numbers that tell the time: t, cos πt, sin πt."""


class Timed(Network):
    """A perceptron f(x_t, t, c), trained at uniform times t on images from −1 to 1 and normal noise.

    Parameters
    ----------
    width, depth : int
        Units of a hidden layer, and how many there are.
    pixels, classes : int
        Numbers of an image, and of classes.
    """

    stacked_drawing = False

    def __init__(self, width: int, depth: int, pixels: int, classes: int) -> None:
        super().__init__(pixels, classes)
        self.draws = pixels
        widths = [pixels + _TIMES + classes, *[width] * depth, pixels]
        self.names = [f"layer.{number}" for number in range(len(widths) - 1)]
        self.layers = dict(zip(self.names, pairwise(widths), strict=True))

    def noise(self, generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
        """Return noise and time of each example, ``[*shape, pixels + 1]``."""
        found = generator.standard_normal((*shape, self.pixels + 1), dtype=np.float32)
        found[..., -1] = generator.random(shape, dtype=np.float32)
        return found

    def loss(self, stack: Stack, rows: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of what the perceptron is to tell; see `Network.loss`."""
        image, asked = 2 * rows[..., : self.pixels] - 1, rows[..., self.pixels : self.pixels + self.classes]
        seen, target = self.lesson(image, noise[..., : self.pixels], noise[..., self.pixels :])
        off = self.told(stack, seen, noise[..., self.pixels :], asked) - target
        return off.square().sum((1, 2)) / rows.shape[1]

    @abstractmethod
    def lesson(self, image: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the perceptron sees at a time, and what it is to tell."""

    def told(self, stack: Stack, x: Tensor, t: Tensor, asked: Tensor) -> Tensor:
        """Return f(x, t, c)."""
        angle = torch.pi * t
        parts = [x, t, angle.cos(), angle.sin(), asked]
        return perceptron(stack, self.names, joined(parts))[..., : self.pixels]
