"""Conditional diffusion (Ho et al. 2020, arXiv 2006.11239), drawn as by Song et al. (2021, arXiv 2010.02502)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ecosystem.learners.neural.stack import Stack
from ecosystem.learners.neural.timed import Timed
from ecosystem.scenario.fields.neural import DiffusionNetwork


class Diffusion(Timed):
    """A guess f(x, t, c) of the image behind x_t = cos(πt/2) x₀ + sin(πt/2) ε, ε ~ N(0, 1).

    The loss of an image x₀ is ‖f(x_t, t, c) − x₀‖². Drawing goes from t = 1 to 0 in equal steps: at each, the guess
    and the noise that it implies are mixed anew for the next time; the last guess is the image.

    Parameters
    ----------
    settings : DiffusionNetwork
        Width, depth, steps.
    pixels, classes : int
        Numbers of an image, and of classes.
    """

    def __init__(self, settings: DiffusionNetwork, pixels: int, classes: int) -> None:
        super().__init__(settings.width, settings.depth, pixels, classes)
        self.settings = settings

    def lesson(self, image: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return x_t and the image."""
        angle = torch.pi / 2 * t
        return angle.cos() * image + angle.sin() * noise, image

    def draw(self, stack: Stack, noise: Tensor, asked: Tensor) -> Tensor:
        """Return what is behind noise; see `Network.draw`."""
        x, steps = noise, self.settings.steps
        for number in range(steps, 0, -1):
            here, there = (math.pi / 2 * k / steps for k in (number, number - 1))
            guess = self.told(stack, x, torch.full_like(x[..., :1], number / steps), asked)
            implied = (x - math.cos(here) * guess) / math.sin(here)
            x = math.cos(there) * guess + math.sin(there) * implied
        return ((x + 1) / 2).clamp(0, 1)
