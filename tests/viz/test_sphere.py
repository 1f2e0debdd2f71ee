"""Spheres of triangles are closed and round."""

import numpy as np
import pytest

from viz.sphere import icosphere


def test_icosphere_is_closed_and_round(assert_closed):
    points, faces = icosphere(3)
    assert len(faces) == 20 * 4**3
    assert_closed(faces)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-14)
    a, b, c = (points[faces[:, k]] for k in range(3))
    assert np.einsum("fi,fi->", a, np.cross(b, c)) / 6 == pytest.approx(4 / 3 * np.pi, rel=0.01)
