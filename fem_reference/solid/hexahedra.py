"""The finite element of the solid reference: a parallelepiped with incompatible modes.

All voxels of a grid in lattice coordinates have the same shape, so that there is a single element
matrix, multiplied by the weight of each voxel. Corner a = 4 a1 + 2 a2 + a3 of an element lies at
(a1, a2, a3), 0 or 1 along its three edges; degree of freedom 3 a + k is the displacement of corner
a along Cartesian axis k.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.tensors.notation import strain_basis
from lattice_gnn.tensors.stiffness import Stiffness

CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
"""Position of each corner, 0 or 1 along each edge, shape (8, 3)."""

OFFSETS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
"""Steps from a grid point to its 27 neighbours, itself (number 13) included, shape (27, 3)."""

PAIR_OFFSET = (((CORNERS[None] - CORNERS[:, None]) + 1) @ (9, 3, 1)).astype(np.int64)
"""Number of the step from corner a to corner b, shape (8, 8)."""

_UNIT_STRAINS = strain_basis(torch.zeros(0, dtype=torch.float64)).numpy()


@dataclass(frozen=True, slots=True)
class Hexahedron:
    """Element matrices shared by all voxels of a grid; the solid has E = 1.

    Attributes:
        stiffness: Element stiffness matrix, symmetric; unit E times length.
        loads: Nodal forces that hold the element at the six unit strains (Mandel basis).
        affine: Corner displacements, relative to corner 0, under the six unit strains.
        centre_stress: Stress (Mandel) at the centre from corner displacements; unit E over length.
        solid: Stiffness of the solid, Mandel.
        volume: Volume of one element.
    """

    stiffness: Float[np.ndarray, "24 24"]
    loads: Float[np.ndarray, "24 6"]
    affine: Float[np.ndarray, "24 6"]
    centre_stress: Float[np.ndarray, "6 24"]
    solid: Float[np.ndarray, "6 6"]
    volume: float


def hexahedron(edges: Float[np.ndarray, "3 3"], nu: float) -> Hexahedron:
    """Build the element of a parallelepiped.

    Trilinear displacements plus the nine modes 1 - xi_k^2 (Wilson, Taylor, Doherty and Ghaboussi
    1973), condensed out. The Jacobian is constant, so the modes do no work against a constant
    stress and the patch test holds; 2 x 2 x 2 Gauss points integrate the matrix exactly.

    Args:
        edges: Edge vectors as rows.
        nu: Poisson's ratio of the solid.
    """
    D = Stiffness.isotropic(1.0, nu).numpy()
    to_space = 2.0 * np.linalg.inv(edges)  # d xi_i / d x_k = to_space[k, i]
    volume = abs(float(np.linalg.det(edges)))
    signs = 2.0 * CORNERS - 1.0
    K = np.zeros((33, 33))
    for point in itertools.product((-(3.0**-0.5), 3.0**-0.5), repeat=3):
        modes = _strain_operator(np.diag(-2.0 * np.array(point)) @ to_space.T)
        B = np.hstack([_strain_operator(_trilinear_slopes(signs, point) @ to_space.T), modes])
        K += volume / 8.0 * B.T @ D @ B
    condensed = K[:24, :24] - K[:24, 24:] @ np.linalg.solve(K[24:, 24:], K[24:, :24])
    condensed = (condensed + condensed.T) / 2.0
    centre = _strain_operator(_trilinear_slopes(signs, (0.0, 0.0, 0.0)) @ to_space.T)
    affine = macro_displacement(CORNERS @ edges).reshape(24, 6)
    return Hexahedron(condensed, condensed @ affine, affine, D @ centre, D, volume)


def _trilinear_slopes(signs: Float[np.ndarray, "8 3"], point: tuple) -> Float[np.ndarray, "8 3"]:
    """Return the gradients along xi of the eight shape functions at a reference point."""
    factors = (1.0 + signs * np.array(point)) / 2.0
    others = np.stack([np.delete(factors, k, axis=1).prod(axis=1) for k in range(3)], axis=1)
    return signs / 2.0 * others


def _strain_operator(slopes: Float[np.ndarray, "functions 3"]) -> Float[np.ndarray, "6 columns"]:
    """Map coefficients of vector-valued functions with these gradients to Mandel strain."""
    return np.einsum("mij,fj->mfi", _UNIT_STRAINS, slopes).reshape(6, -1)


def macro_displacement(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3 6"]:
    """Return the displacements strain . x of points under the six unit strains."""
    return np.einsum("pk,mik->pim", points, _UNIT_STRAINS)


def child_interpolation() -> Float[np.ndarray, "8 24 24"]:
    """Interpolate corner displacements of an element to those of its eight children."""
    fine = CORNERS[:, None] + CORNERS[None]  # 0, 1 or 2 halves along each edge
    shape = np.ones((8, 8, 8))
    for axis in range(3):
        share = fine[:, :, None, axis] / 2.0
        shape *= np.where(CORNERS[None, None, :, axis] == 1, share, 1.0 - share)
    return np.stack([np.kron(part, np.eye(3)) for part in shape])


def descend(matrices: Float[np.ndarray, "parts 24 24"]) -> Float[np.ndarray, "eight_parts 24 24"]:
    """Compute the contribution of each descendant to the matrix of an element one level up.

    Args:
        matrices: Contributions of the descendants of an element (initially the element itself).

    Returns:
        Q_c^T M_s Q_c for descendant s of child c, number c * parts + s.
    """
    Q = child_interpolation()
    return np.einsum("cki,skl,clj->csij", Q, matrices, Q, optimize=True).reshape(-1, 24, 24)
