"""Linear systems against a dense solver, and in few products: the polynomial of GMRES, and when it is not enough."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecosystem.errors import EcosystemError
from ecosystem.influence import krylov
from ecosystem.influence.krylov import gmres, solve


class Counted:
    """A matrix that counts how often it is applied, to however many columns at once."""

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix, self.products = matrix, 0

    def __call__(self, v: torch.Tensor) -> torch.Tensor:
        assert v.ndim > 1  # the last dimension is that of columns
        self.products += 1
        return (self.matrix @ v.reshape(len(self.matrix), -1)).reshape(v.shape)


def contraction(size: int, radius: float, seed: int = 0) -> torch.Tensor:
    """I − radius · J, J random with complex eigenvalues all over the unit disc: the shape of influence's systems."""
    j = np.random.default_rng(seed).normal(size=(size, size)) / np.sqrt(size)
    j *= radius / np.abs(np.linalg.eigvals(j)).max()
    return torch.eye(size, dtype=torch.float64) - torch.from_numpy(j)


def columns(size: int, count: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(size, count)))


def relative(matrix: torch.Tensor, x: torch.Tensor, b: torch.Tensor) -> float:
    """Largest relative residual of a column."""
    return float(((matrix @ x - b).norm(dim=0) / b.norm(dim=0)).max())


