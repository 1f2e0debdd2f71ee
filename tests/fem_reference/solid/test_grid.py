"""The voxel grid: how many voxels resolve the thinnest strut."""

import inspect

import pytest

from fem_reference.solid.grid import grid_shape
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError


def test_the_thinnest_strut_is_resolved():
    """Edge 1 over a diameter of 0.1 with 8 voxels each: 80, a multiple of 8."""
    assert grid_shape(cell("sc", radius=0.05), 8, 1e12) == (80, 80, 80)


@pytest.mark.parametrize("voxels", ["8", None, float("nan"), 3, True])
def test_a_resolution_that_is_none_is_refused(voxels):
    with pytest.raises(LatticeGnnError, match="voxels_per_diameter: expected"):
        inspect.unwrap(grid_shape)(cell("sc", radius=0.05), voxels, 1e12)
