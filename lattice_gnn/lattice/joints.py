"""Joints where struts cross: every crossing becomes a node, every strut ends at the nodes on it."""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.contacts import image_pairs, segment_contacts

_TOUCH = 1e-6  #: distance of axes, over the mean strut length, that counts as a crossing
_SAME = 1e-5  #: distance of points, over the mean strut length, below which they are one


def split_crossings(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
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
    contacts = _contacts(cell, nodes, struts, shifts, _TOUCH)
    owner, along = _cuts(contacts)
    if len(owner) == 0:
        return nodes, struts, shifts
    vectors = nodes[struts[:, 1]] + shifts - nodes[struts[:, 0]]
    points = nodes[struts[owner, 0]] + along[:, None] * vectors[owner]
    tolerance = _SAME * contacts.mean_length
    all_nodes, number, place = _joints(cell, nodes, points, tolerance)
    rows = []
    for s, (i, j) in enumerate(struts.tolist()):
        mine = slice(*np.searchsorted(owner, (s, s + 1)))
        chain = np.concatenate([[i], number[mine], [j]])
        cells = np.concatenate([np.zeros((1, 3), np.int64), place[mine], shifts[s : s + 1]])
        rows.append(np.column_stack([chain[:-1], chain[1:], np.diff(cells, axis=0)]))
    table = np.concatenate(rows)
    moved = (table[:, 0] != table[:, 1]) | table[:, 2:].any(1)
    table = canonical_struts(table[moved, :2], table[moved, 2:])
    _, first = np.unique(table, axis=0, return_index=True)
    table = table[np.sort(first)]
    return all_nodes, table[:, :2], table[:, 2:]


def _joints(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    points: Float[np.ndarray, "points 3"],
    tolerance: float,
) -> tuple[
    Float[np.ndarray, "new_nodes 3"], Int[np.ndarray, " points"], Int[np.ndarray, "points 3"]
]:
    """Make nodes of the points that are none yet; number and cell of the node at every point."""
    known = list(nodes)
    number = np.empty(len(points), dtype=np.int64)
    place = np.zeros((len(points), 3), dtype=np.int64)
    for k, point in enumerate(points):
        apart = point - np.array(known)
        cells = np.rint(apart)
        gaps = np.linalg.norm((apart - cells) @ cell, axis=1)
        nearest = int(np.argmin(gaps))
        if gaps[nearest] <= tolerance:
            number[k], place[k] = nearest, cells[nearest].astype(np.int64)
        else:
            number[k] = len(known)
            known.append(point)
    return np.array(known), number, place


def closest_struts(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    reach: float,
) -> float:
    """Smallest distance between the axes of struts that share no joint, over the mean length.

    Distances above ``reach`` are not looked for; where there are none below, it is returned.
    """
    contacts = _contacts(cell, nodes, struts, shifts, reach)
    apart = contacts.distances[~contacts.joined]
    return float(min(reach, apart.min() / contacts.mean_length)) if len(apart) else reach


@dataclass(frozen=True, slots=True, eq=False)
class _Contacts:
    """Pairs of struts that come close, every pair in both orders.

    Attributes:
        first: The strut of the home cell.
        distances: Of five candidates for the closest points of the axes.
        along: Where on the first strut each candidate lies, 0 to 1.
        joined: Whether the two struts end at one image of one node.
        lengths: Length of every strut.
        mean_length: Mean of these.
    """

    first: Int[np.ndarray, " pairs"]
    distances: Float[np.ndarray, "pairs 5"]
    along: Float[np.ndarray, "pairs 5"]
    joined: Bool[np.ndarray, " pairs"]
    lengths: Float[np.ndarray, " struts"]
    mean_length: float


def _contacts(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    struts: Int[np.ndarray, "struts 2"],
    shifts: Int[np.ndarray, "struts 3"],
    reach: float,
) -> _Contacts:
    """Find the struts whose axes come within ``reach`` mean lengths of each other."""
    i, j = struts.T
    starts, vectors = nodes[i] @ cell, (nodes[j] - nodes[i] + shifts) @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    mean = float(lengths.mean())
    a, b, cells = image_pairs(cell, starts + vectors / 2, lengths / 2, reach * mean)
    apart = starts[b] + cells @ cell - starts[a]
    distances, along, _ = segment_contacts(apart, vectors[a], vectors[b])
    joined = np.zeros(len(a), dtype=bool)
    for end_a, end_b in itertools.product((0, 1), repeat=2):
        gap = cells + end_b * shifts[b] - end_a * shifts[a]
        joined |= (struts[a, end_a] == struts[b, end_b]) & (gap == 0).all(axis=1)
    return _Contacts(a, distances, along, joined, lengths, mean)


def _cuts(contacts: _Contacts) -> tuple[Int[np.ndarray, " cuts"], Float[np.ndarray, " cuts"]]:
    """Struts that are touched between their ends, and where along them (0 to 1)."""
    mean = contacts.mean_length
    end = _SAME * mean / contacts.lengths[contacts.first, None]
    touches = contacts.distances < _TOUCH * mean
    inside = touches & (contacts.along > end) & (contacts.along < 1 - end)
    pair, candidate = np.nonzero(inside)
    owner, along = contacts.first[pair], contacts.along[pair, candidate]
    order = np.lexsort((along, owner))
    owner, along = owner[order], along[order]
    same = (np.diff(owner) == 0) & (np.diff(along) * contacts.lengths[owner[1:]] < _SAME * mean)
    new = np.concatenate([np.ones(min(1, len(owner)), dtype=bool), ~same])
    return owner[new], along[new]
