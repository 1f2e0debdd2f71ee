"""From a drawing of one cell, with copies of boundary nodes and cut struts, to a lattice."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice import Lattice
from lattice_gnn.lattice_checks import MAX_INTEGER, canonical_struts

TOLERANCE = 2e-4  #: fractional coordinates closer than this are one point (files print 5 digits)
STRAIGHT = 5e-3  #: |t1 + t2| of the two halves of a strut that a face cuts


def fold_window(
    cell: Float[np.ndarray, "3 3"],
    points: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    *,
    name: str = "",
) -> tuple[Lattice, str]:
    """Fold a drawing into its cell.

    Points that coincide modulo the cell become one node; a strut that is drawn several times (on
    opposite faces) is kept once; the two halves of a strut that a face cuts are joined, where
    nothing else meets them there. Struts that cross without a common point stay unjoined.

    Args:
        cell: Cell vectors as rows.
        points: Fractional coordinates.
        bars: Struts between points.
        name: Name of the lattice.

    Returns:
        The lattice with radii 1, and a sentence that says what was done.

    Raises:
        LatticeGnnError: where a strut ends at a face and nothing continues it on the other side, or
            folds to no length.
    """
    if np.abs(points).max() > MAX_INTEGER:
        raise LatticeGnnError(
            f"nodes: expected fractional coordinates below {MAX_INTEGER}, got "
            f"{np.abs(points).max():g}"
        )
    node, offsets, nodes = _merge(points)
    struts = node[bars]
    shifts = offsets[bars[:, 1]] - offsets[bars[:, 0]]
    if ((struts[:, 0] == struts[:, 1]) & (shifts == 0).all(1)).any():
        bar = int(np.flatnonzero((struts[:, 0] == struts[:, 1]) & (shifts == 0).all(1))[0])
        raise LatticeGnnError(f"bars[{bar}]: its two ends are the same point; remove it")
    rows = np.unique(canonical_struts(struts, shifts), axis=0)
    used, ends = np.unique(rows[:, :2], return_inverse=True)
    lattice = Lattice(
        cell=cell,
        nodes=nodes[used],
        struts=ends.reshape(-1, 2),
        shifts=rows[:, 2:],
        radii=np.ones(len(rows)),
        name=name,
    )
    _check_ends(lattice)
    folded = lattice.simplified(STRAIGHT)
    return folded, (
        f"folded from a drawing of {len(points)} nodes and {len(bars)} struts to "
        f"{folded.num_nodes} nodes and {folded.num_struts} struts"
    )


def _merge(
    points: Float[np.ndarray, "points 3"],
) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "points 3"], Float[np.ndarray, "nodes 3"]]:
    """Return the node of each point, the cell that the point lies in, and the nodes."""
    wrapped = points - np.floor(points)
    wrapped[wrapped >= 1.0] = 0.0
    tree = cKDTree(wrapped, boxsize=1.0)
    first, second = tree.query_pairs(TOLERANCE, output_type="ndarray").T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(points), len(points)))
    count, node = connected_components(graph, directed=False)
    leader = np.full(count, len(points))
    np.minimum.at(leader, node, np.arange(len(points)))
    nodes = wrapped[leader]
    offsets = np.rint(points - nodes[node]).astype(np.int64)
    total = np.zeros((count, 3))
    np.add.at(total, node, points - offsets)
    return node, offsets, total / np.bincount(node)[:, None]


def _check_ends(lattice: Lattice) -> None:
    """No strut may end alone at a face of the cell."""
    on_face = (np.abs(lattice.nodes - np.rint(lattice.nodes)) < TOLERANCE).any(1)
    alone = np.flatnonzero((lattice.degrees == 1) & on_face)
    if len(alone):
        place = ", ".join(f"{x:.5g}" for x in lattice.nodes[alone[0]])
        raise LatticeGnnError(
            f"the drawing does not fold into a periodic cell: a strut ends at ({place}) on a face "
            "and none continues it on the opposite face; give the fundamental representation"
        )
