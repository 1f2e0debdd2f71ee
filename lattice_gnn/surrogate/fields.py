"""Response of a lattice to a macroscopic strain: fields of the frame, stress and energy of C."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.arrays import ArrayLike
from lattice_gnn.tensors.notation import mandel_to_strain, strain_basis
from lattice_gnn.tensors.stiffness import Stiffness


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A lattice under a macroscopic strain.

    Stress and energy belong to the predicted stiffness and are consistent with it to rounding.
    Displacements, rotations and end forces are those of the frame by beam FEM: the model corrects
    the stiffness of the frame, not its fields.

    Attributes:
        strain: Macroscopic strain.
        stress: Macroscopic stress C : strain, over E_s.
        energy: Energy density strain : C : strain / 2, over E_s.
        displacements: Displacements of the nodes in the home cell, unit of length.
        rotations: Rotations of the nodes, rad.
        end_forces: Forces and moments on the struts' ends, rows f_i, m_i, f_j, m_j in global axes;
            E_s times length^2 and length^3.
    """

    strain: Float[Tensor, "3 3"]
    stress: Float[Tensor, "3 3"]
    energy: float
    displacements: Float[Tensor, "nodes 3"]
    rotations: Float[Tensor, "nodes 3"]
    end_forces: Float[Tensor, "struts 12"]


def respond(lattice: Lattice, stiffness: Stiffness, strain: ArrayLike) -> Response:
    """Return the response of a lattice to a macroscopic strain.

    Args:
        lattice: The lattice.
        stiffness: C / E_s that stress and energy belong to.
        strain: Symmetric (3, 3).

    Raises:
        LatticeGnnError: For anything other than a symmetric, finite (3, 3) strain.
    """
    given = torch.as_tensor(strain, dtype=torch.float64)
    if given.shape != (3, 3) or not bool(torch.isfinite(given).all()):
        raise LatticeGnnError(
            f"strain: expected finite numbers of shape (3, 3), got shape {tuple(given.shape)}"
        )
    if not torch.allclose(given, given.mT, rtol=1e-9, atol=0):
        raise LatticeGnnError("strain: expected a symmetric matrix; pass (F + F.T) / 2 - 1")
    e = (strain_basis(given) * given).sum((-1, -2))
    C = stiffness.mandel.detach()
    fields = homogenise_beam(lattice, fields=True).fields
    assert fields is not None
    return Response(
        strain=given,
        stress=mandel_to_strain(C @ e),
        energy=float(e @ C @ e) / 2,
        displacements=fields.displacements @ e,
        rotations=fields.rotations @ e,
        end_forces=fields.end_forces @ e,
    )
