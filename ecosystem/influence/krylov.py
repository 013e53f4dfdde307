"""Solving A V = B for a matrix-free A and many columns.

One column is solved by GMRES. Many columns at once are solved by the *hybrid* method (Nachtigal,
Reichel & Trefethen 1992, doi:10.1137/0613050): GMRES on one random combination of the columns finds
a polynomial that makes residuals small, and the polynomial is applied to all columns, which takes
no inner products and no memory for a basis.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError

Map = Callable[[Tensor], Tensor]

_BASIS = 60
_DEGREE = 24
_CYCLES = 60
_FLOOR = 100.0


def gmres(operator: Map, b: Tensor, tolerance: float = 1e-13, basis: int = _BASIS) -> Tensor:
    """Return x of A x = b, by restarted GMRES.

    Parameters
    ----------
    operator : callable
        A, from and to tensors shaped as `b`.
    b : Tensor
        The right-hand side, of any shape.
    tolerance : float
        Norm of the residual relative to that of `b`.
    basis : int
        Steps between restarts.

    Raises
    ------
    EcosystemError
        If the residual cannot be brought down to 100 times the tolerance.
    """
    goal = tolerance * float(b.norm())
    x, residual = torch.zeros_like(b), b
    left = float(b.norm())
    for _ in range(_CYCLES):
        if left <= goal:
            break
        space, small, start = arnoldi(operator, residual, basis, goal)
        x = x + _combine(space[:-1], torch.linalg.lstsq(small, start).solution[:, 0], b.shape)
        residual = b - operator(x)
        before, left = left, float(residual.norm())
        if left > 0.5 * before:
            break
    if left > _FLOOR * goal:
        raise EcosystemError(
            f"the linear system of influence was not solved (relative residual {left / float(b.norm()):.1e})"
        )
    return x


def arnoldi(operator: Map, start: Tensor, steps: int, goal: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return an orthonormal Krylov basis ``[k + 1, n]``, the Hessenberg matrix ``[k + 1, k]`` and |start| e_1.

    It ends early once the least-squares residual is below `goal`.
    """
    norm = float(start.norm())
    space = torch.empty((steps + 1, start.numel()), dtype=start.dtype)
    space[0] = start.reshape(-1) / norm
    small = torch.zeros((steps + 1, steps), dtype=start.dtype)
    first = torch.zeros((steps + 1, 1), dtype=start.dtype)
    first[0] = norm
    for k in range(steps):
        new = operator(space[k].reshape(start.shape)).reshape(-1)
        for _ in range(2):  # twice is enough (Kahan)
            along = space[: k + 1] @ new
            new = new - along @ space[: k + 1]
            small[: k + 1, k] += along
        length = float(new.norm())
        small[k + 1, k] = length
        done, system = k + 1, small[: k + 2, : k + 1]
        fitted = torch.linalg.lstsq(system, first[: k + 2]).solution
        left = float((system @ fitted - first[: k + 2]).norm())
        if left <= goal or length <= 1e-14 * float(small[:done, k].norm()):
            return space[: done + 1], system, first[: done + 1]
        space[k + 1] = new / length
    return space, small, first


def _combine(space: Tensor, weights: Tensor, shape: torch.Size) -> Tensor:
    return (weights @ space[: len(weights)]).reshape(shape)


def solve(operator: Map, b: Tensor, tolerance: float = 1e-13) -> Tensor:
    """Return V of A V = B, columns last.

    Parameters
    ----------
    operator : callable
        A, applied to tensors shaped as `b`, with any number of columns in the last dimension.
    b : Tensor
        ``[…, columns]``
    tolerance : float
        Norm of the residual of each column relative to that of its right-hand side.
    """
    flat = b.reshape(-1, b.shape[-1])
    scale = flat.norm(dim=0)
    live = scale > 0
    if int(live.sum()) <= 2:
        return torch.cat([_column(operator, b[..., [k]], tolerance) for k in range(b.shape[-1])], dim=-1)
    generator = torch.Generator().manual_seed(0)
    signs = torch.randn(b.shape[-1], generator=generator, dtype=b.dtype) / torch.where(live, scale, 1.0)
    sketch = (b * signs).sum(-1, keepdim=True)
    factors = _factors(operator, sketch)
    v, residual, worst = torch.zeros_like(b), b.clone(), 1.0
    for _ in range(_CYCLES):
        for factor in factors:
            residual = _apply(operator, factor, v, residual)
        residual = b - operator(v)  # what the recurrence says drifts from what is
        left = residual.reshape(flat.shape).norm(dim=0) / torch.where(live, scale, 1.0)
        before, worst = worst, float(left.max())
        if worst <= tolerance or (worst <= _FLOOR * tolerance and worst > 0.5 * before):
            return v
        if not worst < 0.5 * before:
            break
    # The polynomial does not suit every column: what is left is solved column by column.
    if not worst < 1.0:
        v, residual = torch.zeros_like(b), b
    again = [_column(operator, residual[..., [k]], tolerance, float(scale[k])) for k in range(b.shape[-1])]
    return v + torch.cat(again, dim=-1)


def _column(operator: Map, b: Tensor, tolerance: float, scale: float | None = None) -> Tensor:
    norm = float(b.norm())
    if scale is not None and norm <= _FLOOR * tolerance * scale:
        return torch.zeros_like(b)
    return gmres(operator, b, tolerance if scale is None else min(0.1, tolerance * scale / norm))


def _factors(operator: Map, sketch: Tensor) -> list[tuple[float, float]]:
    """Return the residual polynomial of GMRES as factors 1 − a z − b z².

    Those of the largest roots come first: where eigenvalues lie about 1, no product of the first factors grows.
    """
    _, small, _ = arnoldi(operator, sketch, _DEGREE, 1e-13 * float(sketch.norm()))
    # The roots are the harmonic Ritz values, which may be infinite: their inverses are not.
    inverse = [complex(each) for each in torch.linalg.eigvals(torch.linalg.pinv(small)[:, :-1]).tolist()]
    one_of_each_pair = [each for each in inverse if each.imag >= -1e-14 * abs(each)]
    return [_factor(each) for each in sorted(one_of_each_pair, key=abs)]


def _factor(inverse: complex) -> tuple[float, float]:
    if abs(inverse.imag) <= 1e-14 * abs(inverse):
        return inverse.real, 0.0
    return 2 * inverse.real, -(abs(inverse) ** 2)


def _apply(operator: Map, factor: tuple[float, float], v: Tensor, residual: Tensor) -> Tensor:
    """Take one factor r ← (1 − a A − b A²) r, v changed so that r stays b − A v."""
    a, b = factor
    image = operator(residual)
    v.add_(residual, alpha=a)
    if b == 0:
        return residual.sub_(image, alpha=a)
    v.add_(image, alpha=b)
    residual = residual.sub_(image, alpha=a)
    return residual.sub_(operator(image), alpha=b)
