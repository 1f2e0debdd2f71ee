"""The drawing of a stiffness in a notebook."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from lattice_gnn.tensors.picture import SIZE, polar_curves, stiffness_html
from lattice_gnn.tensors.stiffness import Stiffness

COPPER = Stiffness.cubic(168.4, 121.4, 75.4)


def radii(svg):
    """List the distance from the centre along every polyline; the first is the ring."""
    root = ElementTree.fromstring(svg)
    curves = [x.get("points").split() for x in root if x.tag.endswith("polyline")]
    points = [np.array([pair.split(",") for pair in curve], float) for curve in curves]
    return [np.linalg.norm(curve - SIZE / 2, axis=1) for curve in points]


def test_curves_have_the_modulus_as_radius():
    ring, *curves = radii(polar_curves(COPPER))
    assert len(curves) == 3
    # Copper in a cube plane: E along <100> and <110> from the closed forms of cubic crystals.
    along = COPPER.young_modulus([[1.0, 0, 0], [1.0, 1, 0]])
    for curve in curves:
        assert curve[0] / curve[22] == pytest.approx(float(along[0] / along[1]), rel=0.01)
        assert curve.max() == pytest.approx(ring.max(), abs=0.2)


def test_curves_of_an_isotropic_solid_are_circles():
    for curve in radii(polar_curves(Stiffness.isotropic(3.0, 0.2))):
        assert np.ptp(curve) < 0.2


def test_the_page_shows_the_voigt_matrix_and_named_averages():
    html = stiffness_html(COPPER)
    ElementTree.fromstring(f"<div>{html}</div>")
    for text in ("168.4", "121.4", "75.4", "Hill", f"{float(COPPER.shear_modulus()):.4g}"):
        assert text in html


def test_singular_and_batched_tensors_have_a_page_too():
    singular = stiffness_html(Stiffness(torch.diag(torch.tensor([1.0, 0, 0, 0, 0, 0]))))
    assert "singular" in singular
    assert "<svg" not in singular
    batch = Stiffness(COPPER.mandel.expand(12, 6, 6))._repr_html_()
    assert "batch of shape (12,)" in batch
    assert "2 more" in batch
