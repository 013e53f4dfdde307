"""Conditional flow matching (Lipman et al. 2023, arXiv 2210.02747), straight paths from noise to images."""

from __future__ import annotations

import torch
from torch import Tensor

from ecosystem.learners.neural.stack import Stack
from ecosystem.learners.neural.timed import Timed
from ecosystem.scenario.fields.neural import FlowNetwork

_SPREAD = 0.5
"""Standard deviation of images about their mean, as far as `Flow.velocity` guesses by itself."""


class Flow(Timed):
    """A velocity v(x, t, c), trained so that dx/dt = v carries noise at t = 0 to images at t = 1.

    The loss of an image x₁ is ‖v(x_t, t, c) − (x₁ − x₀)‖², x_t = (1 − t)x₀ + t x₁, x₀ ~ N(0, 1). The perceptron tells
    what v is beyond that of normal images of standard deviation s, which is x(t s² − (1 − t))/(t² s² + (1 − t)²): so
    noise need not pass through it (as the preconditioning of Karras et al. 2022, arXiv 2206.00364).

    Parameters
    ----------
    settings : FlowNetwork
        Width, depth, solver.
    pixels, classes : int
        Numbers of an image, and of classes.
    """

    def __init__(self, settings: FlowNetwork, pixels: int, classes: int) -> None:
        super().__init__(settings.width, settings.depth, pixels, classes)
        self.settings = settings

    def velocity(self, stack: Stack, x: Tensor, t: Tensor, asked: Tensor) -> Tensor:
        """Return v(x, t, c)."""
        return self.told(stack, x, t, asked) + _of_normal_images(t) * x

    def lesson(self, image: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return x_t, and the velocity x₁ − x₀ beyond that of normal images."""
        seen = (1 - t) * noise + t * image
        return seen, image - noise - _of_normal_images(t) * seen

    def draw(self, stack: Stack, noise: Tensor, asked: Tensor) -> Tensor:
        """Return where the flow carries noise; see `Network.draw`."""
        x, step = noise, 1.0 / self.settings.steps
        for number in range(self.settings.steps):
            t = torch.full_like(x[..., :1], number * step)
            velocity = self.velocity(stack, x, t, asked)
            if self.settings.solver == "heun":
                velocity = (velocity + self.velocity(stack, x + step * velocity, t + step, asked)) / 2
            x = x + step * velocity
        return ((x + 1) / 2).clamp(0, 1)


def _of_normal_images(t: Tensor) -> Tensor:
    """Return v/x for images of law N(0, s²)."""
    s, left = _SPREAD * _SPREAD, 1 - t
    return (t * s - left) / (t * t * s + left * left)
