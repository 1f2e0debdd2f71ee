"""Merging of coincident points: coordinates are rounded, and CAD tools add noise.

The tolerance goes by the struts, not by the window: a strip of 1 x 1 x 600 cells has the tolerance
of its struts. Struts that are shorter still only stand for a joint: their ends become one node.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lattice_gnn.errors import LatticeGnnError

NEAR = 5e-3  #: over the median length of the struts: points closer than this are one
_OF_SHORTEST = 0.25  #: over the length of the shortest strut, where that is less
_MAX_CHAIN = 10  #: tolerances that a row of points, each near the next, may span
_MAX_PAIRS = 4_000_000
_NO_PAIRS = np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The cell that a drawing is folded into, and the tolerance within which points coincide.

    Attributes:
        cell: Cell vectors as rows.
        tolerance: Unit of the cell.
    """

    cell: Float[np.ndarray, "3 3"]
    tolerance: float

    def near_faces(self) -> Float[np.ndarray, "3"]:
        """Return the tolerance over the distance between opposite faces, for each cell vector."""
        return self.tolerance * np.linalg.norm(np.linalg.inv(self.cell), axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Points merged modulo the cell.

    Attributes:
        node: Node of each point.
        offsets: Cell that each point lies in.
        nodes: Fractional coordinates of the nodes, the mean of their points.
        spread: Largest distance of a point from the first one of its node.
    """

    node: Int[np.ndarray, " points"]
    offsets: Int[np.ndarray, "points 3"]
    nodes: Float[np.ndarray, "nodes 3"]
    spread: float


def tolerance_for(lengths: Float[np.ndarray, " bars"]) -> float:
    """Return the distance below which points are one, from the lengths of the struts.

    Raises:
        LatticeGnnError: No strut has a length.
    """
    typical = float(np.median(lengths[lengths > 0])) if (lengths > 0).any() else 0.0
    if typical <= 0:
        raise LatticeGnnError("the struts have no length; the two ends of each lie at one point")
    limit = NEAR * typical
    return min(limit, _OF_SHORTEST * float(lengths[lengths >= limit].min()))


def merge_points(fractions: Float[np.ndarray, "points 3"], window: Window) -> Merged:
    """Merge points that coincide modulo the cell into one node.

    Raises:
        LatticeGnnError: The tolerance is not small beside the cell, or a row of points, each within
            the tolerance of the next, is long beside it.
    """
    wrapped = fractions - np.floor(fractions)
    wrapped[wrapped >= 1.0] = 0.0
    unique, inverse = np.unique(wrapped, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    near = _near_pairs(unique, window)
    graph = coo_array((np.ones(len(near)), near.T), shape=(len(unique), len(unique)))
    count, label = connected_components(graph, directed=False)
    node = label[inverse].astype(np.int64)
    leader = np.full(count, len(fractions))
    np.minimum.at(leader, node, np.arange(len(fractions)))
    first = wrapped[leader]
    offsets = np.rint(fractions - first[node]).astype(np.int64)
    home = fractions - offsets
    apart = np.linalg.norm((home - first[node]) @ window.cell, axis=1)
    if apart.max() > _MAX_CHAIN * window.tolerance:
        raise LatticeGnnError(
            f"points lie in a row, each closer than the tolerance {window.tolerance:.3g} to the "
            "next, and would all become one node; give a smaller --tolerance"
        )
    total = np.zeros((count, 3))
    np.add.at(total, node, home)
    # Points without company keep their coordinates bit for bit.
    size = np.bincount(node)
    nodes = np.where((apart.max() == 0) | (size == 1)[:, None], first, total / size[:, None])
    return Merged(node, offsets, nodes, float(apart.max()))


def _near_pairs(
    unique: Float[np.ndarray, "points 3"], window: Window
) -> Int[np.ndarray, "pairs 2"]:
    """Return the pairs of points that are closer than the tolerance modulo the cell."""
    lengths = np.linalg.norm(window.cell, axis=1)
    if window.tolerance >= 0.25 / np.linalg.norm(np.linalg.inv(window.cell), axis=0).max():
        raise LatticeGnnError(
            f"the cell is not large beside the tolerance {window.tolerance:.3g} within which "
            "points are one; check the cell vectors, or give a smaller --tolerance"
        )
    axes = window.cell / lengths[:, None]
    reach = window.tolerance * np.linalg.norm(np.linalg.inv(axes), 2)
    scaled = np.minimum(unique * lengths, np.nextafter(lengths, 0))
    if reach >= lengths.min() / 2:
        raise LatticeGnnError("the cell vectors are almost parallel; give other cell vectors")
    tree = cKDTree(scaled, boxsize=lengths)
    if tree.count_neighbors(tree, reach) - len(unique) > 2 * max(_MAX_PAIRS, 20 * len(unique)):
        raise LatticeGnnError(
            f"most points lie closer than the tolerance {window.tolerance:.3g} to one another; "
            "check the unit of length, or give a smaller --tolerance"
        )
    pairs = tree.query_pairs(reach, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    if not len(pairs):
        return _NO_PAIRS
    apart = unique[pairs[:, 0]] - unique[pairs[:, 1]]
    apart -= np.rint(apart)
    return pairs[np.linalg.norm(apart @ window.cell, axis=1) <= window.tolerance]


@dataclass(frozen=True, slots=True, eq=False)
class Contracted:
    """A drawing without the struts that only stand for a joint.

    Attributes:
        points: Positions.
        bars: Point numbers.
        source: For each bar the number of the old one.
        longest: Length of the longest strut that became a node; 0 if none did.
    """

    points: Float[np.ndarray, "points 3"]
    bars: Int[np.ndarray, "bars 2"]
    source: Int[np.ndarray, " bars"]
    longest: float


def contract_short(
    points: Float[np.ndarray, "points 3"], bars: Int[np.ndarray, "bars 2"], tolerance: float
) -> Contracted:
    """Make one node of the two ends of every bar shorter than the tolerance.

    Raises:
        LatticeGnnError: A bar joins a point to itself.
    """
    same = np.flatnonzero(bars[:, 0] == bars[:, 1])
    if len(same):
        raise LatticeGnnError(f"bars[{same[0]}]: its two ends are the same point; remove it")
    lengths = np.linalg.norm(points[bars[:, 1]] - points[bars[:, 0]], axis=1)
    short = lengths < tolerance
    if not short.any():
        return Contracted(points, bars, np.arange(len(bars)), 0.0)
    graph = coo_array((np.ones(short.sum()), bars[short].T), shape=(len(points), len(points)))
    count, label = connected_components(graph, directed=False)
    leader = np.full(count, len(points))
    np.minimum.at(leader, label, np.arange(len(points)))
    ends = leader[label[bars]]
    source = np.flatnonzero(~short & (ends[:, 0] != ends[:, 1]))
    if not len(source):
        raise LatticeGnnError(
            "every strut is shorter than the tolerance within which points are one"
        )
    used, ends = np.unique(ends[source], return_inverse=True)
    return Contracted(points[used], ends.reshape(-1, 2), source, float(lengths[short].max()))
