"""The second order of the correction: joints redistribute the forces among the struts.

The material of the joints displaces and turns strut ends by e = -H F relative to their nodes, H the
forms of the joints and F the forces of the frame. The struts no longer fit, the nodes follow, and
the self-stress that remains stores X = e^T G e, G the operator of ``fem_reference.beam.misfit``. In
units of the frame's stiffness

    C = 1 + M1 + X + ...,   M1 = F^T H F,   S = X - M1^2 >= 0.

Joints that scale the forces of the frame alike have S = 0, and exp(M1) covers them to all orders;
S is the gain by forces of another distribution. So M = M1 + S (1 + S / s)^-1, the second term of
the order (r / L)^2; the bound s acts far outside the training set only.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.beam.misfit import misfit_energy, misfit_forces
from lattice_gnn.network.layers.joint_cases import JointCases, end_units

Matrices = Float[Tensor, "sets lattices 6 6"]
Responses = Float[Tensor, "sets ends 2 3 6"]

_LARGEST = 4.0  #: s, which bounds the eigenvalues of the second order


def redistribution(responses: Responses, M: Matrices, cases: JointCases) -> Matrices:
    """Return the second order of M, float64, for sets of responses H F and their first order."""
    first = M.double()
    S = misfit_energy(cases.frame, _misfit(responses, cases)) - first @ first
    return _symmetric(_bound(S) @ S)


def redistribution_by_node(
    responses: Responses, parts: Float[Tensor, "sets nodes 6 6"], cases: JointCases
) -> Float[Tensor, "sets nodes 6 6"]:
    """Return the parts of the nodes in ``redistribution``: works of their misfits.

    Args:
        responses: H F.
        parts: The parts of the nodes in M1.
        cases: The lattices.
    """
    misfit = _misfit(responses, cases)
    forces = misfit_forces(cases.frame, misfit)
    work = (misfit.view(-1, 2, 6, 6).mT @ forces.view(-1, 2, 6, 6)).view(len(misfit), -1, 6, 6)
    node, owner = cases.frame.struts.flatten(), cases.frame.node_lattice
    first = _summed(parts.double(), owner, len(cases))
    S = _summed(work, node, parts.shape[1]) - first[:, owner] @ parts.double()
    bound = _bound(_symmetric(_summed(S, owner, len(cases))))
    return _symmetric(bound[:, owner] @ _symmetric(S))


def _misfit(responses: Responses, cases: JointCases) -> Float[Tensor, "sets struts 12 6"]:
    units = end_units(cases.frame.to(dtype=torch.float64))[:, :, None, None]
    return (responses.double() * units).reshape(len(responses), -1, 12, 6)


def _bound(S: Matrices) -> Matrices:
    """(1 + S / s)^-1."""
    return torch.linalg.inv(torch.eye(6, dtype=S.dtype, device=S.device) + S / _LARGEST)


def _summed(
    values: Float[Tensor, "sets rows 6 6"], owner: Int[Tensor, " rows"], count: int
) -> Float[Tensor, "sets owners 6 6"]:
    return values.new_zeros(len(values), count, 6, 6).index_add(1, owner, values)


def _symmetric(values: Float[Tensor, "*any 6 6"]) -> Float[Tensor, "*any 6 6"]:
    return (values + values.mT) / 2
