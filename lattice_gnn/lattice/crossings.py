"""Detection of struts that cross without a common node, and splitting at the crossings."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts, share_joint

MAX_SPLIT = 20_000  #: largest number of struts for which crossings are searched
_TOUCH = 1e-6  #: distance of axes, over the mean strut length, that counts as a crossing
_SAME = 1e-5  #: distance of points, over the mean strut length, below which they are one

Vectors = Float[np.ndarray, "3 3"]
Points = Float[np.ndarray, "points 3"]
Struts = Int[np.ndarray, "struts 2"]
Shifts = Int[np.ndarray, "struts 3"]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """A net whose struts are cut wherever they met another strut; pieces may overlap.

    Attributes:
        nodes: Fractional coordinates: the old nodes first, then the new joints.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.
        source: Number of the old strut of each piece.
        start: Start of the piece along the old strut, 0 to 1.
        stop: End of the piece along the old strut.
        number: New number of each old node.
    """

    nodes: Float[np.ndarray, "new_nodes 3"]
    struts: Int[np.ndarray, "pieces 2"]
    shifts: Int[np.ndarray, "pieces 3"]
    source: Int[np.ndarray, " pieces"]
    start: Float[np.ndarray, " pieces"]
    stop: Float[np.ndarray, " pieces"]
    number: Int[np.ndarray, " nodes"]


def split_crossings(
    cell: Vectors, nodes: Points, struts: Struts, shifts: Shifts
) -> tuple[
    Float[np.ndarray, "new_nodes 3"],
    Int[np.ndarray, "new_struts 2"],
    Int[np.ndarray, "new_struts 3"],
]:
    """Insert a node wherever the axes of two struts meet, and cut struts at every node on them.

    Coincident struts are kept once.

    Args:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates, distinct modulo the cell.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.

    Returns:
        Nodes (the old ones first), struts and shifts; the arguments themselves if nothing crosses.
    """
    mean = float(_lengths(cell, nodes, struts, shifts).mean())
    pieces = cut_struts(cell, nodes, struts, shifts, (_TOUCH * mean, _SAME * mean))
    if pieces is None:
        return nodes, struts, shifts
    return pieces.nodes, *unique_struts(pieces.struts, pieces.shifts)


def unique_struts(
    struts: Struts, shifts: Shifts
) -> tuple[Int[np.ndarray, "new_struts 2"], Int[np.ndarray, "new_struts 3"]]:
    """Keep every strut once, in the order of their first occurrence."""
    table = canonical_struts(struts, shifts)
    _, first = np.unique(table, axis=0, return_index=True)
    table = table[np.sort(first)]
    return table[:, :2], table[:, 2:]


def cut_struts(
    cell: Vectors, nodes: Points, struts: Struts, shifts: Shifts, tolerances: tuple[float, float]
) -> Pieces | None:
    """Cut struts where another strut, or an image of one, meets them.

    Two struts that cross meet at inner points of both. If the end of one lies on the other, or two
    overlap along a line, only ends and the inner points nearest to them count.

    Args:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.
        tolerances: Distance below which two axes meet, and below which two points are one node;
            unit of the cell.

    Returns:
        The pieces; None if no strut is met between its ends.
    """
    touch, same = tolerances
    owner, along = _cuts(_contacts(cell, nodes, struts, shifts, touch), touch, same)
    if len(owner) == 0:
        return None
    vectors = nodes[struts[:, 1]] + shifts - nodes[struts[:, 0]]
    points = np.concatenate([nodes, nodes[struts[owner, 0]] + along[:, None] * vectors[owner]])
    number, cells, leaders = _merged(cell, points, same)
    # Chains of points, strut by strut: first end, cuts, second end.
    count = len(struts)
    source = np.concatenate([np.arange(count), owner, np.arange(count)])
    place = np.concatenate([np.zeros(count), along, np.ones(count)])
    point = np.concatenate([struts[:, 0], np.arange(len(nodes), len(points)), struts[:, 1]])
    cell_of = np.concatenate(
        [cells[struts[:, 0]], cells[len(nodes) :], shifts + cells[struts[:, 1]]]
    )
    order = np.lexsort((place, source))
    source, place, point, cell_of = (
        source[order],
        place[order],
        number[point[order]],
        cell_of[order],
    )
    ends = np.column_stack([point[:-1], point[1:]])
    moves = np.diff(cell_of, axis=0)
    keep = np.diff(source) == 0
    keep &= (ends[:, 0] != ends[:, 1]) | moves.any(axis=1)
    return Pieces(
        nodes=points[leaders],
        struts=ends[keep],
        shifts=moves[keep],
        source=source[1:][keep],
        start=place[:-1][keep],
        stop=place[1:][keep],
        number=number[: len(nodes)],
    )


def _merged(
    cell: Vectors, points: Points, tolerance: float
) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "points 3"], Int[np.ndarray, " nodes"]]:
    """Merge points closer than the tolerance into one node, at the first of them.

    Returns:
        Node of every point; cell of the point relative to its node; first point of every node.
    """
    U = reduction(cell)
    a, b, _ = image_pairs(U @ cell, points @ cell, np.full(len(points), tolerance / 2), 0.0)
    first = np.arange(len(points))
    while True:
        lower = first.copy()
        np.minimum.at(lower, a, first[b])
        if np.array_equal(lower, first):
            break
        first = lower
    leaders, number = np.unique(first, return_inverse=True)
    return number, np.rint(points - points[first]).astype(np.int64), leaders


def closest_struts(
    cell: Vectors, nodes: Points, struts: Struts, shifts: Shifts, reach: float
) -> float:
    """Return the smallest axis distance of struts without a common joint, over the mean length.

    The search is limited to ``reach``, which is returned if no distance is smaller.
    """
    mean = float(_lengths(cell, nodes, struts, shifts).mean())
    contacts = _contacts(cell, nodes, struts, shifts, reach * mean)
    apart = contacts.distances[~contacts.joined]
    return float(min(reach, apart.min() / mean)) if len(apart) else reach


@dataclass(frozen=True, slots=True, eq=False)
class _Contacts:
    """Pairs of nearby struts, every pair in both orders.

    Attributes:
        first: Number of the strut of the home cell.
        distances: Distances of five candidates for the closest points of the axes.
        along: Position of each candidate along the first strut, 0 to 1.
        joined: Whether the two struts share an image of a node.
        lengths: Length of every strut.
    """

    first: Int[np.ndarray, " pairs"]
    distances: Float[np.ndarray, "pairs 5"]
    along: Float[np.ndarray, "pairs 5"]
    joined: Bool[np.ndarray, " pairs"]
    lengths: Float[np.ndarray, " struts"]


def _lengths(
    cell: Vectors, nodes: Points, struts: Struts, shifts: Shifts
) -> Float[np.ndarray, " struts"]:
    i, j = struts.T
    lengths: Float[np.ndarray, " struts"] = np.linalg.norm(
        (nodes[j] - nodes[i] + shifts) @ cell, axis=1
    )
    return lengths


def _contacts(
    cell: Vectors, nodes: Points, struts: Struts, shifts: Shifts, reach: float
) -> _Contacts:
    """Find the struts whose axes come within ``reach`` of each other."""
    i, j = struts.T
    starts, vectors = nodes[i] @ cell, (nodes[j] - nodes[i] + shifts) @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    U = reduction(cell)
    a, b, reduced = image_pairs(U @ cell, starts + vectors / 2, lengths / 2, reach)
    cells = reduced @ U
    apart = starts[b] + cells @ cell - starts[a]
    distances, along, _ = segment_contacts(apart, vectors[a], vectors[b])
    joined = share_joint(struts, shifts, a, b, cells)
    return _Contacts(a, distances, along, joined, lengths)


def _cuts(
    contacts: _Contacts, touch: float, same: float
) -> tuple[Int[np.ndarray, " cuts"], Float[np.ndarray, " cuts"]]:
    """Find struts that are touched between their ends, and where along them (0 to 1)."""
    end = same / contacts.lengths[contacts.first, None]
    touches = contacts.distances < touch
    inside = touches & (contacts.along > end) & (contacts.along < 1 - end)
    pair, candidate = np.nonzero(inside)
    owner, along = contacts.first[pair], contacts.along[pair, candidate]
    order = np.lexsort((along, owner))
    owner, along = owner[order], along[order]
    close = (np.diff(owner) == 0) & (np.diff(along) * contacts.lengths[owner[1:]] < same)
    new = np.concatenate([np.ones(min(1, len(owner)), dtype=bool), ~close])
    return owner[new], along[new]
