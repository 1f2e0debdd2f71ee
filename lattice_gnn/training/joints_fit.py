"""The weights of the linear joint model by least squares.

They minimise the mean of |M_ref - M|^2 over lattices and components plus penalty |weights|^2,
M_ref = log(P^(-1/2) C_ref P^(-1/2)), with every column scaled to unit mean square. The penalty is
the largest of ``PENALTIES`` whose mean squared error on a validation set is within 1 % of the
smallest: weights that hardly matter there are small, and so do little harm outside the training
domain.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.network.joints_linear import JointLinearModel, basis_functions
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_forms import pair_forms
from lattice_gnn.network.layers.positivity import relative_logarithm
from lattice_gnn.tensors.notation import UPPER
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.normal_equations import NormalEquations, batches

PENALTIES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Penalties that ``fit_joints`` tries, relative to the mean square of a column."""
_LATTICES_AT_ONCE = 16
_AS_GOOD = 1.01  #: error on the validation set over the smallest, up to which a penalty is as good


@torch.no_grad()
def fit_joints(
    model: JointLinearModel,
    training: LabelledLattices,
    validation: LabelledLattices,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Set the weights of a linear joint model.

    Args:
        model: The model, whose weights are replaced.
        training: Training lattices.
        validation: Lattices that select the penalty.
        on_progress: Called with the number of lattices done and the total.

    Raises:
        LatticeGnnError: If there are no training or no validation lattices.
    """
    sets, size = (training, validation), _LATTICES_AT_ONCE
    systems = [NormalEquations.empty(model.weights.numel(), 1, model.weights) for _ in sets]
    for number, part in batches("joints-linear", sets, size, on_progress):
        cases = model.inputs(part.batch)
        M = relative_logarithm(part.stiffness, cases.root)
        systems[number].add(columns(cases).flatten(0, 1), _upper(M).flatten()[:, None])
    solutions = [systems[0].solve(penalty) for penalty in PENALTIES]
    errors = [systems[1].error(weights) for weights in solutions]
    good = [k for k, error in enumerate(errors) if error <= _AS_GOOD * min(errors)]
    model.weights.copy_(solutions[good[-1]].view_as(model.weights))


def columns(cases: JointCases) -> Float[Tensor, "lattices 21 weights"]:
    """Derivative of the upper triangle of M (off-diagonal entries times sqrt 2) by each weight."""
    functions = basis_functions(cases).transpose(0, 1)  # pairs, 2, functions
    forms = _upper(pair_forms(cases)).transpose(0, 1)  # pairs, 2, 42, 21
    found = []
    for first, stop in zip(cases.pair_offsets[:-1], cases.pair_offsets[1:], strict=True):
        psi = functions[first:stop].flatten(0, 1)
        values = psi.T @ forms[first:stop].flatten(0, 1).flatten(1)
        found.append(values.view(psi.shape[1], -1, 21).flatten(0, 1).T)
    return torch.stack(found)


def _upper(M: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 21"]:
    i, j = (torch.from_numpy(x) for x in UPPER)
    return M[..., i, j] * M.new_tensor([1.0 if same else 2**0.5 for same in (i == j).tolist()])
