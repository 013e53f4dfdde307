"""What a kind of generative network can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.neural.stack import Stack, fresh, padded


class Network(ABC):
    """A conditional generative network, in the form of many at once.

    Parameters
    ----------
    pixels : int
        Numbers of an image, all channels together.
    classes : int
        How many classes it can be asked for.

    Attributes
    ----------
    layers : dict of str to pair of int
        Inputs and outputs of each layer.
    draws : int
        Normal random numbers that an image is made from.
    """

    layers: dict[str, tuple[int, int]]
    draws: int
    stacked_drawing = True
    """Whether drawing is quicker for many networks at once than for one after another."""

    def __init__(self, pixels: int, classes: int) -> None:
        self.pixels, self.classes = pixels, classes

    @property
    def row(self) -> int:
        """Length of an example: an image, its class as 0 and 1, zeros."""
        return padded(self.pixels + self.classes)

    def fresh(self, generator: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return new random weights of one network."""
        return fresh(self.layers, generator)

    @abstractmethod
    def noise(self, generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
        """Return the random numbers that the loss of each example needs, ``[*shape, numbers]``."""

    @abstractmethod
    def loss(self, stack: Stack, rows: Tensor, noise: Tensor) -> Tensor:
        """Return the mean loss of examples, ``[models]``.

        Parameters
        ----------
        stack : mapping of str to Tensor
            Weights.
        rows : Tensor
            Examples, ``[models, examples, row]``.
        noise : Tensor
            ``[models, examples, numbers]``
        """

    @abstractmethod
    def draw(self, stack: Stack, noise: Tensor, asked: Tensor) -> Tensor:
        """Return images from 0 to 1, ``[models, n, pixels]``.

        Parameters
        ----------
        stack : mapping of str to Tensor
            Weights.
        noise : Tensor
            Normal numbers, ``[models, n, draws]``.
        asked : Tensor
            The class of each as 0 and 1, ``[models, n, classes]``.
        """
