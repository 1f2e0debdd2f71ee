"""Displacement and stress fields of a homogenised solid on the voxels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fem_reference.solid.grid import Grid, numbers_at
from fem_reference.solid.hexahedra import CORNERS, Hexahedron, macro_displacement
from fem_reference.solid.multigrid import Nodal

_VTK_ORDER = [0, 4, 6, 2, 1, 5, 7, 3]  #: corners a1 a2 a3 in the order of a VTK hexahedron


@dataclass(frozen=True, slots=True, eq=False)
class VoxelModel:
    """Voxel model: a grid of elements with weights and moduli.

    Attributes:
        cell: Cell vectors as rows.
        grid: Filled voxels and their nodes.
        weights: Filled share of every filled voxel.
        moduli: Mean Young's modulus of the filled part of each, E / E_s.
        element: The element shared by all voxels; E = 1.
    """

    cell: Float[np.ndarray, "3 3"]
    grid: Grid
    weights: Float[np.ndarray, " voxels"]
    moduli: Float[np.ndarray, " voxels"]
    element: Hexahedron

    @property
    def stiffness_weights(self) -> Float[np.ndarray, " voxels"]:
        """Stiffness of every filled voxel as a multiple of the element's."""
        return self.weights * self.moduli


@dataclass(frozen=True, slots=True, eq=False)
class SolidFields:
    """Fields in the solid under the six unit strains (last axis, Mandel order).

    Attributes:
        points: Cartesian corners of the voxels; points on opposite faces of the cell are repeated.
        hexahedra: Corner points of every filled voxel, in VTK order.
        weights: Filled share of every voxel.
        displacement: Total displacement of the points, strain . x + fluctuation; unit of length.
        stress: Stress over E_s in the solid at the centre of every voxel, Mandel.
    """

    points: Float[np.ndarray, "points 3"]
    hexahedra: Int[np.ndarray, "voxels 8"]
    weights: Float[np.ndarray, " voxels"]
    displacement: Float[np.ndarray, "points 3 6"]
    stress: Float[np.ndarray, "voxels 6 6"]


def solid_fields(model: VoxelModel, fluctuation: Nodal) -> SolidFields:
    """Compute displacement and stress; points on opposite faces of the cell are repeated."""
    grid, element = model.grid, model.element
    voxels = np.stack(np.unravel_index(grid.voxels, grid.shape), axis=1)
    corners = voxels[:, None] + CORNERS
    beyond = np.array(grid.shape) + 1
    flat = np.ravel_multi_index(tuple(np.moveaxis(corners, 2, 0)), tuple(beyond))
    numbers, hexahedra = np.unique(flat, return_inverse=True)
    hexahedra = hexahedra.reshape(flat.shape)
    at = np.unravel_index(numbers, tuple(beyond))
    points = np.stack(at, axis=1) / np.array(grid.shape) @ model.cell
    node = grid.places()[numbers_at(at, np.zeros((1, 3), dtype=np.int64), grid.shape)[:, 0]]
    stress = np.empty((len(voxels), 6, 6))
    for first in range(0, len(voxels), 65536):
        part = slice(first, first + 65536)
        corner_motion = fluctuation[grid.corners[part]].reshape(-1, 24, 6) + element.affine
        stress[part] = element.centre_stress @ corner_motion
    stress *= model.moduli[:, None, None]
    mirrored = float(np.linalg.det(model.cell)) < 0  # VTK orders the first face as seen from inside
    order = _VTK_ORDER[4:] + _VTK_ORDER[:4] if mirrored else _VTK_ORDER
    return SolidFields(
        points=points,
        hexahedra=hexahedra[:, order],
        weights=model.weights,
        displacement=macro_displacement(points) + fluctuation[node],
        stress=stress,
    )
