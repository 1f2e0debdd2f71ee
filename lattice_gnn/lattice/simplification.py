"""What carries no load or merely splits a strut is left out, before the network and rigid ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

from lattice_gnn.lattice.collinear import removable_nodes
from lattice_gnn.lattice.topology import simplify_topology

if TYPE_CHECKING:
    from lattice_gnn.lattice.lattice import Lattice


@dataclass(frozen=True, slots=True, eq=False)
class LoadBearing:
    """The part of a net without its hanging struts.

    Attributes:
        nodes: Numbers of the nodes that are kept, ascending.
        struts: Numbers of the struts that are kept, ascending.
        ends: Their ends, in the new numbers of the nodes.
    """

    nodes: Int[np.ndarray, " kept_nodes"]
    struts: Int[np.ndarray, " kept"]
    ends: Int[np.ndarray, "kept 2"]


def load_bearing(
    struts: Int[np.ndarray, "struts 2"],
    owner: Int[np.ndarray, " struts"],
    num_nodes: int,
) -> LoadBearing | None:
    """Drop struts that hang: those that end at a node alone, then those that do so without them.

    They are stress-free under every load, so that the stiffness does not change.

    Args:
        struts: Node numbers (i, j).
        owner: Number of the lattice of each strut; a lattice of hanging struts alone is kept.
        num_nodes: Number of nodes.

    Returns:
        The rest; None if nothing hangs.
    """
    degrees = np.bincount(struts.ravel(), minlength=num_nodes)
    loose = np.flatnonzero(degrees == 1).tolist()
    if not loose:
        return None
    kept = _without_hanging(struts, degrees, loose)
    left = np.bincount(owner, weights=kept, minlength=int(owner.max()) + 1)
    kept |= left[owner] == 0
    if kept.all():
        return None
    nodes, ends = np.unique(struts[kept], return_inverse=True)
    return LoadBearing(nodes, np.flatnonzero(kept), ends.reshape(-1, 2))


def _without_hanging(
    struts: Int[np.ndarray, "struts 2"], degrees: Int[np.ndarray, " nodes"], loose: list[int]
) -> Bool[np.ndarray, " struts"]:
    """Take struts away from their loose ends inwards; each is looked at once."""
    kept = np.ones(len(struts), dtype=bool)
    order = np.argsort(struts.ravel(), kind="stable")
    first = np.concatenate([[0], np.cumsum(degrees)])
    left = degrees.copy()
    while loose:
        node = loose.pop()
        if left[node] != 1:
            continue
        at_node = order[first[node] : first[node + 1]] // 2
        strut = int(at_node[kept[at_node]][0])
        kept[strut] = False
        left[struts[strut]] -= 1
        loose += [int(other) for other in struts[strut] if left[other] == 1]
    return kept


def simplify(
    lattice: "Lattice", tolerance: float, only: Bool[np.ndarray, " nodes"] | None = None
) -> "Lattice | None":
    """Return the simplified lattice, or None if there is nothing to leave out.

    Args:
        lattice: The lattice.
        tolerance: As for ``Lattice.simplified``.
        only: Nodes that may be removed where they split a strut; hanging struts then stay.
    """
    start = None
    if only is None:
        owner = np.zeros(lattice.num_struts, dtype=np.int64)
        found = load_bearing(lattice.struts, owner, lattice.num_nodes)
        if found is not None:
            start = lattice.replace(
                nodes=lattice.nodes[found.nodes],
                struts=found.ends,
                shifts=lattice.shifts[found.struts],
                **lattice.strut_fields(found.struts),
            )
    return _joined(start or lattice, tolerance, only) or start


def _joined(
    lattice: "Lattice", tolerance: float, only: Bool[np.ndarray, " nodes"] | None
) -> "Lattice | None":
    """Return the lattice without nodes that merely split a strut; None if there are none."""
    sections = lattice.sections.table
    removable = removable_nodes(
        lattice.struts, lattice.strut_vectors, sections, lattice.num_nodes, tolerance
    )
    if only is not None:
        removable &= only
    if not removable.any():
        return None
    new = simplify_topology(lattice.struts, lattice.shifts, removable)
    return lattice.replace(
        nodes=lattice.nodes[new.kept_nodes],
        struts=new.struts,
        shifts=new.shifts,
        **lattice.strut_fields(new.first_sources),
    )
