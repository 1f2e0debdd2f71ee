"""Voigt, Mandel and Cartesian forms of second- and fourth-order tensors.

All conversions use one index table. The order of the six components is 11, 22, 33, 23, 13, 12
everywhere in this package. Nothing is symmetrised: a non-symmetric 6x6 matrix survives the round
trip unchanged, so that tests can detect a transposition.

The three forms of the stiffness, with ``w = (1, 1, 1, sqrt 2, sqrt 2, sqrt 2)``:

- Cartesian ``C_ijkl``, shape (..., 3, 3, 3, 3);
- Voigt ``C_IJ = C_ijkl`` with I = ij and J = kl; the compliance carries factors 1, 2 and 4;
- Mandel ``w_I w_J C_ijkl`` for stiffness and compliance alike, so that a rotation is an orthogonal
  6x6 matrix and eigenvalues mean something.

Source: Mehrabadi and Cowin (1990), Q. J. Mech. Appl. Math. 43, 15-41; Nye (1985), Physical
Properties of Crystals, ch. VIII.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""The Cartesian index pair behind each of the six components."""

COMPONENTS = ("11", "22", "33", "23", "13", "12")
"""The names of the six components, in order."""

FIRST = tuple(i for i, _ in PAIRS)
SECOND = tuple(j for _, j in PAIRS)
COMPONENT_OF_PAIR = ((0, 5, 4), (5, 1, 3), (4, 3, 2))
"""The inverse table: which of the six components holds the Cartesian pair (i, j)."""

UPPER = np.triu_indices(6)
"""Rows and columns of the 21 independent components of a symmetric 6x6 matrix, row by row."""


def mandel_weights(like: Tensor) -> Float[Tensor, " 6"]:
    """Return (1, 1, 1, sqrt 2, sqrt 2, sqrt 2) with the dtype and device of `like`."""
    return _weights(like.dtype, like.device)


@cache
def _weights(dtype: torch.dtype, device: torch.device) -> Float[Tensor, " 6"]:
    return torch.tensor([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], dtype=dtype, device=device).sqrt()


def _weight_products(like: Tensor) -> Float[Tensor, "6 6"]:
    weights = mandel_weights(like)
    return weights[:, None] * weights[None, :]


@cache
def _pair_indices(device: torch.device) -> tuple[Int[Tensor, " 6"], Int[Tensor, " 6"]]:
    """Return the first and the second Cartesian index of the six components."""
    return torch.tensor(FIRST, device=device), torch.tensor(SECOND, device=device)


@cache
def _component_table(device: torch.device) -> Int[Tensor, "3 3"]:
    return torch.tensor(COMPONENT_OF_PAIR, device=device)


