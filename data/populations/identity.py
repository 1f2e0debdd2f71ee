"""Identity of lattices: invariants of nets and of their shapes, and crystal symmetry."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import ask_spglib

RESOLUTION = 1e-3
"""Rounding step of the invariants of a shape."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Fingerprints of a net.

    Attributes:
        net: Fingerprint of the topology only.
        shape: Hash of topology and shape; lattices of equal shape hash are duplicates.
    """

    net: str
    shape: str


def identify(lattice: Lattice) -> Identity:
    """Compute the invariants of a lattice's net and shape.

    They are independent of the choice of cell, supercells, node order, strut direction, rotation,
    reflection, size and radii. The shape consists of the volume per node in units of the cubed mean
    strut length, the eigenvalues of the length-weighted mean of t t^T (t: strut direction), and the
    distribution of strut lengths, each rounded to 0.001 of the mean.

    Collisions: mirror images are identified. Different nets with equal coordination up to the third
    shell and equal mean lengths and directions would also be identified (no such pair is known
    among the named cells). A value on the edge between two steps may round either way after a
    change of cell, in which case a duplicate is missed: about one in a thousand for every length
    that is not fixed by symmetry.
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
        space_group: International number; 1 if spglib finds none.
        strut_orbits: Index of the class of equivalent struts of every strut, from 0.
    """

    space_group: int
    strut_orbits: Int[np.ndarray, " struts"]


def crystal_symmetry(lattice: Lattice, tolerance: float = 1e-5) -> Symmetry:
    """Find the space group of nodes and struts together.

    Struts are represented by atoms at their midpoints, one kind per length, so that the group is
    that of the lattice and not only that of its nodes.

    Args:
        lattice: The lattice; its radii are ignored.
        tolerance: Admissible deviation of a position or a length, over the mean strut length.
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
