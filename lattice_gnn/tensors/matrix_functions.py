"""Functions of symmetric matrices, with gradients that stay finite at repeated eigenvalues.

Lattices with symmetry have repeated eigen-stiffnesses, and there the gradient of an eigenvector
does not exist, while the gradient of a matrix function does. So no eigenvector is ever
differentiated here: with A = U diag(a) U^T, the derivative of f(A) in the direction X is

    Df(A)[X] = U (F o (U^T X U)) U^T,   F_ij = (f(a_i) - f(a_j)) / (a_i - a_j),   F_ii = f'(a_i)

(Daleckii and Krein, 1965; Higham, Functions of Matrices, SIAM 2008, theorem 3.11). Each function
supplies its divided difference F in a form free of cancellation, accurate also for nearly equal
eigenvalues. The map is self-adjoint; the backward pass is the same formula.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError

ROUNDING = 1e-12
"""Negative eigenvalues smaller than this share of the largest are treated as zero."""


@dataclass(frozen=True)
class SpectralFunction:
    """A scalar function that can be applied to the eigenvalues of a symmetric matrix.

    Attributes:
        name: Name in error messages.
        value: f(a), element-wise.
        divided_difference: (f(a) - f(b))/(a - b) for a >= b, f'(a) at a = b, free of cancellation.
        domain: "real", "nonnegative" or "positive": the eigenvalues that are allowed.
    """

    name: str
    value: Callable[[Tensor], Tensor]
    divided_difference: Callable[[Tensor, Tensor], Tensor]
    domain: str = "real"


def _sqrt_difference(a: Tensor, b: Tensor) -> Tensor:
    return 1.0 / (a.sqrt() + b.sqrt())


def _inv_sqrt_difference(a: Tensor, b: Tensor) -> Tensor:
    return -1.0 / ((a * b).sqrt() * (a.sqrt() + b.sqrt()))


def _exp_difference(a: Tensor, b: Tensor) -> Tensor:
    # exp(a) (1 - exp(-(a - b))) / (a - b): never overflows where exp(a) does not.
    gap = a - b
    safe = torch.where(gap > 0, gap, 1.0)
    return a.exp() * torch.where(gap > 0, -torch.expm1(-safe) / safe, 1.0)


def _log_difference(a: Tensor, b: Tensor) -> Tensor:
    # log(1 + x) / (b x) with x = (a - b)/b >= 0.
    x = (a - b) / b
    safe = torch.where(x > 0, x, 1.0)
    return torch.where(x > 0, torch.log1p(safe) / safe, 1.0) / b


SPECTRAL_FUNCTIONS = {
    function.name: function
    for function in (
        SpectralFunction("sqrt", torch.sqrt, _sqrt_difference, "nonnegative"),
        SpectralFunction("inv_sqrt", torch.rsqrt, _inv_sqrt_difference, "positive"),
        SpectralFunction("exp", torch.exp, _exp_difference),
        SpectralFunction("log", torch.log, _log_difference, "positive"),
    )
}
"""The functions that `symmetric_function` knows by name."""


class _SymmetricFunction(torch.autograd.Function):
    """U f(a) U^T forward, Daleckii-Krein backward. First derivatives only."""

    @staticmethod
    def forward(
        ctx: Any, A: Tensor, eigenvalues: Tensor, U: Tensor, function: SpectralFunction
    ) -> Tensor:
        eigenvalues = _inside_domain(eigenvalues, function)
        ctx.function = function
        ctx.save_for_backward(A, eigenvalues, U)
        result = (U * function.value(eigenvalues)[..., None, :]) @ U.mT
        return 0.5 * (result + result.mT)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        A, eigenvalues, U = ctx.saved_tensors
        with torch.no_grad():
            a, b = eigenvalues[..., :, None], eigenvalues[..., None, :]
            F = ctx.function.divided_difference(torch.maximum(a, b), torch.minimum(a, b))
            inner = U.mT @ (0.5 * (gradients[0] + gradients[0].mT)) @ U
            result = U @ (F * inner) @ U.mT
        once: Tensor = OnceDifferentiable.apply(result, A, gradients[0])
        return once, None, None, None


class OnceDifferentiable(torch.autograd.Function):
    """Identity on a gradient that raises when differentiated again.

    torch's `once_differentiable` silently returns a zero second derivative where the incoming
    gradient is constant, as in ``autograd.grad(f.sum(), A, create_graph=True)``; this one raises.
    """

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *dependencies: Tensor) -> Tensor:
        """Return the gradient; ``dependencies`` are the tensors that it was computed from."""
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        """Raise: second derivatives are not implemented.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("matrix functions here are once differentiable: no second derivatives")


def _inside_domain(eigenvalues: Tensor, function: SpectralFunction) -> Tensor:
    """Return the eigenvalues, rounded zeros clamped where zero is allowed; raise outside."""
    if function.domain == "real":
        return eigenvalues
    if function.domain == "nonnegative":
        floor = -ROUNDING * eigenvalues.abs().amax(-1, keepdim=True)
        allowed = eigenvalues >= floor
        mended = eigenvalues.clamp_min(0.0)
    else:
        allowed = eigenvalues > 0
        mended = eigenvalues
    if not bool(allowed.all()):
        raise LatticeGnnError(
            f"the matrix {function.name} needs {function.domain} eigenvalues but the smallest is "
            f"{eigenvalues.min().item():.3g}: pass a matrix with {function.domain} eigenvalues"
        )
    return mended


class Spectrum:
    """Eigen-decomposition of symmetric matrices, shared by several functions of them.

    ``Spectrum(A)(f)`` is ``symmetric_function(A, f)``; see there.

    Raises:
        LatticeGnnError: For values that are not finite.
    """

    def __init__(self, A: Float[Tensor, "*batch n n"]):
        if not bool(torch.isfinite(A).all()):
            raise LatticeGnnError(
                "a matrix function needs finite entries but got NaN or infinity: "
                "check the input matrix"
            )
        A = A.to(torch.float64)
        self._matrices = 0.5 * (A + A.mT)
        self._eigen = torch.linalg.eigh(self._matrices.detach())

    def __call__(self, function: str | SpectralFunction) -> Float[Tensor, "*batch n n"]:
        """Return f(A) in float64."""
        if isinstance(function, str):
            if function not in SPECTRAL_FUNCTIONS:
                known = ", ".join(SPECTRAL_FUNCTIONS)
                raise LatticeGnnError(f"unknown matrix function {function!r}: use one of {known}")
            function = SPECTRAL_FUNCTIONS[function]
        result: Tensor = _SymmetricFunction.apply(self._matrices, *self._eigen, function)
        return result


def symmetric_function(
    A: Float[Tensor, "*batch n n"], function: str | SpectralFunction
) -> Float[Tensor, "*batch n n"]:
    """Apply a function to symmetric matrices, differentiable once also at repeated eigenvalues.

    The matrix is symmetrised first, so the gradient is symmetric. All computation is in float64
    whatever the input's dtype, since in float32 small eigenvalues lose their sign. The square root
    of a singular matrix is defined but its gradient there is infinite. Second derivatives raise.

    Args:
        A: Symmetric matrices.
        function: "sqrt", "inv_sqrt", "exp", "log", or any other `SpectralFunction`.

    Returns:
        f(A) in float64.

    Raises:
        LatticeGnnError: For an unknown name, values that are not finite, or eigenvalues outside the
            function's domain.
    """
    return Spectrum(A)(function)
