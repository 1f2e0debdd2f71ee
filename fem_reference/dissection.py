"""Fill-reducing order of the nodes by geometric nested dissection.

A box of nodes is cut in two at the median of its longest axis; the nodes on one side that have a
strut to the other form the separator and are numbered last; the halves follow the same rule. For a
three-dimensional frame of n nodes the factor then holds O(n^(4/3)) entries (George, *Nested
dissection of a regular finite element mesh*, SIAM J. Numer. Anal. 10 (1973) 345). The struts that
cross the periodic faces are cut by the same rule, since the separator is taken from the graph and
the position only chooses the halves.
"""

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.graph import LatticeBatch

_LEAF = 24  #: nodes below which a box is not cut any further


def dissection_order(batch: LatticeBatch) -> Int[np.ndarray, " nodes"]:
    """The nodes in elimination order.

    Args:
        batch: The lattices; positions are wrapped into the home cell before cutting.
    """
    nodes = batch.nodes.detach().cpu().numpy().astype(np.float64)
    cells = batch.cells.detach().cpu().numpy().astype(np.float64)
    owner = batch.node_lattice.cpu().numpy()
    points = np.einsum("na,nab->nb", nodes % 1.0, cells[owner])
    neighbours = _adjacency(batch.struts.cpu().numpy(), len(nodes))
    parts: list[np.ndarray] = []
    for b in range(len(cells)):
        _dissect(np.flatnonzero(owner == b), points, neighbours, parts)
    return np.concatenate(parts)


def _adjacency(
    struts: Int[np.ndarray, "struts 2"], num_nodes: int
) -> tuple[Int[np.ndarray, " starts"], Int[np.ndarray, " ends"]]:
    """Neighbours of node n: ``ends[starts[n]:starts[n + 1]]``."""
    both = np.concatenate([struts, struts[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], np.arange(num_nodes + 1))
    return starts, both[:, 1]


def _dissect(
    box: Int[np.ndarray, " box"],
    points: Float[np.ndarray, "nodes 3"],
    neighbours: tuple[np.ndarray, np.ndarray],
    parts: list[np.ndarray],
) -> None:
    """Append the nodes of a box to ``parts`` in elimination order: halves first, separator last."""
    if len(box) <= _LEAF:
        parts.append(box)
        return
    extent = np.ptp(points[box], axis=0)
    along = points[box, int(extent.argmax())]
    order = np.argsort(along, kind="stable")
    low, high = box[order[: len(box) // 2]], box[order[len(box) // 2 :]]
    starts, ends = neighbours
    is_high = np.zeros(len(points), dtype=bool)
    is_high[high] = True
    counts = starts[low + 1] - starts[low]
    touching = np.add.reduceat(
        np.append(is_high[_gather(starts, ends, low)], False), np.cumsum(counts) - counts
    )
    separates = (touching > 0) & (counts > 0)
    _dissect(low[~separates], points, neighbours, parts)
    _dissect(high, points, neighbours, parts)
    parts.append(low[separates])


def _gather(starts: np.ndarray, ends: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The neighbours of all given nodes, one after the other."""
    counts = starts[nodes + 1] - starts[nodes]
    first = np.repeat(starts[nodes] - (np.cumsum(counts) - counts), counts)
    return ends[first + np.arange(counts.sum())]
