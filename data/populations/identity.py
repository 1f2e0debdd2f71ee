"""When two lattices are the same: invariants of nets and of their shapes, and crystal symmetry."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from data.populations.space_groups import ask_spglib
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.lattice import Lattice

RESOLUTION = 1e-3
"""Step to which the invariants of a shape are rounded."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a net from others.

    Attributes:
        net: Fingerprint of the topology alone.
        shape: Hash of topology and shape; lattices of equal shape hash are duplicates.
    """

    net: str
    shape: str


def identify(lattice: Lattice) -> Identity:
    """Invariants of a lattice's net and shape.

    They do not change with the choice of cell, supercells, node order, strut direction, rotation,
    reflection and size; radii play no part. The shape is the volume a node in units of the cubed
    mean strut length, the eigenvalues of the mean of t t^T weighted by length (t: strut direction),
    and the distribution of strut lengths, each rounded to 0.001 of the mean.

    Collisions: mirror images are one. Different nets with equal coordination to the third shell and
    equal lengths and directions on the mean would be taken for one (none is known among the named
    cells). A value on the edge between two steps may round either way after a change of cell, in
    which case a duplicate stays: about one in a thousand for every length that is not tied by
    symmetry.
    """
    net = net_fingerprint(lattice)
    vectors, lengths = lattice.strut_vectors, lattice.lengths
    mean = float(lengths.mean())
    fabric = vectors.T @ (vectors / lengths[:, None]) / lengths.sum()
    ratios, counts = np.unique(_rounded(lengths / mean), return_counts=True)
    content = np.concatenate(
        [
            _rounded(np.array([lattice.volume / lattice.num_nodes / mean**3])),
            _rounded(np.linalg.eigvalsh(fabric)),
            ratios,
            counts // np.gcd.reduce(counts),
        ]
    )
    digest = hashlib.sha256(net.encode() + content.tobytes())
    return Identity(net, digest.hexdigest()[:16])


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values / RESOLUTION).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Symmetry:
    """Crystal symmetry of a lattice.

    Attributes:
        space_group: International number; 1 where spglib finds none.
        strut_orbits: For every strut the number of its class of equivalent struts, from 0.
    """

    space_group: int
    strut_orbits: Int[np.ndarray, " struts"]


def crystal_symmetry(lattice: Lattice, tolerance: float = 1e-5) -> Symmetry:
    """Find the space group of nodes and struts together.

    Struts stand in as atoms at their midpoints, of one kind for each length, so that the group is
    that of the lattice, not merely that of its nodes.

    Args:
        lattice: The lattice; its radii play no part.
        tolerance: How far a position or a length may be off, over the mean strut length.
    """
    order = np.argsort(lattice.lengths, kind="stable")
    mean = float(lattice.lengths.mean())
    steps = np.diff(lattice.lengths[order], prepend=lattice.lengths[order[0]])
    kinds = np.empty(len(order), dtype=np.int64)
    kinds[order] = 2 + np.cumsum(steps > tolerance * mean)
    i, j = lattice.struts.T
    midpoints = (lattice.nodes[i] + lattice.nodes[j] + lattice.shifts) / 2
    atoms = np.concatenate([lattice.nodes, midpoints])
    numbers = np.concatenate([np.ones(lattice.num_nodes, dtype=np.int64), kinds])
    crystal = (lattice.cell, atoms, numbers)
    dataset = ask_spglib("get_symmetry_dataset", crystal, symprec=tolerance * mean)
    if dataset is None:
        return Symmetry(1, np.arange(lattice.num_struts))
    orbits = np.unique(dataset.equivalent_atoms[lattice.num_nodes :], return_inverse=True)[1]
    return Symmetry(int(dataset.number), orbits.astype(np.int64))
