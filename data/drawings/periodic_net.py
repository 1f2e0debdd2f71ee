"""The periodic net of a drawing: points merged, bars kept once, crossings joined."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from data.drawings.merging import Window, merge_points
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import canonical_struts
from lattice_gnn.lattice.collinear import removable_nodes
from lattice_gnn.lattice.crossings import cut_struts
from lattice_gnn.lattice.topology import simplify_topology

STRAIGHT = 5e-3  #: |t1 + t2| of the two halves of a strut that a face cuts


@dataclass(frozen=True, slots=True, eq=False)
class DrawnNet:
    """A periodic net with sections.

    Attributes:
        nodes: Fractional coordinates.
        rows: Node i, node j, shift of j.
        sections: Radius at i and at j, bore over radius, E, nu.
        cut: Whether a node was drawn in several cells.
        spread: Largest distance of drawn points that became one node.
    """

    nodes: Float[np.ndarray, "nodes 3"]
    rows: Int[np.ndarray, "struts 5"]
    sections: Float[np.ndarray, "struts 5"]
    cut: Bool[np.ndarray, " nodes"]
    spread: float


def straightened(
    fractions: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    sections: Float[np.ndarray, "bars 5"],
    window: Window,
) -> tuple[
    Float[np.ndarray, "kept 3"], Int[np.ndarray, "new_bars 2"], Int[np.ndarray, " new_bars"]
]:
    """Take out points that only cut a straight bar, before anything is merged.

    Points of two bars that merely lie in one place are no joint of the two.

    Returns:
        Points, bars, and for each bar one of the old ones.
    """
    vectors = (fractions[bars[:, 1]] - fractions[bars[:, 0]]) @ window.cell
    go = removable_nodes(bars, vectors, sections, len(fractions), STRAIGHT)
    if not go.any():
        return fractions, bars, np.arange(len(bars))
    merged = merge_points(fractions, window)
    stays = np.zeros(len(merged.nodes), dtype=bool)
    np.logical_or.at(stays, merged.node, ~go)
    go &= ~stays[merged.node]
    if not go.any():
        return fractions, bars, np.arange(len(bars))
    new = simplify_topology(bars, np.zeros((len(bars), 3), dtype=np.int64), go)
    return fractions[new.kept_nodes], new.struts, new.first_sources


def first_net(
    fractions: Float[np.ndarray, "points 3"],
    bars: Int[np.ndarray, "bars 2"],
    sections: Float[np.ndarray, "bars 5"],
    window: Window,
) -> tuple[DrawnNet, int]:
    """Merge points and bars; return the net and how many struts had several sections."""
    merged = merge_points(fractions, window)
    node, offsets, nodes = merged.node, merged.offsets, merged.nodes
    first = offsets[np.unique(node, return_index=True)[1]]
    cut = np.zeros(len(nodes), dtype=bool)
    np.logical_or.at(cut, node, (offsets != first[node]).any(axis=1))
    rows, kept, several = _unique(
        node[bars],
        offsets[bars[:, 1]] - offsets[bars[:, 0]],
        sections,
    )
    return DrawnNet(nodes, rows, kept, cut, merged.spread), several


def _unique(
    struts: Int[np.ndarray, "bars 2"],
    shifts: Int[np.ndarray, "bars 3"],
    sections: Float[np.ndarray, "bars 5"],
) -> tuple[Int[np.ndarray, "struts 5"], Float[np.ndarray, "struts 5"], int]:
    """Keep every strut once, with the thickest of its sections."""
    nothing = (struts[:, 0] == struts[:, 1]) & (shifts == 0).all(axis=1)
    if nothing.any():
        bar = int(np.flatnonzero(nothing)[0])
        raise LatticeGnnError(
            f"bars[{bar}]: its two ends are one point of the cell; remove it, or give a smaller "
            "--tolerance"
        )
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


def split_crossings(net: DrawnNet, window: Window) -> tuple[DrawnNet, int, int, int]:
    """Cut struts where they meet others.

    Returns:
        The net, its new joints, pieces that overlapped, and how many of these had several sections.
    """
    struts, shifts = net.rows[:, :2], net.rows[:, 2:]
    tolerances = (window.tolerance, window.tolerance)
    pieces = cut_struts(window.cell, net.nodes, struts, shifts, tolerances)
    if pieces is None:
        return net, 0, 0, 0
    first, last, *rest = net.sections[pieces.source].T
    taper = last - first
    sections = np.column_stack([first + pieces.start * taper, first + pieces.stop * taper, *rest])
    rows, kept, several = _unique(pieces.struts, pieces.shifts, sections)
    cut = np.zeros(len(pieces.nodes), dtype=bool)
    cut[pieces.number] = net.cut
    new = len(pieces.nodes) - len(np.unique(pieces.number))
    whole = DrawnNet(pieces.nodes, rows, kept, cut, net.spread)
    return whole, new, len(pieces.struts) - len(rows), several
