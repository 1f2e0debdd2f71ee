"""Derivatives of displacements and end forces: one adjoint solve with the factor of the solution.

At equilibrium the unbalanced nodal forces R(U, p) vanish for all parameters p (positions, radii,
cells, moduli). With K = -dR/dU,

    dU = K^-1 dR|_U,

where dR|_U, the change of R with U held fixed, comes from automatic differentiation. For any
function f(U) the derivative is therefore (df/dU . K^-1) . dR|_U: the backward pass solves once with
K, which is symmetric and already factorised. The stiffness itself needs no adjoint solve: its
derivative is the one with U held fixed.
"""

from typing import Any

import torch
from torch import Tensor

from fem_reference.beam.factor import Factor, Nodal
from lattice_gnn.tensors.matrix_functions import OnceDifferentiable


def differentiable(U: Nodal, residual: Nodal, factor: Factor) -> Nodal:
    """Return U with the derivative given by equilibrium.

    Args:
        U: Fluctuations and rotations at equilibrium, outside the graph.
        residual: Unbalanced nodal forces at U, inside the graph; zero where held.
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
