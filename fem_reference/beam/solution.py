"""Solutions of beam FEM: the stiffness of each lattice and, on request, fields."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.tensors.stiffness import Stiffness


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BeamFields:
    """Fields in the cells under the six unit strains.

    The last axis is the strain, Mandel order 11 22 33 23 13 12.

    Attributes:
        fluctuations: Nodal displacement minus the affine one, unit of length.
        rotations: Nodal rotations, rad.
        displacements: Total displacement of the nodes in the home cell, strain . position +
            fluctuation.
        end_forces: Forces and moments on the strut's ends, rows f_i, m_i, f_j, m_j in global axes;
            E_s times length^2 and length^3.
        axial: Part of C / E_s due to stretching: of the energy density E.C.E / 2 of a strain E,
            E.axial.E / 2 is stretching energy. axial + bending + torsion = C.
        bending: Part of C / E_s due to bending and shear.
        torsion: Part of C / E_s due to torsion.
        condition: Condition number of each lattice's scaled stiffness matrix (an estimate if the
            factorisation is sparse).
    """

    fluctuations: Float[Tensor, "nodes 3 6"]
    rotations: Float[Tensor, "nodes 3 6"]
    displacements: Float[Tensor, "nodes 3 6"]
    end_forces: Float[Tensor, "struts 12 6"]
    axial: Float[Tensor, "lattices 6 6"]
    bending: Float[Tensor, "lattices 6 6"]
    torsion: Float[Tensor, "lattices 6 6"]
    condition: Float[Tensor, " lattices"]

    def __repr__(self) -> str:
        """Return one line: counts and condition."""
        return (
            f"BeamFields({len(self.condition)} lattice(s), {len(self.rotations)} nodes, "
            f"{len(self.end_forces)} struts, condition up to {float(self.condition.max()):.2g})"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BeamSolution:
    """Effective stiffness of each lattice, with rank, components and optional fields.

    Attributes:
        stiffness: C / E_s of every lattice, shape (lattices, 6, 6).
        rank: Rank of C known from the net: 6 if some component spans space.
        components: Number of connected components of each quotient graph.
        free_spins: Number of chain-like components that spin about their own line without energy.
        fields: Displacements, forces and energies, if requested.
        end_forces: ``fields.end_forces``, if requested alone or with the other fields.
    """

    stiffness: Stiffness
    rank: Int[np.ndarray, " lattices"]
    components: Int[np.ndarray, " lattices"]
    free_spins: Int[np.ndarray, " lattices"]
    fields: BeamFields | None = None
    end_forces: Float[Tensor, "struts 12 6"] | None = None

    def __repr__(self) -> str:
        """Return one line: the stiffness, its rank, fields."""
        several = len(self.rank) > 1
        rank = f"{self.rank.min()} to {self.rank.max()}" if several else f"{self.rank[0]}"
        fields = "" if self.fields is None else ", with fields"
        return (
            f"BeamSolution({self.stiffness if several else self.stiffness[0]}, rank {rank}{fields})"
        )
