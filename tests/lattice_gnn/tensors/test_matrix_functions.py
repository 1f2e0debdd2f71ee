"""Values against scipy, derivatives against finite differences, block matrices and mpmath."""

import mpmath
import numpy as np
import pytest
import scipy.linalg
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.matrix_functions import (
    SPECTRAL_FUNCTIONS,
    SpectralFunction,
    Spectrum,
    symmetric_function,
)

NAMES = ["sqrt", "inv_sqrt", "exp", "log"]
SPECTRA = {
    "distinct": [0.3, 0.7, 1.1, 1.9, 2.6, 4.0],
    "cubic": [0.2, 0.2, 0.5, 0.5, 0.5, 1.7],
    "all equal": [1.3] * 6,
    "nearly equal": [1.0, 1.0 + 1e-12, 1.0 + 1e-9, 1.0 + 1e-6, 2.0, 2.0 + 1e-14],
    "wide": [1e-3, 1e-3, 1e-2, 0.1, 1.0, 1.0],
}


def matrix_of(eigenvalues, seed=0):
    generator = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    A = Q @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ Q.T
    return 0.5 * (A + A.T)


def reference(name, A):
    A = np.asarray(A)
    if name == "inv_sqrt":
        return np.linalg.inv(scipy.linalg.sqrtm(A)).real
    return getattr(scipy.linalg, {"sqrt": "sqrtm", "exp": "expm", "log": "logm"}[name])(A).real


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("name", NAMES)
def test_values_agree_with_scipy(name, spectrum):
    A = matrix_of(SPECTRA[spectrum])
    np.testing.assert_allclose(symmetric_function(A, name), reference(name, A), rtol=0, atol=1e-10)


@pytest.mark.parametrize("spectrum", ["distinct", "cubic", "all equal", "nearly equal"])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_against_finite_differences(name, spectrum):
    A = matrix_of(SPECTRA[spectrum]).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: symmetric_function(a, name), A)


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("name", NAMES)
def test_gradient_against_the_block_triangular_identity(name, spectrum):
    # f([[A, X], [0, A]]) holds Df(A)[X] in its upper right block: Higham (2008), theorem 3.6.
    A, X = matrix_of(SPECTRA[spectrum]), matrix_of([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0], seed=1)
    block = np.block([[A.numpy(), X.numpy()], [np.zeros((6, 6)), A.numpy()]])
    derivative = reference(name, block)[:6, 6:]
    A.requires_grad_()
    weights = matrix_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], seed=2)
    (symmetric_function(A, name) * weights).sum().backward()
    scale = np.abs(derivative).max()
    assert (A.grad * X).sum().item() == pytest.approx(
        (derivative * weights.numpy()).sum(), rel=1e-8, abs=1e-8 * scale
    )


EXACT = {
    "sqrt": mpmath.sqrt,
    "inv_sqrt": lambda a: 1 / mpmath.sqrt(a),
    "exp": mpmath.exp,
    "log": mpmath.log,
}


@pytest.mark.parametrize("gap", [0.0, 1e-300, 1e-16, 1e-12, 1e-8, 1e-4, 0.1, 3.0, 50.0])
@pytest.mark.parametrize("name", NAMES)
def test_divided_differences_keep_full_accuracy(name, gap):
    b = 0.37
    a = b + gap
    with mpmath.workdps(400):
        f, high, low = EXACT[name], mpmath.mpf(a), mpmath.mpf(b)
        exact = (f(high) - f(low)) / (high - low) if a > b else mpmath.diff(f, low)
    pair = torch.tensor([a, b], dtype=torch.float64)
    got = SPECTRAL_FUNCTIONS[name].divided_difference(pair[0], pair[1]).item()
    assert got == pytest.approx(float(exact), rel=5e-15)


def test_exponential_does_not_overflow_on_wide_spectra():
    A = torch.diag(torch.tensor([-800.0, 0.0, 600.0], dtype=torch.float64)).requires_grad_()
    symmetric_function(A, "exp").log1p().sum().backward()
    assert bool(torch.isfinite(A.grad).all())


def test_batches_and_identities():
    A = torch.stack([matrix_of(SPECTRA["cubic"], seed) for seed in range(4)]).reshape(2, 2, 6, 6)
    root = symmetric_function(A, "sqrt")
    torch.testing.assert_close(root @ root, A)
    torch.testing.assert_close(
        symmetric_function(A, "inv_sqrt") @ root, torch.eye(6).double().expand(2, 2, 6, 6)
    )
    torch.testing.assert_close(symmetric_function(symmetric_function(A, "log"), "exp"), A)


def test_only_the_symmetric_part_counts_and_float32_is_lifted():
    A = matrix_of(SPECTRA["distinct"])
    skew = torch.triu(torch.ones(6, 6).double(), 1)
    torch.testing.assert_close(
        symmetric_function(A + skew - skew.T, "sqrt"), symmetric_function(A, "sqrt")
    )
    assert symmetric_function(A.float(), "sqrt").dtype == torch.float64


def test_another_function_may_be_brought_along():
    inverse = SpectralFunction("inverse", torch.reciprocal, lambda a, b: -1.0 / (a * b), "positive")
    A = matrix_of(SPECTRA["cubic"]).requires_grad_()
    B = A.detach().clone().requires_grad_()
    weights = matrix_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], seed=2)
    (symmetric_function(A, inverse) * weights).sum().backward()
    (torch.linalg.inv(B) * weights).sum().backward()
    torch.testing.assert_close(A.grad, B.grad)


def test_functions_of_one_spectrum_share_a_gradient():
    """exp(A) A^(-1/2) of one decomposition and of two, at repeated eigenvalues."""
    A = matrix_of(SPECTRA["cubic"]).requires_grad_()
    B = A.detach().clone().requires_grad_()
    weights = matrix_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], seed=2)
    spectrum = Spectrum(A)
    once = spectrum("exp") @ spectrum("inv_sqrt")
    twice = symmetric_function(B, "exp") @ symmetric_function(B, "inv_sqrt")
    torch.testing.assert_close(once, twice, rtol=0, atol=0)
    (once * weights).sum().backward()
    (twice * weights).sum().backward()
    torch.testing.assert_close(A.grad, B.grad, rtol=1e-13, atol=1e-14)


def test_singular_matrices_have_a_root_and_no_logarithm():
    A = matrix_of([0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
    root = symmetric_function(A, "sqrt")
    torch.testing.assert_close(root @ root, A)
    with pytest.raises(LatticeGnnError, match="positive eigenvalues"):
        symmetric_function(torch.zeros(6, 6).double(), "log")
    with pytest.raises(LatticeGnnError, match=r"nonnegative eigenvalues but the smallest is -0\.1"):
        symmetric_function(matrix_of([-0.1, 1.0, 1.0, 1.0, 1.0, 1.0]), "sqrt")


def test_unknown_names_values_that_are_not_finite_and_second_derivatives_are_refused():
    A = matrix_of(SPECTRA["cubic"]).requires_grad_()
    with pytest.raises(LatticeGnnError, match="unknown matrix function 'cos'"):
        symmetric_function(A, "cos")
    with pytest.raises(LatticeGnnError, match="NaN or infinity"):
        symmetric_function(A * torch.nan, "exp")
    (gradient,) = torch.autograd.grad(symmetric_function(A, "exp").sum(), A, create_graph=True)
    with pytest.raises(RuntimeError, match="once differentiable"):
        gradient.square().sum().backward()
