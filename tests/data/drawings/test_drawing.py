"""Drawings: bars in space, and what their files leave out."""

import numpy as np

from data.drawings.drawing import Drawing


def test_a_drawing_without_radii_has_unit_ones():
    drawing = Drawing(np.eye(3), np.array([[0, 1], [1, 2]]))
    assert drawing.sections.table[:, :3].tolist() == [[1, 1, 0], [1, 1, 0]]
