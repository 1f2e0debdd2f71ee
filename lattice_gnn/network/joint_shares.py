"""The parts of a joint network's correction that come from each joint."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.links import weld


def joint_matrices(model: StiffnessNetwork, batch: LatticeBatch) -> Float[Tensor, "nodes 6 6"]:
    """Split M of a joint network, C = P^(1/2) exp(M) P^(1/2), into the parts of the joints.

    M is a sum over pairs of strut ends that meet at a joint, so that the parts of all nodes of a
    cell add up to it. Joints that links make on struts (``layers/links.py``) count to the ends of
    the strut, more to the nearer one. The trace of a part over 6 is the mean of the factors (as
    logarithms) by which the joint stiffens the cell: their sum over the joints is
    log(det C / det P) / 6, P the stiffness of the frame with its links.

    Args:
        model: A network with a correction of joints ("joints" or "joints-linear").
        batch: Simplified lattices.

    Raises:
        LatticeGnnError: If the network has no joints.
    """
    kind: Any = model
    cases = kind.inputs(batch) if hasattr(model, "inputs") else None
    if not isinstance(cases, JointCases):
        raise LatticeGnnError(
            f"{type(model).__name__}: expected a network with a correction of joints; use the "
            "model joints."
        )
    with torch.no_grad():
        welds = weld(batch)
        if welds is None:
            return _matrices(kind, cases, batch)
        parts = _matrices(kind, cases, welds.batch)
        of_nodes, of_feet = parts[welds.nodes], parts[welds.feet]
        for end, share in enumerate((1 - welds.places, welds.places)):
            of_nodes.index_add_(0, welds.ends[:, end], share[:, None, None] * of_feet)
        return of_nodes


def _matrices(model: Any, cases: JointCases, batch: LatticeBatch) -> Float[Tensor, "nodes 6 6"]:
    parts: Tensor = model.matrix(_by_joint(cases, batch))
    return parts.double()


def _by_joint(cases: JointCases, batch: LatticeBatch) -> JointCases:
    """Regroup the ends and pairs of lattices so that every node counts as a lattice."""
    node = batch.struts.reshape(-1)
    of_pair = node[cases.ends[0]]
    ends, pairs = node.argsort(stable=True), of_pair.argsort(stable=True)
    nodes = len(batch.nodes)

    def offsets(owners: Tensor) -> Tensor:
        counts = torch.bincount(owners, minlength=nodes)
        return torch.cat([counts.new_zeros(1), counts.cumsum(0)])

    return replace(
        cases,
        root=cases.root.new_zeros(nodes, 6, 6),
        forces=cases.forces[ends],
        direction=cases.direction[ends],
        features=cases.features[:, pairs],
        influence=cases.influence[:, pairs],
        coupling=cases.coupling[pairs],
        cut=cases.cut[pairs],
        ends=ends.argsort()[cases.ends[:, pairs]],
        end_offsets=offsets(node),
        pair_offsets=offsets(of_pair),
    )
