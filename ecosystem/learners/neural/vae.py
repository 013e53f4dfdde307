"""Conditional variational autoencoders (Kingma & Welling 2014, arXiv 1312.6114; Sohn et al. 2015)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.neural.network import Network
from ecosystem.learners.neural.stack import Stack, joined, perceptron
from ecosystem.scenario.fields.neural import VaeNetwork


class Vae(Network):
    """Encoder (x, c) → (μ, log σ²), decoder (z, c) → x̂.

    The loss of an image is ‖x − x̂‖²/(2·noise) + KL(N(μ, σ²) ‖ N(0, 1)), z = μ + σε; what is drawn are decoder means
    at z ~ N(0, 1), clipped to 0 … 1.

    Parameters
    ----------
    settings : VaeNetwork
        Widths, depth, noise.
    pixels, classes : int
        Numbers of an image, and of classes.
    """

    def __init__(self, settings: VaeNetwork, pixels: int, classes: int) -> None:
        super().__init__(pixels, classes)
        self.settings, self.draws = settings, settings.latent
        hidden = [settings.width] * settings.depth
        encoder = [pixels + classes, *hidden, 2 * settings.latent]
        decoder = [settings.latent + classes, *hidden, pixels]
        self.encoder = [f"encoder.{number}" for number in range(len(encoder) - 1)]
        self.decoder = [f"decoder.{number}" for number in range(len(decoder) - 1)]
        self.layers = {
            **dict(zip(self.encoder, pairwise(encoder), strict=True)),
            **dict(zip(self.decoder, pairwise(decoder), strict=True)),
        }

    def noise(self, generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
        """Return ε, ``[*shape, latent]``."""
        return generator.standard_normal((*shape, self.draws), dtype=np.float32)

    def loss(self, stack: Stack, rows: Tensor, noise: Tensor) -> Tensor:
        """Return the negative evidence lower bound, but for a constant; see `Network.loss`."""
        image, asked = rows[..., : self.pixels], rows[..., self.pixels : self.pixels + self.classes]
        code = perceptron(stack, self.encoder, rows)
        mean, log_variance = code[..., : self.draws], code[..., self.draws : 2 * self.draws]
        z = mean + (log_variance / 2).exp() * noise
        off = image - self._decoded(stack, z, asked)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum((1, 2)) / 2
        return (off.square().sum((1, 2)) / (2 * self.settings.noise) + divergence) / rows.shape[1]

    def draw(self, stack: Stack, noise: Tensor, asked: Tensor) -> Tensor:
        """Return the decoder's means; see `Network.draw`."""
        return self._decoded(stack, noise, asked).clamp(0, 1)

    def _decoded(self, stack: Stack, z: Tensor, asked: Tensor) -> Tensor:
        return perceptron(stack, self.decoder, joined([z, asked]))[..., : self.pixels]
