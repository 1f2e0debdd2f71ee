"""Views of a solid: displacement and von Mises stress on the surface of its voxels."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from data.exports.solid_fields import von_mises
from fem_reference.beam.strut_fields import strain_tensor
from fem_reference.solid.fields import SolidFields
from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from viz.cases import Case
from viz.deformation_view import exaggeration
from viz.mesh import Surface
from viz.picture import SURFACE_SIZE, Part, Picture, Scale, View, title_of

FILLED = 0.5
"""Filled share from which a voxel is drawn."""
_SIDES = np.array(
    [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
)
"""Corners of the faces of a VTK hexahedron, anticlockwise from outside."""


def boundary_faces(
    hexahedra: Int[np.ndarray, "voxels 8"],
) -> tuple[Int[np.ndarray, "faces 4"], Int[np.ndarray, " faces"]]:
    """Return the faces that belong to one voxel alone, and the number of this voxel."""
    faces = hexahedra[:, _SIDES].reshape(-1, 4)
    _, first, counts = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True
    )
    outer = np.sort(first[counts == 1])
    return faces[outer], outer // len(_SIDES)


def voxel_surface(
    fields: SolidFields,
    points: Float[np.ndarray, "points 3"],
    voxel_values: Float[np.ndarray, " voxels"] | None = None,
    point_values: Float[np.ndarray, " points"] | None = None,
) -> Surface:
    """Mesh the surface of the voxels that are at least half filled.

    Args:
        fields: The voxels.
        points: Where their corners are drawn.
        voxel_values: One value per voxel, for faces of one colour; or
        point_values: one value per corner.
    """
    filled = np.flatnonzero(fields.weights >= FILLED)
    faces, owners = boundary_faces(fields.hexahedra[filled])
    corners = faces.reshape(-1)
    if voxel_values is not None:
        values = np.repeat(voxel_values[filled][owners], 4)
    else:
        values = (np.zeros(len(points)) if point_values is None else point_values)[corners]
    first = 4 * np.arange(len(faces))[:, None]
    triangles = np.concatenate([first + np.array(half) for half in ((0, 1, 2), (0, 2, 3))])
    return Surface(points[corners], triangles, values)


def solid_picture(
    lattice: Lattice, fields: SolidFields, case: Case, factor: float | None = None
) -> Picture:
    """Draw displacement and von Mises stress of one cell side by side, deformed.

    Args:
        lattice: The lattice.
        fields: Fields of its solid under the six unit strains.
        case: The macroscopic strain.
        factor: By which displacements are multiplied; None for a strain of about 15 %.
    """
    factor = exaggeration(case.strain) if factor is None else factor
    motion = fields.displacement @ case.strain
    fluctuation = motion - fields.points @ strain_tensor(case.strain)
    centre_of_cell = lattice.cell.sum(axis=0) / 2
    motion = motion - centre_of_cell @ strain_tensor(case.strain)
    drawn = fields.points + factor * motion
    stress = von_mises(fields.stress @ case.strain)
    size = np.linalg.norm(fluctuation, axis=1)
    edges = cell_edges(lattice.cell)
    centre = edges.mean(axis=(0, 1))
    reach = max(float(np.linalg.norm(x - centre, axis=-1).max()) for x in (drawn, edges))
    unit = f", {lattice.units}" if lattice.units else ""
    line = f"solid FEM, {case.title}, displacements × {factor:.3g}"
    bodies = (
        (
            "fluctuation of the displacement",
            f"size{unit}",
            voxel_surface(fields, drawn, None, size),
        ),
        ("von Mises stress", "stress/E_s", voxel_surface(fields, drawn, stress)),
    )
    views = []
    for title, symbol, body in bodies:
        placed = replace(body, points=(body.points - centre) * (SURFACE_SIZE / reach))
        views.append(
            View(
                title,
                line,
                (Part(placed, True, smooth=False),),
                (edges - centre) * (SURFACE_SIZE / reach),
                Scale.of(symbol, body.values),
            )
        )
    return Picture(title_of(lattice.name), tuple(views), 2)
