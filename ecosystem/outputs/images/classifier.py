"""A classifier that is trained on real images only, and the features in which images are compared."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ecosystem.linalg import pad_last
from ecosystem.outputs.images.data import RealImages
from ecosystem.world.streams import stream

FEATURES = 32
"""Numbers by which images are compared."""

_HIDDEN, _STEPS, _BATCH, _RATE = 128, 800, 128, 2e-3

_ROWS = 1024
"""Images that are looked at in one product, few enough for the cache."""


class Classifier:
    """A perceptron pixels → 128 → 32 → classes, trained by cross-entropy; the 32 units before the last are features.

    With a single class there is nothing to tell apart: the features are then the principal components of real images.

    Parameters
    ----------
    real : RealImages
        What it is trained on, the same for all runs: rewards must not differ from seed to seed.
    device : str
        Where it computes.
    """

    def __init__(self, real: RealImages, device: str = "cpu") -> None:
        self.classes = int(real.labels.max()) + 1
        images = torch.from_numpy(real.images).flatten(1)
        layers = _trained(images, torch.from_numpy(real.labels), self.classes) if self.classes > 1 else _axes(images)
        self._layers = [(pad_last(weight, 2).to(device), pad_last(bias).to(device)) for weight, bias in layers]
        self._scale = 1.0
        self._features = layers[-2 if self.classes > 1 else -1][0].shape[1]

        seen = self.features(images.to(device)[None])[0].to(torch.float64)
        self._scale = float(seen.var(0, correction=0).mean().clamp_min(1e-12).sqrt())

    def features(self, images: Tensor) -> Tensor:
        """Return features of images ``[groups, n, pixels]``, each group by itself: ``[groups, n, features]``.

        They are scaled so that over real images a feature has variance 1, in the mean over features.
        """
        last = len(self._layers) - 1 if self.classes > 1 else 1
        return self._passed(images, last)[..., : self._features] / self._scale

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the probability of each class of images ``[groups, n, pixels]``: ``[groups, n, classes]``."""
        if self.classes == 1:
            return torch.ones_like(images[..., :1])
        return self._passed(images, len(self._layers))[..., : self.classes].softmax(-1)

    def _passed(self, images: Tensor, layers: int) -> Tensor:
        found = []
        for x in images.split(_ROWS, dim=1):
            for number, (weight, bias) in enumerate(self._layers[:layers]):
                x = pad_last(x)
                wide = weight.expand(len(x), *weight.shape)
                x = torch.baddbmm(bias, x, wide)
                x = torch.relu(x) if self.classes > 1 and number < len(self._layers) - 1 else x
            found.append(x)
        return torch.cat(found, dim=1)


def _trained(images: Tensor, labels: Tensor, classes: int) -> list[tuple[Tensor, Tensor]]:
    """Return weights and biases after training by Adam, always the same for the same images."""
    draws = stream(0, "images.classifier")
    widths = [images.shape[1], _HIDDEN, FEATURES, classes]
    layers: list[tuple[Tensor, Tensor]] = []
    for inputs, outputs in pairwise(widths):
        bound = 1 / np.sqrt(inputs)
        drawn = torch.from_numpy(draws.uniform(-bound, bound, (inputs, outputs)).astype(np.float32))
        layers.append((drawn.requires_grad_(), torch.zeros(1, outputs, requires_grad=True)))
    optimiser = torch.optim.Adam([part for layer in layers for part in layer], lr=_RATE, weight_decay=1e-4)
    with torch.enable_grad():
        for _ in range(_STEPS):
            some = torch.from_numpy(draws.integers(len(images), size=min(_BATCH, len(images))))
            x = images[some]
            for number, (weight, bias) in enumerate(layers):
                x = bias + (torch.relu(x) if number else x) @ weight
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(x, labels[some]).backward()
            optimiser.step()
    return [(weight.detach(), bias.detach()) for weight, bias in layers]


def _axes(images: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the projection on the first principal components of images."""
    mean = images.mean(0, keepdim=True)
    axes = torch.linalg.svd(images - mean, full_matrices=False).Vh[:FEATURES].T.contiguous()
    return [(axes, -mean @ axes)]
