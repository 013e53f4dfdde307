"""Matrix products whose bits do not depend on how many worlds are computed at once.

A batched product handles each world alone, but the kernels of a BLAS may sum in another order
where a matrix starts at another alignment in memory. Rows padded to whole cache lines start
every world at the same alignment, so a world in a batch gives the bits of that world alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

LINE = 64
"""Bytes of a cache line, of which the rows of matrices are a multiple."""


def padded(length: int, size: int = 8) -> int:
    """Return the length rounded up to whole lines of numbers of so many bytes.

    >>> padded(64), padded(65), padded(65, 4)
    (64, 72, 80)
    """
    line = LINE // size
    return -(-length // line) * line


def pad_last(tensor: Tensor, dims: int = 1) -> Tensor:
    """Fill the last `dims` dimensions up to whole lines with zeros."""
    widths: list[int] = []
    for dim in range(1, dims + 1):
        length = tensor.shape[-dim]
        widths += [0, padded(length, tensor.element_size()) - length]
    return torch.nn.functional.pad(tensor, widths) if any(widths) else tensor


def bmm(left: Tensor, right: Tensor) -> Tensor:
    """Multiply ``[..., rows, inner]`` by ``[..., inner, columns]``, world by world.

    The leading dimensions must be equal; `right` may come padded already, in which case the
    result keeps the padded columns.
    """
    columns = right.shape[-1]
    left, right = pad_last(left), pad_last(right, 2)
    lead = left.shape[:-2]
    product = torch.bmm(left.reshape(-1, *left.shape[-2:]), right.reshape(-1, *right.shape[-2:]))
    return product.reshape(*lead, *product.shape[-2:])[..., :columns]
