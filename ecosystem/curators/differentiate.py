"""Derivatives of choices that have no formula of their own written down."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def by_autograd(keep: Callable[[Tensor], Tensor], p: Tensor) -> Tensor:
    """Return ∂kept[y]/∂p[x] of a choice that treats rows one by one, by one reverse pass a number.

    Parameters
    ----------
    keep : callable
        The choice, from and to ``[worlds, curves, rows, numbers]``.
    p : Tensor
        Where to differentiate.

    Returns
    -------
    Tensor
        ``[worlds, curves, rows, numbers (y), numbers (x)]``
    """
    with torch.enable_grad():
        at = p.detach().clone().requires_grad_()
        kept = keep(at)
        rows = [
            torch.autograd.grad(kept[..., y].sum(), at, retain_graph=True, materialize_grads=True)[0]
            for y in range(p.shape[-1])
        ]
    return torch.stack(rows, dim=-2)
