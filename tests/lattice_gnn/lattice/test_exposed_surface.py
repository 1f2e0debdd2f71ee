"""Surface of the union of struts and joints."""

import math

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.exposed_surface import exposed_surface


def test_the_surface_of_three_crossing_cylinders_has_the_area_of_the_tricylinder():
    # dV/dr of the union is its surface: V = 3 pi r^2 - 8 sqrt(2) r^3 per unit cell.
    r = 0.2
    surface = exposed_surface(cell("simple_cubic", radius=r)._solids())
    area = np.linalg.norm(surface.strut_areas, axis=1).sum()
    area += np.linalg.norm(surface.ball_areas, axis=1).sum()
    assert area == pytest.approx(6 * math.pi * r - 24 * math.sqrt(2) * r**2, rel=0.01)


def test_normals_sum_to_zero_over_a_cell():
    surface = exposed_surface(
        cell("kelvin", relative_density=0.1).perturbed(0.03, seed=1)._solids()
    )
    areas = np.concatenate([surface.strut_areas, surface.ball_areas])
    assert np.abs(areas.sum(axis=0)).max() < 0.01 * np.linalg.norm(areas, axis=1).sum()
