"""Coordination sequences: the number of nodes in the first, second, third shell of a node.

They depend on the net alone (not on the choice of cell, node order or geometry), and distinguish
nearly all nets of interest (O'Keeffe and Hyde, *Crystal Structures I*, 1996, chapter 7).
"""

import hashlib

import numpy as np
from jaxtyping import Bool, Int

from lattice_gnn.lattice.lattice import Lattice

_SHELLS = 3


def coordination_sequences(lattice: Lattice, shells: int = _SHELLS) -> Int[np.ndarray, "nodes k"]:
    """Return the number of nodes at graph distance 1..shells from every node of the net."""
    return _grow(lattice, shells)[0]


def net_fingerprint(lattice: Lattice) -> str:
    """Return a short hash of the net that is the same for every cell, supercell and geometry.

    It is computed from the distribution over the nodes of the coordination sequence and of the
    number of struts within each shell (which distinguishes bcc from the triangular columns: both
    have 6 k^2 + 2 nodes in shell k).
    """
    rows = np.concatenate(_grow(lattice, _SHELLS), axis=1)
    rows, counts = np.unique(rows, axis=0, return_counts=True)
    content = np.column_stack([rows, counts // np.gcd.reduce(counts)]).astype(np.int64)
    return hashlib.sha256(content.tobytes()).hexdigest()[:12]


def _grow(
    lattice: Lattice, shells: int
) -> tuple[Int[np.ndarray, "nodes k"], Int[np.ndarray, "nodes k"]]:
    """Return shell sizes about every node, and numbers of strut ends within one shell."""
    count, span = lattice.num_nodes, 2 * (shells + 1) * (1 + int(np.abs(lattice.shifts).max())) + 1
    i, j = lattice.struts.T
    start, end = np.concatenate([i, j]), np.concatenate([j, i])
    step = np.concatenate([lattice.shifts, -lattice.shifts])
    order = np.argsort(start, kind="stable")
    start, end, step = start[order], end[order], step[order]
    first = np.searchsorted(start, np.arange(count + 1))
    weights = np.array([1, span, span**2])
    # A visited node is encoded as one integer: root, cell (offset to be positive), node.
    cells = span**3
    jump = (step @ weights) * count + end - start
    home = (span // 2) * weights.sum()
    before = front = (np.arange(count) * cells + home) * count + np.arange(count)
    sizes, ties = [], []

    def by_root(nodes: Int[np.ndarray, " visited"]) -> Int[np.ndarray, " roots"]:
        return np.bincount(nodes // (cells * count), minlength=count)

    for shell in range(shells + 1):
        node = front % count
        many = (first[1:] - first[:-1])[node]
        edges = np.arange(many.sum()) + np.repeat(first[node] - (many.cumsum() - many), many)
        ends = np.repeat(front, many) + jump[edges]
        level = _among(ends, front)
        if shell > 0:
            sizes.append(by_root(front))
            ties.append(by_root(ends[level]))
        if shell < shells:  # neighbours of a shell are in it, in the next or in the one before
            beyond = np.unique(ends[~level])
            before, front = front, beyond[~_among(beyond, before)]
    return np.stack(sizes, 1), np.stack(ties, 1)


def _among(
    values: Int[np.ndarray, " values"], ordered: Int[np.ndarray, " some"]
) -> Bool[np.ndarray, " values"]:
    """Return whether each value is among some in ascending order."""
    place = np.searchsorted(ordered, values)
    found: np.ndarray = ordered[np.minimum(place, len(ordered) - 1)] == values
    return found
