"""Arrays that are used again: filling new memory costs as much as a round's arithmetic, for it is zeroed first."""

from __future__ import annotations

import sys

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_UNUSED = 2
"""References to an array that nobody else holds: the list's, and that of the call that counts."""


class Buffers:
    """Tensors of one shape on the CPU, each lent for as long as anything refers to it.

    Parameters
    ----------
    like : Tensor
        Gives shape, precision and device; elsewhere than on the CPU torch itself uses memory again.
    """

    def __init__(self, like: Tensor) -> None:
        self._shape, self._dtype, self._device = like.shape, like.dtype, like.device
        self._arrays: list[NDArray[np.generic]] = []

    def take(self) -> Tensor:
        """Return a tensor whose numbers are arbitrary and that nothing else refers to."""
        if self._device.type != "cpu":
            return torch.empty(self._shape, dtype=self._dtype, device=self._device)
        for place in range(len(self._arrays)):
            if sys.getrefcount(self._arrays[place]) == _UNUSED:
                return torch.from_numpy(self._arrays[place])
        # NumPy asks for large pages, which rows that are read all over the place gain by.
        array = np.empty(self._shape, dtype=torch.empty((), dtype=self._dtype).numpy().dtype)
        self._arrays.append(array)
        return torch.from_numpy(array)
