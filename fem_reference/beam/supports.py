"""Rigid-body motions of a periodic frame, determined from its graph alone.

Without deformation each component of a rigid-jointed frame moves as u(x) = v + omega x x. Periodic
displacements leave v free for every component and require omega x T = 0 for each lattice vector T
in the span of the component's cycles. By the rank of those T:

    rank 3 or 2   three translations
    rank 1        three translations and the spin about the line that the component follows
    rank 0        three translations and three rotations (a component that closes on itself)

So the null space of the stiffness matrix is known exactly, and the matrix is made regular by
*holding* one degree of freedom per null vector, without regularisation or thresholds on
eigenvalues. Likewise, a macroscopic strain E has zero energy in a component whose cycles span V if
P_V E P_V = 0, which gives the rank of the effective stiffness: the dimension of the sum of Sym(V)
over the components.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.lattice.batch import LatticeBatch


@dataclass(frozen=True, slots=True)
class Supports:
    """Components of the lattices of a batch, and the degrees of freedom to hold.

    Attributes:
        component: Component of each node, numbered across the batch.
        cycle_rank: Rank (0-3) of each component's cycle vectors: the dimension of space that it
            spans.
        component_lattice: The lattice to which each component belongs.
        held: Degrees of freedom to hold, ``6 * node + k``, k = 0-2 displacement, 3-5 rotation.
        rank: Rank (0-6) of each lattice's effective stiffness.
    """

    component: Int[np.ndarray, " nodes"]
    cycle_rank: Int[np.ndarray, " components"]
    component_lattice: Int[np.ndarray, " components"]
    held: Int[np.ndarray, " held"]
    rank: Int[np.ndarray, " lattices"]


def find_supports(batch: LatticeBatch) -> Supports:
    """Find components, ranks and the degrees of freedom to hold, for the whole batch."""
    struts = batch.struts.cpu().numpy()
    shifts = batch.shifts.cpu().numpy()
    cells = batch.cells.detach().cpu().numpy().astype(np.float64)
    num_nodes = len(batch.nodes)
    i, j = struts.T
    root, component = np.unique(_smallest_node(struts, num_nodes), return_inverse=True)
    count = len(root)
    offsets = _spanning_offsets(struts, shifts, root, num_nodes)
    cycles = offsets[i] + shifts - offsets[j]
    owner = component[i]
    gram = _gram_of_cycles(cycles, owner, count)
    cycle_rank = _rank_of_gram(gram)
    component_lattice = np.searchsorted(batch.node_offsets.cpu().numpy(), root, side="right") - 1
    held = [(6 * root[:, None] + np.arange(3)).ravel()]
    for c in np.flatnonzero(cycle_rank == 0):
        held.append(6 * root[c] + np.arange(3, 6))
    for c in np.flatnonzero(cycle_rank == 1):
        longest = np.flatnonzero(owner == c)[np.abs(cycles[owner == c]).sum(1).argmax()]
        line = cycles[longest] @ cells[component_lattice[c]]
        held.append(6 * root[c, None] + 3 + np.abs(line).argmax())
    return Supports(
        component=component,
        cycle_rank=cycle_rank,
        component_lattice=component_lattice.astype(np.int64),
        held=np.sort(np.concatenate(held)),
        rank=_stiffness_rank(gram, cycle_rank, component_lattice, cells),
    )


def _smallest_node(
    struts: Int[np.ndarray, "struts 2"], num_nodes: int
) -> Int[np.ndarray, " nodes"]:
    """Return the smallest node of each node's component.

    Trees that a strut joins are merged at their roots until no strut is left between two trees.

    Reference:
        Shiloach, Vishkin, *An O(log n) parallel connectivity algorithm*, J. Algorithms 3 (1982) 57.
    """
    smallest = np.arange(num_nodes)
    while True:
        roots = smallest[struts]
        roots = roots[roots[:, 0] != roots[:, 1]]
        if not len(roots):
            return smallest
        one, other = roots.T
        np.minimum.at(smallest, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(above := smallest[smallest], smallest):
            smallest = above


def _gram_of_cycles(
    cycles: Int[np.ndarray, "struts 3"], owner: Int[np.ndarray, " struts"], count: int
) -> Int[np.ndarray, "components 3 3"]:
    """Sum of the products of each component's cycle vectors with themselves, in integers."""
    gram = np.zeros((count, 3, 3), dtype=np.int64)
    if not len(owner):
        return gram
    order = np.argsort(owner, kind="stable")
    owner, (x, y, z) = owner[order], cycles[order].T
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    for a, b, values in ((0, 0, x * x), (1, 1, y * y), (2, 2, z * z)):
        gram[owner[starts], a, b] = np.add.reduceat(values, starts)
    for a, b, values in ((0, 1, x * y), (0, 2, x * z), (1, 2, y * z)):
        gram[owner[starts], a, b] = gram[owner[starts], b, a] = np.add.reduceat(values, starts)
    return gram


