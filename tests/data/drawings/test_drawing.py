"""Drawings: bars in space, and what their files leave out."""

import numpy as np

from data.drawings.drawing import Drawing


def test_a_drawing_without_radii_has_equal_ones_that_suit_its_size():
    for size in (1e-9, 1.0, 1e9):
        drawing = Drawing(size * np.eye(3), np.array([[0, 1], [1, 2]]))
        assert np.allclose(drawing.sections.table[:, :2], 0.01 * size, atol=0)
        assert not drawing.sections.table[:, 2].any()
