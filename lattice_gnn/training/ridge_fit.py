"""The weights of the ridge model in closed form.

They minimise, for each degree of M,

    |M_ref - M|^2 + penalty |weights|^2,   M_ref = log(P^(-1/2) C_ref P^(-1/2)),

with every feature scaled to unit mean square and the penalty taken from a short list by the error
on a validation set.
"""

from collections.abc import Callable, Mapping

import torch

from lattice_gnn.network.layers.positivity import prior_inverse
from lattice_gnn.network.ridge import COPIES, LATTICES_AT_ONCE, RidgeModel
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.normal_equations import NormalEquations, batches

PENALTIES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Penalties that ``fit`` tries, relative to the mean square of a feature."""


def fit(
    model: RidgeModel,
    training: LabelledLattices,
    validation: LabelledLattices,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Set the weights of a ridge model in closed form.

    Memory does not grow with the number of lattices: the normal equations are accumulated over
    small batches. The model's normaliser should be that of the training set.

    Args:
        model: The model, whose weights are replaced.
        training: Training lattices.
        validation: Lattices that select the penalty of each degree from ``PENALTIES``.
        on_progress: Called with the number of lattices done and the total.

    Raises:
        LatticeGnnError: If there are no training or no validation lattices.
    """
    weights = {l: model.weights(l) for l in COPIES}
    systems = [
        {l: NormalEquations.empty(len(w), w.shape[1], w) for l, w in weights.items()}
        for _ in ("training", "validation")
    ]
    for number, part in batches("ridge", (training, validation), LATTICES_AT_ONCE, on_progress):
        _accumulate(model, part, systems[number])
    for l in COPIES:
        solutions = [systems[0][l].solve(penalty) for penalty in PENALTIES]
        weights[l].copy_(min(solutions, key=systems[1][l].error))


@torch.no_grad()
def _accumulate(
    model: RidgeModel, labelled: LabelledLattices, normal: Mapping[int, NormalEquations]
) -> None:
    """Add lattices to the normal equations of every degree."""
    M = prior_inverse(labelled.stiffness, labelled.batch).to(model.dtype)
    basis = model.output.get_buffer("basis")
    targets = torch.einsum("bij,kij->bk", M, basis)
    first = 0
    for l, features in model.features(model.normaliser, labelled.batch).items():
        copies, components = COPIES[l], 2 * l + 1
        of_degree = targets[:, first : first + copies * components]
        first += copies * components
        y = of_degree.unflatten(1, (copies, components)).mT
        normal[l].add(features.flatten(0, 1), y.flatten(0, 1))
