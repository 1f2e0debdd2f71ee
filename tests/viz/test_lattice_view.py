"""A lattice as drawn: size, colours, counts."""

import numpy as np
import pytest

from viz.colouring import Colouring, by_radius
from viz.lattice_view import lattice_view


def test_it_fills_the_unit_sphere_wherever_the_cell_lies(octet):
    far = octet.scaled(17.0).translated(np.array([3.0, -2.0, 0.5]))
    for lattice, tiles in ((octet, (1, 1, 1)), (octet, (3, 1, 2)), (far, (1, 1, 1))):
        tubes = lattice_view(lattice, tiles).parts[0].body
        reach = np.linalg.norm(tubes.joints, axis=1) + tubes.joint_radii
        assert 0.8 < reach.max() <= 1 + 1e-12


def test_one_node_is_one_node(simple_cubic):
    assert "1 node and 3 struts per cell" in lattice_view(simple_cubic).line


def test_text_names_lattice_density_and_cells(octet):
    view = lattice_view(octet, (2, 1, 3))
    assert view.title == "octet"
    assert f"relative density {octet.relative_density:.4g}" in view.line
    assert "2 × 1 × 3 cells drawn" in view.line


def test_colours_span_the_data_and_every_image_has_that_of_its_strut(octet):
    values = np.linspace(-1.0, 3.0, octet.num_struts)
    view = lattice_view(octet, (2, 2, 1), Colouring("force", "", struts=values))
    (part,) = view.parts
    assert view.scale.limits == (-3.0, 3.0)  # symmetric, as the sign changes
    np.testing.assert_array_equal(part.values[:, 0], values[part.body.sources])
    assert part.joint_values is None
    joints = lattice_view(octet, colouring=Colouring("x", "", joints=np.arange(4.0)))
    assert joints.scale.limits == (0.0, 3.0)
    np.testing.assert_array_equal(joints.parts[0].joint_values, joints.parts[0].body.joint_nodes)


def test_radius_colours_follow_a_taper(simple_cubic):
    view = lattice_view(
        simple_cubic.replace(end_radii=np.full(3, 0.3)), (1, 1, 1), by_radius(simple_cubic)
    )
    (part,) = view.parts
    assert view.scale.limits == pytest.approx((0.1, 0.3))
    np.testing.assert_array_equal(part.values, np.tile([0.1, 0.3], (12, 1)))
