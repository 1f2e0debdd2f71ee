"""Surfaces by direction have the radius of the modulus, peaks included."""

import numpy as np
import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.directional import QUANTITIES, directional_surface, values_along


def test_modulus_surface_of_an_isotropic_solid_is_a_sphere_of_radius_E():
    surface = directional_surface(Stiffness.isotropic(0.7, 0.2))
    np.testing.assert_allclose(surface.values, 0.7, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(surface.points, axis=1), 0.7, rtol=1e-12)


def test_modulus_surface_finds_a_peak_narrower_than_its_first_mesh(assert_closed):
    # The peak along [111] is a degree wide; its height for cubic symmetry is
    # 9 K G / (3 K + G) with G = C44, K = (C11 + 2 C12)/3.
    C11, C12, C44 = 1.0, 0.9995, 0.95
    K = (C11 + 2 * C12) / 3
    peak = 9 * K * C44 / (3 * K + C44)
    surface = directional_surface(Stiffness.cubic(C11, C12, C44))
    assert peak == pytest.approx(2.1644, abs=1e-4)
    assert surface.values.max() == pytest.approx(peak, rel=5e-3)
    assert_closed(surface.faces)
    highest = np.abs(surface.points[surface.values.argmax()])
    np.testing.assert_allclose(highest / np.linalg.norm(highest), 3**-0.5, atol=0.01)


def test_modulus_surface_of_a_singular_stiffness_is_a_point():
    surface = directional_surface(Stiffness(torch.zeros(6, 6, dtype=torch.float64)))
    assert not surface.points.any()
    assert not surface.values.any()


@pytest.fixture
def odd():
    """A stiffness without symmetry."""
    root = torch.randn(6, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return Stiffness(root @ root.mT + 0.2 * torch.eye(6))


def across(n, angle):
    """Unit vectors perpendicular to n at these angles."""
    a = np.cross(n, [0.3, -0.5, 0.8])
    a /= np.linalg.norm(a)
    return np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * np.cross(n, a)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_radius_in_direction_n_is_the_modulus_there(quantity, odd):
    surface = directional_surface(odd, quantity)
    radius = np.linalg.norm(surface.points, axis=1)
    np.testing.assert_allclose(radius, np.abs(surface.values), rtol=1e-12)
    angle = np.linspace(0, np.pi, 20001)
    for k in (0, 77, len(radius) // 2):
        n = surface.points[k] / radius[k]
        m = across(n, angle)
        several = np.tile(n, (len(m), 1))
        what = QUANTITIES[quantity].modulus
        if what == "E":
            expected = float(odd.young_modulus(n))
        elif what == "beta":
            expected = float(odd.linear_compressibility(n))
        else:
            over = (odd.shear_modulus if what == "G" else odd.poisson_ratio)(several, m).numpy()
            expected = over.min() if quantity.endswith("min") else over.max()
        assert surface.values[k] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("modulus", ["G", "nu"])
def test_extremes_over_all_directions_are_those_of_the_search(modulus, odd):
    extrema = odd.extrema(modulus)
    lowest = directional_surface(odd, f"{modulus}-min").values.min()
    highest = directional_surface(odd, f"{modulus}-max").values.max()
    spread = float(extrema.max - extrema.min)
    assert float(extrema.min) <= lowest + 1e-9 <= float(extrema.min) + 0.01 * spread
    assert float(extrema.max) >= highest - 1e-9 >= float(extrema.max) - 0.01 * spread


def test_an_unknown_quantity_is_refused(odd):
    with pytest.raises(LatticeGnnError, match="expected one of E, beta"):
        values_along(odd, np.eye(3), "K")