def voigt_to_mandel_stiffness(voigt: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
    """Convert a stiffness from Voigt to Mandel: factors 1, sqrt 2 and 2."""
    return voigt * _weight_products(voigt)


def mandel_to_voigt_stiffness(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
    """Convert a stiffness from Mandel to Voigt, where C_44 = C_2323."""
    return mandel / _weight_products(mandel)


def voigt_to_mandel_compliance(voigt: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
    """Convert a compliance from Voigt (S_44 = 4 S_2323 = 1/G_23) to Mandel (2 S_2323)."""
    return voigt / _weight_products(voigt)


def mandel_to_voigt_compliance(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
    """Convert a compliance from Mandel to Voigt, where S_44 = 4 S_2323 = 1/G_23."""
    return mandel * _weight_products(mandel)


def mandel_to_cartesian(mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 3 3 3 3"]:
    """Convert a Mandel matrix to 81 Cartesian components; minor symmetries hold exactly."""
    table = _component_table(mandel.device)
    plain = mandel / _weight_products(mandel)
    return plain[..., table[:, :, None, None], table[None, None, :, :]]


def cartesian_to_mandel(tensor: Float[Tensor, "*batch 3 3 3 3"]) -> Float[Tensor, "*batch 6 6"]:
    """Convert Cartesian components to a Mandel matrix.

    Reads the 36 components whose index pairs are 11, 22, 33, 23, 13, 12; the others are assumed to
    follow from the minor symmetries C_ijkl = C_jikl = C_ijlk.
    """
    first, second = _pair_indices(tensor.device)
    plain = tensor[..., first[:, None], second[:, None], first[None, :], second[None, :]]
    return plain * _weight_products(tensor)


def symmetric_from_upper(upper: Float[np.ndarray, "*batch 21"]) -> Float[np.ndarray, "*batch 6 6"]:
    """Build symmetric matrices from their upper triangles, row by row."""
    full = np.zeros((*upper.shape[:-1], 6, 6))
    full[..., UPPER[0], UPPER[1]] = upper
    full[..., UPPER[1], UPPER[0]] = upper
    return full


def strain_basis(like: Tensor) -> Float[Tensor, "6 3 3"]:
    """Return the Mandel unit strains: e_i e_i; (e_i e_j + e_j e_i)/sqrt 2 for 23, 13, 12.

    With the dtype and device of `like`.
    """
    basis = torch.zeros(6, 3, 3, dtype=like.dtype, device=like.device)
    for k, (i, j) in enumerate(PAIRS):
        basis[k, i, j] = basis[k, j, i] = 1.0 if i == j else 0.5**0.5
    return basis


def mandel_to_strain(vector: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert a Mandel vector to the symmetric 3x3 strain or stress tensor."""
    table = _component_table(vector.device)
    return (vector / mandel_weights(vector))[..., table]


def dyad_mandel(
    first: Float[Tensor, "*batch 3"], second: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 6"]:
    """Return the Mandel vector of the symmetric dyad (a b + b a)/2 of two vectors."""
    i, j = _pair_indices(first.device)
    total = first[..., i] * second[..., j] + first[..., j] * second[..., i]
    return total * (0.5 * mandel_weights(first))


def _congruence_mandel(
    A: Float[Tensor, "*batch 3 3"], B: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch 6 6"]:
    """Return the Mandel matrix of the map e -> (A e B^T + B e A^T)/2 on symmetric tensors e."""
    first, second = _pair_indices(A.device)
    i, j, k, l = first[:, None], second[:, None], first[None, :], second[None, :]
    total = A[..., i, k] * B[..., j, l] + A[..., i, l] * B[..., j, k]
    total = total + B[..., i, k] * A[..., j, l] + B[..., i, l] * A[..., j, k]
    return 0.25 * total * _weight_products(A)


def rotation_mandel(R: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 6 6"]:
    """Return the orthogonal 6x6 Q that rotates Mandel vectors: R strain R^T becomes Q e.

    A Mandel matrix rotates as Q C Q^T. Improper R (determinant -1) are allowed; R and -R give the
    same Q. Source: Mehrabadi and Cowin (1990), Q. J. Mech. Appl. Math. 43, 15-41.
    """
    return _congruence_mandel(R, R)


def cross_matrices(like: Tensor) -> Float[Tensor, "3 3 3"]:
    """Return the matrices of e_k x v, one per row k, with the dtype and device of `like`."""
    return _cross_matrices(like.dtype, like.device)


@cache
def _cross_matrices(dtype: torch.dtype, device: torch.device) -> Float[Tensor, "3 3 3"]:
    spin = torch.zeros(3, 3, 3, dtype=dtype)
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        spin[a, b, c], spin[a, c, b] = -1.0, 1.0
    return spin.to(device)


def rotation_generators(like: Tensor) -> Float[Tensor, "3 6 6"]:
    """Return the derivatives of `rotation_mandel` at the identity by the rotation vector.

    Antisymmetric; row k belongs to a right-handed rotation about axis k. The dtype is that of
    `like`.
    """
    identity = torch.eye(3, dtype=like.dtype, device=like.device).expand(3, 3, 3)
    return 2.0 * _congruence_mandel(cross_matrices(like), identity)
