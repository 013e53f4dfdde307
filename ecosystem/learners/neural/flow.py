"""Conditional flow matching (Lipman et al. 2023, arXiv 2210.02747), straight paths from noise to images."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.neural.networks import Network
from ecosystem.learners.neural.stack import Stack, joined, perceptron
from ecosystem.scenario.fields.neural import FlowNetwork


class Flow(Network):
    """A velocity v(x, t, c), trained so that dx/dt = v carries N(0, 1) at t = 0 to images at t = 1.

    The loss of an image x₁ is ‖v(x_t, t, c) − (x₁ − x₀)‖², x_t = (1 − t)x₀ + t x₁, x₀ ~ N(0, 1), t uniform. Images are
    seen from −1 to 1; what is drawn is brought back and clipped to 0 … 1.

    Parameters
    ----------
    settings : FlowNetwork
        Width, depth, solver.
    pixels, classes : int
        Numbers of an image, and of classes.
    """

    stacked_drawing = False

    def __init__(self, settings: FlowNetwork, pixels: int, classes: int) -> None:
        super().__init__(pixels, classes)
        self.settings, self.draws = settings, pixels
        widths = [pixels + _TIMES + classes, *[settings.width] * settings.depth, pixels]
        self.names = [f"velocity.{number}" for number in range(len(widths) - 1)]
        self.layers = dict(zip(self.names, pairwise(widths), strict=True))

    def noise(self, generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
        """Return x₀ and t of each example, ``[*shape, pixels + 1]``."""
        found = generator.standard_normal((*shape, self.pixels + 1), dtype=np.float32)
        found[..., -1] = generator.random(shape, dtype=np.float32)
        return found

    def loss(self, stack: Stack, rows: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of the velocity; see `Network.loss`."""
        image, asked = 2 * rows[..., : self.pixels] - 1, rows[..., self.pixels : self.pixels + self.classes]
        start, t = noise[..., : self.pixels], noise[..., self.pixels :]
        off = self._velocity(stack, (1 - t) * start + t * image, t, asked) - (image - start)
        return off.square().sum((1, 2)) / rows.shape[1]

    def draw(self, stack: Stack, noise: Tensor, asked: Tensor) -> Tensor:
        """Return where the flow carries noise; see `Network.draw`."""
        x, step = noise, 1.0 / self.settings.steps
        for number in range(self.settings.steps):
            t = torch.full_like(x[..., :1], number * step)
            velocity = self._velocity(stack, x, t, asked)
            if self.settings.solver == "heun":
                velocity = (velocity + self._velocity(stack, x + step * velocity, t + step, asked)) / 2
            x = x + step * velocity
        return ((x + 1) / 2).clamp(0, 1)

    def _velocity(self, stack: Stack, x: Tensor, t: Tensor, asked: Tensor) -> Tensor:
        angle = torch.pi * t
        parts = [x, t, angle.cos(), angle.sin(), asked]
        return perceptron(stack, self.names, joined(parts))[..., : self.pixels]


_TIMES = 3
"""Numbers that tell the time: t, cos πt, sin πt."""
