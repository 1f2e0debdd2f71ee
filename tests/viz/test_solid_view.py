"""Voxel surfaces of solids: closed, of the right volume, with the values of their voxels."""

import numpy as np
import pytest

from data.exports.solid_fields import von_mises
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from viz.cases import unit_cases
from viz.solid_view import FILLED, boundary_faces, solid_picture, voxel_surface


@pytest.fixture(scope="module")
def solved():
    lattice = cell("sc", radius=0.2)
    return lattice, homogenise_solid(lattice, voxels_per_diameter=6).fine.fields


def test_boundary_of_two_cubes_has_ten_faces():
    first = np.array([0, 1, 3, 2, 4, 5, 7, 6])
    second = np.array([4, 5, 7, 6, 8, 9, 11, 10])
    faces, owners = boundary_faces(np.stack([first, second]))
    assert len(faces) == 10
    assert np.bincount(owners).tolist() == [5, 5]


def test_the_surface_encloses_the_voxels_that_are_half_filled(solved):
    lattice, fields = solved
    surface = voxel_surface(fields, fields.points)
    counts = np.array([round(lattice.cell[0, 0] / np.diff(np.unique(fields.points[:, 0]))[0])])
    voxel = lattice.volume / float(counts[0]) ** 3
    filled = int((fields.weights >= FILLED).sum())
    assert surface.volume == pytest.approx(filled * voxel, rel=1e-9)


def test_values_are_those_of_the_voxels_and_colours_span_them(solved):
    lattice, fields = solved
    motion, stress = solid_picture(lattice, fields, unit_cases()[2]).views
    own = von_mises(fields.stress[:, :, 2])
    assert set(stress.parts[0].body.values) <= set(own)
    values = stress.parts[0].body.values
    assert stress.scale.limits == (values.min(), values.max())
    assert motion.scale.limits[1] == motion.parts[0].body.values.max()
    assert "displacements × 0.15" in stress.line


def test_bars_along_the_strain_are_drawn_longer_by_the_factor(solved):
    lattice, fields = solved
    picture = solid_picture(lattice, fields, unit_cases()[2], factor=0.1)
    points = picture.views[1].parts[0].body.points
    edges = picture.views[1].edges
    height = np.ptp(points[:, 2]) / np.ptp(edges[..., 2])
    assert height == pytest.approx(1.1, rel=1e-4)  # the tolerance of the iteration
