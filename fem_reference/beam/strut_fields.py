"""Forces, energies and end displacements of every strut under one macroscopic strain."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fem_reference.beam.solution import BeamFields
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

_SQRT_HALF = 0.5**0.5
_NO_ENERGY = 1e-12
"""Share of the largest strut energy below which a strut's own shares are noise."""


@dataclass(frozen=True, slots=True, eq=False)
class StrutFields:
    """State of the struts of one cell under one macroscopic strain.

    Attributes:
        strain: The macroscopic strain, symmetric.
        axial_force: Tensile force, E_s times length^2.
        axial: Stretching energy, E_s times length^3.
        bending: Bending energy, shear of Timoshenko beams included.
        torsion: Torsion energy.
        displacements: Displacement of both ends, unit of length; of the end j at the image of its
            node in the cell at ``shift``.
        rotations: Rotation of both ends, rad.
        node_displacements: Displacement of the nodes in the home cell.
    """

    strain: Float[np.ndarray, "3 3"]
    axial_force: Float[np.ndarray, " struts"]
    axial: Float[np.ndarray, " struts"]
    bending: Float[np.ndarray, " struts"]
    torsion: Float[np.ndarray, " struts"]
    displacements: Float[np.ndarray, "struts 2 3"]
    rotations: Float[np.ndarray, "struts 2 3"]
    node_displacements: Float[np.ndarray, "nodes 3"]

    @property
    def energy(self) -> Float[np.ndarray, " struts"]:
        """Strain energy of every strut."""
        return self.axial + self.bending + self.torsion

    @property
    def energy_share(self) -> Float[np.ndarray, " struts"]:
        """Energy of every strut over that of the cell."""
        total = self.energy.sum()
        return self.energy / total if total > 0 else np.zeros_like(self.energy)

    @property
    def bending_share(self) -> Float[np.ndarray, " struts"]:
        """Bending energy over energy of every strut; 0 where there is no energy."""
        energy = self.energy
        loaded = energy > _NO_ENERGY * energy.max(initial=0.0)
        return np.where(loaded, self.bending / np.where(loaded, energy, 1.0), 0.0)


def strain_tensor(mandel: Float[np.ndarray, " 6"]) -> Float[np.ndarray, "3 3"]:
    """Return the symmetric tensor of a Mandel vector, order 11 22 33 23 13 12."""
    a, b, c, d, e, f = mandel * np.array([1, 1, 1, _SQRT_HALF, _SQRT_HALF, _SQRT_HALF])
    return np.array([[a, f, e], [f, b, d], [e, d, c]])


def strut_fields(
    lattice: Lattice, fields: BeamFields, strain: Float[np.ndarray, " 6"]
) -> StrutFields:
    """Evaluate the struts of one lattice under a macroscopic strain.

    Args:
        lattice: The lattice that was homogenised.
        fields: Its fields under the six unit strains, of this lattice alone.
        strain: The macroscopic strain, Mandel, order 11 22 33 23 13 12.

    Raises:
        LatticeGnnError: If the fields are those of another lattice or of several.
    """
    if len(fields.end_forces) != lattice.num_struts or len(fields.rotations) != lattice.num_nodes:
        raise LatticeGnnError(
            f"strut fields: expected fields of {lattice.num_nodes} nodes and {lattice.num_struts} "
            f"struts, got {len(fields.rotations)} and {len(fields.end_forces)}; homogenise this "
            "lattice alone with fields=True."
        )
    E = strain_tensor(strain)
    u, theta = (x.detach().numpy() @ strain for x in (fields.displacements, fields.rotations))
    i, j = lattice.struts.T
    beyond = lattice.shifts @ lattice.cell @ E
    ends = np.stack([u[i], u[j] + beyond], axis=1)
    turns = np.stack([theta[i], theta[j]], axis=1)
    forces = (fields.end_forces.detach().numpy() @ strain).reshape(-1, 4, 3)  # f_i, m_i, f_j, m_j
    t = lattice.strut_vectors / lattice.lengths[:, None]

    def along(vectors: Float[np.ndarray, "struts 3"]) -> Float[np.ndarray, " struts"]:
        return (vectors * t).sum(axis=1)

    axial_force, moment = along(forces[:, 2]), along(forces[:, 3])
    axial = axial_force * along(ends[:, 1] - ends[:, 0]) / 2
    torsion = moment * along(turns[:, 1] - turns[:, 0]) / 2
    work = np.stack([ends[:, 0], turns[:, 0], ends[:, 1], turns[:, 1]], axis=1)
    energy = (forces * work).sum(axis=(1, 2)) / 2
    return StrutFields(
        strain=E,
        axial_force=axial_force,
        axial=axial,
        bending=np.maximum(energy - axial - torsion, 0.0),
        torsion=torsion,
        displacements=ends,
        rotations=turns,
        node_displacements=u,
    )
