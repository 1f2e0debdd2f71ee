"""Kelvin's eigen-stiffnesses and strain modes."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.tensors.notation import mandel_to_strain

DEFINITE = 1e-12
"""A tensor is positive definite if its smallest eigenvalue exceeds this share of the largest."""


class EigenStiffnesses(NamedTuple):
    """Kelvin's eigen-stiffnesses, ascending, and their strain modes.

    Attributes:
        values: Shape (..., 6), in the unit of the stiffness.
        modes: Shape (..., 6, 3, 3), unit strain tensors (Frobenius norm 1), in the same order.
    """

    values: Float[Tensor, "*batch 6"]
    modes: Float[Tensor, "*batch 6 3 3"]


class SoftMode(NamedTuple):
    """The softest strain: the smallest eigen-stiffness and its unit strain tensor (..., 3, 3)."""

    value: Float[Tensor, "*batch"]
    strain: Float[Tensor, "*batch 3 3"]


def eigen_stiffnesses(mandel: Float[Tensor, "*batch 6 6"]) -> EigenStiffnesses:
    """Return the eigenvalues in ascending order and their unit strain tensors.

    The values are differentiable once, exactly; where eigenvalues repeat, their sum is. The modes
    carry no gradient.
    """
    modes = torch.linalg.eigh(mandel.detach())[1].mT
    values = torch.einsum("...ki,...ij,...kj->...k", modes, mandel, modes)
    return EigenStiffnesses(values, mandel_to_strain(modes))


def is_definite(mandel: Float[Tensor, "*batch 6 6"]) -> Bool[Tensor, "*batch"]:
    """Return whether the smallest eigenvalue exceeds 1e-12 of the largest magnitude."""
    values = torch.linalg.eigvalsh(mandel.detach())
    return values[..., 0] > DEFINITE * values.abs().amax(-1)
