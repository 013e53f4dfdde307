"""Distances of images against closed forms and plain implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from ecosystem.outputs.images.distances import frechet, kernel_distance, moments


def spd(generator, n):
    root = generator.standard_normal((n, n))
    return root @ root.T / n


def test_moments_are_numpys():
    x = np.random.default_rng(0).standard_normal((3, 50, 4))
    mean, covariance = moments(torch.from_numpy(x))
    np.testing.assert_allclose(mean, x.mean(1))
    np.testing.assert_allclose(covariance, [np.cov(each.T) for each in x])


def test_frechet_of_diagonal_gaussians_is_a_sum_over_coordinates():
    a, b = torch.tensor([1.0, 2.0, 0.0]).double(), torch.tensor([0.0, 2.0, 3.0]).double()
    s, t = torch.tensor([4.0, 1.0, 0.0]).double(), torch.tensor([1.0, 9.0, 2.25]).double()
    plain = ((a - b) ** 2 + (s.sqrt() - t.sqrt()) ** 2).sum()
    assert float(frechet(a, s.diag(), b, t.diag())) == pytest.approx(float(plain), rel=1e-12)


def test_frechet_of_any_gaussians_is_the_formula_with_a_matrix_root():
    generator = np.random.default_rng(1)
    means, covariances = generator.standard_normal((2, 6)), [spd(generator, 6) for _ in range(2)]
    plain = ((means[0] - means[1]) ** 2).sum() + np.trace(
        covariances[0] + covariances[1] - 2 * sqrtm(covariances[0] @ covariances[1]).real
    )
    args = [torch.from_numpy(each) for each in (means[0], covariances[0], means[1], covariances[1])]
    assert float(frechet(*args)) == pytest.approx(plain, rel=1e-9)
    assert float(frechet(*args[2:], *args[:2])) == pytest.approx(plain, rel=1e-9)
    assert float(frechet(*args[:2], *args[:2])) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_the_unbiased_estimate_pair_by_pair():
    generator = np.random.default_rng(2)
    x, y = generator.standard_normal((7, 3)), generator.standard_normal((5, 3)) + 1

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    own = np.mean([k(x[i], x[j]) for i in range(7) for j in range(7) if i != j])
    theirs = np.mean([k(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    across = np.mean([k(a, b) for a in x for b in y])
    found = kernel_distance(torch.from_numpy(x)[None], torch.from_numpy(y)[None])
    assert found.tolist() == pytest.approx([own + theirs - 2 * across])


def test_the_kernel_distance_of_equal_laws_is_zero_in_the_mean():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(400, 20, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    found = kernel_distance(x, y)
    assert abs(float(found.mean())) < 4 * float(found.std()) / 20
