"""Equivariant features as functions on the unit sphere.

A feature with coefficients a_lm, l <= L, is the function f(n) = sum a_lm Y_lm(n). Rotating the
coefficients rotates the function, an improper rotation maps f(n) to f(-n) (natural parity), and a
*pointwise product* of functions is an equivariant product of features: it couples l1, l2 -> l3 with
the Gaunt coefficients. On a grid whose quadrature is exact to degree 3L the product is projected
back to degree L exactly, so equivariance holds to rounding, at the cost of dense matrix products
instead of a sparse Clebsch-Gordan contraction.

Reference:
    Luo, Chen, Krishnapriyan, *Enabling efficient equivariant operations in the Fourier basis via
    Gaunt tensor products*, ICLR 2024.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.network.layers.couplings import coupling
from lattice_gnn.network.layers.tables import ExactTables

Coefficients = Float[Tensor, "items degrees channels"]  #: (L+1)^2 degrees, l-major, m from -l to l
GridValues = Float[Tensor, "items points channels"]


def spherical_harmonics(
    lmax: int, vectors: Float[Tensor, "*items 3"]
) -> Float[Tensor, "*items degrees"]:
    """Real spherical harmonics, l = 0..lmax, of the directions, mean square 1 on the sphere.

    Those of e3nn (pole y; l = 1 is x, y, z), degree by degree from the direction n:

        Y_l = (2l + 1) / sqrt(l) (l-1 1 l) Y_(l-1) n,   Y_0 = 1,

    never in half precision, where the errors of all degrees would add up.
    """
    n = nn.functional.normalize(vectors, dim=-1)
    parts = [torch.ones_like(n[..., :1])]
    with torch.autocast(n.device.type, enabled=False):
        for step in _harmonic_steps(lmax, n.dtype, n.device):
            parts.append((parts[-1][..., :, None] * n[..., None, :]).flatten(-2) @ step)
    return torch.cat(parts, -1)


@lru_cache(maxsize=16)
def _harmonic_steps(lmax: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
    """Matrices from Y_(l-1) n to Y_l, l = 1..lmax."""
    with torch.inference_mode(False):  # they outlive the call, and may serve gradients later
        return tuple(
            ((2 * l + 1) / math.sqrt(l) * coupling(l - 1, 1, l).flatten(0, 1)).to(device, dtype)
            for l in range(1, lmax + 1)
        )


def degree_slice(l: int) -> slice:
    """Slice of the 2l + 1 coefficients of degree l."""
    return slice(l * l, (l + 1) * (l + 1))


def quadrature(degree: int) -> tuple[Float[Tensor, "points 3"], Float[Tensor, " points"]]:
    """Directions and weights (of sum 1) that integrate polynomials up to a degree exactly.

    Gauss-Legendre in z, equidistant angles about z.
    """
    z, weight = np.polynomial.legendre.leggauss(degree // 2 + 1)
    count = degree + 1
    angle = 2 * math.pi * np.arange(count) / count
    ring = np.sqrt(1 - z**2)[:, None]
    points = np.stack(
        [ring * np.cos(angle), ring * np.sin(angle), np.broadcast_to(z[:, None], (len(z), count))],
        -1,
    )
    weights = np.repeat(weight / 2 / count, count)
    return torch.from_numpy(points.reshape(-1, 3).copy()), torch.from_numpy(weights)


class SphereGrid(ExactTables):
    """Transforms between coefficients up to degree ``lmax`` and values on a grid."""

    to_values: Float[Tensor, "points degrees"]
    to_coefficients: Float[Tensor, "degrees points"]

    def __init__(self, lmax: int):
        points, weights = quadrature(3 * lmax)
        Y = spherical_harmonics(lmax, points)
        super().__init__(to_values=Y, to_coefficients=Y.T * weights)
        self.lmax = lmax

    def values(self, coefficients: Coefficients) -> GridValues:
        """f(n) on the grid."""
        return self.to_values @ coefficients

    def project(self, values: GridValues) -> Coefficients:
        """Coefficients up to lmax of a function on the grid (exact up to degree 2 lmax)."""
        return self.to_coefficients @ values

    def zonal(self, Y: Float[Tensor, "items degrees"]) -> Float[Tensor, "items points orders"]:
        """The functions sum_m Y_lm(e) Y_lm(n) of the grid directions n, one per degree l."""
        parts = [
            Y[:, degree_slice(l)] @ self.to_values[:, degree_slice(l)].T
            for l in range(self.lmax + 1)
        ]
        return torch.stack(parts, -1)


class DegreeLinear(nn.Module):
    """Linear map of channels, one matrix per degree l; bias on l = 0 only."""

    def __init__(self, lmax: int, channels_in: int, channels_out: int):
        super().__init__()
        self.lmax = lmax
        self.weight = nn.Parameter(
            torch.randn(lmax + 1, channels_in, channels_out) / channels_in**0.5
        )
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Coefficients) -> Coefficients:
        """Apply the map to every degree."""
        scalars = x[:, :1] @ self.weight[0] + self.bias
        rest = [x[:, degree_slice(l)] @ self.weight[l] for l in range(1, self.lmax + 1)]
        return torch.cat([scalars, *rest], 1)
