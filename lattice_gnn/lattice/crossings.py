"""Where struts of a periodic net meet without a common node, and the joints to make there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts, share_joint

MAX_SPLIT = 20_000  #: struts up to which crossings are looked for
_TOUCH = 1e-6  #: distance of axes, over the mean strut length, that counts as a crossing
_SAME = 1e-5  #: distance of points, over the mean strut length, below which they are one

Vectors = Float[np.ndarray, "3 3"]
Points = Float[np.ndarray, "points 3"]
Struts = Int[np.ndarray, "struts 2"]
Shifts = Int[np.ndarray, "struts 3"]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """A net whose struts are cut wherever they met another one; pieces may lie on one another.

    Attributes:
        nodes: Fractional coordinates: the old nodes first, then the new joints.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.
        source: The old strut of each piece.
        start: Where the piece begins along it, 0 to 1.
        stop: Where it ends.
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
    """Put a node wherever the axes of two struts meet, and cut struts at every node on them.

    Struts that lie on one another are kept once.

    Args:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates; no two of them one point of the crystal.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.

    Returns:
        Nodes (the old ones first), struts and shifts; the arguments themselves where nothing
        crosses.
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

    Two struts that cross meet at inner points of both; where the end of one lies on the other, and
    where two overlap along a line, only ends and the inner points nearest to them count.

    Args:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates.
        struts: Node numbers (i, j).
        shifts: Cell of node j relative to node i.
        tolerances: Distance of two axes that counts as meeting, and of two points that are one
            node; unit of the cell.

    Returns:
        The pieces; None where no strut is met between its ends.
    """
    touch, same = tolerances
    owner, along = _cuts(_contacts(cell, nodes, struts, shifts, touch), touch, same)
    if len(owner) == 0:
        return None
    vectors = nodes[struts[:, 1]] + shifts - nodes[struts[:, 0]]
    points = np.concatenate([nodes, nodes[struts[owner, 0]] + along[:, None] * vectors[owner]])
    number, cells, leaders = _merged(cell, points, same)
    # Chains of points, one strut after the other: first end, cuts, second end.
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
    """Points closer than the tolerance become one node, at the first of them.

    Returns:
        Node of every point; cell in which the point lies, seen from its node; the first point of
        every node.
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
    """Smallest distance between the axes of struts that share no joint, over the mean length.

    Distances above ``reach`` are not looked for; where there are none below, it is returned.
    """
    mean = float(_lengths(cell, nodes, struts, shifts).mean())
    contacts = _contacts(cell, nodes, struts, shifts, reach * mean)
    apart = contacts.distances[~contacts.joined]
    return float(min(reach, apart.min() / mean)) if len(apart) else reach


@dataclass(frozen=True, slots=True, eq=False)
class _Contacts:
    """Pairs of struts that come close, every pair in both orders.

    Attributes:
        first: The strut of the home cell.
        distances: Of five candidates for the closest points of the axes.
        along: Where on the first strut each candidate lies, 0 to 1.
        joined: Whether the two struts end at one image of one node.
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
    """Struts that are touched between their ends, and where along them (0 to 1)."""
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
