"""Energy of the self-stress of a frame whose strut ends do not fit their nodes.

Displace and turn the ends of every strut by v relative to their nodes. The nodes move by U, at zero
macroscopic strain, until the forces balance. Of six such fields there remains

    R_kl = min over U of sum over struts D(v_k + U) . D(v_l + U),

with D.D twice the energy of a strut. R is positive semi-definite, and zero for misfits that a
motion of the nodes undoes. Since it is stationary in U, its derivative with U held fixed is exact.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fem_reference.beam import compiled
from fem_reference.beam.elements import strut_operator
from fem_reference.beam.groups import (
    SPARSE_FROM_NODES,
    at_ends,
    factorise_group,
    unbalanced_forces,
)
from fem_reference.beam.homogenise import held_degrees
from fem_reference.beam.schedule import split_by_size
from fem_reference.beam.supports import find_supports
from fem_reference.sparse import IllConditionedError
from lattice_gnn.lattice.batch import LatticeBatch


def misfit_energy(
    batch: LatticeBatch, misfit: Float[Tensor, "sets struts 12 6"]
) -> Float[Tensor, "sets lattices 6 6"]:
    """Compute R of Euler-Bernoulli frames, differentiable with respect to misfit and lattices.

    Args:
        batch: The lattices.
        misfit: Displacement and rotation of both ends of every strut relative to their nodes, rows
            u_i, theta_i, u_j, theta_j; six fields in each of several sets.

    Returns:
        Twice the energy of every pair of fields of a set; E_s times length^3.

    Raises:
        IllConditionedError: If the stiffness of a frame is not positive definite in this precision.
    """
    wide, misfit = batch.to(dtype=torch.float64), misfit.double()
    held = held_degrees(wide, find_supports(wide))
    nodes = wide.node_offsets.diff()
    if wide.nodes.device.type == "cpu" and int(nodes.max()) < compiled.COMPILED_BELOW_NODES:
        kernel = compiled.kernel_for(len(wide.nodes))
        if kernel is not None:
            found, solved = kernel.misfit_energies(wide, held, misfit)
            if solved.all():
                return found
            raise IllConditionedError(int(np.argmin(solved)))
    _, D = _deformed(wide, held, misfit)
    energy = D.mT @ D
    R = energy.new_zeros(len(D), len(wide), 6, 6).index_add(1, wide.strut_lattice, energy)
    return (R + R.mT) / 2


def misfit_forces(
    batch: LatticeBatch, misfit: Float[Tensor, "sets struts 12 6"]
) -> Float[Tensor, "sets struts 12 6"]:
    """Compute the self-stress: forces and moments on the ends of every strut, in balance.

    Arguments and errors are those of ``misfit_energy``; derivatives are not exact.
    """
    wide = batch.to(dtype=torch.float64)
    B, D = _deformed(wide, held_degrees(wide, find_supports(wide)), misfit.double())
    return B.mT @ D


def _deformed(
    batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], misfit: Float[Tensor, "sets struts 12 6"]
) -> tuple[Float[Tensor, "struts 8 12"], Float[Tensor, "sets struts 8 6"]]:
    """Return B and the deformations D(v + U) of the struts."""
    sets, struts = misfit.shape[:2]
    fields = misfit.permute(1, 2, 0, 3).reshape(struts, 12, 6 * sets)
    B = strut_operator(batch)
    with torch.no_grad():
        U = _motion(batch, held, B.detach(), B.detach() @ fields.detach())
    D = B @ (fields + at_ends(batch, U))
    return B, D.unflatten(2, (sets, 6)).permute(2, 0, 1, 3)


def _motion(
    batch: LatticeBatch,
    held: Bool[Tensor, "nodes 6"],
    B: Float[Tensor, "struts 8 12"],
    D: Float[Tensor, "struts 8 fields"],
) -> Float[Tensor, "nodes 6 fields"]:
    """Return the motion of the nodes that balances the forces of deformations D."""
    U = D.new_empty(len(batch.nodes), 6, D.shape[2])
    for group in split_by_size(batch.node_offsets.diff().cpu().numpy(), SPARSE_FROM_NODES):
        part, (nodes, struts) = batch.select(group), batch.members(group)
        fixed = held[nodes].reshape(-1)
        try:
            factor = factorise_group(part, B[struts], fixed)
        except IllConditionedError as error:
            raise IllConditionedError(int(group[error.lattice])) from error
        U[nodes] = factor.solve(unbalanced_forces(part, B[struts], D[struts], fixed))
    return U
