"""Coordination sequences: how many neighbours a node has in its first, second, third shell.

They depend on the net alone (not on the choice of cell, node order or geometry), and tell apart
nearly all nets of interest (O'Keeffe and Hyde, *Crystal Structures I*, 1996, chapter 7).
"""

import hashlib

import numpy as np
from jaxtyping import Int

from lattice_gnn.lattice import Lattice

_SHELLS = 3


def coordination_sequences(lattice: Lattice, shells: int = _SHELLS) -> Int[np.ndarray, "nodes k"]:
    """Number of nodes at graph distance 1..shells from every node, in the infinite net."""
    count, span = lattice.num_nodes, 2 * shells * (1 + int(np.abs(lattice.shifts).max())) + 1
    i, j = lattice.struts.T
    start, end = np.concatenate([i, j]), np.concatenate([j, i])
    step = np.concatenate([lattice.shifts, -lattice.shifts])
    order = np.argsort(start, kind="stable")
    start, end, step = start[order], end[order], step[order]
    first = np.searchsorted(start, np.arange(count + 1))
    weights = np.array([1, span, span**2])
    # A visited node is one integer: root, cell (offset so that all are positive), node.
    cells = span**3
    jump = (step @ weights) * count + end - start
    home = (span // 2) * weights.sum()
    seen = front = (np.arange(count) * cells + home) * count + np.arange(count)
    sizes = []
    for _ in range(shells):
        node = front % count
        many = (first[1:] - first[:-1])[node]
        edges = np.arange(many.sum()) + np.repeat(first[node] - (many.cumsum() - many), many)
        reached = np.unique(np.repeat(front, many) + jump[edges])
        front = np.setdiff1d(reached, seen, assume_unique=True)
        seen = np.concatenate([seen, front])
        sizes.append(np.bincount(front // (cells * count), minlength=count))
    return np.stack(sizes, 1)


def net_fingerprint(lattice: Lattice) -> str:
    """A short hash of the distribution of coordination sequences; the same for every supercell."""
    rows, counts = np.unique(coordination_sequences(lattice), axis=0, return_counts=True)
    content = np.column_stack([rows, counts // np.gcd.reduce(counts)]).astype(np.int64)
    return hashlib.sha256(content.tobytes()).hexdigest()[:12]
