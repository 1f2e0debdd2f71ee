"""Titles, colours and camera of a picture."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.picture import Scale, camera_axes, camera_direction, direction_label, theme_named


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


def test_camera_axes_are_right_handed_and_look_down_on_upright_lattices():
    right, up, towards = camera_axes()
    np.testing.assert_allclose(np.cross(right, up), towards, atol=1e-15)
    np.testing.assert_allclose(towards, camera_direction(), atol=1e-15)
    assert right[2] == 0
    assert up[2] > 0


def test_a_scale_spans_its_values_and_is_symmetric_where_they_change_sign():
    assert Scale.of("E", np.array([0.2, 0.7, 0.3])).limits == (0.2, 0.7)
    signed = Scale.of("nu", np.array([-0.5, 0.2]))
    assert signed.limits == (-0.5, 0.5)
    assert signed.colours != Scale.of("E", np.array([0.2, 0.7])).colours
    low, high = Scale.of("E", np.full(3, 0.1)).limits
    assert low < 0.1 < high


def test_an_unknown_theme_is_refused():
    with pytest.raises(LatticeGnnError, match="expected one of light, dark"):
        theme_named("grey")