@pytest.mark.parametrize("degree", [1, 2, 7, 8])
def test_the_factors_are_the_polynomial_that_leaves_least_of_the_sketch(
    degree: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(krylov, "_DEGREE", degree)
    matrix, sketch = contraction(40, 0.9), columns(40, 1)
    factors = krylov._factors(Counted(matrix), sketch)
    assert sum(1 if b == 0 else 2 for _, b in factors) == degree  # a pair of complex roots is one real factor
    residual = sketch
    for a, b in factors:
        residual = residual - a * (matrix @ residual) - b * (matrix @ matrix @ residual)
    # min ‖b − (c₁ A + … + c_d A^d) b‖ over all coefficients
    powers = [sketch]
    for _ in range(degree):
        powers.append(matrix @ powers[-1])
    space = torch.cat(powers[1:], dim=1)
    least = sketch - space @ torch.linalg.lstsq(space, sketch).solution
    assert float((residual - least).norm()) < 1e-10 * float(sketch.norm())


def test_a_step_in_vain_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # A quarter turn takes no vector nearer to itself: of degree 1 the best polynomial is 1.
    turn = torch.kron(torch.eye(4), torch.tensor([[0.0, 1.0], [-1.0, 0.0]])).double()
    monkeypatch.setattr(krylov, "_DEGREE", 1)
    ((linear, quadratic),) = krylov._factors(Counted(turn), columns(8, 1).round())
    assert abs(linear) < 1e-12 and quadratic == 0
    b = columns(8, 5).round() + 3
    assert float((solve(Counted(turn), b) - turn.T @ b).abs().max()) < 1e-12


@pytest.mark.parametrize("real", [True, False])
def test_factors_stand_in_an_order_in_which_no_product_of_the_first_ones_grows(real: bool) -> None:
    # As eigenvalues come they grow by a thousand or a million on the way, and lose as many digits.
    turn = torch.linalg.qr(columns(100, 100)).Q
    values = torch.logspace(-2, 0, 100, dtype=torch.float64)
    matrix = turn * values @ turn.T if real else contraction(100, 0.97)
    values = torch.linalg.eigvals(matrix)
    left = torch.ones_like(values)
    for a, b in krylov._factors(Counted(matrix), columns(100, 1)):
        left = left * (1 - a * values - b * values**2)
        assert float(left.abs().max()) < 1
    assert float(left.abs().max()) < 0.15


def test_a_real_root_takes_one_product_and_no_round_of_them_is_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = torch.linalg.qr(columns(60, 60)).Q
    matrix = turn * torch.linspace(0.1, 1.9, 60, dtype=torch.float64) @ turn.T
    found, b = krylov._factors(Counted(matrix), columns(60, 1)), 1e-3 * columns(60, 10)
    monkeypatch.setattr(krylov, "_factors", lambda operator, sketch: found)
    counted = Counted(matrix)
    assert relative(matrix, solve(counted, b), b) < 1e-12
    left, cycles = b, 0
    while float((left.norm(dim=0) / b.norm(dim=0)).max()) > 1e-13:
        cycles += 1
        for a, _ in found:
            left = left - a * (matrix @ left)
    assert counted.products == cycles * (len(found) + 1)  # and a look at the residual


def test_large_columns_do_not_outweigh_small_ones() -> None:
    # Two kinds of columns, each in a space of its own: a polynomial for one alone would not suit the other.
    matrix, b = torch.zeros(100, 100, dtype=torch.float64), torch.zeros(100, 40, dtype=torch.float64)
    matrix[:50, :50], matrix[50:, 50:] = contraction(50, 0.5), 6 * contraction(50, 0.5, seed=1)
    b[:50, :20], b[50:, 20:] = 1e9 * columns(50, 20), 1e-3 * columns(50, 20)
    counted = Counted(matrix)
    assert relative(matrix, solve(counted, b), b) < 1e-12
    assert counted.products < 300  # GMRES takes over a thousand


@pytest.mark.parametrize("radius", [0.5, 0.9, 0.97])
def test_many_columns_take_few_products_and_each_is_solved(radius: float) -> None:
    matrix, b = contraction(100, radius), columns(100, 40)
    b[:, 3], b[:, 5], b[:, 6] = 0, 1e-8 * b[:, 5], 1e8 * b[:, 6]
    together, alone = Counted(matrix), Counted(matrix)
    found = solve(together, b.reshape(20, 5, 40)).reshape(100, 40)
    live = b.norm(dim=0) > 0
    assert relative(matrix, found[:, live], b[:, live]) < 1e-12
    assert (found[:, 3] == 0).all()
    gmres(alone, b[:, [0]])
    assert together.products < 40 * alone.products / 5


def test_two_columns_are_each_solved_by_gmres() -> None:
    matrix, b = contraction(100, 0.97), columns(100, 5)
    b[:, [0, 2, 3]] = 0
    together, alone = Counted(matrix), Counted(matrix)
    found = solve(together, b)
    expected = torch.cat([gmres(alone, b[:, [k]]) if k in (1, 4) else b[:, [k]] for k in range(5)], dim=1)
    assert float((found - expected).abs().max()) < 1e-10
    assert abs(together.products - alone.products) < 5  # by a polynomial it would be a hundred more
    assert torch.equal(solve(together, 0 * b), torch.zeros_like(b))


def test_what_the_polynomial_does_not_suit_is_solved_column_by_column() -> None:
    # The roots are those of many columns alike; the one that is not alike has an eigenvalue beyond zero.
    matrix, b = torch.eye(60, dtype=torch.float64), columns(60, 30)
    matrix[:40, :40] = contraction(40, 0.9)
    matrix[40:, 40:] = torch.diag(torch.linspace(-30.0, 40.0, 20, dtype=torch.float64))
    b[40:, :-1] = 0
    b *= torch.logspace(-6, 6, 30, dtype=torch.float64)
    b[:, 4] = 0
    counted = Counted(matrix)
    found = solve(counted, b)
    live = b.norm(dim=0) > 0
    assert relative(matrix, found[:, live], b[:, live]) < 1e-11
    assert (found[:, 4] == 0).all()
    assert counted.products < 30 * 45  # 24 steps, one round of their polynomial, and GMRES for each column


def test_gmres_ends_as_soon_as_it_is_there() -> None:
    matrix, b = contraction(200, 0.3), columns(200, 1)
    counted = Counted(matrix)
    assert relative(matrix, gmres(counted, b), b) < 1e-12
    assert counted.products < 30  # 0.3^26 is 3e-14
    few = Counted(torch.diag(torch.tensor([2.0, 2.0, 3.0, 5.0], dtype=torch.float64)))
    assert relative(few.matrix, gmres(few, b[:4]), b[:4]) < 1e-14
    assert few.products == 4  # three eigenvalues, and a look at the residual


@pytest.mark.parametrize("b", [[1.0, 1.0], [0.0, 1.0]])
def test_a_system_without_a_solution_is_refused(b: list[float]) -> None:
    matrix = torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))
    with pytest.raises(EcosystemError, match="was not solved"):
        gmres(Counted(matrix), torch.tensor(b, dtype=torch.float64)[:, None])
