"""The periodic net of a drawing: points merged, bars kept once, crossings joined."""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from data.drawings.drawing import Drawing
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.collinear import removable_nodes
from lattice_gnn.lattice.crossings import find_crossings
from lattice_gnn.lattice.topology import simplify_topology

TOLERANCE = 2e-4  #: fractional coordinates closer than this are one point (files print 5 digits)
STRAIGHT = 5e-3  #: |t1 + t2| of the two halves of a strut that a face cuts


@dataclass(frozen=True, slots=True, eq=False)
class DrawnNet:
    """A periodic net with sections.

    Attributes:
        nodes: Fractional coordinates.
        rows: Node i, node j, shift of j.
        sections: Radius at i and at j, bore over radius, E, nu.
        cut: Whether a node was drawn in several cells.
    """

    nodes: Float[np.ndarray, "nodes 3"]
    rows: Int[np.ndarray, "struts 5"]
    sections: Float[np.ndarray, "struts 5"]
    cut: Bool[np.ndarray, " nodes"]


def sections_of(drawing: Drawing) -> Float[np.ndarray, "bars 5"]:
    """Return radius at both ends, bore over radius, E and nu of every bar."""
    count = len(drawing.bars)
    radii = np.ones(count) if drawing.radii is None else drawing.radii
    ends = radii if drawing.end_radii is None else drawing.end_radii
    bores = np.zeros(count) if drawing.inner_radii is None else drawing.inner_radii / radii
    E = np.full(count, drawing.material.E) if drawing.E is None else drawing.E
    nu = np.full(count, drawing.material.nu) if drawing.nu is None else drawing.nu
    return np.column_stack([radii, ends, bores, E, nu])


def straightened(
    fractions: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    drawing: Drawing,
    cell: Float[np.ndarray, "3 3"],
) -> tuple[
    Float[np.ndarray, "kept 3"], Int[np.ndarray, "new_bars 2"], Int[np.ndarray, " new_bars"]
]:
    """Take out points that only cut a straight bar, before anything is merged.

    Points of two bars that merely lie in one place are no joint of the two.

    Returns:
        Points, bars, and for each bar one of the old ones.
    """
    vectors = (fractions[bars[:, 1]] - fractions[bars[:, 0]]) @ cell
    if (np.linalg.norm(vectors, axis=1) == 0).any():
        return fractions, bars, np.arange(len(bars))  # refused later, with its number
    go = removable_nodes(bars, vectors, sections_of(drawing), len(fractions), STRAIGHT)
    node, _, nodes = merge_points(fractions)
    stays = np.zeros(len(nodes), dtype=bool)
    np.logical_or.at(stays, node, ~go)
    go &= ~stays[node]
    if not go.any():
        return fractions, bars, np.arange(len(bars))
    new = simplify_topology(bars, np.zeros((len(bars), 3), dtype=np.int64), go)
    old = np.array([path[0][0] for path in new.sources])
    return fractions[new.kept_nodes], new.struts, old


def first_net(
    fractions: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    drawing: Drawing,
    source: Int[np.ndarray, " bars"],
) -> tuple[DrawnNet, int]:
    """Merge points and bars; return the net and how many struts had several sections."""
    node, offsets, nodes = merge_points(fractions)
    first = offsets[np.unique(node, return_index=True)[1]]
    cut = np.zeros(len(nodes), dtype=bool)
    np.logical_or.at(cut, node, (offsets != first[node]).any(axis=1))
    rows, kept, several = _unique(
        node[bars],
        offsets[bars[:, 1]] - offsets[bars[:, 0]],
        sections_of(drawing)[source],
    )
    return DrawnNet(nodes, rows, kept, cut), several


def _unique(
    struts: Int[np.ndarray, "bars 2"],
    shifts: Int[np.ndarray, "bars 3"],
    sections: Float[np.ndarray, "bars 5"],
) -> tuple[Int[np.ndarray, "struts 5"], Float[np.ndarray, "struts 5"], int]:
    """Keep every strut once, with the thickest of its sections."""
    nothing = (struts[:, 0] == struts[:, 1]) & (shifts == 0).all(axis=1)
    if nothing.any():
        bar = int(np.flatnonzero(nothing)[0])
        raise LatticeGnnError(f"bars[{bar}]: its two ends are the same point; remove it")
    rows = canonical_struts(struts, shifts)
    turned = (rows != np.column_stack([struts, shifts])).any(axis=1)
    sections = np.where(turned[:, None], sections[:, [1, 0, 2, 3, 4]], sections)
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    order = np.lexsort((sections[:, 0] + sections[:, 1], inverse))
    last = np.flatnonzero(np.append(inverse[order][1:] != inverse[order][:-1], True))
    kept = sections[order[last]]
    unlike = ~np.isclose(sections, kept[inverse], rtol=1e-6, atol=0).all(axis=1)
    return unique, kept, len(np.unique(inverse[unlike]))


def split_crossings(net: DrawnNet, cell: Float[np.ndarray, "3 3"]) -> tuple[DrawnNet, int, int]:
    """Cut struts where they meet others; return new joints and pieces that overlapped."""
    tolerance = TOLERANCE * abs(np.linalg.det(cell)) ** (1 / 3)
    found = find_crossings(cell, net.nodes, net.rows, tolerance)
    if not found:
        return net, 0, 0
    points = [*net.nodes]
    bars: list[tuple[int, int]] = []
    sections = []
    for strut, row in enumerate(net.rows):
        i, j, shift = row[0], row[1], row[2:]
        start, end = net.nodes[i], net.nodes[j] + shift
        knots = [0.0, *found.get(strut, ()), 1.0]
        numbers = range(len(points), len(points) + len(knots))
        points += [start + s * (end - start) for s in knots]
        bars += itertools.pairwise(numbers)
        r, end_r, *rest = net.sections[strut]
        radius = [r + s * (end_r - r) for s in knots]
        sections += [(a, b, *rest) for a, b in itertools.pairwise(radius)]
    node, offsets, nodes = merge_points(np.array(points))
    cut = np.zeros(len(nodes), dtype=bool)
    cut[node[: len(net.nodes)]] = net.cut
    ends = np.array(bars, dtype=np.int64)
    shifts = offsets[ends[:, 1]] - offsets[ends[:, 0]]
    rows, kept, _ = _unique(node[ends], shifts, np.array(sections))
    new = len(nodes) - len(np.unique(node[: len(net.nodes)]))
    return DrawnNet(nodes, rows, kept, cut), new, len(bars) - len(rows)


def merge_points(
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
    return node.astype(np.int64), offsets, total / np.bincount(node)[:, None]
