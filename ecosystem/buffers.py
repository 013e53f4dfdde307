"""Arrays that are used again: filling new memory costs as much as a round's arithmetic, for it is zeroed first."""

from __future__ import annotations

import math
import sys
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PAGE = 4096
"""Bytes of a page of memory."""

_UNUSED = 2
"""References to an array that nobody else holds: the list's, and that of the call that counts."""


class Buffers:
    """Tensors on the CPU, each lent for as long as anything refers to it."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[np.generic]] = []
        self._lock = Lock()

    def take(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return a tensor whose numbers are arbitrary and that nothing else refers to.

        Parameters
        ----------
        shape : tuple of int
            Its shape; what has another is not used for it.
        like : Tensor
            Gives precision and device; elsewhere than on the CPU torch itself uses memory again.
        """
        if like.device.type != "cpu":
            return like.new_empty(shape)
        kind = torch.empty((), dtype=like.dtype).numpy().dtype
        with self._lock:
            for place in range(len(self._arrays)):
                fits = self._arrays[place].shape == shape and self._arrays[place].dtype == kind
                if fits and sys.getrefcount(self._arrays[place]) == _UNUSED:
                    return torch.from_numpy(self._arrays[place])
            self._arrays.append(_new(math.prod(shape) * kind.itemsize).view(kind).reshape(shape))
            return torch.from_numpy(self._arrays[-1])


def _new(bytes_: int) -> NDArray[np.uint8]:
    """Return memory that begins with a page.

    NumPy asks for large pages, which rows that are read all over the place gain by, but begins 16 bytes beyond one:
    then every row would touch a line of the cache more than it fills, and every wide load would touch two.
    """
    whole = np.empty(bytes_ + _PAGE, dtype=np.uint8)
    start = -whole.ctypes.data % _PAGE
    return whole[start : start + bytes_]
