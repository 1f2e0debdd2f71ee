"""Products of functions on the sphere against Clebsch-Gordan coupling, quadrature, exact tables."""

import math

import pytest
import torch
from e3nn import o3

from lattice_gnn.network.layers.sphere import (
    SphereGrid,
    _harmonic_steps,
    degree_slice,
    quadrature,
    spherical_harmonics,
)
from lattice_gnn.tensors.metrics import fixed_directions
from lattice_gnn.testing import random_rotation


@pytest.mark.parametrize("degree", [0, 3, 12])
def test_quadrature_averages_monomials_exactly(degree):
    """Mean of z^d over the sphere is 1/(d+1) for even d, 0 for odd d; in any rotated frame."""
    points, weights = quadrature(degree)
    z = points @ torch.from_numpy(random_rotation(3)[2])
    expected = 1 / (degree + 1) if degree % 2 == 0 else 0.0
    assert float((weights * z**degree).sum()) == pytest.approx(expected, abs=1e-14)


def test_harmonics_have_unit_mean_square_and_are_orthogonal():
    grid = SphereGrid(4).double()
    gram = grid.to_coefficients @ grid.to_values
    torch.testing.assert_close(gram, torch.eye(25, dtype=torch.float64), rtol=0, atol=1e-13)


@pytest.mark.parametrize("lmax", [1, 4, 6])
def test_harmonics_and_their_gradients_are_those_of_e3nn(lmax):
    """Degrees up to 4 by stored couplings, 5 and 6 by couplings that e3nn computes."""
    generator = torch.Generator().manual_seed(lmax)
    vectors = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator).requires_grad_()
    weights = torch.randn((lmax + 1) ** 2, dtype=torch.float64, generator=generator)
    expected = o3.spherical_harmonics(
        list(range(lmax + 1)), vectors, normalize=True, normalization="component"
    )
    got = spherical_harmonics(lmax, vectors)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-14)
    gradients = [
        torch.autograd.grad(Y @ weights, vectors, torch.ones(2, 5)) for Y in (got, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


def test_harmonics_are_the_same_under_autocast_and_after_inference_mode():
    """Tables made in inference mode serve gradients later; half precision never enters."""
    _harmonic_steps.cache_clear()
    vectors = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = spherical_harmonics(4, vectors)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = spherical_harmonics(4, vectors.requires_grad_())
    torch.testing.assert_close(got, expected.clone(), rtol=0, atol=0)
    got.sum().backward()
    assert torch.isfinite(vectors.grad).all()


def test_pointwise_product_is_the_gaunt_coupling():
    """Coefficients of Y_l1m1 Y_l2m2 are proportional to the 3j symbols, with the known constant.

    Gaunt: mean(Y1 Y2 Y3) = sqrt((2l1+1)(2l2+1)(2l3+1)) (l1 l2 l3; 0 0 0) (l1 l2 l3; m1 m2 m3).
    """
    grid = SphereGrid(4).double()
    for l1, l2, l3 in [(1, 1, 2), (2, 2, 2), (1, 3, 4), (4, 4, 4), (2, 3, 1)]:
        a, b = grid.to_values[:, degree_slice(l1)], grid.to_values[:, degree_slice(l2)]
        product = torch.einsum("pa,pb->pab", a, b)
        got = torch.einsum("cp,pab->abc", grid.to_coefficients[degree_slice(l3)], product)
        symbol = o3.wigner_3j(l1, l2, l3, dtype=torch.float64)
        constant = (got * symbol).sum() / (symbol * symbol).sum()
        torch.testing.assert_close(got, constant * symbol, rtol=0, atol=1e-13)
        strength = math.sqrt((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)) * _three_j_zero(l1, l2, l3)
        assert float(constant.abs()) == pytest.approx(abs(strength), rel=1e-12)


def _three_j_zero(l1, l2, l3):
    """(l1 l2 l3; 0 0 0) in closed form (Edmonds 1957, eq. 3.7.17)."""
    J = l1 + l2 + l3
    g, f = J // 2, math.factorial
    root = math.sqrt(f(J - 2 * l1) * f(J - 2 * l2) * f(J - 2 * l3) / f(J + 1))
    return (-1) ** g * root * f(g) / (f(g - l1) * f(g - l2) * f(g - l3))


def test_zonal_functions_are_legendre_polynomials():
    """sum_m Y_lm(e) Y_lm(n) = (2l + 1) P_l(e . n)."""
    grid = SphereGrid(4).double()
    e = fixed_directions(5)
    points, _ = quadrature(12)
    x = e @ points.T
    zonal = grid.zonal(spherical_harmonics(4, e))
    torch.testing.assert_close(zonal[..., 0], torch.ones_like(x))
    torch.testing.assert_close(zonal[..., 1], 3 * x, rtol=0, atol=1e-13)
    torch.testing.assert_close(zonal[..., 2], 5 * (1.5 * x**2 - 0.5), rtol=0, atol=1e-13)


def test_tables_stay_exact_through_a_change_of_precision():
    grid = SphereGrid(4).float().double()
    torch.testing.assert_close(grid.to_values, SphereGrid(4).double().to_values, rtol=0, atol=0)
    assert grid.to_values.dtype == torch.float64
