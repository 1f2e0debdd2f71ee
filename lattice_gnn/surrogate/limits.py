"""The upper bound that no lattice can exceed, by which meaningless predictions are refused."""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness

SLACK = 1.1
"""Excess over the bound that is put down to the error of the model: struts that all run in one
direction reach the bound itself."""


def excess_over_solid(
    C: Float[Tensor, "lattices 6 6"], batch: LatticeBatch
) -> Float[Tensor, " lattices"]:
    """Return by what factor a stiffness exceeds that of its solid times the share of solid.

    C <= f C_s in every strain (Voigt 1889), where f is the volume fraction of the solid, here at
    most the relative density and 1, and C_s the stiffness of the solid, here with the largest bulk
    and shear modulus of the struts. Below 1 the bound is kept; infinite if C is not finite.

    Args:
        C: C / E_s, Mandel, float64.
        batch: The lattices.
    """
    count, owner = len(batch), batch.strut_lattice
    E, nu = batch.E.detach().double(), batch.nu.detach().double()
    start = E.new_zeros(count)
    bulk = start.scatter_reduce(0, owner, E / (3 * (1 - 2 * nu)), "amax")
    shear = start.scatter_reduce(0, owner, E / (2 * (1 + nu)), "amax")
    solid = Stiffness.cubic(bulk + 4 / 3 * shear, bulk - 2 / 3 * shear, shear).mandel
    factor = torch.linalg.inv(torch.linalg.cholesky(solid))
    finite = torch.isfinite(C).all((-2, -1))
    relative = factor @ torch.where(finite[:, None, None], C, 0.0) @ factor.mT
    share = batch.relative_density.detach().double().clamp(max=1.0)
    found: Tensor = torch.linalg.eigvalsh(relative)[:, -1] / share
    return torch.where(finite, found, torch.inf)
