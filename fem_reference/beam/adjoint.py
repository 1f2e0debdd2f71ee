"""Derivatives of displacements and end forces: one adjoint solve with the factor of the solution.

At equilibrium the nodal forces R(U, p) out of balance vanish, whatever the parameters p (positions,
radii, cells, moduli). With K = -dR/dU,

    dU = K^-1 dR|_U,

dR|_U the change of R with U held fixed, which automatic differentiation knows. For any function
f(U) the derivative is therefore (df/dU . K^-1) . dR|_U: the backward pass solves once with K, which
is symmetric and factorised already. The stiffness itself needs none of this, its derivative is the
one with U held fixed.
"""

from typing import Any

import torch
from torch import Tensor

from fem_reference.beam.factor import Factor, Nodal
from lattice_gnn.tensors.matrix_functions import OnceDifferentiable


def differentiable(U: Nodal, residual: Nodal, factor: Factor) -> Nodal:
    """U with the derivative that equilibrium gives it.

    Args:
        U: Fluctuations and rotations at equilibrium, outside the graph.
        residual: Nodal forces out of balance at U, inside the graph; zero where held.
        factor: The factorised stiffness.
    """
    result: Tensor = _Equilibrium.apply(residual, U, factor)
    return result


class _Equilibrium(torch.autograd.Function):
    """Displacements forward, the adjoint solve backward. First derivatives only."""

    @staticmethod
    def forward(ctx: Any, residual: Tensor, U: Tensor, factor: Factor) -> Tensor:
        ctx.factor = factor
        ctx.save_for_backward(residual)
        return U.view_as(U)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        with torch.no_grad():
            adjoint = ctx.factor.solve(gradients[0])
        once: Tensor = OnceDifferentiable.apply(adjoint, *ctx.saved_tensors, gradients[0])
        return once, None, None