def _rank_of_gram(gram: Int[np.ndarray, "components 3 3"]) -> Int[np.ndarray, " components"]:
    """Compute the exact rank of positive semi-definite integer matrices by principal minors."""
    if gram.max(initial=0) >= 2**20:  # the determinant might overflow
        gram = gram.astype(object)
    a, b, c = gram[:, 0, 0], gram[:, 1, 1], gram[:, 2, 2]
    d, e, f = gram[:, 0, 1], gram[:, 0, 2], gram[:, 1, 2]
    pairs = (a * b - d * d) + (a * c - e * e) + (b * c - f * f)
    determinant = a * b * c + 2 * d * e * f - a * f * f - b * e * e - c * d * d
    rank = (a + b + c > 0).astype(np.int64)
    return rank + (pairs > 0).astype(np.int64) + (determinant > 0).astype(np.int64)


def _spanning_offsets(
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    root: Int[np.ndarray, " components"],
    num_nodes: int,
) -> Int[np.ndarray, "nodes 3"]:
    """Return the cell in which a breadth-first spanning tree from each root reaches each node."""
    offsets = np.zeros((num_nodes, 3), dtype=np.int64)
    reached: Bool[np.ndarray, " nodes"] = np.zeros(num_nodes, dtype=bool)
    reached[root] = True
    i, j = struts.T
    while not reached.all():
        for start, end, step in ((i, j, shifts), (j, i, -shifts)):
            grows = np.flatnonzero(reached[start] & ~reached[end])
            new, first = np.unique(end[grows], return_index=True)
            offsets[new] = offsets[start[grows[first]]] + step[grows[first]]
            reached[new] = True
    return offsets


def _stiffness_rank(
    gram: Int[np.ndarray, "components 3 3"],
    cycle_rank: Int[np.ndarray, " components"],
    component_lattice: Int[np.ndarray, " components"],
    cells: Float[np.ndarray, "lattices 3 3"],
) -> Int[np.ndarray, " lattices"]:
    """Compute the dimension of the sum of Sym(V) over each lattice's components."""
    rank = np.zeros(len(cells), dtype=np.int64)
    np.maximum.at(rank, component_lattice, cycle_rank * (cycle_rank + 1) // 2)
    lattices_with_several = np.flatnonzero(np.bincount(component_lattice) > 1)
    for b in lattices_with_several[rank[lattices_with_several] < 6]:
        products = []
        for c in np.flatnonzero(component_lattice == b):
            vectors = cells[b].T @ gram[c] @ cells[b]
            _, directions = np.linalg.eigh(vectors)
            basis = directions[:, 3 - cycle_rank[c] :]
            products += [
                (np.outer(u, v) + np.outer(v, u)).ravel() for u in basis.T for v in basis.T
            ]
        rank[b] = np.linalg.matrix_rank(np.array(products), tol=1e-9) if products else 0
    return rank
