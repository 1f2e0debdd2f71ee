"""Geometry of the lattices of a batch as plain arrays."""

import numpy as np

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.solids import Solids


def solids_of(batch: LatticeBatch) -> list[Solids]:
    """Return the geometry of every lattice as plain arrays."""
    names = ("cells", "nodes", "struts", "shifts", "radii", "end_radii", "inner_radii")
    cells, nodes, struts, shifts, radii, ends, bores = (
        getattr(batch, name).detach().cpu().numpy() for name in names
    )
    n, s = batch.node_offsets.tolist(), batch.strut_offsets.tolist()
    found = []
    for b in range(len(batch)):
        mine, own = slice(n[b], n[b + 1]), slice(s[b], s[b + 1])
        found.append(
            Solids(
                cells[b].astype(np.float64),
                nodes[mine].astype(np.float64),
                struts[own] - n[b],
                shifts[own],
                radii[own].astype(np.float64),
                ends[own].astype(np.float64),
                (bores[own] / radii[own]).astype(np.float64),
            )
        )
    return found
