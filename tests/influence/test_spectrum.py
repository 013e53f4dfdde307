"""The largest eigenvalue, by every way in which it is found, against a matrix whose eigenvalues are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence

from ecosystem.influence import spectrum


def with_eigenvalues(blocks: list[np.ndarray], size: int = 40) -> Callable[[np.ndarray], np.ndarray]:
    """Return a matrix as a function: blocks along its diagonal, small numbers beyond them, in a basis of its own."""
    generator = np.random.default_rng(2)
    middle = np.diag(generator.uniform(-0.3, 0.3, size))
    place = 0
    for block in blocks:
        middle[place : place + len(block), place : place + len(block)] = block
        place += len(block)
    basis = np.eye(size) + generator.normal(0, 0.05, (size, size))
    matrix = basis @ middle @ np.linalg.inv(basis)
    return lambda vectors: matrix @ np.asarray(vectors).reshape(size, -1)


TURN = 0.8 * np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
LAST = np.array([[-0.9]])


@pytest.mark.parametrize("dense", [400, 0], ids=["all", "arnoldi"])
@pytest.mark.parametrize(
    ("block", "real", "imaginary"),
    [(LAST, -0.9, 0.0), (TURN, 0.8 * np.cos(1.0), 0.8 * np.sin(1.0))],
    ids=["negative", "complex"],
)
def test_the_largest_modulus_is_found(
    block: np.ndarray, real: float, imaginary: float, dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum, "DENSE", dense)
    found = spectrum._largest(with_eigenvalues([block]), 40)
    assert (found.real, abs(found.imag)) == pytest.approx((real, imaginary), abs=1e-8)


@pytest.mark.parametrize("stopped", [ArpackError(-9), ArpackNoConvergence("", np.array([]), np.array([]))])
def test_where_arnoldi_finds_nothing_it_is_what_a_vector_grows_by(
    stopped: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise stopped

    monkeypatch.setattr(spectrum, "DENSE", 0)
    monkeypatch.setattr(spectrum, "eigs", fails)
    # A turn: no vector comes to rest, and all of them shrink alike.
    assert abs(spectrum._largest(with_eigenvalues([TURN]), 40)) == pytest.approx(0.8, rel=2e-3)
    assert abs(spectrum._largest(with_eigenvalues([LAST]), 40)) == pytest.approx(0.9, rel=1e-9)


def test_what_arnoldi_found_before_it_stopped_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("", np.array([0.2, -0.7]), np.array([]))

    monkeypatch.setattr(spectrum, "DENSE", 0)
    monkeypatch.setattr(spectrum, "eigs", stops)
    assert spectrum._largest(with_eigenvalues([LAST]), 40) == -0.7


def test_what_vanishes_does_not_grow() -> None:
    forward = np.eye(40, k=1)
    assert spectrum._power(lambda vectors: forward @ vectors.reshape(40, -1), np.ones(40)) == 0.0
