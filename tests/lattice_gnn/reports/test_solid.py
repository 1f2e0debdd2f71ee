"""Solid solutions as documents: what the solver knows, and what a user is warned of."""

import numpy as np
import pytest

from fem_reference.solid import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.solid import solid_report


def two_nets(radius):
    """Two simple cubic nets, one in the gaps of the other."""
    struts = [[0, 0]] * 3 + [[1, 1]] * 3
    shifts = np.vstack([np.eye(3), np.eye(3)])
    return Lattice(np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], struts, shifts, radius)


def test_the_document_has_the_numbers_of_the_solution():
    lattice = cell("sc", radius=0.2)
    solution = homogenise_solid(lattice, voxels_per_diameter=4)
    report = solid_report(lattice, solution, 4)
    assert report.solid.error == solution.error
    assert report.solid.grid == solution.fine.shape
    assert report.solid.iterations.coarse == solution.coarse.iterations
    assert report.method.voxels_per_diameter == 4
    assert report.method.element is None
    assert report.rank == 6
    np.testing.assert_array_equal(report.stiffness.mandel, solution.stiffness.numpy())
    assert report.moduli.symmetry.name == "cubic"
    assert report.warnings == ()
    found = report.to_dict()
    assert found["method"] == {"name": "solid FEM", "voxels_per_diameter": 4}
    assert not {"energy", "modes", "condition"} & set(found)


@pytest.mark.parametrize(
    ("radius", "kinds", "touching"), [(0.15, ["net"], False), (0.27, ["contact", "gap"], True)]
)
def test_two_nets_are_warned_of_apart_or_touching(radius, kinds, touching):
    lattice = two_nets(radius)
    report = solid_report(lattice, homogenise_solid(lattice, voxels_per_diameter=6), 6)
    assert [warning.kind for warning in report.warnings] == kinds
    assert report.solid.touching is touching
