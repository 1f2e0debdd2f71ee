"""Titles, colours and size of a picture."""

import numpy as np
import pytest

from lattice_gnn.reports.stiffness import moduli_facts
from lattice_gnn.tensors.stiffness import Stiffness
from viz.mesh import modulus_surface
from viz.picture import _modulus_range, camera_axes, camera_direction, compose, direction_label


@pytest.mark.parametrize(
    ("direction", "label"),
    [
        ([1, 0, 0], "[1 0 0]"),
        ([-1, -1, -1], "[1 1 1]"),
        ([0.5, -0.5, 1], "[1 -1 2]"),
        ([0, -2, 3], "[0 -2 3]"),
        ([1, 0.2345, 0], "(0.97, 0.23, 0.00)"),
        ([-0.57735026, -0.57735027, 0.57735028], "[1 1 -1]"),
    ],
)
def test_directions_are_written_as_small_integers_where_they_fit(direction, label):
    unit = np.array(direction) / np.linalg.norm(direction)
    assert direction_label(unit) == label


def test_title_lines_name_lattice_density_and_extremal_moduli(octet, cubic_stiffness):
    picture = compose(octet, cubic_stiffness)
    assert picture.name == "octet"
    assert f"relative density {octet.relative_density:.4g}" in picture.facts
    low = 1 / float(cubic_stiffness.compliance()[0, 0])
    assert f"{low:.4g} along [1 0 0]" in picture.modulus_range.replace(
        "[0 1 0]", "[1 0 0]"
    ).replace("[0 0 1]", "[1 0 0]")
    assert picture.limits[0] == pytest.approx(low, rel=1e-9)
    assert picture.limits[1] == pytest.approx(picture.surface.values.max(), rel=2e-3)


def test_picture_and_table_name_the_same_direction():
    axis = np.array([1.0, 1.0, -1.0]) / 3**0.5
    along = 0.3 * np.outer(np.outer(axis, axis), np.outer(axis, axis)).reshape(3, 3, 3, 3)
    C = Stiffness.isotropic(0.01, 0.3) + Stiffness.from_cartesian(along)
    (facts,) = moduli_facts(C[None])
    label = direction_label(np.array(facts.extremes.E.max.n))
    assert label == "[1 1 -1]"
    assert _modulus_range(C, modulus_surface(C))[2].endswith(f"along {label}")


def test_one_node_is_one_node(simple_cubic, cubic_stiffness):
    assert "1 node and 3 struts per cell" in compose(simple_cubic, cubic_stiffness).facts


def test_both_halves_fill_the_unit_sphere_wherever_the_cell_lies(octet, cubic_stiffness):
    far = octet.scaled(17.0).translated(np.array([3.0, -2.0, 0.5]))
    for lattice, tiles in ((octet, (1, 1, 1)), (octet, (3, 1, 2)), (far, (1, 1, 1))):
        picture = compose(lattice, cubic_stiffness, tiles)
        reach = np.linalg.norm(picture.tubes.joints, axis=1) + picture.tubes.joint_radii
        assert reach.max() <= 1 + 1e-12
        assert reach.max() > 0.8
        assert np.linalg.norm(picture.surface.points, axis=1).max() == pytest.approx(1)


def test_isotropic_stiffness_has_colours_of_non_zero_range(octet):
    picture = compose(octet, Stiffness.isotropic(0.1, 0.3))
    assert picture.limits[0] < 0.1 < picture.limits[1]
    assert "isotropic" in picture.modulus_range


def test_singular_stiffness_says_so(octet):
    picture = compose(octet, Stiffness.cubic(1.0, 1.0, 0.5))
    assert "singular" in picture.modulus_range


def test_camera_axes_are_right_handed_and_look_down_on_upright_lattices():
    right, up, towards = camera_axes()
    np.testing.assert_allclose(np.cross(right, up), towards, atol=1e-15)
    np.testing.assert_allclose(towards, camera_direction(), atol=1e-15)
    assert right[2] == 0
    assert up[2] > 0
