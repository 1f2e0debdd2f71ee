"""Fill-reducing node ordering by geometric nested dissection.

A box of nodes is cut in two by a plane across one of its longer axes; the nodes on one side that
have a strut to the other form the separator and are numbered last; the halves are treated
recursively. Of several planes near the middle the one with the smallest separator is chosen. For a
three-dimensional frame of n nodes the factor has O(n^(4/3)) entries (George, *Nested dissection of
a regular finite element mesh*, SIAM J. Numer. Anal. 10 (1973) 345). Struts across periodic faces
are treated by the same rule, since the separator is derived from the graph and positions only
determine the halves.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.batch import LatticeBatch

_LEAF = 10  #: number of nodes below which a box is not cut further
_SHARES = (0.4, 0.45, 0.5, 0.55, 0.6)  #: of the nodes on the lower side of the cutting plane
_LONG = 0.6  #: smallest extent, relative to the longest, of an axis considered for cutting

Nodes = Int[np.ndarray, " _"]  # of a box, a half, a separator: any number
Adjacency = tuple[Nodes, Nodes]  #: neighbours of node n: ``ends[starts[n]:starts[n + 1]]``


def dissection_order(batch: LatticeBatch) -> Int[np.ndarray, " nodes"]:
    """Return the nodes in elimination order.

    Args:
        batch: The lattices; positions are wrapped into the home cell before cutting.
    """
    nodes = batch.nodes.detach().cpu().numpy().astype(np.float64)
    cells = batch.cells.detach().cpu().numpy().astype(np.float64)
    owner = batch.node_lattice.cpu().numpy()
    points = np.einsum("na,nab->nb", nodes % 1.0, cells[owner])
    adjacency = _adjacency(batch.struts.cpu().numpy(), len(nodes))
    parts: list[Nodes] = []
    for b in range(len(cells)):
        _dissect(np.flatnonzero(owner == b), points, adjacency, parts)
    return np.concatenate(parts)


def _adjacency(struts: Int[np.ndarray, "struts 2"], num_nodes: int) -> Adjacency:
    both = np.concatenate([struts, struts[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], np.arange(num_nodes + 1))
    return starts, both[:, 1]


def _dissect(
    box: Nodes, points: Float[np.ndarray, "all_nodes 3"], adjacency: Adjacency, parts: list[Nodes]
) -> None:
    """Append a box's nodes to ``parts`` in elimination order: halves first, separator last."""
    if len(box) <= _LEAF:
        parts.append(box)
        return
    first, second, separator = min(_cuts(box, points, adjacency), key=_cost)
    _dissect(first, points, adjacency, parts)
    _dissect(second, points, adjacency, parts)
    parts.append(separator)


def _cuts(
    box: Nodes, points: Float[np.ndarray, "all_nodes 3"], adjacency: Adjacency
) -> Iterator[tuple[Nodes, Nodes, Nodes]]:
    """Iterate over candidate cuts: rest of one side, other side, separator."""
    extent = np.ptp(points[box], axis=0)
    for axis in np.flatnonzero(extent >= _LONG * extent.max()):
        order = box[np.argsort(points[box, axis], kind="stable")]
        for share in _SHARES:
            at = int(len(box) * share)
            for one, other in ((order[:at], order[at:]), (order[at:], order[:at])):
                touches = _touches(one, other, adjacency, len(points))
                yield one[~touches], other, one[touches]


def _cost(cut: tuple[Nodes, Nodes, Nodes]) -> float:
    """Return the squared size of the separator, with a penalty for unequal halves."""
    one, other, separator = (len(part) for part in cut)
    return separator**2 * (1 + abs(one - other) / (one + other + separator))


def _touches(one: Nodes, other: Nodes, adjacency: Adjacency, num_nodes: int) -> np.ndarray:
    """Find the nodes of ``one`` that have a neighbour in ``other``."""
    starts, ends = adjacency
    inside = np.zeros(num_nodes, dtype=bool)
    inside[other] = True
    counts = starts[one + 1] - starts[one]
    before = np.cumsum(counts) - counts
    places = np.arange(counts.sum()) + np.repeat(starts[one] - before, counts)
    return np.add.reduceat(inside[ends[places]], before, dtype=np.int64) > 0
