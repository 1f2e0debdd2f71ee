"""Polar cuts follow the formula of Young's modulus."""

import re

import numpy as np
import pytest
import torch

from lattice_gnn.tensors.stiffness import Stiffness
from viz.web.cuts import modulus_in_plane, polar_cuts, refined_curve, ring_values

CUBIC = Stiffness.cubic(0.01671, 0.00831, 0.00835)


def cubic_modulus(C11, C12, C44, n):
    """E(n) of a cubic solid: 1/E = S11 - 2 (S11 - S12 - S44/2) (n1²n2² + n2²n3² + n3²n1²)."""
    S11 = (C11 + C12) / ((C11 - C12) * (C11 + 2 * C12))
    S12 = -C12 / ((C11 - C12) * (C11 + 2 * C12))
    a, b, c = (n**2).T
    return 1 / (S11 - 2 * (S11 - S12 - 0.5 / C44) * (a * b + b * c + c * a))


def test_the_modulus_in_a_plane_equals_the_formula_of_cubic_solids():
    angles = np.linspace(0, 2 * np.pi, 37)
    n = np.column_stack([np.cos(angles), 0 * angles, np.sin(angles)])
    expected = cubic_modulus(0.01671, 0.00831, 0.00835, n)
    assert modulus_in_plane(CUBIC, 0, 2)(angles) == pytest.approx(expected, rel=1e-12)


def test_a_curve_is_closed_and_its_points_lie_on_the_formula():
    scale = 5000.0
    curve = refined_curve(modulus_in_plane(CUBIC, 0, 1), scale)
    assert curve[0] == pytest.approx(curve[-1])
    radius = np.linalg.norm(curve, axis=1)
    n = np.column_stack([curve / radius[:, None] * [1, -1], 0 * radius])
    expected = scale * cubic_modulus(0.01671, 0.00831, 0.00835, n)
    assert radius == pytest.approx(expected, rel=1e-9)


def test_a_peak_narrower_than_a_degree_is_resolved():
    slender = Stiffness.cubic(1.0, 0.0, 1e-5)
    modulus = modulus_in_plane(slender, 0, 1)
    curve = refined_curve(modulus, 90.0)
    middle = (curve[1:] + curve[:-1]) / 2
    angles = np.arctan2(-middle[:, 1], middle[:, 0])
    chords = np.linalg.norm(middle, axis=1) - 90 * modulus(angles)
    assert np.abs(chords)[np.linalg.norm(middle, axis=1) > 45].max() < 5
    assert np.linalg.norm(curve, axis=1).max() == pytest.approx(90.0)
    assert len(curve) < 2000


@pytest.mark.parametrize(
    ("largest", "rings"),
    [(1.0, [0.2, 0.4, 0.6, 0.8, 1.0]), (0.0107, [0.005, 0.01]), (4.7, [1, 2, 3, 4])],
)
def test_rings_are_round_values_up_to_the_largest(largest, rings):
    assert ring_values(largest) == pytest.approx(rings)


def test_the_picture_has_three_planes_one_curve_each_per_method_and_escapes_titles():
    svg = polar_cuts({"a & b": CUBIC, "beam": CUBIC.scaled(0.9)})
    assert re.findall(r">plane (\d\d)<", svg) == ["12", "13", "23"]
    assert svg.count('stroke-width="1.8"') == 6
    assert "a &amp; b" in svg
    diagonal = np.array([[0.5, 0.5, 0.0]]) ** 0.5
    (largest,) = cubic_modulus(0.01671, 0.00831, 0.00835, diagonal)
    assert f"up to {largest:.4g}</title>" in svg


def test_a_singular_stiffness_has_no_curve():
    singular = Stiffness(torch.diag(torch.tensor([1.0, 1, 1, 1, 1, 0], dtype=torch.float64)))
    assert polar_cuts({"beam FEM": singular}) == ""
