"""The parts of a joint network's correction that come from each joint."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_redistribution import redistribution_by_node


def joint_matrices(model: StiffnessNetwork, batch: LatticeBatch) -> Float[Tensor, "nodes 6 6"]:
    """Split M of a joint network, C = P^(1/2) exp(M) P^(1/2), into the parts of the joints.

    M is a sum over pairs of strut ends that meet at a joint, and the energy of the self-stress is
    the sum of its works on the misfits of the ends, so that the parts of all nodes add up to M.
    The trace of a part over 6 is the mean of the factors (as logarithms) by which the joint
    stiffens the cell: their sum over the joints is log(det C / det P) / 6, P the stiffness of the
    frame.

    Args:
        model: A network with a correction of joints ("joints" or "joints-linear").
        batch: Simplified lattices.

    Raises:
        LatticeGnnError: If the network has no joints.
    """
    with torch.no_grad():
        cases = model.inputs(batch)
    if not isinstance(cases, JointCases):
        raise LatticeGnnError(
            f"{type(model).__name__}: expected a network with a correction of joints; use the "
            "model joints."
        )
    with torch.no_grad():
        return _matrices(model, cases)


def _matrices(model: Any, cases: JointCases) -> Float[Tensor, "nodes 6 6"]:
    """Split M by the nodes of the frames."""
    responses: Tensor = model.responses(cases)
    work = cases.forces.flatten(1, 2).mT @ responses.flatten(2, 3)
    work = ((work + work.mT) / 2).double()
    nodes = len(cases.frame.nodes)
    parts = work.new_zeros(len(work), nodes, 6, 6).index_add(1, cases.frame.struts.flatten(), work)
    if getattr(model.config, "redistribution", False):
        parts = parts + redistribution_by_node(responses, parts, cases)
    return parts.mean(0)
