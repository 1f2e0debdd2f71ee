"""Topology of supercells and of other choices of cell, in exact integer arithmetic."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import integer_array
from lattice_gnn.lattice.topology import hermite_normal_form

MOST_STRUTS = 10_000_000  #: of a supercell; more would exhaust memory


@dataclass(frozen=True, slots=True, eq=False)
class Tiling:
    """Nodes and struts of a supercell; copy t of node n has the number t * num_nodes + n.

    Attributes:
        copies: Cell offsets of the copies, one per class of Z^3 modulo the new cell vectors.
        struts: Node numbers in the supercell, all struts of copy 0 first.
        shifts: Displacement of node j, in new cell vectors.
    """

    copies: Int[np.ndarray, "copies 3"]
    struts: Int[np.ndarray, "new_struts 2"]
    shifts: Int[np.ndarray, "new_struts 3"]


def tiling_matrix(*tiling: Any) -> Int[np.ndarray, "3 3"]:
    """Return the integer matrix whose rows are the new cell vectors in terms of the old ones.

    Args:
        tiling: One number of copies, three numbers, a sequence of three, or the matrix itself.

    Raises:
        LatticeGnnError: For anything else, or numbers of copies below 1.
    """
    value = tiling[0] if len(tiling) == 1 else tiling
    if np.isscalar(value):
        value = (value, value, value)
    if np.asarray(value, dtype=object).ndim == 2:
        return integer_array(value, "tiling", (3, 3))
    counts = integer_array(value, "tiling", (3,))
    if counts.min() < 1:
        raise LatticeGnnError(f"tiling: expected three numbers >= 1, got {counts.tolist()}.")
    return np.diag(counts)


def tile_topology(
    num_nodes: int,
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    M: Int[np.ndarray, "3 3"],
) -> Tiling:
    """Transform a net to the cell whose vectors are the rows of M @ cell.

    A strut of copy t leads to cell t + shift = t' + k @ M, with t' one of the copies and k an
    integer vector, the new shift. The copies are the remainders modulo the Hermite normal form of
    M.

    Raises:
        LatticeGnnError: If M is singular, or makes more than ``MOST_STRUTS`` struts.
    """
    total = abs(float(np.linalg.det(M))) * len(struts)
    if total > MOST_STRUTS:
        raise LatticeGnnError(
            f"tiling: expected at most {MOST_STRUTS} struts in all, got {total:.3g}."
        )
    H = hermite_normal_form(M)
    if len(H) < 3:
        raise LatticeGnnError("tiling: expected an integer matrix with a non-zero determinant.")
    sizes = tuple(int(size) for size in np.diag(H))
    count = int(np.prod(sizes))
    copies = np.stack(np.unravel_index(np.arange(count), sizes), axis=1)
    target = (copies[:, None] + shifts).reshape(-1, 3)
    rest = _remainders(target, H)
    first = np.repeat(np.arange(count), len(struts)) * num_nodes
    second = np.ravel_multi_index(tuple(rest.T), sizes) * num_nodes
    new_struts = np.column_stack(
        [first + np.tile(struts[:, 0], count), second + np.tile(struts[:, 1], count)]
    )
    return Tiling(copies=copies, struts=new_struts, shifts=_exact_quotients(target - rest, M))


def _remainders(
    vectors: Int[np.ndarray, "count 3"], H: Int[np.ndarray, "3 3"]
) -> Int[np.ndarray, "count 3"]:
    """Reduce integer vectors modulo the rows of a Hermite normal form into 0 <= v_k < H_kk."""
    rest = vectors.copy()
    for axis in range(3):
        rest -= (rest[:, axis] // H[axis, axis])[:, None] * H[axis]
    return rest


def _exact_quotients(
    vectors: Int[np.ndarray, "count 3"], M: Int[np.ndarray, "3 3"]
) -> Int[np.ndarray, "count 3"]:
    """Return integers k with k @ M = vectors; the vectors lie in the lattice of the rows of M."""
    adjugate = np.stack([np.cross(M[1], M[2]), np.cross(M[2], M[0]), np.cross(M[0], M[1])], axis=1)
    determinant = int(M[0] @ adjugate[:, 0])
    return (vectors @ adjugate) // determinant
